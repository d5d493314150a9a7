"""Patterns: fused ops in the place of what exporters write out in small ones.

A pattern is a formula of ONNX ops, such as ``Mul(x, Sigmoid(x))``: small letters are any tensors,
capitals constants, numbers constants of that value. Sums and products match in either order.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn.onnx.graph import Graph, Node
from nn.onnx.table import FLOATS

OPSET = 23  # of the nodes that take the places
Found = dict[str, Any]
COMMUTE = ("Add", "Mul")


class Pattern:
    """One formula, and what it becomes.

    Parameters
    ----------
    formula : of the ops that are matched.
    made : the op in their place, with the letters that are its inputs.
    attributes : given what was matched, the attributes of the new node; None where it is something
        else after all.
    """

    def __init__(
        self,
        formula: str,
        made: str,
        attributes: Callable[[Matching, Found], dict[str, Any] | None] = lambda m, f: {},
    ) -> None:
        self.tree = ast.parse(formula, mode="eval").body
        call: Any = ast.parse(made, mode="eval").body
        self.op, self.inputs = call.func.id, [a.id for a in call.args]
        self.root = self.tree.func.id  # type: ignore[attr-defined]
        self.attributes = attributes


class Matching:
    """A graph with who makes and who reads each tensor."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers = {name: node for node in graph.nodes for name in node.outputs if name}
        self.users: dict[str, list[Node | None]] = {}
        for node in graph.nodes:
            for name in [*node.inputs, *(n for g in node.subgraphs() for n in g.free())]:
                self.users.setdefault(name, []).append(node)
        for t in graph.outputs:
            self.users.setdefault(t.name, []).append(None)

    def constant(self, name: str) -> Any:
        """The array of a name, None if it is no constant."""
        return self.graph.constants.get(name)

    def match(self, tree: Any, name: str, found: Found) -> Iterator[Found]:
        """Every way in which a tensor is what a formula says."""
        if isinstance(tree, ast.Name):
            if tree.id in found:
                if found[tree.id] == name:
                    yield found
            elif tree.id.islower() or name in self.graph.constants:
                yield {**found, tree.id: name}
        elif isinstance(tree, ast.Constant):
            x = self.constant(name)
            if x is not None and x.size == 1 and _near(x, tree.value):
                yield found
        elif name in self.makers:
            yield from self._made(tree, self.makers[name], found)

    def _made(self, tree: Any, node: Node, found: Found) -> Iterator[Found]:
        given = [n for n in node.inputs if n]
        if node.domain or node.op != tree.func.id or len(given) != len(tree.args):
            return
        found = {**found, "nodes": [*found.get("nodes", []), node]}
        orders = itertools.permutations(given) if node.op in COMMUTE else [tuple(given)]
        for order in orders:
            ways = [found]
            for part, name in zip(tree.args, order, strict=True):
                ways = [way for before in ways for way in self.match(part, name, before)]
            yield from ways

    def closed(self, nodes: list[Node]) -> bool:
        """Whether nobody else reads what is within: all outputs but that of the first."""
        own = {id(node) for node in nodes}
        return all(
            user is not None and id(user) in own
            for node in nodes[1:]
            for name in node.outputs
            for user in self.users.get(name, [])
        )


def _near(x: Any, value: Any) -> bool:
    return bool(abs(float(x.reshape(-1)[0]) - value) <= 1e-5 * abs(value))


def _hard_sigmoid(m: Matching, found: Found) -> dict[str, Any] | None:
    return {"alpha": 1 / 6, "beta": 0.5}


def _is_hard_sigmoid(m: Matching, found: Found) -> dict[str, Any] | None:
    node = next(n for n in found["nodes"] if n.op == "HardSigmoid")
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    return {} if abs(alpha - 1 / 6) < 1e-5 and abs(beta - 0.5) < 1e-6 else None


def _norm(m: Matching, found: Found) -> dict[str, Any] | None:
    """The last axis alone, with a weight and a bias for it, and a small epsilon."""
    for node in found["nodes"]:
        if node.op == "ReduceMean":
            axes = node.attributes.get("axes")
            if axes is None and len(node.inputs) > 1 and m.constant(node.inputs[1]) is not None:
                axes = tuple(m.constant(node.inputs[1]).ravel().tolist())
            if axes != (-1,) or not node.attributes.get("keepdims", 1):
                return None
    eps = m.constant(found["E"])
    if eps.size != 1 or any(m.constant(found[k]).ndim != 1 for k in "WB" if k in found):
        return None
    return {"axis": -1, "epsilon": float(eps.reshape(-1)[0])}


def _linear(m: Matching, found: Found) -> dict[str, Any] | None:
    w, b = m.constant(found["W"]), m.constant(found["B"])
    if w.ndim != 2 or b.ndim != 1 or w.dtype not in FLOATS or w.dtype != b.dtype:
        return None
    turned = any(n.op == "Transpose" for n in found["nodes"])
    return {"turned": int(turned)} if b.shape[0] == w.shape[not turned] else None


def _attention(m: Matching, found: Found) -> dict[str, Any] | None:
    """Weights over the last axis; keys are turned as the formula turns them, less its last swap."""
    turn = next(n for n in found["nodes"] if n.op == "Transpose").attributes.get("perm")
    if turn is None or len(turn) < 3:
        return None
    softmax = next(n for n in found["nodes"] if n.op == "Softmax")
    axis = softmax.attributes.get("axis", -1 if softmax.opset >= 13 else 1)
    if axis not in (-1, len(turn) - 1):
        return None
    scale = 1.0
    if "S" in found:
        s = m.constant(found["S"])
        if s.size != 1:
            return None
        divided = any(n.op == "Div" for n in found["nodes"])
        scale = float(s.reshape(-1)[0]) ** (-1 if divided else 1)
    return {"scale": scale, "perm": (*turn[:-2], turn[-1], turn[-2])}


_TURNS = ("Erf(Div(x, 1.41421356))", "Erf(Mul(x, 0.70710678))")
_TANHS = tuple(
    f"Tanh(Mul(Add(x, Mul({cube}, 0.044715)), 0.79788456))"
    for cube in ("Pow(x, 3.0)", "Mul(Mul(x, x), x)")
)
_WHOLE = ("Mul(Mul(x, {0}), 0.5)", "Mul(Mul(x, 0.5), {0})", "Mul(x, Mul({0}, 0.5))")
_SIXTHS = (
    "Div(Clip(Add(x, 3.0), 0.0, 6.0), 6.0)",
    "Mul(Clip(Add(x, 3.0), 0.0, 6.0), 0.16666667)",
)
_AWAY = "Sub(x, ReduceMean(x{0}))"
_SQUARES = (f"Pow({_AWAY}, 2.0)", f"Mul({_AWAY}, {_AWAY})")
_NORMS = tuple(
    form.format(_AWAY, f"Sqrt(Add(ReduceMean({square}{{0}}), E))").format(axes)
    for form in ("Div({0}, {1})", "Mul({0}, Reciprocal({1}))", "Mul({0}, Div(1.0, {1}))")
    for square in _SQUARES
    for axes in ("", ", A")
)
_ROOTS = tuple(
    f"Mul(x, {form})".format(f"Sqrt(Add(ReduceMean(Pow(x, 2.0){axes}), E))")
    for form in ("Reciprocal({0})", "Div(1.0, {0})")
    for axes in ("", ", A")
) + tuple(f"Div(x, Sqrt(Add(ReduceMean(Pow(x, 2.0){axes}), E)))" for axes in ("", ", A"))
_SCORES = tuple(
    form.format(f"MatMul(q, {keys})")
    for keys in ("Transpose(k)",)
    for form in ("{0}", "Mul({0}, S)", "Div({0}, S)")
)

PATTERNS = [
    *(Pattern(w.format(f"Add({t}, 1.0)"), "Gelu(x)") for w in _WHOLE for t in _TURNS),
    *(
        Pattern(w.format(f"Add({t}, 1.0)"), "Gelu(x)", lambda m, f: {"approximate": "tanh"})
        for w in _WHOLE
        for t in _TANHS
    ),
    *(Pattern(f"Mul(x, {sixth})", "HardSwish(x)") for sixth in _SIXTHS),
    Pattern("Div(Mul(x, Clip(Add(x, 3.0), 0.0, 6.0)), 6.0)", "HardSwish(x)"),
    Pattern("Mul(Mul(x, Clip(Add(x, 3.0), 0.0, 6.0)), 0.16666667)", "HardSwish(x)"),
    *(Pattern(sixth, "HardSigmoid(x)", _hard_sigmoid) for sixth in _SIXTHS),
    Pattern("Mul(x, HardSigmoid(x))", "HardSwish(x)", _is_hard_sigmoid),
    Pattern("Mul(x, Sigmoid(x))", "Swish(x)"),
    *(Pattern(f"Add(Mul({n}, W), B)", "LayerNormalization(x, W, B)", _norm) for n in _NORMS),
    *(Pattern(f"Mul({n}, W)", "RMSNormalization(x, W)", _norm) for n in _ROOTS),
    Pattern("Add(MatMul(x, Transpose(W)), B)", "Linear(x, W, B)", _linear),
    Pattern("Add(MatMul(x, W), B)", "Linear(x, W, B)", _linear),
    *(
        Pattern(f"MatMul(Softmax(Add({scores}, m)), v)", "Attention(q, k, v, m)", _attention)
        for scores in _SCORES
    ),
    *(
        Pattern(f"MatMul(Softmax({scores}), v)", "Attention(q, k, v)", _attention)
        for scores in _SCORES
    ),
]  # fmt: skip

OWN = {"Linear": "glassgrad", "Attention": "glassgrad"}
"""Ops in the place of patterns that ONNX has none of, or one that wants more to be known."""


def fuse(graph: Graph) -> None:
    """Put fused ops in the place of patterns, until there are no more."""
    by_root: dict[str, list[Pattern]] = {}
    for pattern in PATTERNS:
        by_root.setdefault(pattern.root, []).append(pattern)
    m = Matching(graph)
    changed = True
    while changed:
        changed = False
        for i, node in enumerate(graph.nodes):
            new = None if node.domain else _replaced(m, node, by_root.get(node.op, []))
            if new is not None:
                graph.nodes[i] = new
                changed = True
        if changed:
            graph.pruned()
            m = Matching(graph)


def _replaced(m: Matching, node: Node, patterns: list[Pattern]) -> Node | None:
    for pattern in patterns:
        for found in m.match(pattern.tree, node.outputs[0], {}):
            if not m.closed(found["nodes"]):
                continue
            attributes = pattern.attributes(m, found)
            if attributes is not None:
                first = found["nodes"][-1]
                return Node(
                    pattern.op, [found[k] for k in pattern.inputs], list(node.outputs), attributes,
                    domain=OWN.get(pattern.op, ""), name=node.name, opset=OPSET,
                    scope=node.scope or first.scope,
                )  # fmt: skip
    return None


def tidied(graph: Graph) -> None:
    """Drop nodes that pass on what they are given, and give Clip its ends as inputs."""
    results = {t.name for t in graph.outputs}
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.nodes:
        _reread(node, renamed)
        passes = node.op == "Identity" or (node.op == "Dropout" and len(node.inputs) < 3)
        if passes and not node.domain and node.outputs[0] not in results and len(node.outputs) == 1:
            renamed[node.outputs[0]] = node.inputs[0]
            continue
        if node.op == "Clip" and {"min", "max"} & node.attributes.keys():
            for key in ("min", "max"):
                value = node.attributes.pop(key, None)
                name = f"{node.title}:{key}"
                if value is not None:
                    graph.constants[name] = np.asarray(value, np.float32)
                node.inputs.append(name if value is not None else "")
            node.opset = 13
        kept.append(node)
    graph.nodes = kept


def _reread(node: Node, renamed: dict[str, str]) -> None:
    """Read under other names, in subgraphs too."""
    if not renamed:
        return
    node.inputs = [renamed.get(name, name) for name in node.inputs]
    for graph in node.subgraphs():
        for inside in graph.nodes:
            _reread(inside, renamed)
        for t in graph.outputs:
            t.name = renamed.get(t.name, t.name)


def settled(graph: Graph) -> None:
    """Give weights the shape and the type in which the only node that reads them wants them."""
    results = {t.name for t in graph.outputs}
    changed = True
    while changed:
        changed = False
        m = Matching(graph)
        for node in graph.nodes:
            name = next(iter(node.inputs), "")
            x = m.constant(name)
            if node.op not in RESHAPE or node.domain or x is None or len(m.users[name]) > 1:
                continue
            others = [m.constant(n) for n in node.inputs[1:]]
            if (
                x.dtype not in FLOATS
                or node.outputs[0] in results
                or any(n is None for n in others)
            ):
                continue
            (new,) = node.run(x, *others)
            if new.dtype not in FLOATS or not new.ndim:
                continue
            graph.constants[name] = np.asarray(new)
            graph.nodes = [n for n in graph.nodes if n is not node]
            for user in graph.nodes:
                _reread(user, {node.outputs[0]: name})
            changed = True
            break


RESHAPE = {"Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze"}


def absorb(graph: Graph) -> None:
    """Put what follows a convolution channel by channel into its weight and bias."""
    changed = True
    while changed:
        changed = False
        m = Matching(graph)
        for i, node in enumerate(graph.nodes):
            conv = m.makers.get(next((n for n in node.inputs if n in m.makers), ""))
            if (
                conv is None
                or conv.op not in ("Conv", "ConvTranspose")
                or not m.closed([node, conv])
            ):
                continue
            how = _per_channel(m, node, conv)
            if how is not None:
                graph.nodes[i] = _absorbed(m, conv, node, *how)
                graph.pruned()
                changed = True
                break


def _per_channel(m: Matching, node: Node, conv: Node) -> tuple[Any, Any] | None:
    """The factor and the summand of each channel, if that is what a node does."""
    w = m.constant(conv.inputs[1])
    if w is None or w.dtype not in FLOATS or len(m.users[conv.inputs[1]]) > 1:
        return None
    if conv.op == "ConvTranspose" and conv.attributes.get("group", 1) != 1:
        return None
    if len(conv.inputs) > 2 and conv.inputs[2] and m.constant(conv.inputs[2]) is None:
        return None
    C = w.shape[conv.op == "ConvTranspose"]
    if node.op == "BatchNormalization" and node.inputs[0] == conv.outputs[0]:
        given = [m.constant(n) for n in node.inputs[1:5]]
        if node.attributes.get("training_mode", 0) or any(x is None for x in given):
            return None
        scale, shift, mean, var = (x.astype(np.float64) for x in given)
        factor = scale / np.sqrt(var + node.attributes.get("epsilon", 1e-5))
        return factor, shift - mean * factor
    if node.op in ("Add", "Mul") and not node.domain:
        x = m.constant(next(n for n in [*node.inputs, ""] if n != conv.outputs[0]))
        rank = w.ndim - 2
        channels = ((1, C, *(1,) * rank), (C, *(1,) * rank))
        if x is None or x.dtype != w.dtype or (x.size > 1 and x.shape not in channels):
            return None
        if x.ndim > w.ndim:
            return None
        each = np.broadcast_to(x.reshape(-1), C).astype(np.float64)
        return (np.ones(C), each) if node.op == "Add" else (each, np.zeros(C))
    return None


def _absorbed(m: Matching, conv: Node, node: Node, factor: Any, summand: Any) -> Node:
    constants, name = m.graph.constants, conv.inputs[1]
    w = constants[name]
    sizes = [1] * w.ndim
    sizes[conv.op == "ConvTranspose"] = -1
    if (factor != 1).any():
        constants[name] = (w * factor.reshape(sizes)).astype(w.dtype)
    old = conv.inputs[2] if len(conv.inputs) > 2 else ""
    bias = constants[old].astype(np.float64) if old else np.zeros(len(factor))
    new = old if old and len(m.users[old]) == 1 else _beside(name, constants)
    constants[new] = (bias * factor + summand).astype(w.dtype)
    return Node(
        conv.op, [conv.inputs[0], name, new], list(node.outputs), dict(conv.attributes),
        name=conv.name, opset=conv.opset, scope=conv.scope,
    )  # fmt: skip


def _beside(name: str, taken: Any) -> str:
    """A name for the bias of a weight."""
    stem = name.rpartition(".")[0]
    new = f"{stem}.bias" if stem else f"{name}_bias"
    while new in taken:
        new += "_"
    return new
