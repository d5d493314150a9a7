"""Reading and writing at places: gather, scatter, slice, sort."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from nn.onnx.table import Unsupported, bounded, integers, on_arrays, plain, reads, row, writes

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
    lead: Any = np.indices(at.shape[:-1], sparse=True)[:batch_dims] if batch_dims else ()
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
    places: list[Any] = list(np.indices(x.shape[:2], sparse=True))
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


# Writing


@writes("flip")
def _write_flip(out: Any, v: Any, x: str) -> Any:
    axis = v.same(0)
    axes = list(range(v.ndim(0))) if axis is None else np.atleast_1d(axis).tolist()
    n = len(axes)
    return out.node(
        "Slice", x, out.integers([-1] * n), out.integers([-(2**62)] * n), out.integers(axes),
        out.integers([-1] * n),
    )  # fmt: skip


@writes("roll")
def _write_roll(out: Any, v: Any, x: str) -> Any:
    shift, axis = v.same(0), v.same(1)
    if axis is None:
        return NotImplemented
    for s, k in zip(np.atleast_1d(shift).tolist(), np.atleast_1d(axis).tolist(), strict=True):
        n = v.sizes(0)[k]
        if len(set(n)) > 1:
            return NotImplemented
        at = out.integers(-(s % n[0]) if s % n[0] else n[0])
        ends = out.integers(0), out.integers(2**62)
        back = out.node("Slice", x, at, ends[1], out.integers(k))
        front = out.node("Slice", x, ends[0], at, out.integers(k))
        x = out.node("Concat", back, front, axis=int(k))
    return x


@writes("tril", "triu")
def _write_trilu(out: Any, v: Any, x: str) -> Any:
    return out.node("Trilu", x, out.constant(np.int64(v.same(0))), upper=int(v.op == "triu"))


@writes("take_along_axis")
def _write_take_along_axis(out: Any, v: Any, x: str, at: str) -> Any:
    axis = v.same(0)
    if axis is None:
        return NotImplemented
    return out.node("GatherElements", x, out.cast(at, np.int64), axis=int(axis))


@writes("sort")
def _write_sort(out: Any, v: Any, x: str) -> Any:
    axis = v.same(0)
    if axis is None:
        return NotImplemented
    k = out.size(v.sizes(0)[axis])
    return out.node("TopK", x, k, axis=int(axis), largest=0, sorted=1, count=2)[0]


@writes("getitem")
def _write_getitem(out: Any, v: Any, x: str) -> Any:
    indices = [i if isinstance(i, tuple) else (i,) for i in v.static[0]]
    parts = list(zip(*indices, strict=True))
    n = v.ndim(0)
    used = sum(
        np.ndim(p[0]) if _is_mask(p[0]) else p[0] is not None and p[0] is not Ellipsis
        for p in parts
    )
    whole: list[Any] = []
    for p in parts:
        whole += [(ALL,) * len(v.nodes)] * (n - used) if p[0] is Ellipsis else [p]
    whole += [(ALL,) * len(v.nodes)] * (n - sum(p[0] is not None for p in whole))
    return _indexed(out, v, x, whole)


def _is_mask(p: Any) -> bool:
    return isinstance(p, np.ndarray) and p.dtype == bool


def _indexed(out: Any, v: Any, x: str, parts: list[Any]) -> Any:
    """Slices first, then integers and arrays, then new axes."""
    sizes, axis = v.sizes(0), 0
    begin, end, axes, steps = [], [], [], []
    arrays: list[tuple[int, Any]] = []
    numbers: list[tuple[int, Any]] = []
    new: list[int] = []
    for p in parts:
        first = p[0]
        if first is None:
            new.append(len(new) + axis - len(numbers))
            continue
        if isinstance(first, slice):
            bounds = [s.indices(n) for s, n in zip(p, sizes[axis], strict=True)]
            if any(b != (0, n, 1) for b, n in zip(bounds, sizes[axis], strict=True)):
                step = {b[2] for b in bounds}
                if len(step) > 1:
                    return NotImplemented
                begin.append(_end([s.start for s in p], [b[0] for b in bounds], 0))
                stops = [b[1] if b[1] >= 0 else -(2**62) for b in bounds]
                end.append(_end([s.stop for s in p], stops, 2**62 if step != {-1} else -(2**62)))
                axes.append(axis)
                steps.append(step.pop())
        elif isinstance(first, (int, np.integer)) and not isinstance(first, bool):
            numbers.append((axis, p))
        else:
            arrays.append((axis, p))
        axis += 1
    if axes:
        x = out.node(
            "Slice",
            x,
            _sizes(out, begin),
            _sizes(out, end),
            out.integers(axes),
            out.integers(steps),
        )
    if len(arrays) > 1 or (arrays and (new or _is_mask(arrays[0][1][0]))):
        return _at_points(out, v, x, arrays, numbers, new, parts)
    for axis, p in arrays:
        x = out.node("Gather", x, out.cast(out.array(p, what="an index"), np.int64), axis=axis)
    grown = sum(np.ndim(p[0]) - 1 for _, p in arrays)
    for axis, p in reversed(numbers):
        at = axis + (grown if arrays and arrays[0][0] < axis else 0)
        place = out.node("Squeeze", out.size([int(i) for i in p])) if len(set(p)) > 1 else (
            out.constant(np.int64(p[0]))
        )  # fmt: skip
        x = out.node("Gather", x, place, axis=at)
    return out.node("Unsqueeze", x, out.integers(new)) if new else x


def _end(given: list[Any], bounds: list[int], default: int) -> list[int]:
    """One end of a slice in each recording: as written, if that is the same, else the place."""
    if all(g is None for g in given):
        return [default] * len(given) if default else bounds
    return [int(g) for g in given] if len(set(given)) == 1 else bounds


def _sizes(out: Any, ends: list[list[int]]) -> str:
    return str(out.shape(ends))


def _at_points(out: Any, v: Any, x: str, arrays: Any, numbers: Any, new: Any, parts: Any) -> Any:
    """Several arrays of places on the first axes, which broadcast: GatherND."""
    axes = [axis for axis, _ in arrays]
    if new or numbers or axes != list(range(len(axes))) or any(_is_mask(p[0]) for _, p in arrays):
        return NotImplemented
    shapes = [
        np.broadcast_shapes(*(np.shape(p[r]) for _, p in arrays)) for r in range(len(v.nodes))
    ]
    shape = out.shape(list(zip(*shapes, strict=True)))
    places = []
    for axis, p in arrays:
        n = v.sizes(0)[axis]
        if any(np.min(a, initial=0) < 0 for a in p) and len(set(n)) > 1:
            return NotImplemented
        positive = [
            np.where(np.asarray(a) < 0, np.asarray(a) + m, a) for a, m in zip(p, n, strict=True)
        ]
        name = out.cast(out.array(positive, what="an index"), np.int64)
        places.append(out.node("Unsqueeze", out.node("Expand", name, shape), out.integers(-1)))
    return out.node("GatherND", x, out.node("Concat", *places, axis=-1))


@writes("index_update")
def _write_index_update(out: Any, v: Any, x: str, u: str) -> Any:
    """Written by scattering to the places in the raveled array."""
    sizes = v.sizes(0)
    if any(len(set(n)) > 1 for n in sizes):
        return NotImplemented
    shape = v.shape
    places = np.arange(int(np.prod(shape))).reshape(shape)[v.same(0)]
    flat = out.node("Reshape", x, out.integers(-1))
    values = out.node("Expand", out.cast(u, v.dtype), out.integers(np.shape(places)))
    values = out.node("Reshape", values, out.integers(-1))
    y = out.node("ScatterElements", flat, out.integers(places.ravel()), values, axis=0)
    return out.node("Reshape", y, out.integers(shape))


@writes("embedding")
def _write_embedding(out: Any, v: Any, weight: str) -> Any:
    at = out.cast(out.array(v.static[0], what="the indices of an embedding"), np.int64)
    return out.node("Gather", weight, at, axis=0)
