"""Parts of an array: what an index selects, and adding to it in place.

The gradient of ``a[index]`` is as large as a, and 0 outside the part. A backward pass over many
parts of a adds to one buffer, so that it costs what it touches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.machine.scatter_sum import add_at_places
from autograd.node import Array

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


class Parts(list[tuple[Any, Any]]):
    """A contribution to the gradient of an array: pairs of numbers and the index that they are for.

    It stands for the sum of zeros with the numbers of one pair at its index.
    """

    def add_to(self, total: Array) -> None:
        """Add it to an array, in place."""
        for a, index in self:
            add_at(total, index, a)

    def take_from(self, mask: Array) -> None:
        """Make a mask False, in place, where the numbers are not 0."""
        for a, index in self:
            rest = np.equal(a, 0)
            if repeats_nothing(index):
                mask[index] &= rest
            else:
                np.logical_and.at(mask, index, rest)


def is_basic(index: Any) -> bool:
    """Whether an index is made of ints, slices, None and Ellipsis: it repeats no position."""
    for p in index if isinstance(index, tuple) else (index,):
        if type(p) not in _BASIC and (isinstance(p, bool) or not isinstance(p, (int, np.integer))):
            return False
    return True


def is_mask(index: Any) -> bool:
    """Whether an index is one boolean array."""
    return isinstance(index, np.ndarray) and index.dtype == bool


def repeats_nothing(index: Any) -> bool:
    """Whether no index of this kind can select a position twice."""
    return is_basic(index) or is_mask(index)


def is_rows(index: Any, ndim: int) -> bool:
    """Whether an index is one array of integers."""
    return isinstance(index, np.ndarray) and index.dtype.kind == "i" and ndim > 0


def places(index: Any, shape: tuple[int, ...]) -> Any:
    """Positions of the elements of ``a[index]`` in the raveled a, for any index."""
    if is_rows(index, len(shape)):
        rows = np.where(index < 0, index + shape[0], index)
        width = math.prod(shape[1:])
        lead = rows.reshape(rows.shape + (1,) * (len(shape) - 1)) * width
        return lead + np.arange(width).reshape(shape[1:])
    if not shape:
        return np.zeros((), int)[index]
    total, step = 0, math.prod(shape)
    for axis, n in enumerate(shape):  # its coordinates on each axis, which take no memory
        step //= max(n, 1)
        along = np.arange(n).reshape(-1, *(1,) * (len(shape) - 1 - axis)) * step
        total = total + np.broadcast_to(along, shape)[index]
    return total


def add_at(out: Array, index: Any, a: Any) -> None:
    """Add a to ``out[index]``, in place; repeated positions add up."""
    if is_basic(index):
        part = out[index]
        if type(part) is np.ndarray:  # a view, which takes less time than an assignment
            part += a
        else:
            out[index] = part + a
    elif is_mask(index):
        out[index] += a
    elif not out.flags.c_contiguous:
        np.add.at(out, index, a)
    else:
        where = places(index, out.shape)
        flat = np.broadcast_to(a, where.shape).reshape(-1)
        owners = None
        if is_rows(index, out.ndim):
            owners = (index % max(out.shape[0], 1)).reshape(-1)
        add_at_places(out.reshape(-1), where.reshape(-1), flat, owners)


def scattered(arrays: Sequence[Any], indices: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with each array added at its index; repeated positions add up."""
    out = np.zeros(shape, arrays[0].dtype)
    for a, index in zip(arrays, indices, strict=True):
        add_at(out, index, a)
    return out
