"""Sums of numbers that belong to one place, for any assignment of numbers to places."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.machine.sum_axes import FEW


def repeats(places: Any, dtype: Any) -> Any:
    """Places with more numbers than a sum in this dtype takes, one after another, to 1e-6."""
    if dtype.char not in "ef" or places.size <= (1 if dtype.char == "e" else FEW):
        return places[:0]
    return np.flatnonzero(np.bincount(places) > (1 if dtype.char == "e" else FEW))


def scatter_sum(a: Any, places: Any, n: int, owners: Any = None) -> Any:
    """n sums: of the elements of a that have the same place, in their order.

    float32 and float16 are added up in float64 where many of them share a place.

    Parameters
    ----------
    a, places : flat arrays of one size; places are integers from 0 to n - 1.
    n : number of sums.
    owners : fewer integers that repeat as often as the places do, such as the rows that they are
        in; by default the places.

    Returns
    -------
    Array (n,) of a's dtype, 0 where nothing belongs.

    Examples
    --------
    >>> import numpy as np
    >>> scatter_sum(np.ones(5000, np.float16), np.zeros(5000, int), 2).tolist()
    [5000.0, 0.0]
    """
    wide = repeats(places if owners is None else owners, a.dtype).size > 0
    sums = np.zeros(n, np.float64 if wide else a.dtype)
    np.add.at(sums, places, a.astype(sums.dtype, copy=False))  # beats bincount and sorting
    return sums.astype(a.dtype, copy=False)
