"""Order statistics: sorting, medians, quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.machine.scatter_sum import scatter_sum
from autograd.op import Op
from autograd.ops.arrays.shape import apart, together
from autograd.ops.samples import A, Array, case, cases
from autograd.symbol import Symbol


def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """The elements at the given positions of each line along an axis."""
    return np.take_along_axis(arr, indices, axis)


def _add_along_axis(a: Any, indices: Any, n: int, axis: int) -> Any:
    """Zeros with a added at the given positions of each line of length n; repeats add up."""
    places = np.moveaxis(np.broadcast_to(indices, a.shape), axis, -1) % n
    lead = places.shape[:-1]
    lines = np.arange(math.prod(lead)).reshape(*lead, 1) * n
    flat = np.moveaxis(a, axis, -1).reshape(-1)
    out = scatter_sum(flat, (lines + places).reshape(-1), math.prod(lead) * n)
    return np.moveaxis(out.reshape(*lead, n), -1, axis)


def _take_along_axis_vjp(g: Any, a: Any, indices: Any, axis: int | None) -> Any:
    if axis is None:
        return np.reshape(add_along_axis.call(g, indices, a.size, 0), a.shape)
    return add_along_axis.call(g, indices, a.shape[axis], axis)


def _take_along_axis_parts(g: Any, a: Any, indices: Any, axis: int | None) -> Any:
    if axis is None:
        return None
    index: list[Any] = [np.arange(n).reshape(-1, *(1,) * k) for k, n in enumerate(a.shape[::-1])]
    index.reverse()
    index[axis] = indices
    return [(g, tuple(index))]


def _sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Any:
    """The elements of each line along an axis in ascending order; raveled where axis is None."""
    return np.sort(a, axis, kind=kind, stable=stable)


def ranks(a: Any, axis: int = -1) -> Any:
    """The rank of each element: its position when a is sorted."""
    return np.argsort(np.argsort(a, axis=axis, kind="stable"), axis=axis)


def _sort_vjp(g: Any, a: Any, axis: int | None) -> Any:
    if axis is None:
        return np.reshape(_sort_vjp(g, np.ravel(a), 0), a.shape)
    return take_along_axis.call(g, ranks(a, axis), axis)


def _median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The middle of the sorted elements; the mean of the middle two of an even number."""
    return np.median(a, axis=axis, keepdims=keepdims)


def _quantile(
    a: Any, q: Any, axis: Any = None, *, method: Any = "linear", keepdims: Any = False
) -> Any:
    """The q-th quantiles, 0 <= q <= 1; those of a sequence q come first in the shape."""
    y = np.quantile(a, q, axis=axis, method=method, keepdims=keepdims)
    return y if isinstance(q, np.ndarray) else y.astype(a.dtype)  # a list is weak, like a number


def _quantile_vjp(g: Any, a: Any, q: Any, axis: Any, method: Any) -> Any:
    lines = together(a, axis)
    if not lines.shape[-1]:  # the quantile of nothing is NaN
        return np.zeros(a.shape, a.dtype)
    weights = quantile_weights(q, lines.shape[-1], method).astype(a.dtype)
    if len(weights) == 1:
        g = np.reshape(g, (*lines.shape[:-1], 1))
    else:
        g = np.moveaxis(np.reshape(g, (len(weights), *lines.shape[:-1])), 0, -1)
    found = take_along_axis.call(np.matmul(g, weights), ranks(lines), -1)
    broken = np.isnan(lines)
    if not isinstance(broken, Symbol) and broken.any():  # NaN in a line is its quantile
        found = np.where(broken.any(axis=-1, keepdims=True), np.nan, found)
    return apart(found, a.shape, axis)


def quantile_weights(q: Any, n: int, method: Any) -> Array:
    """The weight of each of n sorted elements in each quantile, (len(q), n)."""
    if not n:
        return np.zeros((np.size(q), 0))
    # The quantile of 0, 1, ..., n - 1 is the position that the method looks at.
    place = np.quantile(np.arange(float(n)), np.ravel(q), method=method)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(n)))
    return np.asarray(weights)


take_along_axis: Op = Op(
    _take_along_axis,
    "{arr:9}_{{{indices}}}",
    lambda g, y, a, indices, axis: _take_along_axis_vjp(g, a, indices, axis),
    None,
    of=(np.take_along_axis,),
    masks=True,
    parts=lambda g, y, a, indices, axis: _take_along_axis_parts(g, a, indices, axis),
)
add_along_axis: Op = Op(
    _add_along_axis,
    r"\operatorname{{scatter}}_{{{indices}}} {a:3}",
    lambda g, y, a, indices, n, axis: np.take_along_axis(
        g, np.broadcast_to(indices, a.shape), axis
    ),
    None,
    routes=True,
)
sort = Op(
    _sort,
    r"\operatorname{{sort}} {a:3}",
    lambda g, y, a, axis, kind, stable: _sort_vjp(g, a, axis),
    of=(np.sort,),
    routes=True,
)
median = Op(
    _median,
    r"\operatorname{{median}} {a:3}",
    lambda g, y, a, axis, keepdims: _quantile_vjp(g, a, 0.5, axis, "linear"),
    of=(np.median,),
    masks=True,
)
quantile = Op(
    _quantile,
    r"\operatorname{{quantile}}({a}, {q})",
    lambda g, y, a, q, axis, method, keepdims: _quantile_vjp(g, a, q, axis, method),
    of=(np.quantile,),
    masks=True,
)


def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """The kth smallest element of each line in its sorted position, smaller ones before it."""
    if axis is None:
        return partition(np.ravel(a), kth)
    return take_along_axis.call(a, np.argpartition(a, kth, axis=axis), axis)


def percentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-th percentiles, 0 <= q <= 100."""
    return quantile.call(a, np.true_divide(q, 100), axis, method=method, keepdims=keepdims)


OPS[np.partition] = partition
OPS[np.percentile] = percentile


# What tests sample
def apart_numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers no two of which are close, in random order."""
    x = np.linspace(-2, 2, math.prod(shape))
    return np.asarray(rng.permutation(x).reshape(shape))


def B(*shape: int) -> A:  # noqa: N802 - reads like A
    """An array of numbers that are not close to each other."""
    return A(*shape, domain=apart_numbers)


LINES = np.array([[0, 2, 2], [1, -1, 0]])
cases(
    "take_along_axis",
    case(A(2, 3), LINES),
    case(A(2, 3), np.array([[0, -1, 1]]), 0),
    case(A(2, 3), np.array([5, 0]), axis=None),
)
cases("add_along_axis", case(A(2, 3), LINES, 3, 1), case(A(2, 3), np.array([[3], [0]]), 4, 0))
cases("sort", case(B(5)), case(B(2, 3), 0), case(B(2, 3), axis=None))
cases("median", case(B(5)), case(B(2, 4), axis=1), case(B(2, 3, 2), axis=(0, -1), keepdims=True))
cases(
    "quantile",
    case(B(5), 0.3),
    case(B(2, 4), [0.0, 0.55, 1.0], axis=1),
    case(B(2, 3, 2), 0.3, axis=(0, -1), keepdims=True),
    case(B(6), 0.5, method="higher"),
    case(B(6), 0.4, method="hazen"),
)
