"""Ladder: the levels that a node was taken apart into, as a table and a page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from autograd.node import Array
from autograd.readers.ladder.page import page
from autograd.value import Value
from autograd.viz.draw import Drawing, draw
from autograd.viz.pages import save
from autograd.viz.summary import number


class Level(NamedTuple):
    """One rung: the same computation in smaller pieces.

    Attributes
    ----------
    name : "tensor", "rows", "scalars" or "elementary ops".
    about : what a piece is, in one sentence.
    roots : the Values that it ends in.
    output : its result, put together again.
    gradients : by each input that is tracked, put together again.
    nodes, ops : how many results of ops there are, and of which ops.
    difference : largest difference from the first level, of results or gradients, over the largest
        number among them.
    """

    name: str
    about: str
    roots: list[Value]
    output: Array
    gradients: list[Array]
    nodes: int
    ops: tuple[str, ...]
    difference: float

    def drawing(self, **how: Any) -> Drawing:
        """The level's graph; keywords as in `autograd.draw`."""
        return draw(self.roots, **how)


class Ladder:
    """A node at several levels, equal to one another. It prints a table; a notebook draws it.

    Attributes
    ----------
    levels : from the tensor down to single numbers.
    notes : levels that there are not, and why.
    op : the op that was taken apart.
    tolerance : differences up to here count as rounding.
    """

    def __init__(self, op: str, levels: list[Level], notes: list[str], tolerance: float) -> None:
        self.op, self.levels, self.notes, self.tolerance = op, levels, notes, tolerance

    def table(self) -> list[dict[str, Any]]:
        """One row a level: name, nodes, ops, difference."""
        return [
            {
                "level": level.name,
                "about": level.about,
                "nodes": level.nodes,
                "ops": level.ops,
                "difference": level.difference,
            }
            for level in self.levels
        ]

    def __str__(self) -> str:
        rows = [("level", "nodes", "difference", "ops")]
        for level in self.levels:
            ops = ", ".join(level.ops)
            away = number(level.difference, 2) if level is not self.levels[0] else "—"
            rows.append((level.name, f"{level.nodes:,}", away, ops))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c.rjust(widths[2])}  {d}"
            for a, b, c, d in rows
        ]
        checked = (
            f"{self.op}: results and gradients of all levels agree "
            f"(relative difference, allowed {number(self.tolerance, 2)})"
        )
        return "\n".join([checked, *lines, *self.notes])

    __repr__ = __str__

    def html(self) -> str:
        """A page with the table and the drawings under each other: one file, no network.

        Raises
        ------
        RuntimeError
            No Graphviz to lay them out; the message says what to install.
        """
        return page(self)

    def _repr_html_(self) -> str:
        return page(self, whole=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, whole or not at all; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        """
        return save("Ladder", path, self.html)
