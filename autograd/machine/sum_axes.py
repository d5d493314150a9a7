"""Sums of arrays along axes that stay right to the last digits over millions of rows."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load

FOLD = 16
"""Rows added one after another before a new total begins: 32 are as fast, and lose a digit."""

FEW = 64
"""Numbers up to which a plain sum is right to 1e-6, however the totals of float32 are rounded."""

MANY = 32_768
"""Numbers from which a kernel sums those that are contiguous: in vectors, which NumPy does not."""

_HALF = np.dtype(np.float16)


def sum_axes(a: Any, axes: tuple[int, ...], keepdims: bool = False) -> Any:
    """Sum over axes, to 1e-6 for float32 over 10⁶ rows and for float16 to its last digit.

    ``np.add.reduce`` adds pairwise along an axis that is contiguous in memory, but along any other
    it adds row by row to one total, whose rounding errors then add up: 1 % for a million rows of
    float32, and from 2048 on a float16 does not grow by 1. Here the rows are folded, 16 to 1, until
    few are left, which reads the array once as well, and is faster where rows are short.

    Parameters
    ----------
    a : array.
    axes : tuple of ints, from 0 or negative, each axis once.
    keepdims : keep the axes as axes of size 1.

    Returns
    -------
    Array of a's dtype; a NumPy scalar where no axis is left.

    Examples
    --------
    >>> import numpy as np
    >>> ones = np.ones((5000, 2), np.float16)
    >>> np.add.reduce(ones).tolist(), sum_axes(ones, (0,)).tolist()
    ([2048.0, 2048.0], [5000.0, 5000.0])
    """
    shape = a.shape
    n = 1
    for i in axes:
        n *= shape[i]
    few = n <= (1 if a.dtype is _HALF else FEW)
    if few or a.dtype.kind not in "fc" or not isinstance(a, np.ndarray):  # or it is written
        return np.add.reduce(a, axis=axes, keepdims=keepdims)
    gone = {i % a.ndim for i in axes}
    left = a.ndim - len(gone)
    wide = a.astype(np.float32) if a.dtype is _HALF else a
    if wide.flags.c_contiguous and min(gone) == left:
        y = row_sums(wide.reshape(-1, n))
    elif wide.flags.c_contiguous and max(gone) < len(gone):  # every bias gradient
        y = _middle(wide.reshape(1, n, math.prod(shape[len(gone) :])))
    else:
        y = _folded(wide, gone)
    if wide is not a:
        y = y.astype(_HALF)
    if keepdims:
        return y.reshape([1 if i in gone else n for i, n in enumerate(shape)])
    if left == 0:
        return y.reshape(())[()]
    return y.reshape([n for i, n in enumerate(shape) if i not in gone])


def _folded(a: Any, gone: set[int]) -> Any:
    """The sums over the axes in `gone`, which become axes of size 1."""
    repeats = 1
    for i in gone:
        if a.strides[i] == 0:  # broadcast: n equal numbers
            repeats *= a.shape[i]
            a = a[(slice(None),) * i + (slice(0, 1),)]
    order = sorted(range(a.ndim), key=lambda i: -abs(a.strides[i]))
    y = a.transpose(order)
    groups = [(k, list(g)) for k, g in itertools.groupby(order, key=gone.__contains__)]
    start = a.ndim
    for reduced, group in reversed(groups):
        start -= len(group)
        if reduced:
            shape = y.shape
            end = start + len(group)
            sizes = shape[:start], shape[start:end], shape[end:]
            y = _middle(y.reshape([math.prod(part) for part in sizes]))
            y = y.reshape(shape[:start] + (1,) * len(group) + shape[end:])
    y = y.transpose(np.argsort(order))
    return y * y.dtype.type(repeats) if repeats > 1 else y


def _middle(a: Any) -> Any:
    """Σ over the middle axis of (outer, n, inner)."""
    outer, n, inner = a.shape
    if inner == 1:
        return row_sums(a.reshape(outer, n))
    rests = []
    while n >= 2 * FOLD:
        m = n // FOLD
        if n % FOLD:
            rests.append(np.add.reduce(a[:, m * FOLD :], axis=1))
        a = np.add.reduce(a[:, : m * FOLD].reshape(outer, FOLD, m * inner), axis=1)
        a, n = a.reshape(outer, m, inner), m
    return sum(rests, np.add.reduce(a, axis=1))


def row_sums(a: Any) -> Any:
    """Sum a matrix along its last axis: pairwise, or in blocks by a kernel."""
    if a.size >= MANY and a.dtype.char in "fd" and a.flags.carray and a.dtype.isnative:
        return load("autograd.machine.sums").row_sums(a)
    return np.add.reduce(a, axis=1)
