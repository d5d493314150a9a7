"""Losses that are fused: one pass forward, one pass backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.ops.activations import log_softmax
from autograd.ops.domains import A, case

Array = np.ndarray[Any, Any]
REDUCTIONS = ("mean", "sum", "none")


def _cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Array, Any]:
    r"""-log softmax(x)[target], averaged over the rows.

    With weights w and label smoothing s the loss of a row with target t is
    −Σ_c q_c log softmax(x)_c, where q = (1 − s) w_t onehot(t) + s w / C; the mean divides the sum by
    Σ w_t. Rows whose target is `ignore_index` count for nothing.
    """
    t, keep = checked(x, target, weight, ignore_index, reduction, label_smoothing)
    e = x - x.max(axis=1, keepdims=True, initial=-np.inf)
    rows = np.arange(len(t))
    losses = -e[rows, t]
    spread = label_smoothing / x.shape[1] if label_smoothing else 0.0
    w = None if weight is None else np.asarray(weight, x.dtype)
    flat = (e.sum(axis=1) if w is None else e @ w) if spread else None  # before e is overwritten
    np.exp(e, out=e)
    total = e.sum(axis=1)
    log_total = np.log(total)
    losses += log_total
    chosen = None if w is None else w[t]  # w_t, 0 in ignored rows
    if keep is not None:
        chosen = keep.astype(x.dtype) if chosen is None else chosen * keep
    if spread:
        width = x.shape[1] if w is None else w.sum()
        smooth = spread * (width * log_total - flat)
        losses *= 1 - label_smoothing
        if w is not None:
            losses *= w[t]
        losses += smooth
        if keep is not None:
            losses = np.where(keep, losses, 0)
    elif chosen is not None:
        losses = np.where(chosen == 0, 0, losses * chosen)
    divisor: Any = None
    if reduction == "mean":
        divisor = len(t) if chosen is None else float(chosen.sum())
        y = np.asarray(losses.sum() / divisor if divisor else np.nan, x.dtype)
    else:
        y = losses if reduction == "none" else np.asarray(losses.sum())
    return y, (e, total, t, rows, keep, w, divisor)


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
) -> tuple[Array]:
    """(Σ_c q_c) softmax(x) − q, times what comes in."""
    e, total, t, rows, keep, w, divisor = saved
    scale = np.broadcast_to(g if divisor is None else g / (divisor or np.nan), t.shape)
    if keep is not None:
        scale = scale * keep
    sharp = (1 - label_smoothing) * scale if label_smoothing else scale
    if w is not None:
        sharp = sharp * w[t]
    mass = sharp
    if label_smoothing:
        spread = label_smoothing / x.shape[1]
        mass = sharp + scale * (label_smoothing if w is None else spread * w.sum())
    gx = e * (mass / total)[:, None]
    gx[rows, t] -= sharp
    if label_smoothing:
        gx -= (scale * spread)[:, None] * (1 if w is None else w)
    return (gx,)


def _reference(
    x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    """The same, composed of ops."""
    t, keep = checked(x, target, weight, ignore_index, reduction, label_smoothing)
    n, classes = x.shape
    w = np.ones(classes, x.dtype) if weight is None else np.asarray(weight, x.dtype)
    kept = np.ones(n, x.dtype) if keep is None else keep.astype(x.dtype)
    log_p = log_softmax(x, axis=1)
    losses = -log_p[np.arange(n), t] * (w[t] * kept)
    if label_smoothing:
        smooth = -np.sum(log_p * w, axis=1) * (kept / classes)
        losses = (1 - label_smoothing) * losses + label_smoothing * smooth
    if reduction == "none":
        return losses
    total = np.sum(losses)
    return total / float((w[t] * kept).sum()) if reduction == "mean" else total


def checked(
    x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float
) -> tuple[Array, Array | None]:
    """The targets, with ignored ones set to 0, and which to keep (None for all)."""
    if x.ndim != 2:
        raise ValueError(
            f"logits must have shape (N, C), got {x.shape}; for more axes use nn.functional's."
        )
    t = np.asarray(target)
    if t.dtype.kind not in "iu":
        raise TypeError(
            f"target must hold class numbers (integers), got {t.dtype}; use "
            "target.astype(np.int64), or nn.functional.cross_entropy for probabilities."
        )
    n, classes = x.shape
    if t.shape != (n,):
        raise ValueError(
            f"target must have one class number a row, shape ({n},) for logits {x.shape}, "
            f"got {t.shape}." + (" Use target.ravel()." if t.size == n else "")
        )
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}.")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be between 0 and 1, got {label_smoothing}.")
    if weight is not None and np.shape(weight) != (classes,):
        raise ValueError(
            f"weight must have one number a class, shape ({classes},), got {np.shape(weight)}."
        )
    t = t.astype(np.intp, copy=False)
    # one pass for both ends: a negative number is huge when read as unsigned
    inside = not n or t.view(np.uintp).max() < classes
    if inside and not 0 <= ignore_index < classes:
        return t, None
    keep = t != ignore_index
    t = np.where(keep, t, 0)
    if not inside and n and t.view(np.uintp).max() >= classes:
        wrong = t[(t < 0) | (t >= classes)][0]
        raise ValueError(
            f"target has the class number {wrong}, but the logits {x.shape} have {classes} "
            f"classes: 0 to {classes - 1} (ignore_index is {ignore_index})."
        )
    return t, keep


# fmt: off
cross_entropy = KernelOp(_cross_entropy, r"\operatorname{{cross\_entropy}} {x:3}", _cross_entropy_grad, reference=_reference, arity=1, name="cross_entropy", rank=3,
                         cases=(case(A(3, 4), [0, 3, 1]), case(A(3, 4), [0, -100, 1], [1.0, 2.0, 0.5, 1.0], reduction="none", label_smoothing=0.1), case(A(3, 2), [0, 1, 1], ignore_index=0, reduction="sum")))
# fmt: on
