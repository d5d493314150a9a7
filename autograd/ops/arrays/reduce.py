"""Reductions: sums, means, spreads, products, extremes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.op import Op
from autograd.ops.arrays.cumulative import holed, others
from autograd.ops.arrays.shape import apart, together
from autograd.ops.elementwise.arithmetic import gap, ratio
from autograd.ops.samples import A, case

Axis = int | tuple[int, ...] | None

COPIED = 8_192
"""Elements up to which a copy costs less than the 2 µs of np.broadcast_to."""


def dropped(axis: Axis, ndim: int) -> set[int]:
    """The axes that a reduction takes away, counted from the left."""
    if axis is None:
        return set(range(ndim))
    return {k % max(ndim, 1) for k in (axis if isinstance(axis, tuple) else (axis,))}


def spread(g: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """What a reduction over `axis` gave, stretched back over an input of this shape."""
    if axis is not None:
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
    gone = dropped(axis, len(shape))
    return math.prod(n for i, n in enumerate(shape) if i in gone)


def _sum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum over an axis, several, or all."""
    add: Any = np.add.reduce  # what np.sum calls, 1 µs sooner
    return add(a, axis=axis, keepdims=keepdims)


def _mean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Mean over an axis, several, or all."""
    if a.size and a.dtype.char in "fd":  # as np.mean does, 2 µs sooner
        return _sum(a, axis, keepdims=keepdims) / a.dtype.type(count(a.shape, axis))
    return np.mean(a, axis=axis, keepdims=keepdims)


def _var(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Variance: the mean squared distance from the mean; divided by n - ddof."""
    return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _std(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Standard deviation. Its gradient is 0 where all elements are equal."""
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _prod(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Product over an axis, several, or all; zeros among the factors are fine."""
    return np.prod(a, axis=axis, keepdims=keepdims)


def _max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest element; equal ones share the gradient."""
    return np.max(a, axis=axis, keepdims=keepdims)


def _min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest element; equal ones share the gradient."""
    return np.min(a, axis=axis, keepdims=keepdims)


def _nansum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum of what is not NaN."""
    return np.nansum(a, axis=axis, keepdims=keepdims)


def _nanmean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Mean of what is not NaN."""
    return np.nanmean(a, axis=axis, keepdims=keepdims)


def _nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest of what is not NaN."""
    return np.nanmax(a, axis=axis, keepdims=keepdims)


def _nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest of what is not NaN."""
    return np.nanmin(a, axis=axis, keepdims=keepdims)


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
    top = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.zeros_like(top))
    with np.errstate(divide="ignore"):
        y = np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def product_of_others(a: Any, axis: Axis) -> Any:
    """For each element the product of those that share its place in the result."""
    return apart(others.call(together(a, axis)), a.shape, axis)


def _deviation(a: Any, axis: Axis = None) -> Any:
    """Distance from the mean; of equal elements exactly 0, whatever the mean is rounded to."""
    gone = dropped(axis, a.ndim)
    d = a - a[tuple(slice(0, 1) if i in gone else slice(None) for i in range(a.ndim))]
    return d - np.mean(d, axis=axis, keepdims=True)


def standardized(a: Any, y: Any, axis: Axis, ddof: float) -> Any:
    """The derivative of a standard deviation y; 0 where nothing deviates."""
    n = count(a.shape, axis) - ddof
    return ratio.call(deviation.call(a, axis), n * spread(y, a.shape, axis))


def to_extreme(g: Any, y: Any, a: Any, axis: Axis) -> Any:
    """g to the elements equal to the extreme y, in equal shares."""
    hit = np.equal(a, spread(y, a.shape, axis))
    ties = np.sum(hit, axis=axis, keepdims=True).astype(a.dtype)
    return np.where(hit, spread(g, a.shape, axis) / ties, 0)


def to_numbers(g: Any, a: Any, axis: Axis) -> Any:
    """g to the elements that are numbers, 0 to NaN."""
    return np.where(np.isnan(a), 0, spread(g, a.shape, axis))


def numbers(a: Any, axis: Axis) -> Any:
    """How many elements go into each element of a reduction that skips NaN."""
    return np.sum(~np.isnan(a), axis=axis, keepdims=True).astype(a.dtype)


def tex_axis(axis: Axis) -> str:
    """The axes that a reduction runs over, as a subscript."""
    return "" if axis is None else f"_{{{str(axis).strip('(),')}}}"


def tex_over(command: str) -> Any:
    """LaTeX of a reduction: the command, the axes it runs over as a subscript, the operand."""

    def tex(a: Any, axis: Axis = None, *others: Any) -> str:
        return f"{command}{tex_axis(axis)} {a:3}"

    return tex


def tex_deviation(a: Any, axis: Axis = None) -> str:
    """a less its mean."""
    return rf"{a:1} - \operatorname{{mean}}{tex_axis(axis)} {a:3}"


def tex_logsumexp(a: Any, axis: Axis = None, *others: Any) -> str:
    """The formula that gave it its name."""
    return rf"\log \sum{tex_axis(axis)} e^{{{a}}}"


CASES = (
    case(A(2, 3)),
    case(A(2, 3), axis=0),
    case(A(2, 3, 2), axis=(0, -1), keepdims=True),
    case(A(2, 3), -1),
    case(A()),
)
MORE = (case(A(4)), case(A(2, 3), axis=0, ddof=1), case(A(2, 3, 2), axis=(0, -1), keepdims=True))
HOLED = (
    case(A(2, 3, domain=holed), axis=1),
    case(A(6, domain=holed)),
    case(A(3, 2, 2, domain=holed), axis=(-1, 0)),
)

# fmt: off
sum_ = Op(_sum,         tex_over(r"\sum"),  lambda g, y, a, axis, keepdims: spread(g, a.shape, axis),                                         name="sum", rank=3, of=(np.sum,), bind="sum", cases=CASES)
mean = Op(_mean,        tex_over(r"\operatorname{mean}"), lambda g, y, a, axis, keepdims: spread(g / count(a.shape, axis), a.shape, axis),    name="mean", rank=3, of=(np.mean,), bind="mean", cases=CASES)
deviation: Op = Op(_deviation, tex_deviation, lambda g, y, a, axis: deviation.call(g, axis),                                                  name="deviation", rank=1, cases=CASES[:2])
var = Op(_var,          tex_over(r"\operatorname{var}"),  lambda g, y, a, axis, ddof, keepdims: spread(2 * g, a.shape, axis) * deviation.call(a, axis) / (count(a.shape, axis) - ddof), name="var", rank=3, of=(np.var,), bind="var", cases=MORE)
std = Op(_std,          tex_over(r"\operatorname{std}"),  lambda g, y, a, axis, ddof, keepdims: spread(g, a.shape, axis) * standardized(a, y, axis, ddof), name="std", rank=3, of=(np.std,), bind="std", cases=MORE, singular=True)
prod = Op(_prod,        tex_over(r"\prod"), lambda g, y, a, axis, keepdims: spread(g, a.shape, axis) * product_of_others(a, axis),            name="prod", rank=3, of=(np.prod,), bind="prod", cases=CASES + HOLED)
max_ = Op(_max,         tex_over(r"\max"),  lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),                                        name="max", rank=3, of=(np.max, np.amax), bind="max", masks=True, cases=CASES)
min_ = Op(_min,         tex_over(r"\min"),  lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),                                        name="min", rank=3, of=(np.min, np.amin), bind="min", masks=True, cases=CASES)
logsumexp = Op(_logsumexp, tex_logsumexp, lambda g, y, a, axis, keepdims: spread(g, a.shape, axis) * gap.call(a, spread(y, a.shape, axis)), name="logsumexp", rank=3, cases=CASES)
nansum = Op(_nansum,    tex_over(r"\operatorname{nansum}"),  lambda g, y, a, axis, keepdims: to_numbers(g, a, axis),                          name="nansum", rank=3, of=(np.nansum,), masks=True, cases=CASES)
nanmean = Op(_nanmean,  tex_over(r"\operatorname{nanmean}"), lambda g, y, a, axis, keepdims: to_numbers(g, a, axis) / numbers(a, axis),       name="nanmean", rank=3, of=(np.nanmean,), masks=True, cases=CASES)
nanmax = Op(_nanmax,    tex_over(r"\operatorname{nanmax}"),  lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),                       name="nanmax", rank=3, of=(np.nanmax,), masks=True, cases=CASES)
nanmin = Op(_nanmin,    tex_over(r"\operatorname{nanmin}"),  lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),                       name="nanmin", rank=3, of=(np.nanmin,), masks=True, cases=CASES)
# fmt: on


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
    if np.shape(weights) != np.shape(a):
        if np.ndim(weights) != 1 or not isinstance(axis, int):
            raise ValueError(
                f"average: weights have shape {np.shape(weights)}, a has {np.shape(a)}; give them "
                "one shape, or 1-D weights and the one axis that they run along."
            )
        ahead = np.ndim(a) - 1 - axis % np.ndim(a)
        weights = np.reshape(weights, (-1,) + (1,) * ahead)
    weights = np.broadcast_to(weights, np.shape(a))
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    y = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (y, total) if returned else y


def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Peak to peak: the largest element minus the smallest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


OPS[np.average] = average
OPS[np.ptp] = ptp
