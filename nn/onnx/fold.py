"""Folding: what does not depend on the inputs is computed once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nn.onnx.graph import Graph, Node
from nn.onnx.module import learned
from nn.onnx.ops.constants import RANDOM
from nn.onnx.patterns import absorb, fuse, settled, tidied
from nn.onnx.table import FLOATS, plain

SMALL = 2**22
"""Elements of the largest tensor that folding makes: an expanded constant is not stored so."""

LARGER = {
    "ConstantOfShape",
    "Expand",
    "Tile",
    "Range",
    "Pad",
    "Resize",
    "Upsample",
    "OneHot",
    "EyeLike",
}


def prepared(graph: Graph) -> Graph:
    """The graph with its constants and weights at its top, and without what leads nowhere."""
    constants(graph)
    hoist(graph)
    graph.pruned()
    return graph


def simplified(graph: Graph) -> Graph:
    """The graph without what can be computed once, and with fused ops for patterns."""
    prepared(graph)
    tidied(graph)
    fold(graph, learned(graph))
    settled(graph)
    absorb(graph)
    fuse(graph)
    graph.pruned()
    return graph


def constants(graph: Graph) -> None:
    """Move the values of Constant nodes to the constants of the graph, subgraphs included."""
    for inner in [g for node in graph.nodes for g in node.subgraphs()]:
        constants(inner)
    kept = []
    for node in graph.nodes:
        if node.op == "Constant" and not node.domain and not node.missing():
            (value,) = node.run()
            graph.constants[node.outputs[0]] = np.asarray(value)
        else:
            kept.append(node)
    graph.nodes = kept


def hoist(graph: Graph) -> None:
    """Move the weights of branches and bodies to the graph around them."""
    for node in graph.nodes:
        for k, inner in enumerate(node.subgraphs()):
            hoist(inner)
            for name, x in list(inner.constants.items()):
                if x.dtype not in FLOATS or x.size < 2:
                    continue
                new = name
                while new in graph.constants:
                    new = f"{node.title}:{k}/{new}"
                if new != name:
                    _renamed(inner, name, new)
                graph.constants[new] = inner.constants.pop(name)


def _renamed(graph: Graph, old: str, new: str) -> None:
    for node in graph.nodes:
        node.inputs = [new if name == old else name for name in node.inputs]
        for inner in node.subgraphs():
            _renamed(inner, old, new)
    for t in graph.outputs:
        t.name = new if t.name == old else t.name


def fold(graph: Graph, weights: set[str]) -> None:
    """Run the nodes that read constants only, and no weights; drop what leads nowhere."""
    known = {name: x for name, x in graph.constants.items() if name not in weights}
    kept = []
    for node in graph.nodes:
        names = [name for name in node.inputs if name]
        if names and all(name in known for name in names) and foldable(node, known):
            try:
                found = node.run(*[known[name] if name else None for name in node.inputs])
            except Exception:
                kept.append(node)
                continue
            made = dict(zip(node.outputs, found, strict=False))
            if all(isinstance(plain(x), (np.ndarray, np.generic)) for x in made.values()):
                made = {name: np.asarray(plain(x)) for name, x in made.items() if name}
                known.update(made)
                graph.constants.update(made)
                continue
        kept.append(node)
    graph.nodes = kept
    graph.pruned()


def foldable(node: Node, known: Mapping[str, Any]) -> bool:
    """Whether a node of constants can be run beforehand, in little time and memory."""
    if node.op in RANDOM or node.takes_graphs or node.row() is None or node.missing():
        return False
    arrays = [np.asarray(known[name]) for name in node.inputs if name]
    if sum(x.size for x in arrays) > SMALL or _grown(node.op, arrays) > SMALL:
        return False
    if node.op in LARGER:
        return all(np.size(known[n]) <= 64 for n in node.inputs if n) and _small(node, known)
    return node.op in QUICK


def _grown(op: str, arrays: list[Any]) -> int:
    """The most elements that an op can make of arrays by broadcasting or by repeated places."""
    if op.startswith("Gather"):
        return int(np.prod([float(x.size) for x in arrays]))
    try:
        return math.prod(np.broadcast_shapes(*(x.shape for x in arrays)))
    except ValueError:
        return 0


def _small(node: Node, known: Mapping[str, Any]) -> bool:
    numbers = [np.asarray(known[n]) for n in node.inputs if n]
    if node.op == "Range":
        start, limit, delta = (float(n) for n in numbers)
        return bool(delta) and abs((limit - start) / delta) <= SMALL
    shape = numbers[-1].ravel()
    return bool(shape.dtype.kind in "iu" and np.prod(np.maximum(shape, 1).astype(float)) <= SMALL)


QUICK = {
    "Add", "Sub", "Mul", "Div", "Pow", "Neg", "Abs", "Sqrt", "Exp", "Log", "Reciprocal", "Floor",
    "Ceil", "Round", "Max", "Min", "Mod", "Equal", "Less", "Greater", "LessOrEqual",
    "GreaterOrEqual", "Not", "And", "Or", "Where", "Cast", "CastLike", "Identity", "Shape", "Size",
    "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Gather",
    "ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceMean", "DequantizeLinear",
    "Trilu", "CumSum", "Sin", "Cos", "Sign", "ConstantOfShape", "Expand", "Range", "ArgMax",
    "GatherND", "GatherElements", "NonZero", "BitShift", "Tile",
}  # fmt: skip
