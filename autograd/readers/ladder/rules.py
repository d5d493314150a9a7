"""Scalar forms of ops whose NumPy function does not work on arrays of Values."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.arrays.reduce import count
from autograd.readers.ladder.object_arrays import (
    Cells,
    boxed,
    each,
    filled,
    number_of,
    numbers,
    total,
    tracked,
)


def _mean(a: Cells, axis: Any = None, keepdims: bool = False) -> Cells:
    return boxed(np.sum(a, axis=axis, keepdims=keepdims)) / count(a.shape, axis)


def _deviation(a: Cells, axis: Any = None) -> Cells:
    return a - boxed(_mean(a, axis, True))


def _var(a: Cells, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Cells:
    squares = np.sum(each(np.square, _deviation(a, axis)), axis=axis, keepdims=keepdims)
    return boxed(squares) / (count(a.shape, axis) - ddof)


def _std(a: Cells, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Cells:
    return each(np.sqrt, _var(a, axis, ddof, keepdims))


def _logsumexp(a: Cells, axis: Any = None, keepdims: bool = False) -> Cells:
    top = np.max(numbers(a), axis=axis, keepdims=True)
    sums = each(np.log, np.sum(each(np.exp, a - top), axis=axis, keepdims=keepdims))
    return sums + (top if keepdims else np.squeeze(top, axis))


def _norm(x: Cells, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Cells:
    if ord in (None, 2):
        return each(np.sqrt, np.sum(each(np.square, x), axis=axis, keepdims=keepdims))
    sizes = each(np.abs, x)
    if ord == np.inf:
        return _extreme(np.maximum)(sizes, axis, keepdims)
    if ord == -np.inf:
        return _extreme(np.minimum)(sizes, axis, keepdims)
    if ord == 1:
        return boxed(np.sum(sizes, axis=axis, keepdims=keepdims))
    powers = boxed(np.sum(each(lambda s: s**ord, sizes), axis=axis, keepdims=keepdims))
    return each(lambda s: s ** (1 / ord), powers)


def _vecdot(a: Cells, b: Cells, axis: int = -1) -> Cells:
    return np.sum(a * b, axis=axis)


def _extreme(choose: Any) -> Callable[..., Cells]:
    """max or min, pair by pair; ties are averaged, since they share the gradient."""

    def of_some(cells: list[Any]) -> Any:
        best = functools.reduce(choose, map(number_of, cells))
        first = [x for x in cells if number_of(x) == best]
        others = [x for x in cells if number_of(x) != best]
        return functools.reduce(
            choose, others, total(first) / len(first) if first[1:] else first[0]
        )

    def over(a: Cells, axis: Any = None, keepdims: bool = False) -> Cells:
        gone = [*range(a.ndim)] if axis is None else (np.atleast_1d(axis) % a.ndim).tolist()
        kept = [k for k in range(a.ndim) if k not in gone]
        shape = tuple(a.shape[k] for k in kept)
        rows = np.transpose(a, (*kept, *gone)).reshape(*shape, -1)
        y = filled(shape, [of_some(rows[index].tolist()) for index in np.ndindex(shape)])
        return np.expand_dims(y, sorted(gone)) if keepdims else y

    return over


def _cumulative(combine: Callable[[Any, Any], Any]) -> Callable[..., Cells]:
    def along(a: Cells, axis: Any = None) -> Cells:
        if axis is None:
            a, axis = a.ravel(), 0
        lines = np.moveaxis(a, axis, -1)
        every = [
            itertools.accumulate(lines[index].tolist(), combine)
            for index in np.ndindex(lines.shape[:-1])
        ]
        return np.moveaxis(filled(lines.shape, [x for line in every for x in line]), -1, axis)

    return along


def _astype(a: Cells, dtype: Any, *how: Any) -> Cells:
    return each(lambda x: x.astype(dtype), a)


RULES: dict[str, Callable[..., Cells]] = {
    "mean": _mean,
    "deviation": _deviation,
    "var": _var,
    "std": _std,
    "logsumexp": _logsumexp,
    "norm": _norm,
    "vecdot": _vecdot,
    "max": _extreme(np.maximum),
    "min": _extreme(np.minimum),
    "cumsum": _cumulative(lambda a, b: a + b),
    "cumprod": _cumulative(lambda a, b: a * b),
    "astype": _astype,
}
"""Name of an op -> its function of cells, with the op's arguments."""

MULTILINEAR = frozenset(
    {"conv", "conv_input_grad", "conv_weight_grad", "avg_pool", "avg_pool_grad", "resample"}
    | {"gather_weighted", "scatter_weighted", "weigh_places"}
)
"""Ops that are linear in each of their inputs, and computed by kernels."""


def multilinear(op: Op, inputs: Sequence[Cells], static: tuple[Any, ...]) -> Cells:
    """An op that is linear in each input; running it on unit arrays gives the coefficients.

    Every result is a sum of products of one element of each input, times the op's result on the
    unit arrays of these elements.
    """
    places = [x for x in inputs if tracked(x)]
    constant = [None if tracked(x) else x for x in inputs]
    kind = np.asarray(numbers(places[0])).dtype
    terms: list[list[Any]] = []
    shape: tuple[int, ...] = ()
    for chosen in itertools.product(*[np.ndindex(x.shape) for x in places]):
        units = iter([_unit(x.shape, index, kind) for x, index in zip(places, chosen, strict=True)])
        given = [next(units) if x is None else x for x in constant]
        factors, _ = op._run(given, static)
        if not terms:
            shape, terms = factors.shape, [[] for _ in range(factors.size)]
        hits = np.flatnonzero(factors)
        if len(hits):
            cells = [x[index] for x, index in zip(places, chosen, strict=True)]
            product = functools.reduce(lambda a, b: a * b, cells)
            for k in hits.tolist():
                factor = factors.flat[k]
                terms[k].append(product if factor == 1 else product * factor)
    return filled(shape, [total(some) for some in terms])


def _unit(shape: tuple[int, ...], index: tuple[int, ...], kind: Any) -> Any:
    x = np.zeros(shape, kind)
    x[index] = 1
    return x
