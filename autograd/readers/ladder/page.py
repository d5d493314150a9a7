"""A ladder as an HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd.viz.pages import fill
from autograd.viz.summary import number

if TYPE_CHECKING:
    from autograd.readers.ladder.report import Ladder

_TEMPLATE = Path(__file__).with_name("ladder.html")


def page(found: Ladder, whole: bool = True) -> str:
    """The table and a drawing of each level, as a whole page or as a fragment for a notebook."""
    from markupsafe import Markup

    rungs: list[dict[str, Any]] = [
        {
            "name": level.name,
            "about": level.about,
            "nodes": f"{level.nodes:,}",
            "difference": number(level.difference, 2) if k else "—",
            "ops": ", ".join(level.ops),
            "drawing": Markup(level.drawing().svg()),
        }
        for k, level in enumerate(found.levels)
    ]
    return fill(
        _TEMPLATE,
        title=f"{found.op}, taken apart",
        rungs=rungs,
        notes=found.notes,
        tolerance=number(found.tolerance, 2),
        whole=whole,
    )
