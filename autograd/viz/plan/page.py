"""PlanPage: a compiled plan, stepped through beside its source and its memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograd.plan.plan import Plan
from autograd.viz.draw import Drawing
from autograd.viz.pages import embedded, fill, framed, save
from autograd.viz.picture import Picture
from autograd.viz.plan import drawing
from autograd.viz.plan.trace import PlanTrace
from autograd.viz.render import render
from autograd.viz.summary import number, summarize
from autograd.viz.units import bytes_of, duration, share

_TEMPLATE = Path(__file__).with_name("plan.html")

MOST = 400
"""Steps that are drawn; a page of more has none."""


class PlanDrawing(Drawing):
    """The steps of a plan, each with the ops that it computes together and the time that it takes.

    Attributes
    ----------
    trace : the `PlanTrace` that is drawn.
    """

    def __init__(self, plan: Plan, direction: str = "TB") -> None:
        super().__init__(Picture(), direction)
        self.trace = PlanTrace(plan)

    @property
    def dot(self) -> str:
        """DOT source."""
        return drawing.source(self.trace.steps, self.trace.verdict, self.direction)

    def __repr__(self) -> str:
        return (
            f"<Drawing of a plan of {len(self.trace.steps)} steps; .save('plan.svg'), .svg(), "
            ".png(), .dot>"
        )


class PlanPage:
    """A page that steps through a plan; `save` writes it, a notebook shows it.

    Attributes
    ----------
    trace : the `PlanTrace` that is shown.
    title : the heading.
    """

    def __init__(self, plan: Plan, title: str | None = None) -> None:
        self.trace = PlanTrace(plan)
        name = getattr(plan.function, "__name__", "a function")
        self.title = title or f"{name}, compiled"

    def html(self) -> str:
        """The page, in one self-contained file."""
        trace = self.trace
        svg = ""
        if len(trace.steps) <= MOST:
            text = render(drawing.source(trace.steps, "", "TB"), "svg").decode()
            svg = text[text.index("<svg") :]
        return fill(
            _TEMPLATE, title=self.title, verdict=trace.verdict, svg=svg, data=embedded(self._data())
        )

    def _data(self) -> dict[str, Any]:
        total = sum(step.seconds for step in self.trace.steps) or 1.0
        steps = [
            {
                "kind": step.kind,
                "title": step.title,
                "labels": step.labels,
                "shape": str(step.shape),
                "reads": list(step.reads),
                "lines": step.lines,
                "time": duration(step.seconds),
                "share": step.seconds / total,
                "percent": share(step.seconds / total),
                "made": [_made(made) for made in step.made],
            }
            for step in self.trace.steps
        ]
        return {
            "steps": steps,
            "source": self.trace.source,
            "bytes": self.trace.bytes,
            "memory": f"{bytes_of(self.trace.asked)} of results in {bytes_of(self.trace.bytes)}",
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, atomically; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        """
        return save(type(self).__name__, path, self.html)

    def __repr__(self) -> str:
        return f"<Page of a plan of {len(self.trace.steps)} steps; .save('plan.html'), .html()>"

    def _repr_html_(self) -> str:
        return framed(self.html(), self.title, height=760)


def _made(made: Any) -> dict[str, Any]:
    off = made.off
    return {
        "label": made.label,
        "shape": str(made.shape),
        "dtype": made.dtype,
        "offset": made.offset,
        "bytes": made.bytes,
        "size": bytes_of(made.bytes),
        "until": made.until,
        "values": summarize(made.array).lines,
        "off": None if off is None else "the same bits" if off == 0 else number(off, 2),
    }
