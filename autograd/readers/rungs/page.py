"""A ladder as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd.viz.summary import number

if TYPE_CHECKING:
    from autograd.readers.rungs.report import Ladder

_HERE = Path(__file__).parent


def page(found: Ladder, whole: bool = True) -> str:
    """HTML with the table and a drawing of each level; a fragment for a notebook, or all of it."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
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
    return environment.get_template("ladder.html").render(
        title=f"{found.op}, taken apart",
        style=Markup((_HERE / "ladder.css").read_text("utf-8")),
        rungs=rungs,
        notes=found.notes,
        tolerance=number(found.tolerance, 2),
        whole=whole,
    )
