"""Report: findings as text and as a page, with the graph in which they were seen."""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograd.node import Node
from autograd.op import SELECT
from autograd.readers.lint.finding import Finding, Subject
from autograd.viz.kept import Kept
from autograd.viz.pages import embedded, fill, framed, save

_TEMPLATE = Path(__file__).with_name("report.html")

MOST = 5_000
"""Nodes of a graph that a page still shows."""


class Seen:
    """The graph of findings, as it was when they were found, whatever is done with it afterwards.

    Parameters
    ----------
    subject : what was checked, before its backward pass.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject, self.root, self.kept = subject, subject.root, Kept([subject.root])
        self.order = {id(v): p for p, v in enumerate(subject.trace.order)}
        selects = (v for v in subject.trace.order if v.op is SELECT)
        self.outputs = {id(v.inputs[0]): id(v) for v in selects}
        self.parameters = {path: id(p) for path, p in subject.parameters()}
        self.size = len(subject.trace.order) + len(subject.trace.leaves)

    def player(self, findings: Iterable[Finding]) -> tuple[Any, list[int | None]]:
        """A player of the graph, and the event of each finding, None where it has none."""
        from autograd.viz.player.play import play

        with self.kept.restored():
            story = (player := play(self.root, title="The graph of the findings")).story
        order = story.trace.order
        found = []
        for finding in findings:
            key = self._key(finding)
            if key in self.order:
                key = id(order[self.order[key]])
            found.append(story.index.get(key))
        return player, found

    def _key(self, finding: Finding) -> int | None:
        """id of the node of a finding: that where it was seen, or its first parameter."""
        if isinstance(finding.node, Node):
            key = self.outputs.get(id(finding.node), id(finding.node))
            if key in self.order or key in self.subject.trace.leaves:
                return key
            # seen in another run of the model, such as one in evaluation mode
            subject, place = self.subject, finding.where.partition(" (")[0]
            for v in (*subject.trace.order, *subject.plain.order):
                if subject.where(v).partition(" (")[0] == place:
                    return self.outputs.get(id(v), id(v))
            return None
        return self.parameters.get(finding.where.partition(",")[0].partition(" and ")[0])


class Report(list[Finding]):
    """Findings; prints one after the other.

    `save(path)` and `html()` give a page: the findings, and beside them a player of the graph, in
    which each finding that has a node leads to it.

    Attributes
    ----------
    checks : number of checks.
    title : what was checked.
    """

    measured: dict[str, str]

    def __init__(
        self,
        findings: Iterable[Finding],
        checks: int,
        title: str = "the graph",
        seen: Seen | None = None,
    ) -> None:
        super().__init__(findings)
        self.checks, self.title, self._seen = checks, title, seen
        self.measured = {}

    @property
    def verdict(self) -> str:
        """How many findings there are."""
        count = len(self)
        found = "No finding" if not count else f"{count} finding{'s' if count > 1 else ''}"
        return f"{found}; {self.checks} checks of {self.title}."

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or self.verdict

    __repr__ = __str__

    def html(self) -> str:
        """A page with the findings and the graph, in one self-contained file."""
        return self._page()

    def _repr_html_(self) -> str:
        page, height = self._page(graph=False), 260 + 190 * min(len(self), 3)
        return framed(page, f"Check of {self.title}", height)

    def _page(self, graph: bool = True) -> str:
        places: list[int | None] = [None] * len(self)
        packed = ""
        if graph and self._seen is not None and len(self) and self._seen.size <= MOST:
            player, places = self._seen.player(self)
            if any(place is not None for place in places):
                packed = base64.b64encode(zlib.compress(player.html().encode(), 9)).decode()
        return fill(
            _TEMPLATE,
            title=f"Check of {self.title}",
            verdict=self.verdict,
            measured=self.measured,
            findings=[*zip(self, places, strict=True)],
            graph=bool(packed),
            data=embedded(packed),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, atomically; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        """
        return save(type(self).__name__, path, self.html)
