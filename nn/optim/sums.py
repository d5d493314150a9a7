"""Sums over arrays of any size, in an order that depends on neither machine load nor threads.

NumPy's own dot product of a long array wakes BLAS's threads, which then take the cores from ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Array

PIECE = 8_192
"""Elements that are summed in their own precision; the sums are added in double precision."""


def pieces(*arrays: Array) -> Iterator[Any]:
    """Parts of flat arrays, side by side, in at least single precision."""
    for start in range(0, arrays[0].size, PIECE):
        cut = slice(start, start + PIECE)
        yield [x[cut] if x.itemsize > 2 else x[cut].astype(np.float32) for x in arrays]


def dot(a: Array, b: Array) -> float:
    """The inner product of two flat arrays."""
    return sum(float(np.dot(x, y)) for x, y in pieces(a, b))


def norm(x: Array, order: float) -> float:
    """The p-norm (Σ|x|ᵖ)^(1/p) of an array, p = `order`; infinity gives the largest |x|.

    Examples
    --------
    >>> import numpy as np
    >>> norm(np.array([[3.0, 4.0]]), 2.0)
    5.0
    """
    flat = x.reshape(-1)
    if flat.size == 0:
        return 0.0
    if order == 2:
        total = dot(flat, flat)
        return float(np.sqrt(total))
    if abs(order) == np.inf:
        pick = np.maximum if order > 0 else np.minimum
        return float(pick.reduce([pick.reduce(np.abs(part)) for (part,) in pieces(flat)]))
    if order == 0:
        return float(sum(np.count_nonzero(part) for (part,) in pieces(flat)))
    total = sum(float(np.sum(np.abs(part).astype(np.float64) ** order)) for (part,) in pieces(flat))
    return float(np.float64(total) ** (1 / order))
