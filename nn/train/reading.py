"""What the graph behind a loss says of it: what its mean is over, and whether it takes logits.

A batch counts in an epoch as much as its loss's mean is over: class indices that are not ignored,
times their class weights, or elements, or samples. A loss may be a name, a module, a `partial` or a
lambda around any of these; they all leave the same graph, which is read here.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from autograd.node import Node

LOGITS = {"sigmoid", "softplus", "log_sigmoid", "binary_cross_entropy_with_logits"}
"""Ops that only logits are given to."""

SHAPES = {
    "negative",
    "reshape",
    "squeeze",
    "expand_dims",
    "getitem",
    "transpose",
    "ravel",
    "astype",
}
"""Ops that hand numbers on, up to their sign."""

JOINED = {"stack", "concatenate"}


def counted(loss: Node, outputs: Collection[int], samples: int) -> float | None:
    """What the mean in a loss is over; None for a loss that is a sum over samples.

    Parameters
    ----------
    loss : the root of its graph.
    outputs : ids of the model's outputs; only terms that depend on them count.
    samples : in the batch; what a loss of other forms, or of several terms, is a mean over.

    Returns
    -------
    The number of elements, or the sum of class weights of the targets that are not ignored; 0 where
    nothing counts.
    """
    found: list[tuple[Node, float | None]] = []
    terms, todo = 1, [loss]
    while todo:
        node = todo.pop()
        name = node.op.name if node.op is not None else ""
        inputs = node.inputs
        live = [x for x in inputs if isinstance(x, Node) and x.requires_grad]
        if name == "cross_entropy":
            weight, ignored, reduction = node.static[:3]
            known = None if reduction == "sum" else _classes(inputs[1], weight, ignored)
            found.append((node, known))
        elif name == "mean":
            found.append((node, live[0]._data.size / max(node._data.size, 1)))
        elif name == "divide" and len(live) == 1 and live[0] is inputs[0] and _is_sum(live[0]):
            divisor = _constant(inputs[1])
            if divisor is not None:
                found.append((node, 0.0 if math.isnan(divisor) else divisor))
        elif name == "sum" and live[0]._data.shape[:1] == (samples,):
            if live[0].op is None or live[0].op.name not in JOINED:
                found.append((node, None))
        elif name in ("add", "subtract"):
            terms += len(live) - 1
            todo += live
        elif len(live) == 1 and name in {*SHAPES, "multiply", "divide"}:
            todo += live
    if terms > 1:
        found = [(node, known) for node, known in found if _depends(node, outputs)]
    return found[0][1] if len(found) == 1 else float(samples)


def takes_logits(loss: Node, outputs: Collection[int]) -> bool:
    """Whether the loss puts the model's outputs through a sigmoid."""
    seen: set[int] = set()
    todo: list[Any] = [loss]
    while todo:
        node = todo.pop()
        if not isinstance(node, Node) or id(node) in seen or id(node) in outputs:
            continue
        seen.add(id(node))
        if node.op is not None and node.op.name in LOGITS and _hands_on(node.inputs[0], outputs):
            return True
        todo += node.inputs
    return False


def ignored(loss: Node) -> int | None:
    """The ignore_index of a cross-entropy at the root."""
    is_classes = loss.op is not None and loss.op.name == "cross_entropy"
    return int(loss.static[1]) if is_classes else None


def _hands_on(x: Any, outputs: Collection[int]) -> bool:
    """Whether this is an output, but for shape and sign."""
    while isinstance(x, Node):
        if id(x) in outputs:
            return True
        if x.op is None or x.op.name not in SHAPES:
            return False
        x = x.inputs[0]
    return False


def _depends(node: Node, outputs: Collection[int]) -> bool:
    seen: set[int] = set()
    todo: list[Any] = [node]
    while todo:
        x = todo.pop()
        if id(x) in outputs:
            return True
        if isinstance(x, Node) and id(x) not in seen:
            seen.add(id(x))
            todo += x.inputs
    return False


def _is_sum(node: Node) -> bool:
    while node.op is not None and node.op.name == "negative":
        node = node.inputs[0]
    return node.op is not None and node.op.name == "sum"


def _constant(x: Any) -> float | None:
    data = x._data if isinstance(x, Node) else x
    return float(data) if np.ndim(data) == 0 else None


def _classes(target: Any, weight: Any, ignore_index: int) -> float:
    """The sum of the weights of class indices that are not ignored; positions of probabilities."""
    t = np.asarray(target._data if isinstance(target, Node) else target)
    if t.dtype.kind == "f":
        return float(t.size / t.shape[min(1, t.ndim - 1)])
    keep = t != ignore_index
    if weight is None:
        return float(np.count_nonzero(keep))
    return float(np.asarray(weight, np.float64)[t[keep]].sum())
