"""OnnxModule: a graph as modules, one for each that its author had."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from autograd.recording import is_recording
from autograd.tape import current
from autograd.value import Value
from nn.module import Module, join
from nn.onnx import frozen
from nn.onnx.graph import Graph, Node, Tensor
from nn.onnx.table import FLOATS, plain
from nn.parameter import Parameter

SETTINGS: dict[str, set[int]] = {
    "BatchNormalization": {3, 4},
    "Clip": {1, 2},
    "DequantizeLinear": {1},
    "Dropout": {1},
    "GRU": {4},
    "LSTM": {4},
    "MelWeightMatrix": {0, 1, 2, 3, 4},
    "NegativeLogLikelihoodLoss": {2},
    "NonMaxSuppression": {3, 4},
    "OneHot": {1},
    "Pad": {2},
    "Pow": {1},
    "QLinearConv": {1, 4, 6},
    "QLinearMatMul": {1, 4, 6},
    "QuantizeLinear": {1},
    "Range": {0, 1, 2},
    "Resize": {1, 2},
    "RoiAlign": {1},
    "SoftmaxCrossEntropyLoss": {2},
    "Upsample": {1},
}
"""Op -> inputs that tell it what to do, or hold statistics: numbers that nobody learns."""


class Step:
    """One step of a part: a node, or the call of a part within.

    Attributes
    ----------
    node : the node; None for a call.
    child : name of the part that is called.
    reads, makes, drops : places of what it reads, makes, and is the last to read.
    around : for a node with subgraphs, name -> place of what these read.
    """

    __slots__ = ("around", "child", "drops", "makes", "node", "reads")

    def __init__(self, node: Node | None, child: str, reads: list[int], makes: list[int]) -> None:
        self.node, self.child, self.reads, self.makes = node, child, reads, makes
        self.drops: list[int] = []
        self.around: dict[str, int] = {}


class Plan:
    """How a part computes: steps over numbered places.

    Attributes
    ----------
    inputs, outputs : names.
    template : what the places hold at first: constants. Place 0 is an input that is left out.
    given, returned : the places of inputs and outputs.
    weights : (place, the part that owns it, its name there).
    steps : in order.
    memories : for inputs of some shapes, what these determine.
    """

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.template: list[Any] = [None]
        self.places = {"": 0}
        self.given = [self.place(name) for name in inputs]
        self.returned: list[int] = []
        self.weights: list[tuple[int, Module, str]] = []
        self.steps: list[Step] = []
        self.memories = frozen.Memories()

    def place(self, name: str) -> int:
        """The place of a name, a new one if it has none yet."""
        if name not in self.places:
            self.places[name] = len(self.template)
            self.template.append(None)
        return self.places[name]


class Part(Module):
    """A module of the file's author: the nodes of one scope, with the weights that it owns."""

    _plan: Plan

    def forward(self, *inputs: Any) -> Any:
        """Run the nodes: what others read of them, given what they read of others."""
        plan = self._plan
        known = plan.template.copy()
        recording = _noted()  # if not, arrays are enough, and quicker
        for place, x in zip(plan.given, inputs, strict=True):
            known[place] = x if recording else plain(x)
        for place, owner, name in plan.weights:
            weight = vars(owner)[name]
            known[place] = weight if recording else weight._data
        memories = plan.memories.of
        shapes = frozen.key(inputs) if memories is not None else None
        memory = memories.get(shapes) if memories is not None else None
        if memory is not None:
            for place, x in memory.known.items():
                known[place] = x
            self._run(memory.steps, known)
        elif shapes is not None:
            self._remember(shapes, known)
        else:
            self._run(plan.steps, known)
        found = tuple([known[i] for i in plan.returned])
        if not recording:
            found = tuple(map(_as_value, found))
        return found[0] if len(found) == 1 else found

    def _run(self, steps: list[Step], known: list[Any], drop: bool = True) -> None:
        own, recording = vars(self), _noted()
        for step in steps:
            given = [known[i] for i in step.reads]
            if step.node is None:
                found = own[step.child](*given)
                if type(found) is not tuple:
                    found = (found,)
                if not recording:
                    found = tuple(map(plain, found))
            elif step.around:
                found = step.node.run(*given, around={k: known[i] for k, i in step.around.items()})
            else:
                found = step.node.run(*given)
            for i, y in zip(step.makes, found, strict=False):
                known[i] = y
            known[0] = None
            if drop:
                for i in step.drops:
                    known[i] = None

    def _remember(self, shapes: Any, known: list[Any]) -> None:
        """The first run with inputs of some shapes, which finds out what they determine."""
        plan = self._plan
        _, steps, places = frozen.analysed(self, frozen.given(shapes))
        memories = plan.memories
        if not steps and all(x is None or x[1] is None for x in shapes):
            memories.of = None  # nor will other shapes
        self._run(plan.steps, known, drop=not steps)
        if memories.of is not None:
            if len(memories.of) >= frozen.MOST:
                memories.of.clear()
            memories.of[shapes] = frozen.remembered(plan, known, steps, places)

    def extra_repr(self) -> str:
        plan = vars(self).get("_plan")
        if plan is None or not plan.steps:
            return ""
        ops = [step.node.op for step in plan.steps if step.node is not None]
        if ops == [type(self).__name__]:
            return ""
        return ", ".join(ops[:6]) + (", …" if len(ops) > 6 else "")

    def __reduce__(self) -> Any:
        return _new_part, (type(self).__name__,), vars(self).copy()


@functools.cache
def kind(op: str) -> type[Part]:
    """The class of the parts that are about an op: drawings show its name."""
    return type(op, (Part,), {"__module__": __name__, "__doc__": Part.__doc__})


def _new_part(op: str) -> Part:
    return object.__new__(Part if op == "Part" else kind(op))


MAIN = (
    "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Attention", "Linear", "Gemm", "MatMul",
    "BatchNormalization", "LayerNormalization", "RMSNormalization", "GroupNormalization",
    "InstanceNormalization",
)  # fmt: skip
"""Ops that a module is named for, though it may have others besides."""


class Outputs(tuple[Any, ...]):
    """Several outputs: a tuple, and each by its name, ``outputs["scores"]``."""

    names: tuple[str, ...] = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.names:
                raise KeyError(f"{key!r}: the outputs are {', '.join(self.names)}.")
            key = self.names.index(key)
        return super().__getitem__(key)

    def __reduce__(self) -> Any:
        return _outputs, (tuple(self), self.names)


def _noted() -> bool:
    """Whether anybody notes what is computed: a graph, or a tape."""
    return is_recording() or current() is not None


def _as_value(y: Any) -> Any:
    """An output as layers give it where nothing is recorded."""
    if isinstance(y, np.ndarray) and y.dtype in FLOATS:
        return Value(y, requires_grad=False)
    return y


def _outputs(parts: Sequence[Any], names: tuple[str, ...]) -> Outputs:
    found = Outputs(parts)
    found.names = names
    return found


class OnnxModule(Part):
    """A model that was read from an ONNX file.

    Its submodules are those of its author, as far as the names of nodes and tensors tell. It is
    called with arrays or Values in the order of `inputs`, or by name, and returns its output, or a
    tuple of several, whose parts have names, too.

    Parameters
    ----------
    graph : what it computes.
    weights : name of a constant -> Parameter; by default those of the graph become new ones.

    Attributes
    ----------
    graph : the graph, as it runs.
    inputs, outputs : names.
    """

    def __init__(self, graph: Graph, weights: dict[str, Parameter] | None = None) -> None:
        self.graph = graph
        self.inputs = tuple(t.name for t in graph.inputs)
        self.outputs = tuple(t.name for t in graph.outputs)
        self._declared = {t.name: t for t in graph.inputs}
        self._weight_names: dict[str, str] = {}
        _Builder(self, graph, weights).build()

    def forward(self, *inputs: Any, **named: Any) -> Any:
        found = super().forward(*self._given(inputs, named))
        return _outputs(found, self.outputs) if len(self.outputs) != 1 else found

    def __reduce__(self) -> Any:
        return object.__new__, (type(self),), vars(self).copy()

    def _given(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        if len(inputs) > len(self.inputs):
            raise TypeError(
                f"The model has {len(self.inputs)} inputs ({', '.join(self.inputs)}), got "
                f"{len(inputs)}."
            )
        given = dict(zip(self.inputs, inputs, strict=False))
        for name in named:
            if name not in self._declared or name in given:
                raise TypeError(
                    f"The model has no input {name!r} that is not given already; its inputs are "
                    f"{', '.join(map(str, self.graph.inputs))}."
                )
        given.update(named)
        missing = [str(t) for t in self.graph.inputs if t.name not in given]
        if missing:
            raise TypeError(f"The model also needs {', '.join(missing)}.")
        return [self._as_declared(name, given[name]) for name in self.inputs]

    def _as_declared(self, name: str, x: Any) -> Any:
        """The input as an array; Python's numbers and lists in the dtype that the file says."""
        if isinstance(x, (Value, np.ndarray)) or x is None:
            return x
        wanted = self._declared[name].dtype
        if wanted is None:
            return x
        if hasattr(x, "dtype") or hasattr(x, "__array__"):
            return np.asarray(x)
        return np.asarray(x, wanted)

    def weight(self, name: str) -> Parameter:
        """The Parameter that a constant of the file became, by the file's name for it."""
        if name not in self._weight_names:
            raise KeyError(f"No weight is called {name!r}{_close(name, self._weight_names)}.")
        return self.get_parameter(self._weight_names[name])

    def cut(self, at: str | Sequence[str]) -> OnnxModule:
        """The part of the model that leads to some tensors within: a backbone.

        Parameters
        ----------
        at : name of a tensor, of a node, whose first output is meant, or of a submodule; or
            several.

        Returns
        -------
        OnnxModule : with these outputs, in this order. It shares its Parameters with this one.
        """
        names = [at] if isinstance(at, str) else list(at)
        made = {name for node in self.graph.nodes for name in node.outputs if name}
        first = {node.name: node.outputs[0] for node in self.graph.nodes if node.name}
        last = {path: plan.outputs[-1] for path, plan in self._plans() if plan.outputs}
        found = []
        for name in names:
            tensor = name if name in made else first.get(name) or last.get(name)
            if tensor is None:
                raise KeyError(
                    f"cut(at={name!r}): no tensor, node or submodule is called so"
                    f"{_close(name, [*made, *first, *last])}."
                )
            found.append(tensor)
        graph = Graph(
            self.graph.name, list(self.graph.inputs), [Tensor(name) for name in found],
            dict(self.graph.constants), list(self.graph.nodes),
        )  # fmt: skip
        graph.pruned()
        read = {name for node in graph.nodes for name in node.needs()} | set(found)
        graph.inputs = [t for t in graph.inputs if t.name in read]
        weights = {name: self.weight(name) for name in self._weight_names}
        return OnnxModule(graph, weights).train(self.training)

    def _plans(self) -> Iterator[tuple[str, Plan]]:
        for path, module in self.named_modules():
            if path and isinstance(module, Part) and "_plan" in vars(module):
                yield path, module._plan


def _close(name: str, names: Any) -> str:
    close = difflib.get_close_matches(name, list(names), 3)
    return f"; close to it are {', '.join(close)}" if close else ""


def learned(graph: Graph) -> set[str]:
    """The constants that are Parameters: floats with axes that are no op's settings."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.needs():
            readers.setdefault(name, []).append(node)
    found = set()
    for name, x in graph.constants.items():
        if x.dtype not in FLOATS or not x.ndim:
            continue
        users = readers.get(name, [])
        used = any(
            n == name and i not in SETTINGS.get(node.op, ())
            for node in users
            for i, n in enumerate(node.inputs)
        ) or any(name in inner.free() for node in users for inner in node.subgraphs())
        if used or not users:
            found.add(name)
    return found


class _Builder:
    """Makes the parts of a module, from the scopes of nodes and the names of weights."""

    def __init__(
        self, root: OnnxModule, graph: Graph, weights: dict[str, Parameter] | None
    ) -> None:
        self.root, self.graph = root, graph
        self.given = weights or {}
        self.parts: dict[tuple[str, ...], Part] = {(): root}
        self.readers: dict[str, list[int]] = {}
        for i, node in enumerate(graph.nodes):
            for name in node.needs():
                self.readers.setdefault(name, []).append(i)
        self.results = {t.name for t in graph.outputs}
        chosen = self.given.keys() | learned(graph)
        self.weights = [n for n in graph.constants if n in chosen]
        self.scopes = [self._scope(node) for node in graph.nodes]
        self.ops: dict[tuple[str, ...], list[str]] = {}
        for node, scope in zip(graph.nodes, self.scopes, strict=True):
            self.ops.setdefault(scope, []).append(node.op)
        self.owners: dict[str, tuple[Part, str]] = {}
        self.constants = {
            name: x[()] if not x.ndim else x
            for name, x in graph.constants.items()
            if name not in self.weights
        }

    def _scope(self, node: Node) -> tuple[str, ...]:
        """Where the node's author put it: by its name, or by that of its first weight."""
        if not node.scope:
            for name in node.inputs[1:]:
                if name in self.weights:
                    return _path(name)[0]
        return node.scope

    def build(self) -> None:
        names = [t.name for t in self.graph.inputs]
        outputs = [t.name for t in self.graph.outputs]
        root_scope = list(range(len(self.graph.nodes)))
        # first the parts by themselves, so that weights find their owners
        segments = self._segments(root_scope, 0)
        plans: list[tuple[Part, Plan, list[Any]]] = []
        self._lay_out(self.root, segments, names, outputs, plans)
        self._place_weights()
        for part, plan, steps in plans:
            self._fill(plan, steps)
            vars(part)["_plan"] = plan
        for path, part in self.parts.items():
            if "_plan" not in vars(part) and path:
                vars(part)["_plan"] = Plan((), ())

    def _segments(self, indices: list[int], depth: int) -> list[Any]:
        """Nodes and, for each stretch in one scope, (scope, its own segments, its nodes)."""
        found: list[Any] = []

        def inner(i: int) -> str | None:
            scope = self.scopes[i]
            return scope[depth] if len(scope) > depth else None

        for component, run in groupby(indices, inner):
            stretch = list(run)
            if component is None:
                found += stretch
            else:
                scope = self.scopes[stretch[0]][: depth + 1]
                found.append((scope, self._segments(stretch, depth + 1), stretch))
        return found

    def _lay_out(
        self,
        part: Part,
        segments: list[Any],
        inputs: list[str],
        outputs: list[str],
        plans: list[Any],
    ) -> None:
        plan = Plan(inputs, outputs)
        steps: list[Any] = []
        plans.append((part, plan, steps))
        for segment in segments:
            if isinstance(segment, int):
                steps.append(self.graph.nodes[segment])
                continue
            scope, within, stretch = segment
            child = self._new(part, scope)
            name = next(n for n, m in vars(part).items() if m is child)
            nodes = [self.graph.nodes[i] for i in stretch]
            made = [n for node in nodes for n in node.outputs if n]
            held = set(made) | set(self.weights) | self.constants.keys()
            needs = list(
                dict.fromkeys(n for node in nodes for n in sorted(node.needs()) if n not in held)
            )
            low, high = stretch[0], stretch[-1]
            used = [
                n
                for n in made
                if n in self.results or any(not low <= i <= high for i in self.readers.get(n, ()))
            ]
            steps.append((name, needs, used))
            self._lay_out(child, within, needs, used, plans)

    def _new(self, parent: Part, scope: tuple[str, ...]) -> Part:
        """A part at a scope; a second stretch of the same scope gets a part of its own."""
        child = _new_part(self._about(scope))
        setattr(parent, _free(parent, scope[-1]), child)
        self.parts.setdefault(scope, child)
        return child

    def _about(self, scope: tuple[str, ...]) -> str:
        """The op that the nodes of a scope are about: the only one, or a well-known one."""
        own = self.ops.get(scope, [])
        found = own[:1] if len(set(own)) == 1 else [op for op in MAIN if op in own][:1]
        return found[0] if found and found[0].isidentifier() else "Part"

    def _place_weights(self) -> None:
        for name in self.weights:
            path, last = _path(name)
            if not path:
                users = self.readers.get(name)
                path = self.scopes[users[0]] if users else ()
            part = self._at(path)
            attribute = _free(part, last)
            weight = self.given.get(name)
            if weight is None:
                x = self.graph.constants[name]
                weight = Parameter(x, dtype=x.dtype, name=last)
            setattr(part, attribute, weight)
            self.owners[name] = part, attribute
        paths = {id(module): path for path, module in self.root.named_modules()}
        for name, (part, attribute) in self.owners.items():
            self.root._weight_names[name] = join(paths[id(part)], attribute)

    def _at(self, path: tuple[str, ...]) -> Part:
        """The part at a path; parts on the way that run nothing are made."""
        for depth in range(1, len(path) + 1):
            if path[:depth] not in self.parts:
                self._new(self.parts[path[: depth - 1]], path[:depth])
        return self.parts[path]

    def _fill(self, plan: Plan, steps: list[Any]) -> None:
        """The steps of a plan over its places."""
        known: set[str] = set(plan.places)

        def at(name: str) -> int:
            place = plan.place(name)
            if name not in known:
                known.add(name)
                if name in self.owners:
                    plan.weights.append((place, *self.owners[name]))
                elif name in self.constants:
                    plan.template[place] = self.constants[name]
            return place

        for step in steps:
            if isinstance(step, Node):
                made = Step(step, "", [at(n) for n in step.inputs], [at(n) for n in step.outputs])
                if step.takes_graphs:
                    made.around = {n: at(n) for n in sorted(step.needs())}
            else:
                name, reads, makes = step
                made = Step(None, name, [at(n) for n in reads], [at(n) for n in makes])
            plan.steps.append(made)
        plan.returned = [at(n) for n in plan.outputs]
        seen = {0, *plan.returned}
        for step in reversed(plan.steps):
            places = {*step.reads, *step.around.values(), *step.makes}
            step.drops = [i for i in sorted(places - seen) if plan.template[i] is None]
            seen |= places


def _path(name: str) -> tuple[tuple[str, ...], str]:
    """The module and the attribute that the name of a weight tells: ``encoder.0.weight``."""
    parts = [p for p in name.replace("/", ".").removesuffix(":0").split(".") if p]
    if not parts or len(parts) > 16:
        return (), name.replace(".", "_") or "weight"
    return tuple(parts[:-1]), parts[-1]


def _free(part: Module, name: str) -> str:
    """A name that an attribute of the part can have."""
    name = f"p{name}" if name.startswith("_") else name
    while hasattr(part, name):
        name += "_"
    return name
