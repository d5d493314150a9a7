"""digest: an array in few bytes, as its number, or statistics, a heat map and a histogram."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MAP = 12
"""Most rows and columns of a heat map."""

FACETS = 4
"""Most matrices of an N-d array that are shown side by side."""

SMOOTH = 0.5
"""Share of the squares that block means must keep, or the largest element stands for its block."""

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
        finite elements, `odd` the number of others if any, `map` (rows of base-36 digits; "h" is
        zero, "-" not finite) and for larger arrays `bins`. If each digit of the map stands for a
        block of elements, `by` says what it shows of them: their "mean", or the "largest" in size.
        The map of an N-d array has the matrices of its last two axes one below the other, at most
        `FACETS` of them, the largest; `facets` are their indices.

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
    if fine.size < a.size:
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
        **_map(wide if fine.size == a.size else np.where(finite, wide, np.nan)),
    }
    if a.size > MAP:
        found["bins"] = _bins(unit)
    return found


def _bins(unit: Any) -> str:
    """A histogram of numbers between -1 and 1, as base-36 digits; equal ones are in the middle."""
    low, high = unit.min(), unit.max()
    at = (unit - low) * (BINS / (high - low)) if high > low else np.full(unit.size, BINS / 2)
    counts = np.bincount(np.minimum(at.astype(int), BINS - 1), minlength=BINS)
    return "".join(_DIGITS[k] for k in np.rint(counts * (35 / counts.max())).astype(int))


def _map(a: Any) -> dict[str, Any]:
    """The array as rows of shades."""
    found: dict[str, Any] = {}
    if a.ndim > 2:
        a = a.reshape([n for n in a.shape if n > 1] or 1)
    matrices = a.reshape(-1, *a.shape[-2:]) if a.ndim > 1 else a.reshape(1, 1, -1)
    if a.ndim > 2:
        sizes = np.nansum(np.square(matrices / (np.nanmax(np.abs(matrices)) or 1.0)), axis=(1, 2))
        chosen = np.sort(np.argsort(-sizes, kind="stable")[:FACETS])
        matrices = matrices[chosen]
        places = np.stack(np.unravel_index(chosen, a.shape[:-2]), axis=1)
        found["facets"] = places.tolist()
    if max(matrices.shape[1:]) > MAP:
        matrices, found["by"] = _blocks(matrices)
    rows = matrices.reshape(-1, matrices.shape[-1])
    scale = np.nanmax(np.abs(rows), initial=0.0) or 1.0
    shades = np.where(np.isnan(rows), -1, np.rint(rows / scale * LEVELS) + LEVELS).astype(int)
    found["map"] = ["".join("-" if s < 0 else _DIGITS[s] for s in row) for row in shades]
    return found


def _blocks(matrices: Any) -> tuple[Any, str]:
    """Matrices of at most `MAP` rows and columns, and what stands for a block of elements.

    The mean, unless signs cancel in it, as they do in gradients.
    """
    sums = low = high = matrices
    counts = np.ones(())
    for axis in (1, 2):
        n = matrices.shape[axis]
        starts = np.arange(min(n, MAP)) * n // min(n, MAP)
        widths = np.diff(np.append(starts, n))
        counts = counts[..., None] * widths
        sums = np.add.reduceat(sums, starts, axis=axis)
        low = np.minimum.reduceat(low, starts, axis=axis)
        high = np.maximum.reduceat(high, starts, axis=axis)
    means = sums / counts
    scale = max(np.nanmax(np.abs(low)), np.nanmax(np.abs(high))) or 1.0
    kept, all_ = np.square(means / scale) * counts, np.square(matrices / scale)
    if np.nansum(kept) >= SMOOTH * np.nansum(all_):
        return means, "mean"
    return np.where(np.abs(low) > np.abs(high), low, high), "largest"


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
