"""Sums of numbers that belong to one place, for any assignment of numbers to places."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.machine.sum_axes import FEW

SPARSE = 8
"""Times as many places as numbers from which sorting beats going over all places."""


def repeats(places: Any, dtype: Any) -> Any:
    """Places with more numbers than a sum in this dtype takes, one after another, to 1e-6."""
    few = 1 if dtype.char == "e" else FEW
    if dtype.char not in "ef" or places.size <= few:
        return places[:0]
    if places.max() > SPARSE * places.size:
        found, counts = np.unique(places, return_counts=True)
        return found[counts > few]
    return np.flatnonzero(np.bincount(places) > few)


def add_at_places(sums: Any, places: Any, a: Any, owners: Any = None) -> None:
    """Add the elements of a to the sums at their places, in their order.

    float32 and float16 are added up in float64 where many of them share a place.

    Parameters
    ----------
    sums : flat array, changed in place; only the sums at these places are looked at.
    places, a : flat arrays of one size; places are integers from 0.
    owners : fewer integers that repeat as often as the places do, such as the rows that they are
        in; by default the places.

    Examples
    --------
    >>> import numpy as np
    >>> sums = np.ones(2, np.float16)
    >>> add_at_places(sums, np.zeros(5000, int), np.ones(5000, np.float16))
    >>> sums.tolist()
    [5000.0, 1.0]
    """
    if not repeats(places if owners is None else owners, sums.dtype).size:
        np.add.at(sums, places, a.astype(sums.dtype, copy=False))  # beats bincount and sorting
    elif sums.size > SPARSE * places.size:
        touched, places = np.unique(places, return_inverse=True)
        part = sums[touched]
        add_at_places(part, places, a)
        sums[touched] = part
    else:
        wide = np.zeros(sums.shape)
        np.add.at(wide, places, a.astype(wide.dtype, copy=False))
        wide += sums
        sums[...] = wide


def scatter_sum(a: Any, places: Any, n: int, owners: Any = None) -> Any:
    """n sums: of the elements of a that have the same place, 0 where nothing belongs.

    Parameters
    ----------
    a, places, owners : as for `add_at_places`.
    n : number of sums.

    Returns
    -------
    Array (n,) of a's dtype.

    Examples
    --------
    >>> import numpy as np
    >>> scatter_sum(np.ones(5000, np.float16), np.zeros(5000, int), 2).tolist()
    [5000.0, 0.0]
    """
    sums = np.zeros(n, a.dtype)
    add_at_places(sums, places, a, owners)
    return sums
