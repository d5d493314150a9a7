"""Ladder: the levels of a node as a table and a page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from autograd.node import Array
from autograd.printable import printable
from autograd.value import Value
from autograd.viz.draw import Drawing, draw
from autograd.viz.pages import fill, save
from autograd.viz.summary import number

_TEMPLATE = Path(__file__).with_name("ladder.html")


class Level(NamedTuple):
    """One level: the same computation in smaller pieces.

    Attributes
    ----------
    name : "tensor", "rows", "scalars" or "elementary ops".
    about : what a piece is, in one sentence.
    roots : its results, as Values.
    output : the results as one array.
    gradients : the gradient with respect to each tracked input, as one array each.
    nodes, ops : number of recorded nodes, and their ops.
    difference : largest difference of results or gradients from the first level, over the largest
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
        """A drawing of the level's graph; keyword arguments as for `autograd.draw`."""
        return draw(self.roots, **how)


class Ladder:
    """A node at several levels, checked to be equal. It prints a table; a notebook draws it.

    Attributes
    ----------
    levels : from the tensor down to scalars.
    notes : missing levels, with the reason.
    op : name of the op that was taken apart.
    tolerance : largest difference that counts as rounding.
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
        return printable("\n".join([checked, *lines, *self.notes]))

    __repr__ = __str__

    def html(self) -> str:
        """A page with the table and the drawings, in one self-contained file.

        Raises
        ------
        RuntimeError
            Graphviz is missing; the message says what to install.
        """
        return self._page()

    def _repr_html_(self) -> str:
        return self._page(whole=False)

    def _page(self, whole: bool = True) -> str:
        """The table and drawings, as a whole page or as a fragment for a notebook."""
        from markupsafe import Markup

        rungs = [
            {
                "name": level.name,
                "about": level.about,
                "nodes": f"{level.nodes:,}",
                "difference": number(level.difference, 2) if k else "—",
                "ops": ", ".join(level.ops),
                "drawing": Markup(level.drawing().svg()),
            }
            for k, level in enumerate(self.levels)
        ]
        return fill(
            _TEMPLATE,
            title=f"{self.op}, taken apart",
            rungs=rungs,
            notes=self.notes,
            tolerance=number(self.tolerance, 2),
            whole=whole,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, atomically; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        """
        return save("Ladder", path, self.html)
