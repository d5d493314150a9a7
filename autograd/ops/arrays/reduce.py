"""Sums, means and products along axes, and log-sum-exp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.dispatch import OPS, refuse_subclasses
from autograd.machine.sum_axes import FEW, MANY, sum_axes
from autograd.op import Op
from autograd.ops.arrays.cumulative import holed, others, wide
from autograd.ops.arrays.shape import apart, together
from autograd.ops.samples import A, case, cases

Axis = int | tuple[int, ...] | None

COPIED = 8_192
"""Elements up to which a copy costs less than the 2 µs of np.broadcast_to."""


def dropped(axis: Axis, ndim: int) -> set[int]:
    """The axes that a reduction removes, counted from the left."""
    if axis is None:
        return set(range(ndim))
    return {k % max(ndim, 1) for k in (axis if isinstance(axis, tuple) else (axis,))}


def spread(g: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """The result of a reduction over `axis`, broadcast back over an input of this shape."""
    if type(axis) is int and type(g) is np.ndarray:
        k = axis % len(shape)
        g = g.reshape((*shape[:k], 1, *shape[k + 1 :]))
    elif axis is not None:
        gone = dropped(axis, len(shape))
        g = np.reshape(g, tuple([1 if i in gone else n for i, n in enumerate(shape)]))
    if isinstance(g, (np.ndarray, np.generic)) and math.prod(shape) < COPIED:
        filled = np.empty(shape, g.dtype)
        filled[...] = g
        return filled
    return np.broadcast_to(g, shape)


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements go into each element of a reduction."""
    if axis is None:
        return math.prod(shape)
    if type(axis) is int:
        return shape[axis]
    gone = dropped(axis, len(shape))
    return math.prod(n for i, n in enumerate(shape) if i in gone)


def number(n: float, dtype: Any) -> Any:
    """A number that arrays of this dtype are divided by; a count is too much for a float16."""
    return np.float32(n) if dtype == np.float16 else n


def _sum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum over an axis, several, or all, as exact along the first as along the last."""
    if a.size > FEW and (a.ndim > 1 or a.size >= MANY):
        axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        places = {k % a.ndim for k in axes if isinstance(k, (int, np.integer))}
        if len(places) == len(axes) and all(-a.ndim <= k < a.ndim for k in axes):
            return sum_axes(a, tuple(places), keepdims)
    add: Any = np.add.reduce  # what np.sum calls, 1 µs sooner
    return add(a, axis=axis, keepdims=keepdims)


def _mean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Mean over an axis, several, or all."""
    if a.size and a.dtype.char in "fd":  # as np.mean does, 2 µs sooner
        return _sum(a, axis, keepdims=keepdims) / a.dtype.type(count(a.shape, axis))
    return np.mean(a, axis=axis, keepdims=keepdims)


def _prod(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Product over an axis, several, or all; exact where factors are 0."""
    y = np.prod(wide(a), axis=axis, keepdims=keepdims)
    return y.astype(a.dtype) if a.dtype.char in "ef" else y


def _nansum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum, ignoring NaN."""
    return _sum(np.where(np.isnan(a), 0, a), axis, keepdims=keepdims)


def _nanmean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Mean, ignoring NaN."""
    if a.dtype == np.float16:  # whose sum would end at 65504
        return _nanmean(a.astype(np.float32), axis, keepdims=keepdims).astype(np.float16)
    n = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims)
    return np.true_divide(_nansum(a, axis, keepdims=keepdims), n, dtype=np.result_type(a, 0.0))


def _logsumexp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    r"""Logarithm of the sum of exponentials over an axis, several, or all, without overflow.

    .. math:: y = \log \sum_i e^{a_i}

    Parameters
    ----------
    a : array or Value.
    axis : int, tuple of ints or None.
    keepdims : bool. Keep the axes as axes of size 1.

    Returns
    -------
    Value; -inf where every element is -inf or there is none.

    Examples
    --------
    >>> import autograd
    >>> autograd.logsumexp(autograd.Value([1000.0, 1000.0])).item()
    1000.6931471805599
    """
    if a.dtype == np.float16:  # whose sums end at 65504
        return _logsumexp(a.astype(np.float32), axis, keepdims=keepdims).astype(np.float16)
    top = _top(a, axis)
    with np.errstate(divide="ignore"):
        y = np.log(_sum(np.exp(a - top), axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def _top(a: Any, axis: Axis) -> Any:
    """The largest elements, 0 in place of infinities."""
    top = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, np.zeros_like(top))


def _weights(a: Any, axis: Axis = None) -> Any:
    """The softmax over an axis, several, or all: the gradient of a log-sum-exp.

    0 where all elements are -inf, and 1 for a single inf; several of them have no limit.
    """
    if a.dtype == np.float16:
        return _weights(a.astype(np.float32), axis).astype(np.float16)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        e = np.exp(a - _top(a, axis))
        if np.isinf(e).any():
            most = np.isinf(e).any(axis=axis, keepdims=True)
            several = np.isinf(e).sum(axis=axis, keepdims=True) > 1
            e = np.where(most, np.where(np.isinf(e), np.where(several, np.nan, 1), 0), e)
        total = _sum(e, axis, keepdims=True)
        return (e / np.where(np.equal(total, 0), 1, total)).astype(a.dtype, copy=False)


def _weights_grad(g: Any, y: Any, axis: Axis) -> Any:
    """The gradient of a softmax: y (g - Σ g y)."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def product_of_others(a: Any, axis: Axis) -> Any:
    """For each element the product of the others that are reduced with it."""
    return apart(others.call(together(a, axis)), a.shape, axis)


def squarable(y: Any) -> bool:
    """Whether a root of a sum of squares is far from where squares over- or underflow."""
    if y.dtype.kind != "f":
        return True
    numbers = np.finfo(y.dtype)
    return bool(((y > math.sqrt(numbers.tiny / numbers.eps)) & (y < np.inf)).all())


def largest(x: Any, axis: Axis) -> Any:
    """The largest |x|, by which x is divided before its squares are summed; 1 for 0 and inf."""
    size = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    return np.where((size > 0) & np.isfinite(size), size, 1)


def to_numbers(g: Any, a: Any, axis: Axis) -> Any:
    """g sent to the elements that are not NaN."""
    return np.where(np.isnan(a), 0, spread(g, a.shape, axis))


def numbers(a: Any, axis: Axis) -> Any:
    """How many elements go into each element of a reduction that ignores NaN."""
    return counted(~np.isnan(a), axis, a.dtype)


def counted(hits: Any, axis: Axis, dtype: Any) -> Any:
    """How many are true along the axes, as divisors of arrays of this dtype."""
    return np.sum(hits, axis=axis, keepdims=True).astype(
        np.float32 if dtype == np.float16 else dtype
    )


def tex_axis(axis: Axis) -> str:
    """The axes that a reduction runs over, as a subscript."""
    return "" if axis is None else f"_{{{str(axis).strip('(),')}}}"


def tex_over(command: str) -> Any:
    """LaTeX of a reduction: the command, the axes it runs over as a subscript, the operand."""

    def tex(a: Any, axis: Axis = None, *others: Any) -> str:
        return f"{command}{tex_axis(axis)} {a:3}"

    return tex


def tex_logsumexp(a: Any, axis: Axis = None, *others: Any) -> str:
    """log Σ exp."""
    return rf"\log \sum{tex_axis(axis)} e^{{{a}}}"


sum_ = Op(
    _sum,
    tex_over(r"\sum"),
    lambda g, y, a, axis, keepdims: spread(g, a.shape, axis),
    rank=3,
    of=(np.sum,),
    bind="sum",
    routes=True,
)
mean = Op(
    _mean,
    tex_over(r"\operatorname{mean}"),
    lambda g, y, a, axis, keepdims: spread(
        g / number(count(a.shape, axis), a.dtype), a.shape, axis
    ),
    rank=3,
    of=(np.mean,),
    bind="mean",
    routes=True,
)
prod = Op(
    _prod,
    tex_over(r"\prod"),
    lambda g, y, a, axis, keepdims: spread(g, a.shape, axis) * product_of_others(a, axis),
    rank=3,
    of=(np.prod,),
    bind="prod",
)
logsumexp = Op(
    _logsumexp,
    tex_logsumexp,
    lambda g, y, a, axis, keepdims: spread(g, a.shape, axis) * weights.call(a, axis),
    rank=3,
)
weights: Op = Op(
    _weights,
    lambda a, axis: rf"\operatorname{{softmax}}{tex_axis(axis)} {a:3}",
    lambda g, y, a, axis: _weights_grad(g, y, axis),
    rank=3,
)
nansum = Op(
    _nansum,
    tex_over(r"\operatorname{nansum}"),
    lambda g, y, a, axis, keepdims: to_numbers(g, a, axis),
    rank=3,
    of=(np.nansum,),
    masks=True,
)
nanmean = Op(
    _nanmean,
    tex_over(r"\operatorname{nanmean}"),
    lambda g, y, a, axis, keepdims: to_numbers(g, a, axis) / numbers(a, axis),
    rank=3,
    of=(np.nanmean,),
    masks=True,
)


def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """The weighted mean, as `numpy.average`; weights may be a Value too."""
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        return (y, np.broadcast_to(float(count(np.shape(a), axis)), y.shape)) if returned else y
    for x in (a, weights):
        refuse_subclasses(x, "average")
    if np.shape(weights) != np.shape(a):
        if np.ndim(weights) != 1 or not isinstance(axis, int):
            raise ValueError(
                f"average: weights have shape {np.shape(weights)}, a has {np.shape(a)}; give them "
                "one shape, or 1-D weights and the one axis that they run along."
            )
        ahead = np.ndim(a) - 1 - axis % np.ndim(a)
        weights = np.reshape(weights, (-1,) + (1,) * ahead)
    weights = np.broadcast_to(weights, np.shape(a))
    kind = np.result_type(a.dtype, weights.dtype)
    if kind == np.float16:  # whose sums end at 65504
        a, weights = a.astype(np.float32), weights.astype(np.float32)
        y, total = average(a, axis, weights, True, keepdims=keepdims)
        return (y.astype(kind), total.astype(kind)) if returned else y.astype(kind)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    y = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (y, total) if returned else y


OPS[np.average] = average
# What tests sample
CASES = (
    case(A(2, 3)),
    case(A(2, 3), axis=0),
    case(A(2, 3, 2), axis=(0, -1), keepdims=True),
    case(A(2, 3), -1),
    case(A()),
)
HOLED = (
    case(A(2, 3, domain=holed), axis=1),
    case(A(6, domain=holed)),
    case(A(3, 2, 2, domain=holed), axis=(-1, 0)),
)
cases("sum mean logsumexp nansum nanmean", *CASES)
cases("weights", *CASES[:2], case(A(2, 3, 2), (0, -1)))
cases("prod", *CASES, *HOLED)
