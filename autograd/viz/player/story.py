"""Story: the events of a graph, node by node: values forward, contributions backward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograd.contribution import Unreached
from autograd.engine import add_gradient, topological
from autograd.node import Node
from autograd.op import SELECT
from autograd.readers.source_lines import line_of
from autograd.recording import no_grad
from autograd.viz import formula
from autograd.viz.gradients import local_derivative, passed_back
from autograd.viz.labels import arguments, call_labels
from autograd.viz.live.packed import projection
from autograd.viz.names import shortened, visible
from autograd.viz.player.digest import digest, rounded, size
from autograd.viz.symbols import GLYPHS, PUBLIC
from autograd.viz.trace import Trace

_NUMBERS = 400
"""Most nodes of a graph whose scalar formulas are also written with their numbers."""


@dataclass
class Event:
    """One node of the page: a leaf, a constant or the result of an op.

    Attributes
    ----------
    index : its index in the order of the forward pass; a leaf or constant comes at its first use.
    kind : "leaf", "constant" or "op".
    title : the heading of its box: its name, else its op's sign.
    sign : its op's sign, if it has a name of its own.
    where : the modules around it.
    details : the op's non-array arguments.
    inputs : for each input: the index of its event, its letter in formulas, the LaTeX of the
        contribution, the local derivative and the contribution (numbers or norms), and the sum of
        contributions so far.
    """

    index: int
    kind: str
    title: str
    op: str = ""
    tex: str = ""
    numbers: str = ""
    sign: str = ""
    line: str = ""
    where: str = ""
    details: str = ""
    value: Any = None
    gradient: Any = None
    tracked: bool = False
    root: bool = False
    inputs: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The event as plain data, without empty fields."""
        named = {
            "kind": self.kind,
            "title": self.title,
            "op": self.op,
            "tex": self.tex,
            "numbers": self.numbers,
            "sign": self.sign,
            "line": self.line,
            "where": self.where,
            "details": self.details,
            "value": self.value,
            "gradient": self.gradient,
            "tracked": self.tracked,
            "root": self.root,
            "inputs": [dict(place) for place in self.inputs],
        }
        return {key: x for key, x in named.items() if x or key == "value"}


class Story:
    """The events of a graph, and the gradient of every node.

    Attributes
    ----------
    trace : the graph, with opened kernels.
    events : in the order of the forward pass, inputs before users.
    nodes : the node or constant of each event.
    users : for each event, the ops that use it, once per use.
    norms : norm of the gradient of every node that has one.
    """

    def __init__(self, root: Node, names: Mapping[str, Any] | None = None) -> None:
        self.trace = Trace([root], names, open_kernels=True)
        _, _, stale = topological([root])  # raises if the graph was released
        if stale:
            written = next((x.name for x in stale if isinstance(x, Node) and x.name), "an array")
            raise RuntimeError(
                f"{written} was written to after this graph used it, so that its values and "
                "gradients no longer fit. Play it before the write, or compute it again."
            )
        self.events: list[Event] = []
        self.nodes: list[Any] = []
        self.index: dict[Any, int] = {}
        self.users: list[list[int]] = []
        self.gradients: dict[Node, Any] = {}
        self.norms: dict[int, float] = {}
        self.checks: dict[int, float] = {}  # of gradients, for a page that recomputes them
        self._paths = _paths(self.trace, names or {})
        self._few = len(self.trace.order) <= _NUMBERS
        self._written: dict[Any, str] = {}
        self._called: dict[int, list[str]] = {}
        self.told: set[int] = set()  # constants that their user's sign tells
        self._unreached: Unreached = {}
        self._noise: set[int] = set()  # nodes whose gradient is only what rounding left
        with no_grad(), np.errstate(all="ignore"):
            self._forward(root)
            self._backward(root)

    def _forward(self, root: Node) -> None:
        """Make the events in order; a leaf comes right before the op that first uses it."""
        if not self.trace.order:
            self._source(root)
            self.events[0].root = True
        labels = call_labels([c for c in self.trace.calls.values() if c])
        calls = (c for v in self.trace.order if (c := self.trace.calls[id(v)]))
        ops = Counter(id(outer) for c in calls for outer in c.chain())
        used = formula.names_in(self.trace)
        for v in self.trace.order:
            made = self.trace.made(v)
            inputs = self.trace.inputs(v)
            named = [self.trace.name(x) for x in inputs]
            called = formula.letters(made.op, inputs, named, used)
            places: list[dict[str, Any]] = []
            for i, x in enumerate(inputs):
                if x is not None:
                    key = id(x) if isinstance(x, Node) or np.ndim(x) else (id(v), i)
                    if key not in self.index:
                        self._source(x, key)
                    places.append({"from": self.index[key], "called": formula.letter(called[i])})
                else:
                    places.append({})
            event = self._event(v, "op")
            self._called[event.index] = called
            event.op = made.op.name
            own = self.trace.name(v)
            event.details = visible(arguments(made))
            call = self.trace.calls[id(v)]
            sign = GLYPHS.get(event.op) or PUBLIC.get(event.op, event.op)
            if event.op == "getitem" and event.details:
                sign = event.details
            elif event.op == "power" and (power := _power(inputs[1])):
                sign = power
                self.told.add(places[1]["from"])
            elif call and not call.title and ops[id(call)] == 1:  # all that a module does
                sign = type(call.owner).__name__
            event.title = shortened(sign, 24)
            if own:
                event.title, event.sign = shortened(visible(own), 24), event.title
            event.tex = "" if made.op is SELECT else formula.forward(made, called)
            if self._few and made.op is not SELECT:
                event.numbers = _with_numbers(made)
            event.root = v is root
            event.inputs = places
            for place in places:
                if place:
                    self.users[place["from"]].append(event.index)
            if call:
                event.where = " › ".join(visible(labels[id(c)]) for c in call.chain())
            line = line_of(v)
            event.line = (
                f"{visible(Path(line.file).name)}:{line.number}  {visible(line.text)}"
                if line
                else ""
            )

    def _source(self, x: Any, key: Any = None) -> None:
        """Make the event of a leaf or a constant."""
        tracked = isinstance(x, Node) and x.requires_grad
        event = self._event(x, "leaf" if tracked else "constant", key)
        name = self.trace.name(x)
        path = self._paths.get(id(x), "")
        if name and path.endswith(f".{name}"):
            name = path
        event.title = shortened(visible(name), 24) if name else ""

    def _event(self, x: Any, kind: str, key: Any = None) -> Event:
        data = x._data if isinstance(x, Node) else x
        event = Event(len(self.events), kind, "")
        event.tracked = isinstance(x, Node) and x.requires_grad
        event.value = None if type(data) is tuple else digest(data)
        self.index[id(x) if key is None else key] = event.index
        self.events.append(event)
        self.users.append([])
        self.nodes.append(x)
        return event

    def _backward(self, root: Node) -> None:
        """Run a backward pass as the engine does, and note each contribution."""
        if not root.requires_grad:
            return
        grads: dict[Node, Any] = {root: np.ones_like(root._data)}
        for v in reversed(self.trace.order):
            g = grads.pop(v, None)
            if g is None or not v.requires_grad:
                continue
            self._note(v, g)
            self._push(v, g, grads)
        for x, g in grads.items():
            self._note(x, g)

    def _note(self, x: Node, g: Any) -> None:
        if not isinstance(g, dict):
            event = self.events[self.index[id(x)]]
            event.gradient = digest(g)
            self.checks[event.index] = projection(g)
            if id(x) in self._noise:
                event.gradient["noise"] = True
            self.norms[id(x)] = float(np.linalg.norm(np.asarray(g, np.float64)))

    def _push(self, v: Node, g: Any, grads: dict[Node, Any]) -> None:
        made, inputs = self.trace.made(v), self.trace.inputs(v)
        event = self.events[self.index[id(v)]]
        needs = [isinstance(x, Node) and x.requires_grad for x in inputs]
        if made is not v and v in self._unreached:
            self._unreached[made] = self._unreached.pop(v)
        found = passed_back(made, g, needs, inputs=inputs, grads=grads, unreached=self._unreached)
        for i, (x, gx) in enumerate(zip(inputs, found, strict=True)):
            if gx is None or not needs[i]:
                continue
            only_noise = x not in grads or id(x) in self._noise
            add_gradient(grads, x, gx)
            place = event.inputs[i]
            if isinstance(gx, dict) or made.op is SELECT:  # to one of several results
                place["out"] = size(g)
                continue
            if isinstance(g, dict):  # from several results
                place["out"], place["sum"] = size(gx), size(grads[x])
                continue
            place["tex"] = self._derivative(made, i, self._called[event.index])
            place["in"], place["out"] = size(g), size(gx)
            place["sum"] = size(grads[x])
            if np.size(g) == 1 and np.size(gx) == 1:
                place["local"] = rounded(local_derivative(made, i, g, gx))
            if only_noise and self._is_noise(v, made, i, g, gx):
                self._noise.add(id(x))
            else:
                self._noise.discard(id(x))

    def _is_noise(self, v: Node, made: Node, i: int, g: Any, gx: Any) -> bool:
        """Whether a contribution is what rounding leaves of terms that cancel."""
        if id(v) in self._noise:
            return True
        if made.op.elementwise and gx.shape == np.shape(g):
            return False  # no sum, so nothing cancels
        eps = float(np.finfo(gx.dtype).eps) if gx.dtype.kind == "f" else 0.0
        largest, incoming = np.max(np.abs(gx), initial=0.0), np.max(np.abs(g), initial=0.0)
        if not 0 < largest <= 1e3 * eps * incoming * np.size(g):
            return False
        needs = [k == i for k in range(len(made.inputs))]
        terms = np.max(np.abs(passed_back(made, np.abs(g), needs)[i]), initial=0.0)
        return bool(largest <= 8 * eps * terms)

    def _derivative(self, made: Node, i: int, called: list[str]) -> str:
        """LaTeX of the contribution to input i; written once for all equal calls."""
        shapes = tuple(np.shape(x._data if isinstance(x, Node) else x) for x in made.inputs)
        key: Any = (made.op, i, tuple(called), shapes, repr(made.static)[:200])
        constants = tuple(x for x in made.inputs if isinstance(x, (int, float)))
        key = (*key, constants)
        if key not in self._written:
            self._written[key] = formula.derivative(made, i, called, None, number=False).tex
        return self._written[key]


def _paths(trace: Trace, names: Mapping[str, Any]) -> dict[int, str]:
    """id of a parameter -> its path, which begins with its module's name if several are called."""
    calls = {c.chain()[0] for c in trace.calls.values() if c}
    tops = {id(c.owner): c.owner for c in sorted(calls, key=lambda c: c.start)}
    owners = [owner for owner in tops.values() if hasattr(owner, "named_parameters")]
    given = {id(x): name for name, x in names.items()}
    classes = Counter(type(owner).__name__ for owner in owners)
    counts: Counter[str] = Counter()
    found: dict[int, str] = {}
    for owner in owners:
        kind = type(owner).__name__
        counts[kind] += 1
        own = given.get(id(owner)) or f"{kind}{counts[kind] if classes[kind] > 1 else ''}"
        for path, x in owner.named_parameters():
            found.setdefault(id(x), f"{own}.{path}" if len(owners) > 1 else path)
    return found


def _power(exponent: Any) -> str:
    """The sign of a power whose exponent is a number in the code, if there is one."""
    if isinstance(exponent, Node) or np.ndim(exponent):
        return ""
    if exponent in (-1, 0.5, -0.5):
        return {-1: "1/x", 0.5: "√x", -0.5: "1/√x"}[exponent]
    if abs(exponent) > 99 or exponent != int(exponent):
        return ""
    return "x" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _with_numbers(v: Node) -> str:
    """LaTeX of a scalar op, with numbers in place of names; "" for an op on arrays."""
    inputs = [x._data if isinstance(x, Node) else x for x in v.inputs]
    if any(x is None or np.size(x) != 1 for x in inputs) or np.size(v._data) != 1:
        return ""
    return formula.with_numbers(v)
