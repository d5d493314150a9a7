"""Joining arrays and splitting them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.op import Op
from autograd.ops.arrays.index import scatter_all
from autograd.ops.samples import A, case, cases
from autograd.sequence_op import SequenceOp

Axis = int | None


def _concatenate(arrays: Any, axis: Axis = 0) -> Any:
    """Arrays joined along an axis; raveled ones where axis is None."""
    return np.concatenate(arrays, axis=axis)


def _concatenate_vjp(
    g: Any, needs: Sequence[bool], y: Any, xs: Sequence[Any], axis: Axis
) -> Sequence[Any]:
    """The parts of g, split by one op: n slices take longer."""
    if axis is None:
        flat = split.call(g, ends([x.size for x in xs]), 0)
        return [np.reshape(part, x.shape) for part, x in zip(flat, xs, strict=True)]
    parts: Sequence[Any] = split.call(g, ends([x.shape[axis] for x in xs]), axis)
    return parts


def ends(sizes: Sequence[int]) -> list[int]:
    """Where to split what was joined from these sizes."""
    return list(accumulate(sizes[:-1]))


def _stack(arrays: Any, axis: int = 0) -> Any:
    """Arrays of one shape stacked along a new axis."""
    return np.stack(arrays, axis=axis)


def _unstack(a: Any, *, axis: int = 0) -> Any:
    """The arrays stacked along an axis, without it."""
    return tuple(a if axis == 0 else np.moveaxis(a, axis, 0))


def _array_split(a: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis, of nearly equal size or split at the given positions."""
    return np.array_split(a, indices_or_sections, axis=axis)


def _split(a: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Parts along an axis, of equal size or split at the given positions."""
    if type(indices_or_sections) is not list:
        _check_sections(indices_or_sections)
        return np.split(a, indices_or_sections, axis=axis)
    ahead = (slice(None),) * (axis % a.ndim)  # as np.split does, in a third of the time
    cuts = pairwise((0, *indices_or_sections, a.shape[axis]))
    return [a[(*ahead, slice(*cut))] for cut in cuts]


def _slices(y: Sequence[Any], a: Any, places: Any, axis: int) -> list[Any]:
    """The index of each part that a was split into."""
    axis %= a.ndim
    bounds = places if np.ndim(places) else ends([part.shape[axis] for part in y])
    ahead = (slice(None),) * axis
    return [(*ahead, slice(*cut)) for cut in pairwise((0, *bounds, a.shape[axis]))]


def _split_parts(g: Any, y: Any, a: Any, places: Any, axis: int) -> list[tuple[Any, Any]]:
    """The gradients of those parts that were used, and where these lie."""
    pairs = zip(g, _slices(y, a, places, axis), strict=True)
    return [(part, index) for part, index in pairs if part is not None]


def _split_vjp(g: Any, y: Any, a: Any, places: Any, axis: int) -> Any:
    if sum(part.shape[axis] for part in y) == a.shape[axis]:
        return np.concatenate(filled(g, y, a.dtype), axis=axis)
    arrays, indices = zip(*_split_parts(g, y, a, places, axis), strict=True)
    return scatter_all.call(arrays, indices, a.shape)  # the parts overlap


def _check_sections(sections: Any) -> None:
    """Raise if the number of parts is not positive, by which NumPy would divide."""
    if np.ndim(sections) == 0 and sections < 1:
        raise ValueError(f"the number of sections must be at least 1, got {sections}")


def filled(gs: Sequence[Any], ys: Sequence[Any], dtype: Any) -> list[Any]:
    """The gradients of several outputs, zeros where one was not used."""
    return [np.zeros(y.shape, dtype) if g is None else g for g, y in zip(gs, ys, strict=True)]


def _unstack_vjp(g: Any, y: Any, a: Any, axis: int) -> Any:
    return np.stack(filled(g, y, a.dtype), axis=axis) if len(y) else np.zeros(a.shape, a.dtype)


def _unstack_parts(g: Any, a: Any, axis: int) -> list[tuple[Any, Any]]:
    """The gradients of those rows that were used, and where these lie."""
    ahead = (slice(None),) * (axis % a.ndim)
    return [(row, (*ahead, k)) for k, row in enumerate(g) if row is not None]


concatenate = SequenceOp(
    _concatenate,
    r"\left[{arrays}\right]",
    _concatenate_vjp,
    of=(np.concatenate,),
    routes=True,
)
stack = SequenceOp(
    _stack,
    r"\left[{arrays}\right]",
    lambda g, needs, y, xs, axis: unstack.call(g, axis=axis),
    of=(np.stack,),
    routes=True,
)
unstack: Op = Op(
    _unstack,
    "{a:9}",
    lambda g, y, a, axis: _unstack_vjp(g, y, a, axis),
    of=(np.unstack,),
    masks=True,
    parts=lambda g, y, a, axis: _unstack_parts(g, a, axis),
)
array_split = Op(
    _array_split,
    "{a:9}",
    lambda g, y, a, places, axis: _split_vjp(g, y, a, places, axis),
    of=(np.array_split,),
    masks=True,
    parts=_split_parts,
)
split: Op = Op(
    _split,
    "{a:9}",
    lambda g, y, a, places, axis: _split_vjp(g, y, a, places, axis),
    of=(np.split,),
    masks=True,
    parts=_split_parts,
)


def rows(a: Any) -> Any:
    """What iteration runs over, from one op: n getitems take longer to record."""
    return unstack.call(a)


def hstack(tup: Any) -> Any:
    """Joined along the second axis; vectors along the first."""
    arrays = np.atleast_1d(*tup)
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    return np.concatenate(arrays, axis=0 if arrays and np.ndim(arrays[0]) == 1 else 1)


def vstack(tup: Any) -> Any:
    """Joined along the first axis; a vector is a row."""
    return np.concatenate([np.atleast_2d(a) for a in tup], axis=0)


def dstack(tup: Any) -> Any:
    """Joined along the third axis."""
    return np.concatenate([np.atleast_3d(a) for a in tup], axis=2)


def column_stack(tup: Any) -> Any:
    """Joined along the second axis; a vector is a column."""
    columns = [a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in tup]
    return np.concatenate(columns, axis=1)


def append(arr: Any, values: Any, axis: Axis = None) -> Any:
    """Values appended to an array; both raveled where axis is None."""
    return np.concatenate([arr, values], axis=axis)


def block(arrays: Any) -> Any:
    """An array built from nested lists of blocks, as `numpy.block`."""
    depth, ndim = _depth(arrays)
    return _block(arrays, depth, max(depth, ndim))


def _depth(arrays: Any) -> tuple[int, int]:
    """How deep the lists are nested, and the most axes of a block in them."""
    if not isinstance(arrays, list):
        return 0, np.ndim(arrays)
    inner = [_depth(a) for a in arrays]
    if not inner or len({depth for depth, _ in inner}) > 1:
        raise ValueError("block: the lists must be nested to one depth, and none may be empty.")
    return 1 + inner[0][0], max(ndim for _, ndim in inner)


def _block(arrays: Any, depth: int, ndim: int) -> Any:
    if not isinstance(arrays, list):
        return np.reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return np.concatenate([_block(a, depth - 1, ndim) for a in arrays], axis=-depth)


def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Parts along the second axis; of a vector along the first."""
    if np.ndim(ary) == 0:
        raise ValueError("hsplit: needs an array of 1 axis or more, got one of 0.")
    return split.call(ary, indices_or_sections, axis=min(np.ndim(ary) - 1, 1))


def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Parts along the first axis of an array of two or more."""
    return split.call(_with_axes("vsplit", ary, 2), indices_or_sections, axis=0)


def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Parts along the third axis."""
    return split.call(_with_axes("dsplit", ary, 3), indices_or_sections, axis=2)


def _with_axes(name: str, ary: Any, least: int) -> Any:
    if np.ndim(ary) < least:
        raise ValueError(
            f"{name}: needs an array of {least} axes or more, got shape {np.shape(ary)}; "
            "use np.split with its axis."
        )
    return ary


OPS[iter] = rows
for function in hstack, vstack, dstack, column_stack, append, block, hsplit, vsplit, dsplit:
    OPS[getattr(np, function.__name__)] = function

# What tests sample
cases(
    "concatenate",
    case([A(2, 3), A(1, 3)]),
    case([A(2, 1), A(2, 0), A(2, 3)], -1),
    case([A(2, 2), A(3)], axis=None),
)
cases("stack", case([A(2, 3), A(2, 3)]), case([A(2), A(2), A(2)], axis=-1), case([A(), A()]))
cases("unstack", case(A(3, 2)), case(A(2, 3), axis=-1), case(A(4)))
cases("array_split", case(A(5), 3), case(A(2, 5), [1, 3], -1))
cases("split", case(A(4, 2), 2), case(A(2, 5), [1, 3], axis=1))
