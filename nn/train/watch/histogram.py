"""Histograms of what a layer holds, over all its elements or evenly spaced ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

BINS = 30

MOST = 16_384
"""Elements that are counted: of a larger layer every k-th, so that a sample of it stays cheap."""


class Histogram(NamedTuple):
    """Counts of numbers in `BINS` bins of equal width.

    Attributes
    ----------
    low, high : edges of the first and of the last bin: the smallest and the largest number.
    counts : numbers in each bin.
    zeros : numbers that are 0. A logarithmic histogram has them in no bin.
    wild : numbers that are NaN or infinite, in no bin.
    size : elements in all, of which `MOST` are looked at.
    """

    low: float
    high: float
    counts: list[int]
    zeros: int
    wild: int
    size: int


def histogram(arrays: Sequence[Any], log: bool = False) -> Histogram | None:
    """The numbers of some arrays together, or the decimal logarithms of their magnitudes.

    Returns
    -------
    Histogram, or None if there is no number.

    Examples
    --------
    >>> import numpy as np
    >>> found = histogram([np.array([-1.0, 0.0, 0.0]), np.array([2.0, np.inf])])
    >>> found.low, found.high, found.zeros, found.wild
    (-1.0, 2.0, 2, 1)
    >>> [k for k, count in enumerate(found.counts) if count]
    [0, 10, 29]
    >>> histogram([np.array([0.0, 1e-3, -10.0])], log=True)[:2]
    (-3.0, 1.0)
    """
    size = sum(x.size for x in arrays)
    every = max(-(-size // MOST), 1)
    x = np.concatenate([spread(x, every) for x in arrays] or [np.zeros(0)])
    if not x.size:
        return None
    usual = x[np.isfinite(x)]
    zeros, wild = int(np.count_nonzero(usual == 0)), x.size - usual.size
    if log:
        usual = np.log10(np.abs(usual[usual != 0]))
    if not usual.size:
        return Histogram(0.0, 0.0, [0] * BINS, zeros, wild, size)
    low, high = float(usual.min()), float(usual.max())
    width = (high - low) / BINS
    if not (width > 0 and math.isfinite(1 / width) and math.isfinite(width)):
        at = np.full(usual.size, BINS // 2)
    else:
        at = np.minimum(((usual - low) / width).astype(np.intp), BINS - 1)
    return Histogram(low, high, np.bincount(at, minlength=BINS).tolist(), zeros, wild, size)


def spread(x: Any, every: int) -> Any:
    """Every k-th element in double precision, with a step that meets all rows and columns."""
    flat = x.reshape(-1)
    while every > 1 and math.gcd(every, flat.size) > 1:
        every += 1
    return flat[::every].astype(np.float64)
