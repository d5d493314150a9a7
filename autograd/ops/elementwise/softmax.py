"""Softmax and its logarithm, along any axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.machine.choice import alike
from autograd.machine.sum_axes import sum_axes
from autograd.machine.uninterrupted import load
from autograd.op import Op
from autograd.ops.samples import A, case, cases

SIZE = 256  # elements from which the kernel beats NumPy
COLUMNS = 16  # elements behind the axis, if any: fewer do not fill a vector register


def by_kernel(axis: int, logarithm: bool, *arrays: Any) -> Any:
    """Compute softmax, its logarithm, or either's gradient by a kernel; None: NumPy is faster.

    Parameters
    ----------
    axis : int
    logarithm : bool
    *arrays
        x; or for the gradient g and y.
    """
    if not alike(SIZE, arrays) or type(axis) is not int:
        return None
    shape = arrays[0].shape
    if not -len(shape) <= axis < len(shape):
        return None
    if 1 < math.prod(shape[axis % len(shape) + 1 :]) < COLUMNS:
        return None
    kernels: Any = load("autograd.ops.elementwise.kernel_softmax")
    return kernels.along(axis, logarithm, *arrays)


def _softmax(a: Any, axis: int = -1) -> Any:
    """exp(a) over its sum along an axis, without overflow."""
    y = by_kernel(axis, False, a)
    if y is not None:
        return y
    if not a.size:  # an empty axis has no maximum
        return a / 1
    if a.dtype == np.float16:  # whose sums end at 65504
        return _softmax(a.astype(np.float32), axis).astype(np.float16)
    e = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return e / total(e, axis)


def _log_softmax(a: Any, axis: int = -1) -> Any:
    """log(softmax(a)) along an axis, without overflow."""
    y = by_kernel(axis, True, a)
    if y is not None:
        return y
    if not a.size:
        return a / 1
    if a.dtype == np.float16:
        return _log_softmax(a.astype(np.float32), axis).astype(np.float16)
    shifted = a - np.max(a, axis=axis, keepdims=True)
    return shifted - np.log(total(np.exp(shifted), axis))


def _softmax_grad(g: Any, y: Any, axis: int) -> Any:
    """y (g - Σ g y)."""
    gx = by_kernel(axis, False, g, y)
    return y * (g - total(g * y, axis)) if gx is None else gx


def _log_softmax_grad(g: Any, y: Any, a: Any, axis: int) -> Any:
    """g - exp(y) Σ g, of float16 without y, whose rounding would be a percent of exp(y)."""
    gx = by_kernel(axis, True, g, y)
    if type(g) is np.ndarray and g.dtype == np.float16:
        return g - _softmax(a.astype(np.float32), axis) * total(g.astype(np.float32), axis)
    return g - np.exp(y) * total(g, axis) if gx is None else gx


def total(a: Any, axis: int) -> Any:
    """Sum along an axis that is kept."""
    if type(a) is np.ndarray:
        return sum_axes(a, (axis,), keepdims=True)
    return np.sum(a, axis=axis, keepdims=True)


softmax = Op(
    _softmax, r"\operatorname{{softmax}} {a:3}", lambda g, y, a, axis: _softmax_grad(g, y, axis)
)
log_softmax = Op(
    _log_softmax,
    r"\log \operatorname{{softmax}} {a:3}",
    lambda g, y, a, axis: _log_softmax_grad(g, y, a, axis),
)

# What tests sample
cases("softmax", case(A(2, 3)), case(A(2, 3, 2), axis=1))
cases("log_softmax", case(A(2, 3)), case(A(2, 3, 2), axis=0))
