"""What a comparison of two runs found: places, differences, and where they are the largest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array
from autograd.printable import printable
from autograd.value import Value
from autograd.viz.pages import framed, save
from autograd.viz.summary import number

_AROUND = 1  # rows and columns on each side of the largest difference
_MOST_DIGITS = 17


@dataclass(frozen=True, eq=False)
class Point:
    """One place in the graphs of both runs.

    Attributes
    ----------
    label : the module and op, or the name of a leaf; "gradient of ..." in the backward pass.
    a, b : the arrays of the two runs.
    difference : largest |a − b| over the largest |a| or |b|; infinite if shapes differ, or if NaNs
        and infinities are not at the same indices.
    tolerance : largest difference that counts as equal.
    node : the node or constant of run a, or None.
    backward : whether the arrays are gradients.
    """

    label: str
    a: Array
    b: Array
    difference: float
    tolerance: float
    node: Any = None
    backward: bool = False

    @property
    def apart(self) -> bool:
        """Whether the runs differ here."""
        return self.difference > self.tolerance

    @property
    def comparable(self) -> bool:
        """Whether the shapes are equal, so that elements can be compared."""
        return self.a.shape == self.b.shape and self.a.size > 0

    @property
    def away(self) -> Array:
        """b − a of each element in float64; infinite where only one is finite, 0 if both are not.

        For arrays of equal shape.
        """
        a, b = self.a.astype(np.float64), self.b.astype(np.float64)
        with np.errstate(all="ignore"):
            away = b - a
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        return np.where(same, 0.0, np.where(np.isnan(away), np.inf, away))

    @property
    def index(self) -> tuple[int, ...] | None:
        """Index of the element with the largest difference; None if shapes differ."""
        if not self.comparable:
            return None
        flat = int(np.argmax(np.abs(self.away)))
        return tuple(int(k) for k in np.unravel_index(flat, self.a.shape))

    @property
    def count(self) -> int | None:
        """How many elements differ by more than the tolerance; None if shapes differ."""
        if not self.comparable:
            return None
        finite = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in (self.a, self.b)]
        return int((np.abs(self.away) > self.tolerance * float(max(finite))).sum())


class Around(NamedTuple):
    """The elements around the largest difference, in a matrix of the last two axes, as text.

    Attributes
    ----------
    rows, columns : their indices; one row for a vector.
    a, b, away : texts of the elements, and of b − a.
    """

    rows: list[int]
    columns: list[int]
    a: list[list[str]]
    b: list[list[str]]
    away: list[list[str]]


def apart_as_text(x: float, y: float) -> tuple[str, str, int]:
    """Two numbers with as many digits as it takes to tell them apart; and how many."""
    digits = 4
    while x != y and number(x, digits) == number(y, digits) and digits < _MOST_DIGITS:
        digits += 1
    return number(x, digits), number(y, digits), digits


def matrices(point: Point, index: tuple[int, ...]) -> tuple[Array, Array, Array, int, int]:
    """a, b and b − a as the matrix of the last two axes that holds an element; its row, column."""
    parts = [np.asarray(x, np.float64) for x in (point.a, point.b, point.away)]
    if len(index) < 2:
        a, b, away = (x.reshape(1, -1) for x in parts)
        return a, b, away, 0, index[0] if index else 0
    a, b, away = (x[index[:-2]] for x in parts)
    return a, b, away, index[-2], index[-1]


def around(point: Point, index: tuple[int, ...], reach: int = _AROUND) -> Around:
    """The elements around an index, with digits that tell a from b there."""
    a, b, away, row, column = matrices(point, index)
    rows = range(max(row - reach, 0), min(row + reach + 1, a.shape[0]))
    columns = range(max(column - reach, 0), min(column + reach + 1, a.shape[1]))
    *_, digits = apart_as_text(float(a[row, column]), float(b[row, column]))

    def texts(x: Array, digits: int) -> list[list[str]]:
        return [[number(float(x[i, j]), digits) for j in columns] for i in rows]

    return Around([*rows], [*columns], texts(a, digits), texts(b, digits), texts(away, 3))


class Comparison:
    """All places that two runs have in common, in the order of computation.

    It prints the first place where they diverge; ``.save("diff.html")`` shows all on the graph.

    Attributes
    ----------
    points : the places; leaves first, the backward pass after the forward pass.
    by : "node", "layer" or "kernel": how the runs were matched.
    unmatched : labels of places that only one run has.
    root : the result of run a.
    """

    def __init__(self, points: list[Point], by: str, unmatched: list[str], root: Value) -> None:
        self.points, self.by, self.unmatched, self.root = points, by, unmatched, root

    @cached_property
    def first(self) -> Point | None:
        """The first place where they diverge; None if they agree everywhere."""
        return next((point for point in self.points if point.apart), None)

    def __str__(self) -> str:
        lines = [self.headline]
        if (first := self.first) is not None:
            at = next(k for k, point in enumerate(self.points) if point is first)
            lines += [f"  {line}" for line in _described(first)]
            before = self.points[max(at - 3, 0) : at]
            lines += [f"  before: {number(p.difference, 2)} at {p.label}" for p in before]
        if self.unmatched:
            lines.append("  only in one run: " + ", ".join(self.unmatched[:6]))
        return printable("\n".join(lines))

    __repr__ = __str__

    @property
    def headline(self) -> str:
        """Whether the runs agree, or where they diverge first."""
        first, count = self.first, f"{len(self.points):,} places, matched by {self.by}"
        if first is None:
            worst = max((p.difference for p in self.points), default=0.0)
            return f"The runs agree at {count}; largest relative difference {number(worst, 2)}."
        at = next(k for k, point in enumerate(self.points) if point is first)
        return f"The runs diverge at {first.label} ({at + 1:,} of {count}):"

    def html(self) -> str:
        """A page with the graph of run a, and a | b | difference at each place, in one file.

        Raises
        ------
        RuntimeError
            Graphviz is missing; the message says what to install.
        """
        from autograd.readers.compare.page import page

        return page(self)

    def _repr_html_(self) -> str:
        return framed(self.html(), "Two runs compared", height=640)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write both runs on one graph, as a page that needs no network, atomically.

        Parameters
        ----------
        path : output file, ending in .html.

        Returns
        -------
        Path : the file, with ``~`` expanded.

        Raises
        ------
        ValueError
            Another suffix.
        RuntimeError
            Graphviz is missing; the message says what to install.

        Examples
        --------
        >>> import autograd, numpy as np, tempfile
        >>> def run(shift):
        ...     w = autograd.Value(np.ones(3) + shift, name="w")
        ...     return np.sum(np.tanh(w))
        >>> folder = tempfile.TemporaryDirectory()
        >>> autograd.compare(run(0.0), run(0.1)).save(f"{folder.name}/diff.html").name
        'diff.html'
        >>> folder.cleanup()
        """
        return save("Comparison", path, self.html)


def differing(point: Point) -> str:
    """How many elements differ, and the one that differs most, in a line."""
    index = point.index
    if index is None:
        return f"shapes: a {point.a.shape}, b {point.b.shape}"
    x, y, _ = apart_as_text(float(point.a[index]), float(point.b[index]))
    pair = f"a = {x}, b = {y}"
    if point.a.size == 1:
        return pair
    where = f"at {list(index)}: {pair}"
    if not point.apart:
        return f"No element differs by more than rounding; most {where}"
    return f"{point.count:,} of {point.a.size:,} elements differ, most {where}"


def _described(point: Point) -> list[str]:
    kinds = f"a is {point.a.dtype}, b {point.b.dtype}"
    kinds = f" ({kinds if point.a.dtype != point.b.dtype else point.a.dtype})"
    lines = [differing(point) + kinds]
    index = point.index
    if index is not None and point.a.size > 1:
        near = around(point, index)
        blocks = [_block(part) for part in (near.a, near.b, near.away)]
        heads = [h.ljust(len(block[0])) for h, block in zip(_HEADS, blocks, strict=True)]
        lines.append("  " + " | ".join(heads).rstrip())
        lines += ["  " + " | ".join(row).rstrip() for row in zip(*blocks, strict=True)]
    lines.append(
        f"relative difference {number(point.difference, 2)}, allowed {number(point.tolerance, 2)}"
    )
    return lines


_HEADS = ("a", "b", "b − a")


def _block(rows: list[list[str]]) -> list[str]:
    """Rows of numbers in columns of one width, at least as wide as the heading."""
    width = max(len(cell) for row in rows for cell in row)
    lines = ["  ".join(cell.rjust(width) for cell in row) for row in rows]
    return [line.ljust(len(_HEADS[2])) for line in lines]
