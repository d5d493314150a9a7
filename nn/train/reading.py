"""What the graph behind a loss says of it: what its mean is over, and whether it takes logits.

A batch counts in an epoch as much as its loss's mean is over: class indices that are not ignored,
times their class weights, or elements, or samples. A loss may be a name, a module, a `partial` or a
lambda around any of these; they all leave the same graph, which is read here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node

LOGITS = {
    "sigmoid",
    "softplus",
    "log_sigmoid",
    "binary_cross_entropy_with_logits",
    "logaddexp",
    "tanh",
}
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

SUMS = {"sum", "nansum", "matmul", "tensordot", "einsum"}
"""Ops that add up; also products of vectors, such as errors @ weights."""


class _Mean(NamedTuple):
    """One term of a loss: what its mean is over, and how that is known of another batch."""

    node: Node
    over: float
    known: Any  # "shape"; the function of its targets that tells; or what else it depends on


def counted(loss: Node, outputs: Collection[int], samples: int) -> float:
    """What the mean in a loss is over.

    Parameters
    ----------
    loss : the root of its graph.
    outputs : ids of the model's outputs; only terms that depend on them count.
    samples : in the batch; what a loss of other forms, or of several means, is a mean over.

    Returns
    -------
    The number of elements, or the sum of class weights of the targets that are not ignored; 0 where
    nothing counts.
    """
    means = _means(loss, outputs, samples)
    return sum(mean.over for mean in means) / len(means) if means else float(samples)


def counting(
    loss: Node, outputs: Collection[int], samples: int, target: Any
) -> Callable[[Any], float]:
    """The same as a function of a batch's target, for batches of one shape.

    Raises
    ------
    ValueError
        It may depend on more than shapes and class indices.
    """
    terms: list[tuple[Any, float, Any]] = []  # without the nodes: their graph is of one batch
    for node, over, known in _means(loss, outputs, samples):
        given: Any = node.inputs[1] if callable(known) else ()
        whole = isinstance(given, np.ndarray) and given.size == np.size(target)
        if known != "shape" and not (whole and np.shares_memory(given, target)):
            name = node.op.name if node.op is not None else ""
            raise ValueError(
                f"what the mean of this loss is over is read off its {name}, and may be another "
                "for each batch; use a loss of nn, or np.mean over elements"
            )
        terms.append((np.shape(given), over, known))

    def count(target: Any) -> float:
        found = [
            known(np.reshape(target, shape)) if callable(known) else over
            for shape, over, known in terms
        ]
        return sum(found) / len(found) if found else float(samples)

    return count


def _means(loss: Node, outputs: Collection[int], samples: int) -> list[_Mean]:
    """The terms that say what the loss is a mean over; none if its samples must do."""
    counts: list[_Mean] = []  # terms that say what they are over
    sizes: list[_Mean] = []  # terms that are a mean over all elements
    terms, todo = 1, [loss]
    while todo:
        node = todo.pop()
        name = node.op.name if node.op is not None else ""
        inputs = node.inputs
        live = [x for x in inputs if isinstance(x, Node) and x.requires_grad]
        if name in ("mean", "sum") and (inner := _losses_in(live[0])):
            terms += len(inner) - 1
            todo += inner
        elif name == "cross_entropy":
            weight, ignore_index, reduction = node.static[:3]
            if reduction == "mean":
                classes = partial(_classes, weight=weight, ignore_index=ignore_index)
                counts.append(_Mean(node, classes(inputs[1]), classes))
        elif name == "mean":
            over = live[0]._data.size / max(node._data.size, 1)
            sizes.append(_Mean(node, over, "shape"))
        elif name == "nanmean":
            over = float(np.count_nonzero(~np.isnan(live[0]._data)))
            sizes.append(_Mean(node, over, "values"))
        elif name == "divide" and len(live) == 1 and live[0] is inputs[0] and _adds_up(live[0]):
            divisor = _constant(inputs[1])
            if divisor is not None:
                nothing = math.isnan(divisor) or (divisor == 1 < samples and _vanishes(live[0]))
                counts.append(_Mean(node, 0.0 if nothing else divisor, "divisor"))
        elif name in ("add", "subtract"):
            terms += len(live) - 1
            todo += live
        elif len(live) == 1 and name in {*SHAPES, "multiply", "divide"}:
            todo += live
    if terms > 1:  # a penalty on weights has no samples
        counts = [mean for mean in counts if _depends(mean.node, outputs)]
        sizes = [mean for mean in sizes if _depends(mean.node, outputs)]
    return counts or (sizes if len(sizes) == 1 else [])


def refuse_pairs(who: str, loss: Node, outputs: Any, target: Any) -> None:
    """Refuse a loss of one's own that broadcasts outputs (N, 1) and targets (N,) to (N, N).

    Raises
    ------
    ValueError
        Every output is compared with every target.
    """
    ours, theirs = getattr(outputs, "shape", ()), getattr(target, "shape", ())
    alike = (*ours, 1) == theirs or (*theirs, 1) == ours
    if not alike or max(ours, default=1) <= 1:
        return
    pairs = np.broadcast_shapes(ours, theirs)
    seen: set[int] = set()
    todo: list[Any] = [loss]
    while todo:
        node = todo.pop()
        if not isinstance(node, Node) or id(node) in seen:
            continue
        seen.add(id(node))
        todo += node.inputs
        if node._data.shape == pairs and any(
            np.shape(x) == theirs and np.array_equal(x, target)
            for x in node.inputs
            if not isinstance(x, Node)
        ):
            raise ValueError(
                f"{who}: the loss compares every output with every target: {ours} and {theirs} "
                f"broadcast to {pairs}. Give both one shape, such as target[..., None] or "
                "outputs[..., 0]."
            )


def takes_logits(loss: Node, outputs: Collection[int]) -> bool:
    """Whether the loss puts the outputs through a sigmoid, or compares them with −1 and 1."""
    seen: set[int] = set()
    todo: list[Any] = [loss]
    while todo:
        node = todo.pop()
        if not isinstance(node, Node) or id(node) in seen or id(node) in outputs:
            continue
        seen.add(id(node))
        name = node.op.name if node.op is not None else ""
        if name in LOGITS and any(_hands_on(x, outputs) for x in node.inputs):
            return True
        if name in ("add", "log1p") and any(_is_exp(x, outputs) for x in node.inputs):
            return True  # 1 + exp(x), a sigmoid or softplus by hand
        signed = name in ("multiply", "subtract") and any(map(_are_signs, node.inputs))
        if signed and any(_hands_on(x, outputs) for x in node.inputs):
            return True  # targets of −1 and 1, as for a hinge loss
        todo += node.inputs
    return False


def is_sum(loss: Node) -> bool:
    """Whether this is a cross-entropy that is not averaged; of other sums the loss itself tells."""
    return loss.op is not None and loss.op.name == "cross_entropy" and loss.static[2] == "sum"


def ignored(loss: Node) -> int | None:
    """The ignore_index of a cross-entropy at the root."""
    is_classes = loss.op is not None and loss.op.name == "cross_entropy"
    return int(loss.static[1]) if is_classes else None


def _hands_on(x: Any, outputs: Collection[int]) -> bool:
    """Whether this is an output, but for shape, sign and constant factors."""
    while isinstance(x, Node):
        if id(x) in outputs:
            return True
        live = [i for i in x.inputs if isinstance(i, Node) and i.requires_grad]
        if x.op is None or len(live) != 1 or x.op.name not in {*SHAPES, "multiply", "divide"}:
            return False
        [x] = live
    return False


def _are_signs(x: Any) -> bool:
    """Whether this is an array of −1 and 1."""
    return isinstance(x, np.ndarray) and bool((x == -1).any() and (np.abs(x) == 1).all())


def _is_exp(x: Any, outputs: Collection[int]) -> bool:
    """Whether this is exp of an output, but for shape, sign and constant factors."""
    if not isinstance(x, Node) or x.op is None or x.op.name != "exp":
        return False
    return _hands_on(x.inputs[0], outputs)


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


def _losses_in(node: Node) -> list[Node]:
    """The losses that are added up or averaged in place of samples: one, or several joined ones."""
    if _is_one_number(node):
        return [node]
    if node.op is None or node.op.name not in JOINED:
        return []
    inner = [x for x in node.inputs if isinstance(x, Node) and x.requires_grad]
    return inner if all(map(_is_one_number, inner)) else []


def _is_one_number(node: Node) -> bool:
    """Whether this is a number for any batch, not the loss of the only sample in this one."""
    while node._data.ndim and node._data.size == 1 and node.op is not None:
        if node.op.name in ("sum", "mean"):
            axis = node.static[0]
            return axis is None or np.size(axis) == node.inputs[0]._data.ndim
        if node.op.name not in SHAPES - {"getitem"}:
            return False
        node = node.inputs[0]
    return bool(node._data.ndim == 0)


def _adds_up(node: Node) -> bool:
    """Whether this is a sum over elements, or several of them added up, times a number."""
    todo = [node]
    while todo:
        x = todo.pop()
        name = x.op.name if x.op is not None else ""
        inner = [i for i in x.inputs if isinstance(i, Node) and i.requires_grad]
        scaled = name in ("multiply", "divide") and len(inner) == 1 and x._data.ndim == 0
        if (
            scaled
            or name in ("add", "subtract", "negative")
            or (name == "sum" and _losses_in(inner[0]))
        ):
            todo += inner
        elif name not in SUMS and not (name == "cross_entropy" and x.static[2] == "sum"):
            return False
    return True


def _vanishes(node: Any) -> bool:
    """Whether a mask of zeros, or an index of nothing, has left no term of a sum."""
    if not isinstance(node, Node):
        return not bool(np.any(node))
    if not node._data.size:
        return True
    name = node.op.name if node.op is not None else ""
    if name in {"multiply", *SUMS}:
        return any(map(_vanishes, node.inputs))
    if name == "where":
        return not bool(np.any(node._data))
    return name in {*SHAPES, "power", "square", "absolute"} and _vanishes(node.inputs[0])


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
