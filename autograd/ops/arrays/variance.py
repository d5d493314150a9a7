"""Variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.machine.sum_axes import FEW
from autograd.op import Op
from autograd.ops.arrays.reduce import (
    CASES,
    Axis,
    count,
    dropped,
    largest,
    mean,
    number,
    spread,
    squarable,
    tex_axis,
    tex_over,
)
from autograd.ops.elementwise.arithmetic import bent, directed
from autograd.ops.samples import A, case, cases


def _var(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Variance: the squared deviations from the mean, summed and divided by n - ddof."""
    if a.dtype == np.float16:  # whose sums end at 65504
        y = _var(a.astype(np.float32), axis, ddof=ddof, keepdims=keepdims)
        return y.astype(np.float16)
    if a.dtype.char not in "fd" or count(a.shape, axis) <= FEW:
        return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    squares = np.square(_deviation(a, axis))
    n = count(a.shape, axis)
    return mean.forward(squares, axis, keepdims=keepdims) * (a.dtype.type(n) / max(n - ddof, 0))


def _std(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Standard deviation. Its gradient is 0 where all elements are equal."""
    if a.dtype == np.float16:
        y = _std(a.astype(np.float32), axis, ddof=ddof, keepdims=keepdims)
        return y.astype(np.float16)
    with np.errstate(over="ignore", under="ignore"):
        y = np.sqrt(_var(a, axis, ddof=ddof, keepdims=keepdims))
    if squarable(y):
        return y
    d = _deviation(a, axis)
    size = largest(d, axis)
    y = np.sqrt(_var(d / size, axis, ddof=ddof, keepdims=True)) * size
    return y if keepdims else np.squeeze(y, axis)


def _deviation(a: Any, axis: Axis = None) -> Any:
    """Deviation from the mean; exactly 0 of equal elements, however the mean is rounded."""
    gone = dropped(axis, a.ndim)
    d = a - a[tuple(slice(0, 1) if i in gone else slice(None) for i in range(a.ndim))]
    return d - mean.forward(d, axis, keepdims=True)


def _var_grad(g: Any, a: Any, axis: Axis, ddof: float) -> Any:
    """The gradient of a variance: 2 (a - mean) / (n - ddof)."""
    return spread(2 * g, a.shape, axis) * deviation.call(a, axis) / _freedom(a, axis, ddof)


def _std_grad(g: Any, y: Any, a: Any, axis: Axis, ddof: float) -> Any:
    """The gradient of a standard deviation y; 0 where nothing deviates."""
    g = spread(g / _freedom(a, axis, ddof), a.shape, axis)
    return bent(directed, g, deviation.call(a, axis), spread(y, a.shape, axis))


def _freedom(a: Any, axis: Axis, ddof: float) -> Any:
    """Degrees of freedom, which a sum of squares is divided by."""
    return number(max(count(a.shape, axis) - ddof, 0), a.dtype)


def tex_deviation(a: Any, axis: Axis = None) -> str:
    """a minus its mean."""
    return rf"{a:1} - \operatorname{{mean}}{tex_axis(axis)} {a:3}"


deviation: Op = Op(_deviation, tex_deviation, lambda g, y, a, axis: deviation.call(g, axis), rank=1)
var = Op(
    _var,
    tex_over(r"\operatorname{var}"),
    lambda g, y, a, axis, ddof, keepdims: _var_grad(g, a, axis, ddof),
    rank=3,
    of=(np.var,),
    bind="var",
)
std = Op(
    _std,
    tex_over(r"\operatorname{std}"),
    lambda g, y, a, axis, ddof, keepdims: _std_grad(g, y, a, axis, ddof),
    rank=3,
    of=(np.std,),
    bind="std",
    singular=True,
)

# What tests sample
SPREADS = (case(A(4)), case(A(2, 3), axis=0, ddof=1), case(A(2, 3, 2), axis=(0, -1), keepdims=True))
cases("deviation", *CASES[:2])
cases("var std", *SPREADS)
