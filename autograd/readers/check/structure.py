"""Checks of the model's own graph: maps that collapse into one, and detached uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.readers.check.case import Case
from autograd.readers.lint.finding import Finding
from autograd.readers.lint.probabilities import REARRANGING

DENSE, CONV = ("affine", "linear"), ("conv_bias", "conv")


def no_nonlinearity(case: Case) -> Iterator[Finding]:
    """Two affine maps in a row, which are one."""
    for v in case.within.order:
        before = _affine_before(case, v)
        if before is None:
            continue
        yield Finding(
            "no nonlinearity",
            f"between {case.where(before)} and {case.where(v)}",
            f"{before.op.name} {before.inputs[1]._data.shape} feeds {v.op.name} "
            f"{v.inputs[1]._data.shape} directly",
            "two affine maps in a row are a single one: the first adds nothing that the second "
            "could not do alone",
            "an activation between them, such as nn.ReLU(); or leave one of them out",
            v,
        )


def _affine_before(case: Case, v: Node) -> Node | None:
    """The affine map whose result, and no other's, is all that this one gets."""
    if not _is_map(case, v) or _is_split(case, v):
        return None
    x = v.inputs[0]
    while isinstance(x, Node) and x.op is not None and len(case.within.users[id(x)]) == 1:
        if _is_map(case, x):
            w, u = v.inputs[1]._data.shape, x.inputs[1]._data.shape
            rank_kept = u[0] >= min(u[1], w[0])  # a bottleneck has a purpose
            return x if rank_kept and _composes(x, v) else None
        scaled = x.op.name == "multiply" and not isinstance(x.inputs[1], Node)
        if x.op.name not in REARRANGING and not scaled:
            return None
        x = x.inputs[0]
    return None


def _is_split(case: Case, v: Node) -> bool:
    """Whether a result is cut into parts, such as queries, keys and values."""
    users = case.within.users.get(id(v), [])
    while len(users) == 1 and users[0].op.name in REARRANGING:
        users = case.within.users.get(id(users[0]), [])
    return len(users) > 1 or any(u.op.name in ("split", "array_split", "unstack") for u in users)


def _is_map(case: Case, v: Node) -> bool:
    if v.op.name not in DENSE + CONV or not isinstance(v.inputs[1], Node):
        return False
    w = v.inputs[1]
    once = len(case.within.users.get(id(w), ())) == 1  # a recurrent weight is used again
    if v.op.name in CONV:
        groups, kernel = v.static[-1], w._data.shape[2:]
        return once and groups == 1 and len(set(kernel)) == 1 and kernel[0] > 1
    return once and w._data.ndim == 2


def _composes(x: Node, v: Node) -> bool:
    same = (x.op.name in DENSE) == (v.op.name in DENSE)
    features = x.inputs[1]._data.shape[0] == v.inputs[1]._data.shape[1]
    return features if same else x.op.name in CONV


def detached_use(case: Case) -> Iterator[Finding]:
    """Arrays within the model that are the numbers of one of its own results."""
    results: dict[tuple[Any, ...], list[Node]] = {}
    seen: set[int] = set()
    for v in case.within.order:
        for x in v.inputs:
            data = x._data if isinstance(x, Node) and not x.requires_grad else x
            if not isinstance(data, np.ndarray) or id(x) in seen or not _telling(data):
                continue
            seen.add(id(x))
            earlier = results.get((data.shape, data.dtype), ())
            y = next((y for y in earlier if np.array_equal(y._data, data)), None)
            if y is not None:
                uses = len(case.within.users.get(id(y), ()))
                yield Finding(
                    "detached",
                    case.where(v),
                    f"an input of it has the numbers of {case.where(y)}, but no graph behind "
                    f"them; tracked uses of these: {uses}",
                    "the gradient of this path is missing, so the layers before it follow "
                    "another loss than the one that is computed",
                    "use the Value itself, without .data, .detach() or np.asarray",
                    v,
                )
        if v.requires_grad and type(v._data) is not tuple and _telling(v._data):
            results.setdefault((v._data.shape, v._data.dtype), []).append(v)


def _telling(x: Any) -> bool:
    """Whether an array's numbers can hardly be the same by chance."""
    return x.dtype.kind == "f" and x.size >= 8 and len(np.unique(x.ravel()[:64])) >= 6


def no_slope(case: Case) -> Iterator[Finding]:
    """A step function that no gradient gets through, before parameters that need one."""
    stopped = [
        p
        for key, p in case.plain.leaves.items()
        if p.requires_grad and not np.any(case.gradients.get(key, 0))
    ]
    if not stopped:
        return
    if len(stopped) == sum(p.requires_grad for p in case.plain.leaves.values()):
        yield Finding(
            "no gradient passes",
            case.where(case.root),
            f"all {len(stopped)} parameters that the loss depends on get a gradient of exactly 0",
            "no update changes the model",
            "look for a factor 0, and for argmax, rounding or a comparison in the loss",
            case.root,
        )
        return
    for v in case.within.order:
        x = v.inputs[0] if v.op.name in STEPS else None
        if isinstance(x, Node) and x.requires_grad and not np.any(case.gradients.get(id(x), 0)):
            yield Finding(
                "no gradient passes",
                case.where(v),
                f"{v.op.name} is constant almost everywhere; {len(stopped)} parameters before it "
                "get a gradient of exactly 0",
                "the layers before it never learn",
                "a smooth function such as tanh in its place, or a straight-through estimate: "
                "x + (step(x) - x).data",
                v,
            )


def negated_loss(case: Case) -> Iterator[Finding]:
    """A loss with a least value, of which the negative is minimized."""
    v, sign = case.root, 1.0
    while isinstance(v, Node) and v.op is not None:
        if v.op.name == "negative":
            sign = -sign
        elif v.op.name in ("multiply", "divide"):
            factor = [x for x in v.inputs if not (isinstance(x, Node) and x.requires_grad)]
            if len(factor) != 1:
                return
            number = np.asarray(factor[0]._data if isinstance(factor[0], Node) else factor[0])
            if number.ndim:
                return
            sign *= float(np.sign(number))
            v = next(x for x in v.inputs if x is not factor[0])
            continue
        elif sign < 0 and (v.op.name in LOSSES or _is_even_power(v)):
            yield Finding(
                "the loss is negated",
                case.where(v),
                f"the negative of {v.op.name}, which is never below 0, is minimized",
                "training makes the error as large as it can",
                "leave out the minus sign",
                v,
            )
            return
        elif v.op.name not in ("mean", "sum", "reshape"):
            return
        v = v.inputs[0]


def _is_even_power(v: Node) -> bool:
    return v.op.name == "power" and np.ndim(v.inputs[1]) == 0 and v.inputs[1] % 2 == 0


def counted_padding(case: Case) -> Iterator[Finding]:
    """A loss that depends on outputs whose target is the padding of an embedding."""
    padding = {getattr(m, "padding_idx", None) for m in case.model.modules()} - {None}
    y, t = case.outputs, np.asarray(case.batch.target)
    if len(padding) != 1 or t.ndim < 2 or t.dtype.kind not in "iu" or not isinstance(y, Node):
        return
    (index,) = padding
    g, padded = case.gradients.get(id(y)), t == index
    if not isinstance(g, np.ndarray) or not padded.any() or padded.all():
        return
    if g.shape[: t.ndim] != t.shape:  # classes along axis 1
        g = np.moveaxis(g, 1, -1)
    if g.shape[: t.ndim] == t.shape and np.any(g[padded]):
        yield Finding(
            "padding is counted",
            case.where(case.root),
            f"{padded.mean():.0%} of the targets are the padding {index}, and the loss depends on "
            "the outputs there",
            "the model learns to predict padding, which is easy, so the loss looks better than the "
            "model is",
            f"cross_entropy(..., ignore_index={index}), or a mask and a mean over what is left",
            case.root,
        )


STEPS = {"sign", "floor_divide", "round", "rint", "floor", "ceil", "trunc", "heaviside"}
LOSSES = {"cross_entropy", "binary_cross_entropy", "square", "absolute"}

CHECKS = (no_nonlinearity, detached_use, no_slope, negated_loss, counted_padding)
