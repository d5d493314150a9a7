"""Sliding windows, and their transpose: overlapping windows added up."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.samples import A, case, cases

sliding_window_view = np.lib.stride_tricks.sliding_window_view


def _unfold(x: Any, window_shape: Any, axis: Any = None) -> Any:
    r"""Every window of a shape, as `numpy.lib.stride_tricks.sliding_window_view`.

    .. math:: y_{i, k} = x_{i + k}

    Parameters
    ----------
    x : array or Value, (N, ...).
    window_shape : int or tuple of ints. Size w of the window along each axis of `axis`.
    axis : int or tuple of ints. By default all axes.

    Returns
    -------
    Value, (N - w + 1, ..., w). The windows overlap in memory: nothing is copied.

    Examples
    --------
    >>> import autograd
    >>> autograd.ops.unfold(autograd.Value([1.0, 2.0, 3.0]), 2).data
    array([[1., 2.],
           [2., 3.]])
    """
    return sliding_window_view(x, window_shape, axis)


def _fold(a: Any, shape: tuple[int, ...], window_shape: Any, axis: Any = None) -> Any:
    """Windows added up where `unfold` took them from, in an array of this shape."""
    widths = tuple(window_shape) if np.ndim(window_shape) else (window_shape,)
    axes = tuple(range(len(shape))) if axis is None else axis
    axes = tuple(axes) if np.ndim(axes) else (axes,)
    for k, width in zip(reversed(axes), reversed(widths), strict=True):  # the last was made last
        a = fold_one(a, k % len(shape), width)
    if a.shape != tuple(shape):
        raise ValueError(f"windows of {widths} at these places make {a.shape}, not {shape}.")
    return a


def fold_one(a: Any, axis: int, width: int) -> Any:
    """The last axis, a window of `width`, added to `axis`."""
    steps = a.shape[axis]
    a = np.moveaxis(a, axis, 0)  # (steps, ..., width)
    out = np.zeros((steps + width - 1, *a.shape[1:-1]), a.dtype)
    if width <= steps:
        for j in range(width):
            out[j : j + steps] += a[..., j]
    else:
        a = np.moveaxis(a, -1, 1)  # (steps, width, ...)
        for i in range(steps):
            out[i : i + width] += a[i]
    return np.moveaxis(out, 0, axis)


unfold: Op = Op(
    _unfold,
    r"\operatorname{{unfold}} {x:3}",
    lambda g, y, x, window_shape, axis: fold.call(g, x.shape, window_shape, axis),
    of=(sliding_window_view,),
    routes=True,
)
fold: Op = Op(
    _fold,
    r"\operatorname{{fold}} {a:3}",
    lambda g, y, a, shape, window_shape, axis: unfold.call(g, window_shape, axis),
    routes=True,
)

# What tests sample
cases(
    "unfold",
    case(A(5), 3),
    case(A(3, 4), (2, 3)),
    case(A(3, 5, 2), 4, 1),
    case(A(2, 5), (2, 2), axis=(1, -1)),
    case(A(3), 1),
)
cases("fold", case(A(3, 3), (5,), 3), case(A(2, 2, 2, 3), (3, 4), (2, 3)))
