"""Checks of what a loss gets: logits, probabilities or log-probabilities, over which axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.readers.lint.finding import Finding, Subject
from autograd.readers.lint.structure import tracked

REARRANGING = {"reshape", "transpose", "squeeze", "expand_dims", "ravel", "getitem", "output"}
REARRANGING |= {"swapaxes", "moveaxis"}

NORMALIZED = ("softmax", "log_softmax", "sigmoid")
SQUASHED = ("relu", "tanh")
AVERAGING = {"negative", "sum", "mean", "divide", "multiply", "reshape", "squeeze"}

_LOGITS = (
    "{loss} takes logits and applies {own} itself; applied twice it flattens the probabilities and "
    "the gradients, and the loss can't come near 0"
)


def origin(x: Any) -> Any:
    """What a result was before it was only rearranged."""
    while isinstance(x, Node) and x.op is not None and x.op.name in REARRANGING and x.inputs:
        x = x.inputs[0]
    return x


def name_of(x: Any) -> str:
    """The name of the op that made it; "" of a leaf or constant."""
    return x.op.name if isinstance(x, Node) and x.op is not None else ""


def activation_before_logits(subject: Subject) -> Iterator[Finding]:
    """Probabilities or activations passed to a loss that takes logits."""
    for v in subject.plain.order:
        if v.op.name == "cross_entropy":
            loss, own, x = "cross_entropy", "log_softmax", origin(v.inputs[0])
        elif v.op.name == "binary_cross_entropy_with_logits":
            loss, own, x = v.op.name, "the sigmoid", origin(v.inputs[0])
        elif v.op.name == "softplus" and _is_binary(subject, v):  # written by hand
            loss, own, x = "binary_cross_entropy_with_logits", "the sigmoid", _logit(v)
        else:
            continue
        name = name_of(x)
        if name in NORMALIZED:
            why, fix = _LOGITS.format(loss=loss, own=own), f"apply {name} only for predictions"
        elif name in SQUASHED or (name == "maximum" and not np.any(x.inputs[1])):
            floor = "negative" if name != "tanh" else "beyond −1 and 1"
            why = f"logits can't be {floor} then, so no class can be excluded"
            fix = f"leave {name} out after the last layer"
        elif name and _adds_up_to_one(x, v) and loss == "cross_entropy":
            name, why = "softmax by hand", _LOGITS.format(loss=loss, own=own)
            fix = "apply the softmax only for predictions"
        else:
            continue
        yield Finding(
            f"{name} before {loss}",
            subject.where(x),
            f"{loss} gets the result of {name}",
            why,
            f"pass the logits to the loss; {fix}",
            x,
        )


def _is_binary(subject: Subject, v: Node) -> bool:
    """Whether a softplus(−x) is that of binary_cross_entropy_with_logits: x is multiplied too."""
    x = v.inputs[0]
    users = subject.plain.users
    negated = name_of(x) == "negative"
    return negated and any(u.op.name == "multiply" for u in users.get(id(x.inputs[0]), ()))


def _logit(softplus: Node) -> Any:
    return origin(softplus.inputs[0].inputs[0])


def _adds_up_to_one(x: Node, loss: Node) -> bool:
    p = loss.inputs[0]._data if isinstance(loss.inputs[0], Node) else loss.inputs[0]
    if p.ndim < 2 or p.shape[1] < 2 or not x.inputs or not (p >= 0).all():
        return False
    return bool(np.abs(p.sum(1) - 1).max(initial=0) < 1e-4)


def not_log_probabilities(subject: Subject) -> Iterator[Finding]:
    """A negative log-likelihood of what are no log-probabilities over the classes."""
    for v in subject.plain.order:
        x = v.inputs[0]
        if v.op.name != "getitem" or not tracked(x) or type(x._data) is tuple or x._data.ndim < 2:
            continue
        axis = _class_axis(v.static[0], x._data.shape)
        if axis is None or not _is_loss(subject, v):
            continue
        yield from _not_normalized(subject, x, axis)


def _not_normalized(subject: Subject, x: Node, axis: int) -> Iterator[Finding]:
    """What a negative log-likelihood gets in place of log-probabilities along an axis."""
    with np.errstate(over="ignore"):
        p = np.exp(x._data.astype(np.float64))
    if np.abs(p.sum(axis) - 1).max() < 1e-3:
        return
    others = [i for i in range(x._data.ndim) if np.abs(p.sum(i) - 1).max() < 1e-3]
    if others:
        check = "log_softmax over the wrong axis"
        saw = f"the probabilities add up to 1 along axis {others[0]}; the classes are axis {axis}"
        fix = f"log_softmax(..., {axis}), or cross_entropy of the logits"
    elif (x._data >= 0).all() and np.abs(x._data.sum(axis) - 1).max() < 1e-3:
        check = "probabilities in a negative log-likelihood"
        saw = "the values are probabilities, not their logarithms"
        fix = "log_softmax in place of softmax, or cross_entropy of the logits"
    else:
        check = "logits in a negative log-likelihood"
        saw = "exp of the values does not add up to 1 over the classes"
        fix = "apply log_softmax, or use cross_entropy, which does so"
    yield Finding(
        check,
        subject.where(x),
        saw,
        "the loss does not compare the classes with each other, so it measures no likelihood",
        fix,
        x,
    )


def soft_targets(subject: Subject) -> Iterator[Finding]:
    """Log-likelihoods weighted by target distributions, as in kl_div and in label smoothing."""
    for v in subject.plain.order:
        if v.op.name != "multiply" or not (tracked(v.inputs[0]) ^ tracked(v.inputs[1])):
            continue
        x, t = v.inputs if tracked(v.inputs[0]) else reversed(v.inputs)
        target = np.asarray(_data(t))
        if type(x._data) is tuple or not x._data.shape == target.shape == v._data.shape:
            continue
        if target.ndim < 2 or target.shape[1] < 2 or not _is_loss(subject, v):
            continue
        if np.abs(target.sum(1, dtype=np.float64) - 1).max(initial=0) > 1e-3:
            continue
        if target.min() < -1e-6:
            yield Finding(
                "targets are no probabilities",
                subject.where(v),
                f"they add up to 1 over the classes, but go from {target.min():.3g} to "
                f"{target.max():.3g}",
                "a class with a negative target is pushed away without end, so the loss has no "
                "least value",
                "label smoothing between 0 and 1: (1 - s) * one_hot + s / classes",
                v,
            )
        yield from _not_normalized(subject, x, 1)


def _class_axis(index: Any, shape: tuple[int, ...]) -> int | None:
    """The axis that class indices select from, if all others are their own positions."""
    if not isinstance(index, tuple) or len(index) != len(shape):
        return None
    arrays = [np.asarray(part) for part in index if isinstance(part, (np.ndarray, list))]
    if len(arrays) != len(index) or any(a.dtype.kind not in "iu" for a in arrays):
        return None
    grids = np.indices([n for i, n in enumerate(shape) if i != 1])
    try:
        own = [np.broadcast_to(a, grids.shape[1:]) for i, a in enumerate(arrays) if i != 1]
    except ValueError:
        return None
    same = all(np.array_equal(a, b) for a, b in zip(own, grids, strict=True))
    return 1 if same else None


def _is_loss(subject: Subject, v: Node) -> bool:
    """Whether a result is only negated and averaged on its way to the root."""
    negated = False
    while v is not subject.root:
        users = subject.plain.users.get(id(v), [])
        if len(users) != 1:
            return False
        x, v = v, users[0]
        if v.op.name == "subtract" and v.inputs[1] is x and not tracked(v.inputs[0]):
            negated = not negated  # from the entropy of the targets, in kl_div
            continue
        if v.op.name not in AVERAGING:
            return False
        if v.op.name in ("multiply", "divide"):
            others = [x for x in v.inputs if not tracked(x)]
            if len(others) != 1:
                return False
            sign = np.asarray(others[0]._data if isinstance(others[0], Node) else others[0])
            if sign.ndim:  # weights of samples, such as advantages
                return False
            negated ^= bool(sign < 0)
        negated ^= v.op.name == "negative"
    return negated


def softmax_axis(subject: Subject) -> Iterator[Finding]:
    """A softmax over one element, or weights that don't add up to 1 over what they weigh."""
    for v in subject.plain.order:
        if v.op.name not in ("softmax", "log_softmax") or not v._data.ndim:
            continue
        axis = v.static[0] if isinstance(v.static[0], int) else None
        if axis is None:
            continue
        axis %= v._data.ndim
        if v._data.shape[axis] == 1:
            yield Finding(
                f"{v.op.name} of one element",
                subject.where(v),
                f"shape {v._data.shape}, axis {axis}",
                f"its result is always {'1' if v.op.name == 'softmax' else '0'}, so no gradient "
                "passes",
                "sigmoid for one output; for more, their axis",
                v,
            )
        elif v.op.name == "softmax" and (mixed := _summed_over_another(subject, v, axis)):
            yield Finding(
                "softmax over the wrong axis",
                subject.where(v),
                f"its weights add up to 1 along axis {axis} of {v._data.shape}, but {mixed} sums "
                "over another axis",
                "attention is a weighted mean only if the weights of each query add up to 1",
                "softmax over the axis of the keys, which is the last one of (queries, keys)",
                v,
            )


def _summed_over_another(subject: Subject, v: Node, axis: int) -> str:
    """The matrix product that sums weights over an axis other than that of their softmax."""
    seen = [(v, axis)]
    while seen:
        x, axis = seen.pop()
        n = x._data.ndim
        for user in subject.plain.users.get(id(x), []):
            other = [y for y in user.inputs if y is not x]
            if user.op.name == "matmul" and n >= 2 and other and np.ndim(_data(other[0])) >= 2:
                if axis != (n - 1 if user.inputs[0] is x else n - 2):
                    return "matmul"
            elif user.op.name in ("transpose", "swapaxes"):
                moved = _moved(x._data.shape, user, axis)
                if moved is not None:
                    seen.append((user, moved))
            elif user.op.name == "multiply" and not any(tracked(y) for y in other):
                seen.append((user, axis + user._data.ndim - n))  # dropout, or a mask
    return ""


def _moved(shape: tuple[int, ...], v: Node, axis: int) -> int | None:
    """Where an op puts an axis, seen on an array whose strides tell the axes apart."""
    probe = np.lib.stride_tricks.as_strided(
        np.zeros(1), shape, [8 * (i + 1) for i in range(len(shape))]
    )
    strides = v.op.forward(probe, *v.static).strides
    return strides.index(8 * (axis + 1)) if 8 * (axis + 1) in strides else None


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def out_of_range(subject: Subject) -> Iterator[Finding]:
    """Targets that the activation before the difference can't reach."""
    for v in subject.plain.order:
        if v.op.name != "subtract":
            continue
        y, t = v.inputs if tracked(v.inputs[0]) else reversed(v.inputs)
        if tracked(t) or not tracked(y) or subject.steady(y) or np.ndim(_data(t)) == 0:
            continue
        name = name_of(origin(y))
        low, high = RANGES.get(name, (-np.inf, np.inf))
        target = _data(t)
        beyond = np.mean((target < low - SLACK) | (target > high + SLACK)) if target.size else 0
        if beyond >= 0.05 and _is_squared(subject, v):
            yield Finding(
                "targets out of range",
                subject.where(v),
                f"{beyond:.0%} of the targets, which go from {target.min():.3g} to "
                f"{target.max():.3g}, are beyond the range of {name}",
                "no weights reach them, so the error has a floor and the units saturate",
                f"no {name} after the last layer, or targets scaled to its range",
                v,
            )


RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, np.inf)}
SLACK = 1e-3


def _is_squared(subject: Subject, v: Node) -> bool:
    """Whether a difference is made into an error, with no more weights after it."""
    users = subject.plain.users.get(id(v), [])
    errors = {"square", "absolute", "power", "clip", "multiply"}
    return bool(users) and all(u.op.name in errors for u in users)


CHECKS = (
    activation_before_logits,
    not_log_probabilities,
    soft_targets,
    softmax_axis,
    out_of_range,
)
