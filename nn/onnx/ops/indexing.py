"""Reading and writing at places: gather, scatter, slice, sort."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from nn.onnx.table import Unsupported, bounded, integers, on_arrays, plain, reads, row

ALL = slice(None)

row("NonZero", on_arrays(lambda a: np.array(np.nonzero(a), np.int64)))


@reads("Gather")
def _gather(x: Any, indices: Any, *, axis: int = 0) -> Any:
    k, places = axis % x.ndim, np.asarray(plain(indices))
    at = places if places.ndim else int(places)
    return x[at] if not k else x[(ALL,) * k + (at,)]


@reads("GatherElements")
def _gather_elements(x: Any, indices: Any, *, axis: int = 0) -> Any:
    at = plain(indices)
    k = axis % x.ndim
    if all(a == b for i, (a, b) in enumerate(zip(x.shape, at.shape, strict=True)) if i != k):
        return np.take_along_axis(x, np.where(at < 0, at + x.shape[k], at), k)
    return x[_along(at, x.shape, k)]


def _along(at: Any, shape: Any, axis: int) -> tuple[Any, ...]:
    places = list(np.indices(at.shape, sparse=True))
    places[axis % len(shape)] = np.where(at < 0, at + shape[axis], at)
    return tuple(places)


@reads("GatherND")
def _gather_nd(x: Any, indices: Any, *, batch_dims: int = 0) -> Any:
    at = plain(indices)
    lead: Any = np.indices(at.shape[:-1])[:batch_dims] if batch_dims else ()
    return x[tuple(lead) + tuple(np.moveaxis(at, -1, 0))]


def _scattered(x: Any, places: Any, updates: Any, reduction: str) -> Any:
    if reduction == "none":
        return autograd.index_update(x, places, updates)
    if reduction == "add":
        return autograd.index_add(x, places, updates)
    for v in (x, updates):
        if getattr(v, "requires_grad", False):
            return _scattered_by(reduction, x, places, updates)
    y = np.array(plain(x))
    _AT[reduction].at(y, places, plain(updates))
    return y


_AT: dict[str, Any] = {"mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _scattered_by(reduction: str, x: Any, places: Any, updates: Any) -> Any:
    """One update after another, so that each is recorded; only small ones are."""
    spread = np.broadcast_arrays(*[np.asarray(p) for p in places])
    if spread[0].size > 10_000:
        raise Unsupported(f"a gradient of a scatter with {reduction} of {spread[0].size:,} places")
    tail = updates.shape[spread[0].ndim :]
    flat = np.reshape(updates, (-1, *tail))
    for k, place in enumerate(zip(*[p.ravel().tolist() for p in spread], strict=True)):
        x = autograd.index_update(x, place, _AT[reduction](x[place], flat[k]))
    return x


@reads("Scatter", "ScatterElements")
def _scatter_elements(
    x: Any, at: Any, updates: Any, *, axis: int = 0, reduction: str = "none"
) -> Any:
    return _scattered(x, _along(plain(at), x.shape, axis), updates, reduction)


@reads("ScatterND")
def _scatter_nd(x: Any, at: Any, updates: Any, *, reduction: str = "none") -> Any:
    return _scattered(x, tuple(np.moveaxis(plain(at), -1, 0)), updates, reduction)


@reads("TensorScatter")
def _tensor_scatter(
    past: Any, update: Any, at: Any = None, *, axis: int = -2, mode: str = "linear"
) -> Any:
    k, n = axis % past.ndim, past.shape[axis]
    first = np.zeros(past.shape[0], np.int64) if at is None else plain(at)
    steps = first[:, None] + np.arange(update.shape[k])  # (N, T)
    if mode == "circular":
        steps = steps % n
    batch = np.arange(past.shape[0])[:, None]
    lead = [np.arange(m) for m in past.shape[1:k]]
    grid = np.ix_(*lead) if lead else ()
    shape = (past.shape[0], *(1,) * len(lead), update.shape[k])
    spread = [np.reshape(g, (1, *np.shape(g), 1)) for g in grid]
    return autograd.index_update(
        past, (batch.reshape(-1, *(1,) * (len(lead) + 1)), *spread, steps.reshape(shape)), update
    )


@reads("Slice", since=10)
def _slice(x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    begin, end = integers(starts), integers(ends)
    chosen = list(range(len(begin))) if axes is None else integers(axes)
    return _sliced(x, begin, end, chosen, [1] * len(begin) if steps is None else integers(steps))


@reads("Slice")
def _slice_1(x: Any, *, starts: Any, ends: Any, axes: Any = None) -> Any:
    return _sliced(x, starts, ends, axes or range(len(starts)), [1] * len(starts))


def _sliced(x: Any, begin: Any, end: Any, axes: Any, steps: Any) -> Any:
    cut = [ALL] * x.ndim
    for a, b, k, step in zip(begin, end, axes, steps, strict=True):
        n = x.shape[k]
        if step < 0:
            a, b = min(a + n if a < 0 else a, n - 1), b + n if b < 0 else b
            cut[k] = slice(a, b if b >= 0 else None, step) if a >= 0 else slice(0, 0)
        else:
            cut[k] = slice(a, b, step)
    return x[tuple(cut)]


@reads("TopK", since=10)
def _top_k(x: Any, k: Any, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    return _largest(x, integers(k)[0], axis, largest)


@reads("TopK")
def _top_k_1(x: Any, *, k: int, axis: int = -1) -> Any:
    return _largest(x, k, axis, 1)


def _largest(x: Any, k: int, axis: int, largest: int) -> tuple[Any, Any]:
    a = plain(x)
    if largest:  # ties: the first one first, so that a stable sort of the reversed is turned round
        order = np.flip(
            a.shape[axis] - 1 - np.argsort(np.flip(a, axis), axis=axis, kind="stable"), axis
        )
    else:
        order = np.argsort(a, axis=axis, kind="stable")
    at = np.take(order, np.arange(k), axis=axis).astype(np.int64)
    return np.take_along_axis(x, at, axis), at


@reads("OneHot")
def _one_hot(indices: Any, depth: Any, values: Any, *, axis: int = -1) -> Any:
    n = integers(depth)[0]
    at = np.asarray(plain(indices)).astype(np.int64)
    bounded((at.size, n), "OneHot")
    at = np.where(at < 0, at + n, at)
    on = np.moveaxis(at[..., None] == np.arange(n), -1, axis)
    return np.where(on, values[1], values[0])


@reads("Trilu")
def _trilu(x: Any, k: Any = None, *, upper: int = 1) -> Any:
    offset = 0 if k is None else integers(k)[0]
    bound = sum(x.shape[-2:])
    offset = max(-bound, min(offset, bound))
    return (np.triu if upper else np.tril)(x, offset)


@reads("Compress")
def _compress(x: Any, condition: Any, *, axis: int | None = None) -> Any:
    at = np.flatnonzero(plain(condition))
    if axis is None:
        return np.reshape(x, -1)[at]
    return x[(ALL,) * (axis % x.ndim) + (at,)]


@reads("ReverseSequence")
def _reverse_sequence(x: Any, lengths: Any, *, batch_axis: int = 1, time_axis: int = 0) -> Any:
    places = list(np.indices(x.shape[:2]))
    steps, ends = places[time_axis], plain(lengths)[places[batch_axis]]
    places[time_axis] = np.where(steps < ends, ends - 1 - steps, steps)
    return x[tuple(places)]


@reads("Unique")
def _unique(x: Any, *, axis: int | None = None, sorted: int = 1) -> Any:
    a = plain(x)
    values, first, back, counts = np.unique(a, True, True, True, axis)
    back = back.reshape(-1)
    if not sorted:
        order = np.argsort(first)
        place = np.argsort(order)
        values = np.take(values, order, axis=0 if axis is None else axis)
        first, back, counts = first[order], place[back], counts[order]
    return values, *(v.astype(np.int64) for v in (first, back, counts))
