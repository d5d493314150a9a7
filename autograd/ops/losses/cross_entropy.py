"""Cross-entropy, fused: one pass forward, one pass backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.kernel_op import KernelOp
from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native
from autograd.ops.elementwise.softmax import log_softmax
from autograd.ops.losses.class_probabilities import (
    class_rows,
    from_rows,
    of_probabilities,
    probabilities_grad,
)
from autograd.ops.samples import A, case, cases, positive

Array = np.ndarray[Any, Any]
REDUCTIONS = ("mean", "sum", "none")

KERNEL = 256
"""Logits from which kernels are used: 1.5 to 8 times as fast as NumPy from there on."""


def _cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Array, Any]:
    r"""-log softmax(x)[target], averaged.

    .. math:: ℓ = -\sum_c q_c \, \log \operatorname{softmax}(x)_c
        \qquad q_c = w_c \left((1 - s) t_c + \frac{s}{C}\right)

    where t is the distribution of the target, one-hot for class indices, w the class weights and s
    the label smoothing.

    Parameters
    ----------
    x : array or Value, (N, C), (N, C, d1, ...) or (C,)
        Logits, float32 or float64.
    target : integers, (N,), (N, d1, ...) or (); or floats of x's shape
        Class indices, or class probabilities, which receive a gradient too.
    weight : (C,), optional
        A weight for each class.
    ignore_index : int
        Positions with this target are ignored.
    reduction : "mean", "sum" or "none"
        The mean divides by the sum of the weights of the targets; with probabilities by the number
        of positions.
    label_smoothing : float
        The share of the target that is spread evenly over all classes, 0 to 1.

    Returns
    -------
    Value of shape (), or of the targets' positions where reduction is "none".

    Raises
    ------
    TypeError, ValueError : targets of another dtype or shape, or out of range.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    >>> np.exp(-autograd.ops.cross_entropy(x, np.array([0, 2]), reduction="none"))
    array([0.5, 0.8])
    """
    if x is None or target is None:
        raise TypeError("x and target must be arrays or Values, got None.")
    check_options(x, weight, reduction, label_smoothing)
    if target.dtype.kind == "f":
        return of_probabilities(x, target, weight, reduction, label_smoothing)
    t, keep = checked(x, target, weight, ignore_index, reduction, label_smoothing)
    v = class_rows(x)
    w = None if weight is None else np.asarray(weight, x.dtype)
    fused = v.size >= KERNEL and x.dtype.char in "fd"
    if not fused:
        losses, chosen, saved = _by_numpy(v, t, keep, w, label_smoothing)
    else:
        v = native(v)
        factors = None if w is None else np.array(w, v.dtype)
        rows = t.copy() if keep is None else np.where(keep, t, -1)
        losses, chosen, saved = _kernels().cross_entropy(v, rows, factors, label_smoothing)
        if w is None and keep is None:
            chosen = None  # all are 1
    divisor: Any = None
    if reduction == "mean":
        divisor = len(t) if chosen is None else float(chosen.sum())
        y = np.asarray(np.add.reduce(losses) / divisor if divisor else np.nan, x.dtype)
    else:
        y = losses.reshape(target.shape) if reduction == "none" else np.asarray(losses.sum())
    return y, (fused, saved, divisor)


def _kernels() -> Any:
    """The kernels; Numba is imported on first use."""
    return load("autograd.ops.losses.kernel_cross_entropy")


def _by_numpy(
    v: Array, t: Array, keep: Array | None, w: Array | None, label_smoothing: float
) -> tuple[Array, Array | None, Any]:
    """The losses of rows, their weights (None where all are 1), and what backward needs."""
    numbers = np.arange(len(t))
    C = v.shape[1]
    spread = label_smoothing / C if label_smoothing else 0.0
    e = v - v.max(axis=1, keepdims=True, initial=-np.inf)
    losses = -e[numbers, t]
    flat = (e.sum(axis=1) if w is None else e @ w) if spread else None  # before e is written to
    np.exp(e, out=e)
    total = e.sum(axis=1)
    log_total = np.log(total)
    losses += log_total
    chosen = None if w is None else w[t]  # w_t, 0 in ignored rows
    if keep is not None:
        chosen = keep.astype(v.dtype) if chosen is None else chosen * keep
    if spread:
        width = C if w is None else w.sum()
        smooth = spread * (width * log_total - flat)
        losses *= 1 - label_smoothing
        if w is not None:
            losses *= w[t]
        losses += smooth
        if keep is not None:
            losses = np.where(keep, losses, 0)
    elif chosen is not None:
        losses = losses * chosen if keep is None else np.where(keep, losses, 0) * chosen
    return losses, chosen, (e, total, t, numbers, keep, w)


def _cross_entropy_grad(
    g: Array,
    needs: Sequence[bool],
    y: Array,
    saved: Any,
    x: Array,
    target: Any,
    weight: Any,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> tuple[Array | None, Array | None]:
    """(Σ_c q_c) softmax(x) − q, times the incoming gradient; of probabilities t also −w log p."""
    if target.dtype.kind == "f":
        return probabilities_grad(g, needs, saved, x)
    fused, saved, divisor = saved
    scale = g if divisor is None else g / (divisor or np.nan)
    if fused:
        scale = np.array(scale, saved[1].dtype).reshape(-1)
        gx = _kernels().cross_entropy_grad(scale, saved)
    else:
        gx = _grad_by_numpy(np.ravel(scale), saved, label_smoothing)
    return from_rows(gx, x.shape), None


def _grad_by_numpy(scale: Array, saved: Any, label_smoothing: float) -> Array:
    """The gradient of rows of logits."""
    e, total, t, numbers, keep, w = saved
    if keep is not None:
        scale = np.where(keep, scale, 0)  # also where nothing is kept and the mean is NaN
    sharp = (1 - label_smoothing) * scale if label_smoothing else scale
    if w is not None:
        sharp = sharp * w[t]
    mass = sharp
    if label_smoothing:
        spread = label_smoothing / e.shape[1]
        mass = sharp + scale * (label_smoothing if w is None else spread * w.sum())
    gx: Array = e * (mass / total)[:, None]
    gx[numbers, t] -= sharp
    if label_smoothing:
        gx -= (scale * spread)[:, None] * (1 if w is None else w)
    if keep is not None:
        gx[~keep] = 0  # also where a logit is NaN
    return gx


def _reference(
    x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    """The same, composed of ops."""
    C = x.shape[min(1, x.ndim - 1)] or 1
    w = np.ones(C, x.dtype) if weight is None else np.asarray(weight, x.dtype)
    v = class_rows(x)
    if target.dtype.kind == "f":
        log_p = log_softmax(v, axis=1)
        q = (1 - label_smoothing) * class_rows(target) + label_smoothing / C
        losses, total = -np.sum(q * w * log_p, axis=1), log_p.shape[0]
        shape = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    else:
        t, keep = checked(x, target, weight, ignore_index, reduction, label_smoothing)
        kept = np.ones(len(t), x.dtype) if keep is None else keep.astype(x.dtype)
        log_p = log_softmax(v if keep is None else np.where(keep[:, None], v, 0), axis=1)
        factors = w[t] * kept
        losses = -log_p[np.arange(len(t)), t] * factors
        if label_smoothing:
            smooth = -np.sum(log_p * w, axis=1) / C * kept
            losses = (1 - label_smoothing) * losses + label_smoothing * smooth
        total, shape = float(factors.sum()), target.shape
    if reduction == "none":
        return np.reshape(losses, shape)
    return np.sum(losses) / (total or np.nan) if reduction == "mean" else np.sum(losses)


def check_options(x: Any, weight: Any, reduction: str, label_smoothing: float) -> None:
    """Refuse logits without classes, and options out of range."""
    if not x.ndim:
        raise ValueError("logits must have shape (N, C), (N, C, d1, ...) or (C,), got a number.")
    if x.dtype.kind != "f":
        raise TypeError(f"logits must be floats, got {x.dtype}; use x.astype(np.float32).")
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}.")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be between 0 and 1, got {label_smoothing}.")
    classes = x.shape[min(1, x.ndim - 1)]
    if weight is not None and np.shape(weight) != (classes,):
        raise ValueError(
            f"weight must have one number per class, shape ({classes},), got {np.shape(weight)}."
        )


def checked(
    x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> tuple[Array, Array | None]:
    """The targets, raveled, with ignored ones set to 0, and which to keep (None for all)."""
    t = array_of(target, "target")
    if t.dtype.kind not in "iu":
        raise TypeError(
            f"target must hold class indices (integers), got {t.dtype}; use "
            "target.astype(np.int64)."
        )
    classes = x.shape[min(1, x.ndim - 1)]
    expected = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    if t.shape != expected:
        raise ValueError(
            f"target must have one class index per row, shape {expected} for logits {x.shape}, "
            f"got {t.shape}."
            + (" Use target.ravel()." if (t.size,) == expected else "")
            + (" One-hot rows are floats here, or target.argmax(1)." if t.shape == x.shape else "")
        )
    t = t.astype(np.intp, copy=False).ravel()
    # one pass for both ends: a negative number is huge when read as unsigned
    inside = not t.size or t.view(np.uintp).max() < classes
    if inside and not 0 <= ignore_index < classes:
        return t, None
    keep = t != ignore_index
    t = np.where(keep, t, 0)
    if not inside and t.view(np.uintp).max() >= classes:
        wrong = t[(t < 0) | (t >= classes)][0]
        raise ValueError(
            f"target has the class index {wrong}, but the logits {x.shape} have {classes} "
            f"classes: 0 to {classes - 1} (ignore_index is {ignore_index})."
        )
    return t, keep


cross_entropy = KernelOp(
    _cross_entropy,
    r"\operatorname{{cross\_entropy}} {x:3}",
    _cross_entropy_grad,
    reference=_reference,
    arity=2,
)

# What tests sample
cases(
    "cross_entropy",
    case(A(3, 4), [0, 3, 1]),
    case(A(3, 4), [0, -100, 1], [1.0, 2.0, 0.5, 1.0], reduction="none", label_smoothing=0.1),
    case(A(3, 2), [0, 1, 1], ignore_index=0, reduction="sum"),
    case(A(2, 3, 2), [[0, 2], [1, 1]], reduction="none"),
    case(A(4), 2),
    case(A(2, 3), A(2, 3, domain=positive), [1.0, 2.0, 0.5], label_smoothing=0.2),
    case(A(2, 2, 2), A(2, 2, 2), reduction="none"),
)
