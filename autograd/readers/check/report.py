"""Diagnosis: what `check` found and measured, as text and as a page."""

from __future__ import annotations

from autograd.printable import printable
from autograd.readers.lint.report import Report


class Diagnosis(Report):
    """Findings, and what was measured; prints both, a notebook shows the page.

    Attributes
    ----------
    measured : what -> number, such as "loss at the start" -> "2.41".
    """

    def __str__(self) -> str:
        measured = [f"  {what}: {value}" for what, value in self.measured.items()]
        return printable("\n".join([self.verdict, *measured, *map(str, self)]))

    __repr__ = __str__
