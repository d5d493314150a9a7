"""Ops that repeat, reorder, pick or pad elements."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from autograd.calls import bind_methods
from autograd.dispatch import OPS, Traced, array_of, refuse_subclasses
from autograd.node import Node
from autograd.op import Op
from autograd.ops.arrays.index import getitem, index_add, scatter
from autograd.ops.arrays.reduce import sum_
from autograd.ops.samples import A, case, cases


def along(axis: int, index: Any, ndim: int) -> tuple[Any, ...]:
    """An index for one axis of an array, all of the others."""
    return (slice(None),) * (axis % ndim) + (index,)


def _flip(m: Any, axis: Any = None) -> Any:
    """Reversed along an axis, several, or all."""
    return np.flip(m, axis)


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Shifted along an axis, with wrap-around."""
    return np.roll(a, shift, axis)


def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Rotated k times by 90 degrees, from the first of two axes towards the second."""
    return np.rot90(m, k, axes)


def _tile(A: Any, reps: Any) -> Any:
    """The whole array repeated along each axis."""
    return np.tile(A, reps)


def _tile_vjp(g: Any, a: Any, reps: Any) -> Any:
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    shape = (1,) * (len(reps) - a.ndim) + a.shape
    reps = (1,) * (a.ndim - len(reps)) + reps
    pairs = [size for pair in zip(reps, shape, strict=True) for size in pair]
    return np.reshape(sum_.call(np.reshape(g, pairs), tuple(range(0, len(pairs), 2))), a.shape)


def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated in a row; of the raveled array where axis is None."""
    return np.repeat(a, repeats, axis)


def _repeat_vjp(g: Any, a: Any, repeats: Any, axis: int | None) -> Any:
    if axis is None or a.ndim == 0:
        return np.reshape(_repeat_vjp(g, np.empty(a.size), repeats, 0), a.shape)
    n, lead = a.shape[axis], axis % a.ndim
    if np.size(repeats) == 1:
        times = int(np.reshape(repeats, ()))
        shape = (*a.shape[:lead], n, times, *a.shape[lead + 1 :])
        parts = np.reshape(g, shape)
        if 0 < times < 5:  # np.sum over so short an axis takes 20 times as long
            each = (parts[along(lead + 1, k, a.ndim + 1)] for k in range(times))
            return functools.reduce(operator.add, each)
        return sum_.call(parts, lead + 1)
    return scatter.call(g, along(axis, np.repeat(np.arange(n), repeats), a.ndim), a.shape)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0) -> Any:
    """Padding around an array: constant, or made of its elements (edge, reflect, ...)."""
    if mode not in PAD_MODES:
        raise ValueError(f"mode must be one of {', '.join(PAD_MODES)}, got {mode!r}.")
    if mode == "constant":
        return np.pad(array, pad_width, constant_values=constant_values)
    return np.pad(array, pad_width, mode)


PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _pad_vjp(g: Any, a: Any, pad_width: Any, mode: Any) -> Any:
    """The inner part of g; padding made of elements sends its gradient to them, axis by axis."""
    pairs = margins(pad_width, a.ndim)
    if mode == "constant":
        return g[
            tuple(slice(before, before + n) for (before, _), n in zip(pairs, a.shape, strict=True))
        ]
    for axis, (before, after) in enumerate(pairs):
        if before + after:
            n = a.shape[axis]
            outer = np.r_[:before, before + n : before + n + after]
            source = np.pad(np.arange(n), (before, after), mode)[outer]
            inner = g[along(axis, slice(before, before + n), a.ndim)]
            margin = g[along(axis, outer, a.ndim)]
            g = index_add(inner, along(axis, source, a.ndim), margin)
    return g


def margins(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """pad_width as a pair (before, after) for each axis."""
    if isinstance(pad_width, dict):
        given = {axis % ndim: np.broadcast_to(w, 2) for axis, w in pad_width.items()}
        pairs: Any = [given.get(axis, (0, 0)) for axis in range(ndim)]
    else:
        pairs = np.broadcast_to(pad_width, (ndim, 2))
    return [(int(before), int(after)) for before, after in pairs]


def _rolled_back(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


flip = Op(
    _flip,
    r"\operatorname{{flip}} {m:3}",
    lambda g, y, m, axis: np.flip(g, axis),
    of=(np.flip,),
    routes=True,
)
roll = Op(
    _roll,
    r"\operatorname{{roll}}_{{{shift}}} {a:3}",
    lambda g, y, a, shift, axis: np.roll(g, _rolled_back(shift), axis),
    of=(np.roll,),
    routes=True,
)
rot90 = Op(
    _rot90,
    r"\operatorname{{rot90}}^{{{k}}} {m:3}",
    lambda g, y, m, k, axes: np.rot90(g, -k, axes),
    of=(np.rot90,),
    routes=True,
)
tile = Op(
    _tile,
    r"\operatorname{{tile}} {A:3}",
    lambda g, y, a, reps: _tile_vjp(g, a, reps),
    of=(np.tile,),
    routes=True,
)
repeat = Op(
    _repeat,
    r"\operatorname{{repeat}} {a:3}",
    lambda g, y, a, repeats, axis: _repeat_vjp(g, a, repeats, axis),
    of=(np.repeat,),
    bind="repeat",
    masks=True,
)
pad = Op(
    _pad,
    r"\operatorname{{pad}} {array:3}",
    lambda g, y, a, pad_width, mode, constant_values: _pad_vjp(g, a, pad_width, mode),
    of=(np.pad,),
    routes=True,
)


def fliplr(m: Any) -> Any:
    """Columns in reverse."""
    return flip.call(m, 1)


def flipud(m: Any) -> Any:
    """Rows in reverse."""
    return flip.call(m, 0)


def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: Any = "raise"
) -> Any:
    """The elements at the given positions along an axis; of the raveled array where it is None."""
    if out is not None:
        raise TypeError("take: the argument 'out' is not supported on a Value.")
    if axis is None:
        return take(np.ravel(a), indices, 0, mode=mode)
    places, axis, n = array_of(indices, "take"), operator.index(axis), a.shape[axis]
    if mode == "wrap":
        places = places % n
    elif mode == "clip":
        places = np.clip(places, 0, n - 1)
    elif mode != "raise":
        raise ValueError(f"take: mode must be 'raise', 'wrap' or 'clip', got {mode!r}.")
    return getitem.call(a, along(axis, places, a.ndim) if axis % a.ndim else places)


def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The elements along an axis where a condition holds."""
    return take(a, np.flatnonzero(array_of(condition, "compress")), axis)


def extract(condition: Any, arr: Any) -> Any:
    """The elements where a condition holds, raveled."""
    return take(arr, np.flatnonzero(array_of(condition, "extract")))


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """An array without some of its rows, as `numpy.delete`."""
    refuse_subclasses(obj, "delete")
    return take(arr, np.delete(np.arange(arr.size).reshape(arr.shape), obj, axis))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """An array with values inserted before the given positions, as `numpy.insert`."""
    arr, values = [x if isinstance(x, Traced) else array_of(x, "insert") for x in (arr, values)]
    if not np.can_cast(values.dtype, arr.dtype, "same_kind"):
        raise TypeError(
            f"insert: values of {values.dtype} do not fit into arr of {arr.dtype}; "
            "use arr.astype of a type that holds both."
        )
    values = values.astype(arr.dtype)
    n, m = np.size(arr), np.size(values)
    places = np.arange(n).reshape(np.shape(arr))
    new = n + np.arange(m).reshape(np.shape(values))
    return take(
        np.concatenate([np.ravel(arr), np.ravel(values)]), np.insert(places, obj, new, axis)
    )


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """The sorted elements, each once, as `numpy.unique`: of equal ones, the first."""
    x = ar._data if isinstance(ar, Node) else ar.data
    plain: Any = np.unique
    y, index, *others = plain(x, True, return_inverse, return_counts, axis, equal_nan=equal_nan)
    if isinstance(ar, Node) and ar.requires_grad:
        y = take(ar, index, axis)
    results = (y, *((index,) if return_index else ()), *others)
    return results if len(results) > 1 else y


for function in fliplr, flipud, take, compress, extract, delete, insert, unique:
    OPS[getattr(np, function.__name__)] = function
bind_methods(take, "take")

# What tests sample
cases("flip", case(A(2, 3)), case(A(2, 3), 1), case(A(2, 3, 2), axis=(0, -1)))
cases("roll", case(A(2, 3), 2), case(A(2, 3), -1, 1), case(A(3, 4), (1, 2), axis=(0, 1)))
cases("rot90", case(A(2, 3)), case(A(2, 3, 2), 3, (0, 2)))
cases("tile", case(A(2, 3), 2), case(A(3), (2, 2)), case(A(2, 2, 2), (2, 1)), case(A(2), 0))
cases(
    "repeat",
    case(A(2, 3), 2),
    case(A(2, 3), 2, -1),
    case(A(2, 3), [1, 0, 2], axis=1),
    case(A(3), [2], 0),
    case(A(2), [0, 3]),
)
cases(
    "pad",
    case(A(2, 3), 1),
    case(A(2, 3), ((1, 0), (2, 1)), constant_values=3.0),
    case(A(3, 2), ((2, 1), (0, 3)), "edge"),
    case(A(4), (3, 5), "reflect"),
    case(A(2, 3), 2, mode="wrap"),
    case(A(2, 3), ((0, 3), (1, 1)), "symmetric"),
)
