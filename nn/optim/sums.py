"""Sums over arrays of any size, in an order that depends on neither machine load nor threads.

NumPy's own dot product of a long array wakes BLAS's threads, which then take the cores from ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Array

PIECE = 8_192
"""Elements that are summed in their own precision; the sums are added in double precision."""


SAFE = 1e-30, 1e30
"""Between these a sum of products in single precision has lost nothing to overflow or underflow."""


def pieces(*arrays: Array) -> Iterator[Any]:
    """Parts of flat arrays, side by side, in at least single precision."""
    for start in range(0, arrays[0].size, PIECE):
        cut = slice(start, start + PIECE)
        yield [x[cut] if x.dtype in (np.float32, np.float64) else _wider(x[cut]) for x in arrays]


def _wider(x: Array) -> Array:
    return x.astype(np.float32 if x.dtype == np.float16 else np.float64)


def dot(a: Array, b: Array) -> float:
    """The inner product of two flat arrays."""
    with np.errstate(all="ignore"):
        total = sum(float(np.dot(x, y)) for x, y in pieces(a, b))
        if SAFE[0] < abs(total) < SAFE[1]:
            return total
        return sum(float(np.dot(*(x.astype(np.float64) for x in part))) for part in pieces(a, b))


def norm(x: Array, order: float) -> float:
    """The p-norm (Σ|x|ᵖ)^(1/p) of an array, p = `order`; infinity gives the largest |x|.

    Examples
    --------
    >>> import numpy as np
    >>> norm(np.array([[3.0, 4.0]]), 2.0)
    5.0
    >>> f"{norm(np.array([3e200, 4e200]), 2.0):.1g}"
    '5e+200'
    """
    flat = x.reshape(-1)
    if flat.size == 0:
        return 0.0
    if order == 0:
        return float(sum(np.count_nonzero(part) for (part,) in pieces(flat)))
    if order == 2:
        total = dot(flat, flat)
        if SAFE[0] < total < SAFE[1]:
            return math.sqrt(total)
    pick = np.maximum if order > 0 else np.minimum
    scale = float(pick.reduce([pick.reduce(np.abs(part)) for (part,) in pieces(flat)]))
    if math.isinf(order) or not 0 < scale < math.inf:
        return scale
    total = 0.0
    for (part,) in pieces(flat):  # powers of ratios, which stay in range
        total += float(np.sum((np.abs(part).astype(np.float64) / scale) ** order))
    return float(scale * np.float64(total) ** (1 / order))
