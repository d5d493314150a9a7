"""Curves, arrowheads, and the heat maps of arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Point = tuple[float, float]

_TILE, _CELL = 62, 7
"""Most pixels of a heat map's side, and of the side of one of its cells."""


def curve(points: Sequence[Point]) -> str:
    """The path of Bézier curves through every third of these points."""
    (x, y), *rest = points
    return f"M{x:.1f},{y:.1f}C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in rest)


def arrowhead(points: Sequence[Point], scale: float = 1.0) -> str:
    """An arrowhead at the last point."""
    (px, py), (x, y) = points[-2:]
    angle = math.atan2(y - py, x - px)
    c, s = math.cos(angle) * scale, math.sin(angle) * scale
    return (
        f"M{x:.1f},{y:.1f}l{-8 * c + 3.5 * s:.1f},{-8 * s - 3.5 * c:.1f}l{-7 * s:.1f},{7 * c:.1f}z"
    )


def sampled(points: Sequence[Point]) -> list[Point]:
    """Points on the Bézier curves through every third of these points."""
    found = [points[0]]
    for j in range(0, len(points) - 3, 3):
        four = points[j : j + 4]
        for t in (0.25, 0.5, 0.75, 1.0):
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
            found.append(
                (
                    sum(w * p[0] for w, p in zip(weights, four, strict=True)),
                    sum(w * p[1] for w, p in zip(weights, four, strict=True)),
                )
            )
    return found


def along(route: Sequence[Point], share: float) -> Point:
    """The point after a share of the way; slow at both ends."""
    lengths = [math.dist(a, b) for a, b in pairwise(route)]
    left = (1 - math.cos(math.pi * share)) / 2 * sum(lengths)
    for (a, b), length in zip(pairwise(route), lengths, strict=True):
        if left <= length:
            t = left / length if length else 0.0
            return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])
        left -= length
    return route[-1]


class Tiles:
    """The heat map of an array, with the matrices of an N-d array side by side."""

    def __init__(self, digest: dict[str, Any]) -> None:
        rows, facets = digest["map"], digest.get("facets") or [[]]
        high = len(rows) // len(facets)
        self.parts = [rows[f * high : (f + 1) * high] for f in range(len(facets))]
        wide = len(rows[0]) * len(self.parts)
        self.cell = max(min(_CELL, _TILE / max(wide, high)), 1.5)
        self.step = len(rows[0]) * self.cell + 3
        self.width = self.step * len(self.parts) - 3
        self.height = high * self.cell

    def drawn(self, x: float, y: float, used: set[int]) -> str:
        """The cells, centered at a point; one path for each shade."""
        at: dict[int, list[str]] = {}
        left, top, side = x - self.width / 2, y - self.height / 2, self.cell
        for f, rows in enumerate(self.parts):
            for r, row in enumerate(rows):
                for c, digit in enumerate(row):
                    shade = -1 if digit == "-" else int(digit, 36)
                    at.setdefault(shade, []).append(
                        f"M{left + f * self.step + c * side:.1f},{top + r * side:.1f}"
                        f"h{side:.2f}v{side:.2f}h-{side:.2f}z"
                    )
        used.update(at)
        return "".join(
            f'<path class="{"odd" if s < 0 else f"m{s}"}" d="{"".join(d)}"/>'
            for s, d in sorted(at.items())
        )
