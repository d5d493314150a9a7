"""Variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.arrays.reduce import CASES, Axis, count, dropped, spread, tex_axis, tex_over
from autograd.ops.elementwise.arithmetic import ratio
from autograd.ops.samples import A, case, cases


def _var(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Variance: the squared deviations from the mean, summed and divided by n - ddof."""
    return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _std(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Standard deviation. Its gradient is 0 where all elements are equal."""
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(a: Any, axis: Axis = None) -> Any:
    """Deviation from the mean; exactly 0 of equal elements, however the mean is rounded."""
    gone = dropped(axis, a.ndim)
    d = a - a[tuple(slice(0, 1) if i in gone else slice(None) for i in range(a.ndim))]
    return d - np.mean(d, axis=axis, keepdims=True)


def _var_grad(g: Any, a: Any, axis: Axis, ddof: float) -> Any:
    """The gradient of a variance: 2 (a - mean) / (n - ddof)."""
    return spread(2 * g, a.shape, axis) * deviation.call(a, axis) / (count(a.shape, axis) - ddof)


def standardized(a: Any, y: Any, axis: Axis, ddof: float) -> Any:
    """The derivative of a standard deviation y; 0 where nothing deviates."""
    n = count(a.shape, axis) - ddof
    return ratio.call(deviation.call(a, axis), n * spread(y, a.shape, axis))


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
    lambda g, y, a, axis, ddof, keepdims: spread(g, a.shape, axis) * standardized(a, y, axis, ddof),
    rank=3,
    of=(np.std,),
    bind="std",
    singular=True,
)

# What tests sample
SPREADS = (case(A(4)), case(A(2, 3), axis=0, ddof=1), case(A(2, 3, 2), axis=(0, -1), keepdims=True))
cases("deviation", *CASES[:2])
cases("var std", *SPREADS)
