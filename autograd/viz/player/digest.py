"""digest: an array in few bytes, as its number, or statistics, a heat map and a histogram."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MAP = 12
"""Most rows and columns of a heat map."""

BINS = 16
LEVELS = 17
"""Shades on either side of zero."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def digest(x: Any) -> dict[str, Any]:
    """What the page shows of an array.

    Returns
    -------
    dict
        shape and dtype; `number` for an array of size 1; else `low`, `high`, `mean`, `rms` over the
        finite elements, `odd` the number of others, `map` (rows of base-36 digits; "h" is zero, "-"
        not finite) and for larger arrays `bins`.

    Examples
    --------
    >>> from autograd.viz.player.digest import digest
    >>> digest([1.0, -1.0, 0.0])["map"]
    ['y0h']
    """
    a = np.asarray(x)
    found: dict[str, Any] = {"shape": list(a.shape), "dtype": str(a.dtype)}
    if a.dtype.kind not in "fiub" or not a.size:
        return found
    if a.size == 1:
        number = float(a.reshape(()))
        return found | {"number": number if math.isfinite(number) else str(number)}
    wide = a.astype(np.float64)
    finite = np.isfinite(wide)
    fine = wide[finite]
    found["odd"] = int(a.size - fine.size)
    if not fine.size:
        return found
    scale = float(np.abs(fine).max()) or 1.0
    unit = fine / scale
    found |= {
        "low": rounded(fine.min()),
        "high": rounded(fine.max()),
        "mean": rounded(float(unit.sum()) / fine.size * scale),
        "rms": rounded(math.sqrt(float(np.vdot(unit, unit)) / fine.size) * scale),
        "map": _map(np.where(finite, wide, np.nan)),
    }
    if a.size > MAP:
        counts, _ = np.histogram(fine, BINS)
        found["bins"] = "".join(_DIGITS[round(35 * c / counts.max())] for c in counts)
    return found


def _map(a: Any) -> list[str]:
    """The array as a matrix of shades; a large one as block means."""
    matrix = a.reshape(-1, a.shape[-1]) if a.ndim else a.reshape(1, 1)
    for axis in (0, 1):
        n = matrix.shape[axis]
        if n > MAP:
            starts = np.arange(MAP) * n // MAP
            counts = np.diff(np.append(starts, n))
            sums = np.add.reduceat(matrix, starts, axis=axis)
            matrix = sums / (counts[:, None] if axis == 0 else counts)
    scale = np.nanmax(np.abs(matrix), initial=0.0) or 1.0
    shades = np.where(np.isnan(matrix), -1, np.rint(matrix / scale * LEVELS) + LEVELS).astype(int)
    return ["".join("-" if s < 0 else _DIGITS[s] for s in row) for row in shades]


def size(x: Any) -> float | str:
    """The value of a single number, else the root mean square; NaN and infinities as text."""
    a = np.asarray(x, np.float64)
    if not a.size:
        return 0.0
    if a.size == 1:
        return rounded(float(a.reshape(())))
    return rounded(math.sqrt(float(np.vdot(a, a)) / a.size))


def rounded(x: Any) -> float | str:
    """Round to six significant digits; NaN and infinities as text."""
    return float(f"{float(x):.6g}") if math.isfinite(x) else str(float(x))
