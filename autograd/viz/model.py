"""picture: a finished graph as plain data to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.op import SELECT
from autograd.viz import formula
from autograd.viz.fold import REST, Folding
from autograd.viz.gradients import gradients as gradients_of
from autograd.viz.labels import arguments, call_labels
from autograd.viz.picture import Cluster, Edge, Picture, Vertex
from autograd.viz.summary import summarize
from autograd.viz.text import readable
from autograd.viz.trace import Call, Trace


def picture(
    value: Any,
    *,
    gradients: bool = False,
    formulas: bool = False,
    depth: int | None = None,
    limit: int = 150,
    names: Mapping[str, Any] | None = None,
    open_kernels: bool = False,
    costs: Mapping[int, float] | None = None,
) -> Picture:
    """The graph behind a Value, or a tuple or list of them; arguments as for `autograd.draw`.

    `costs` maps ids of nodes to seconds; ops are colored by them.

    Examples
    --------
    >>> import autograd
    >>> from autograd.viz.model import picture
    >>> a = autograd.Value(2.0, name="a")
    >>> [v.kind for v in picture(a * a).vertices]
    ['leaf', 'op', 'result']
    """
    if limit < 2:
        raise ValueError(f"draw: limit must be at least 2, got {limit}.")
    if depth is not None and depth < 0:
        raise ValueError(f"draw: depth must be 0 or more, got {depth}.")
    trace = Trace(_roots(value), names, open_kernels)
    folding = Folding(trace, depth, limit)
    builder = _Builder(trace, folding, formulas, costs)
    if gradients:
        wanted = {key for key, group in folding.group.items() if group is not REST}
        builder.gradients = gradients_of(trace, wanted)
    return builder.build()


def _roots(value: Any) -> list[Node]:
    roots: list[Node] = []
    stack = [value]
    while stack:
        x = stack.pop()
        if isinstance(x, Node):
            roots.append(x)
        elif isinstance(x, (tuple, list)):
            stack.extend(reversed(x))
        elif x is not None:
            raise TypeError(
                f"draw: takes a Value, or a tuple or list of Values, not {type(x).__name__}. "
                "Plain arrays have no graph."
            )
    if not roots:
        raise TypeError("draw: there is no Value to draw.")
    return roots


class _Builder:
    """Makes the vertices, edges and clusters of a picture from a trace and its folding."""

    def __init__(
        self,
        trace: Trace,
        folding: Folding,
        formulas: bool,
        costs: Mapping[int, float] | None = None,
    ) -> None:
        self.trace, self.folding = trace, folding
        self.costs = costs
        self.gradients: dict[int, Any] | None = None
        self.picture = Picture(formulas=formulas)
        self.roots = {id(r) for r in trace.roots}
        self.ids: dict[Any, str] = {}  # node, constant, Call or REST -> id of its vertex
        self.clusters: dict[int, str] = {}
        self.labels = call_labels([c for c in trace.calls.values() if c])
        self.used = formula.names_in(trace)
        self.linked: set[tuple[str, str]] = set()
        self.users_of_constants: dict[Any, list[Node]] = {}

    def build(self) -> Picture:
        self.picture.gradients = self.gradients is not None
        self.picture.notes += self.folding.notes
        self._folds()
        for v in self.trace.order:
            if self.folding.group[id(v)] is None:
                for key, _, _ in self.folding.constants(v):
                    self.users_of_constants.setdefault(key, []).append(v)
        shown = {key for key, group in self.folding.group.items() if group is None}
        for v in self.trace.order:
            group = self.folding.group[id(v)]
            if group is None:
                self._recorded(v)
            elif group is not REST:
                self._enter(v, self.ids[id(group)])
                if self.folding.leaves_group(v):
                    self._value(v, "result", group.parent)
                    self._link(self.ids[id(group)], self.ids[id(v)])
        for root in self.trace.roots:
            if id(root) in self.trace.leaves and id(root) in shown:
                self._leaf(root)
        return self.picture

    def _recorded(self, v: Node) -> None:
        made, inputs = self.trace.made(v), self.trace.inputs(v)
        call = self.trace.calls[id(v)]
        if made.op is SELECT:
            source = self._end(inputs[0])
            self._value(v, "result", call, output=made.static[0])
            label = "y" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(made.static[0]))
            self._link(source, self.ids[id(v)], label)
            return
        called = formula.letters(made.op, inputs, [self.trace.name(x) for x in inputs], self.used)
        tex = formula.forward(made, called)
        keys = {i: key for key, i, _ in self.folding.constants(v)}
        sources = [None if x is None else self._end(x, keys.get(i)) for i, x in enumerate(inputs)]
        op = self._add(
            Vertex(
                "",
                "op",
                op=made.op.name,
                tex=tex,
                text=readable(tex),
                arguments=arguments(made),
                cost=None if self.costs is None else self.costs.get(id(v)),
                cluster=self._cluster(call),
            ),
            ("op", id(v)),
        )
        several = sum(x is not None for x in inputs) > 2 and len(inputs) == made.op.arity
        for i, (x, source) in enumerate(zip(inputs, sources, strict=True)):
            if source is None:
                continue
            edge = Edge(source, op, i)
            if self.picture.formulas:
                self._derive(edge, v, made, x, called)
            elif several:
                edge.label = made.op.parameters[i]
            self.picture.edges.append(edge)
        if type(v._data) is tuple:
            self.ids[id(v)] = op
            return
        self._value(v, "result", call)
        self.picture.edges.append(Edge(op, self.ids[id(v)]))

    def _derive(self, edge: Edge, v: Node, made: Node, x: Any, called: Sequence[str]) -> None:
        """Add the local derivative to an edge into an op, and the input's letter in it."""
        i: Any = edge.place
        name = formula.spelled(self.trace.name(x) or "")
        if called[i] not in (name, formula.short(name)) and (isinstance(x, Node) or np.ndim(x)):
            edge.label = formula.letter(called[i])
        if isinstance(x, Node) and x.requires_grad and made.op.differentiates(i):
            g = self.gradients.get(id(v)) if self.gradients is not None else None
            if self.gradients is None or g is not None:
                edge.formula = formula.derivative(made, i, called, g)

    def _end(self, x: Any, key: Any = None) -> Any:
        """The id of the vertex where an edge from x starts; adds it for leaves and constants."""
        if isinstance(x, Node):
            if id(x) in self.ids:
                return self.ids[id(x)]
            group = self.folding.group[id(x)]
            if group is not None:
                return self.ids[id(group)]
            return self._leaf(x)
        kept = self.folding.kept_constants
        if kept is not None and key not in kept:
            return self.ids.get(id(REST))
        if key not in self.ids:
            home = self.trace.home(self.users_of_constants.get(key, []))
            if id(x) in self.trace.given:
                home = None  # it belongs to the caller, not to a module
            vertex = Vertex(
                "",
                "constant",
                name=self.trace.name(x),
                value=summarize(x),
                cluster=self._cluster(home),
            )
            self._add(vertex, key)
        return self.ids[key]

    def _enter(self, v: Node, fold: str) -> None:
        """Add edges into a folded call from nodes outside of it."""
        for x in self.trace.inputs(v):
            if isinstance(x, Node):
                inside = self.folding.group[id(x)] is self.folding.group[id(v)]
                if not inside:
                    self._link(self._end(x), fold)
        for key, _, constant in self.folding.constants(v):
            if id(constant) in self.trace.given:  # the caller's data
                self._link(self._end(constant, key), fold)

    def _link(self, source: str, target: str, label: str = "") -> None:
        if source != target and (source, target) not in self.linked:
            self.linked.add((source, target))
            self.picture.edges.append(Edge(source, target, label=label))

    def _leaf(self, x: Node) -> str:
        if id(x) not in self.ids:
            kind = "result" if x.op is not None else "leaf" if x.requires_grad else "constant"
            self._value(x, kind, self.trace.calls[id(x)])
        return self.ids[id(x)]

    def _value(self, x: Node, kind: str, call: Call | None, output: int | None = None) -> None:
        released = x.op is not None and not x.inputs
        if released and not any("released" in note for note in self.picture.notes):
            self.picture.notes.append(
                "Part of the graph was released by backward(); use retain_graph=True or draw first."
            )
        g = self.gradients.get(id(x)) if self.gradients is not None else None
        data = x._data
        several = type(data) is tuple
        self._add(
            Vertex(
                "",
                kind,
                op=self.trace.made(x).op.name if x.op is not None else None,
                name=self.trace.name(x),
                value=None if several else summarize(data),
                gradient=None if g is None or several else summarize(g),
                tracked=x.requires_grad,
                output=output,
                root=id(x) in self.roots,
                released=released,
                cluster=self._cluster(call),
            ),
            id(x),
        )

    def _add(self, vertex: Vertex, key: Any) -> str:
        vertex.id = f"{vertex.kind[0]}{len(self.picture.vertices)}"
        self.picture.vertices.append(vertex)
        self.ids[key] = vertex.id
        return vertex.id

    def _folds(self) -> None:
        """Add a vertex for every folded call, and one for the rest."""
        folds: dict[int, Vertex] = {}
        trace = self.trace
        leaves = [(key, v, True) for key, v in trace.leaves.items()]
        for key, v, is_leaf in [*((id(v), v, False) for v in trace.order), *leaves]:
            group = self.folding.group[key]
            if group is None:
                continue
            if id(group) not in folds:
                vertex = Vertex("", "rest")
                if isinstance(group, Call):
                    name, cluster = self.labels[id(group)], self._cluster(group.parent)
                    vertex = Vertex("", "fold", name=name, cluster=cluster)
                folds[id(group)] = vertex
                self._add(vertex, id(group))
            vertex = folds[id(group)]
            vertex.nodes += 1
            vertex.ops += not is_leaf and v.op is not SELECT
            vertex.parameters += is_leaf and v.requires_grad
            if self.costs is not None:
                vertex.cost = (vertex.cost or 0.0) + self.costs.get(key, 0.0)
        if self.folding.kept_constants is not None and id(REST) not in folds:
            self._add(Vertex("", "rest"), id(REST))

    def _cluster(self, call: Call | None) -> str | None:
        if call is None:
            return None
        if id(call) not in self.clusters:
            parent = self._cluster(call.parent)  # recursion as deep as modules nest
            self.clusters[id(call)] = key = f"cluster{len(self.clusters)}"
            self.picture.clusters.append(Cluster(key, parent, self.labels[id(call)]))
        return self.clusters[id(call)]
