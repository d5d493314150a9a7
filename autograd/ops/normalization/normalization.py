"""The map that layer, RMS, batch, group and instance normalization share.

All five see an array as (P, N, G, K, S), as kernel_normalization.py describes; they differ in how
they get there and in whether they center.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

KERNEL = 256
"""Elements from which kernels are used: there they are 2 to 5 times as fast as NumPy."""

STATISTICS = (0, 3, 4)  # the axes of (P, N, G, K, S) that mean and variance are taken over
AFFINE = (0, 1, 4)  # those that a weight does not have


def _kernels(x: Array) -> Any:
    """The kernels where they pay, else None; Numba is imported on first use."""
    return None if x.size < KERNEL else _module()


@functools.cache
def _module() -> Any:
    return load("autograd.ops.normalization.kernel_normalization")


def _mean(a: Array) -> Array:
    """Mean over the axes of the statistics, kept; 0 of no elements."""
    count = a.shape[0] * a.shape[3] * a.shape[4]
    mean: Array = np.add.reduce(a, axis=STATISTICS, keepdims=True)
    mean /= a.dtype.type(count or 1)
    return mean


def normalize(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    shape: Shape,
    eps: float,
    centered: bool = True,
    statistics: tuple[Array, Array] | None = None,
    fixed: bool = False,
) -> tuple[Array, Any]:
    """Forward for all: y and what the backward pass needs.

    `statistics`, a mean and a variance, are used if they are `fixed`, else written to. Means are
    float64 and exact: of equal numbers nothing is left, whatever 1/√eps multiplies it by.
    """
    G, K = shape[2:4]
    w = np.ones((G, K), x.dtype) if weight is None else weight
    kernels = _kernels(x)
    if kernels is not None:
        b = np.zeros((G, K), x.dtype) if bias is None else bias
        y, mean, scale = kernels.normalize(x, w, b, shape, eps, centered, statistics, fixed)
        return y, (x, w, mean, scale, centered, fixed, shape)
    v, w = x.reshape(shape), w.reshape(G, K)
    groups = (1, shape[1], G, 1, 1)
    if fixed and statistics is not None:
        mean, var = (s.reshape(groups) for s in statistics)
        y = v - mean
    else:
        wide = v.astype(np.float64)
        mean = np.zeros(groups)
        if centered:
            mean = _mean(wide)
            mean += _mean(wide - mean)
        y = wide - mean
        var = _mean(np.square(y))
        if statistics is not None:
            statistics[0][...], statistics[1][...] = mean.ravel(), var.ravel()
    scale = 1 / np.sqrt(var + eps)
    y = y * scale
    if weight is not None:
        y *= w[:, :, None]
    if bias is not None:
        y += bias.reshape(G, K, 1)
    y = y.astype(x.dtype, copy=False)
    return y.reshape(x.shape), (v, w, mean, scale, centered, fixed, shape)


def normalize_grad(
    g: Array, needs: Sequence[bool], y: Array, saved: Any, x: Array, weight: Any, bias: Any, *_: Any
) -> tuple[Array | None, ...]:
    """Backward for all; the order of inputs is x, weight, bias."""
    v, w, mean, scale, centered, fixed, shape = saved
    g = native(np.asarray(g, v.dtype))
    kernels = _kernels(v)
    if kernels is not None:
        # Of the inputs' shapes, not views, so that the engine need not copy them.
        gx = np.empty(x.shape, v.dtype)
        gw, gb = (np.empty(w.shape if a is None else a.shape, v.dtype) for a in (weight, bias))
        flat = gx.reshape(-1), gw.reshape(-1), gb.reshape(-1)
        kernels.normalize_grad(g, v, w, shape, mean, scale, centered, fixed, *flat)
        return gx, gw, gb
    g = g.reshape(shape)
    hat = (v - mean) * scale
    found: list[Array | None] = [None] * 3
    if needs[1]:
        found[1] = np.add.reduce(g * hat, axis=AFFINE)
    if needs[2]:
        found[2] = np.add.reduce(g, axis=AFFINE)
    if needs[0]:
        part = g * w[:, :, None]
        if not fixed:
            slope = _mean(part * hat)
            if centered:
                part = part - _mean(part)
            part -= hat * slope
        part *= scale
        found[0] = part
    return tuple(
        part if part is None or a is None else part.reshape(a.shape).astype(v.dtype, copy=False)
        for part, a in zip(found, (x, weight, bias), strict=True)
    )


def composed(
    x: Any,
    weight: Any,
    bias: Any,
    shape: Shape,
    eps: float,
    centered: bool = True,
    fixed: tuple[Any, Any] | None = None,
) -> Any:
    """The same, composed of ops; float32 in double precision, whose squares stay in range."""
    G, K = shape[2:4]
    v = np.reshape(x, shape)
    if v.dtype == np.float32:
        v = v.astype(np.float64)
    if fixed is not None:
        mean, var = (np.reshape(s, (1, 1, G, 1, 1)) for s in fixed)
        y = (v - mean) / np.sqrt(var + eps)
    elif not x.size:
        y = v
    else:
        for _ in range(2 if centered else 0):  # the second time what rounding has left of the mean
            v = v - np.mean(v, axis=STATISTICS, keepdims=True)
        y = v / np.sqrt(np.mean(np.square(v), axis=STATISTICS, keepdims=True) + eps)
    if weight is not None:
        y = y * np.reshape(weight, (G, K, 1))
    if bias is not None:
        y = y + np.reshape(bias, (G, K, 1))
    return np.reshape(y if y.dtype == x.dtype else y.astype(x.dtype), x.shape)


def check_float(x: Any, eps: Any, **others: Any) -> None:
    """TypeError unless all are of one float dtype; ValueError for an eps that is not >= 0."""
    if x is None:
        raise TypeError("x must be an array or Value, got None.")
    kind = x.dtype.char  # the same in either byte order
    if kind not in "fd":
        raise TypeError(f"x must be float32 or float64, got {x.dtype}; use x.astype(np.float32).")
    for name, a in others.items():
        if a is not None and a.dtype is not x.dtype and a.dtype.char != kind:
            raise TypeError(f"{name} has dtype {a.dtype} but x has {x.dtype}; use one for both.")
    if isinstance(eps, bool) or not 0 <= eps < np.inf:
        raise ValueError(f"eps must be a number >= 0, got {eps}.")


def check_channels(x: Any, **others: Any) -> None:
    """ValueError unless x is (N, C, ...) and the others, where given, are (C,)."""
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C, ...), got {x.shape}.")
    for name, a in others.items():
        if a is not None and a.shape != x.shape[1:2]:
            raise ValueError(
                f"{name} must have one number per channel, shape {x.shape[1:2]} for x {x.shape}, "
                f"got {a.shape}."
            )
