"""Cross-entropy whose targets are class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.ops.elementwise.softmax import log_softmax

Array = np.ndarray[Any, Any]


def of_probabilities(
    x: Any, target: Any, weight: Any, reduction: str, label_smoothing: float
) -> tuple[Array, Any]:
    """The losses, reduced, and what the backward pass needs."""
    check_probabilities(x, target)
    v = class_rows(x)
    q = class_rows(target).astype(x.dtype)
    w = np.asarray(1 - label_smoothing, x.dtype)
    if label_smoothing:
        q = q * w + x.dtype.type(label_smoothing / v.shape[1])
    if weight is not None:
        factors = np.asarray(weight, x.dtype)
        q, w = q * factors, w * factors
    log_p = log_softmax.forward(v, 1)
    losses = -(q * log_p).sum(axis=1)
    divisor = None
    if reduction == "mean":
        divisor = len(losses)
        y = np.asarray(losses.sum() / divisor if divisor else np.nan, x.dtype)
    else:
        shape = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
        y = losses.reshape(shape) if reduction == "none" else np.asarray(losses.sum())
    return y, (log_p, q, w, divisor)


def probabilities_grad(
    g: Array, needs: Sequence[bool], saved: Any, x: Array
) -> tuple[Array | None, Array | None]:
    """(Σ_c q_c) softmax(x) − q and −w log p, times the incoming gradient."""
    log_p, q, w, divisor = saved
    scale = np.ravel(g)[:, None] if divisor is None else g / (divisor or np.nan)
    gx = gt = None
    if needs[0]:
        gx = from_rows((np.exp(log_p) * q.sum(axis=1, keepdims=True) - q) * scale, x.shape)
    if needs[1]:
        gt = from_rows(log_p * (-scale * w), x.shape)
    return gx, gt


def check_probabilities(x: Any, target: Any) -> None:
    """Refuse float targets of another shape than the logits."""
    if target.shape != x.shape:
        raise TypeError(
            f"float targets are probabilities and need the logits' shape {x.shape}, got "
            f"{target.shape}; class indices are integers: target.astype(np.int64)."
        )


def class_rows(x: Any) -> Any:
    """(N, C, d1, ...) or (C,) as (N·d1·..., C)."""
    if x.ndim == 2:
        return x
    if x.ndim > 2:
        x = np.transpose(x, (0, *range(2, x.ndim), 1))
    n, shape = 1, x.shape
    for size in shape[:-1]:
        n *= size
    return np.reshape(x, (n, shape[-1]))


def from_rows(rows: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `class_rows`."""
    if len(shape) == 2:
        return rows  # not a view, so that the engine need not copy it
    if len(shape) == 1:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)
