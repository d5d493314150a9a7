"""Summary: an array in a few numbers, short enough for a drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

_LONGEST = 4
"""Longest axis of an array whose elements are all shown."""


@dataclass(frozen=True)
class Summary:
    """An array in a few numbers; NaN and infinities are text, since JSON has no such numbers.

    Attributes
    ----------
    numbers : the elements as nested lists if there are few; a number for an array without axes;
        else None.
    low, high, mean, rms : over the finite elements; None without any.
    odd : number of NaN and infinite elements.
    """

    shape: tuple[int, ...]
    dtype: str
    numbers: Any
    low: float | None
    high: float | None
    mean: float | None
    rms: float | None
    odd: int

    @property
    def lines(self) -> list[str]:
        """The numbers as text: one line for a number or vector, one per row for a matrix."""
        if not math.prod(self.shape):
            return ["empty"]
        if self.numbers is None:
            if self.low is None or self.high is None or self.mean is None:
                return [f"{self.odd} NaN or ∞"]
            low, high, mean = (number(x, 3) for x in (self.low, self.high, self.mean))
            text = f"{low} … {high}, mean {mean}"
            return [text, f"{self.odd} NaN or ∞"] if self.odd else [text]
        rows = self.numbers
        for _ in range(2 - len(self.shape)):
            rows = [rows]
        cells = [[number(x) for x in row] for row in rows]
        width = max(len(cell) for row in cells for cell in row)
        if len(cells) == 1:
            text = ", ".join(cells[0])
            return [f"[{text}]" if self.shape else text]
        return ["  ".join(cell.rjust(width) for cell in row) for row in cells]


def summarize(data: Any) -> Summary:
    """The summary of an array or number.

    Examples
    --------
    >>> from autograd.viz.summary import summarize
    >>> summarize(-0.25).lines, summarize([1.0, 2.0]).lines
    (['−0.25'], ['[1, 2]'])
    """
    a = np.asarray(data)
    if a.dtype.kind not in "fiub":
        return Summary(a.shape, str(a.dtype), None, None, None, None, None, 0)
    few = a.ndim <= 2 and all(n <= _LONGEST for n in a.shape)
    wide = a.astype(np.float64)
    finite = np.isfinite(wide)
    fine = wide[finite]
    low = high = mean = rms = None
    if fine.size:
        low, high = float(fine.min()), float(fine.max())
        scale = max(abs(low), abs(high)) or 1.0
        mean = float((fine / scale).mean() * scale)
        rms = float(np.sqrt(np.square(fine / scale).mean()) * scale)
    return Summary(
        shape=tuple(a.shape),
        dtype=str(a.dtype),
        numbers=_spelled(a.tolist()) if few else None,
        low=low,
        high=high,
        mean=mean,
        rms=rms,
        odd=int(a.size - fine.size),
    )


def _spelled(x: Any) -> Any:
    if isinstance(x, list):
        return [_spelled(part) for part in x]
    return x if not isinstance(x, float) or math.isfinite(x) else str(x)


def number(x: Any, digits: int = 4) -> str:
    """A number with four significant digits by default, and a true minus sign.

    Examples
    --------
    >>> from autograd.viz.summary import number
    >>> number(-1 / 3), number(2.0), number(True), number(1.5e-7)
    ('−0.3333', '2', 'True', '1.5e−07')
    """
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    if isinstance(x, str):
        return {"inf": "∞", "-inf": "−∞"}.get(x, "NaN")
    if not math.isfinite(x):
        return number(str(float(x)))
    text = f"{x:.{digits}g}" if isinstance(x, float) or abs(x) > 99999 else str(x)
    return text.replace("-", "−")
