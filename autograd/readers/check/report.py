"""Diagnosis: what `check` found and measured, as text and as a page."""

from __future__ import annotations

import os
from pathlib import Path

from autograd.printable import printable
from autograd.readers.lint.finding import Finding
from autograd.readers.lint.lint import Report
from autograd.viz.pages import fill, save

_TEMPLATE = Path(__file__).with_name("check.html")


class Diagnosis(Report):
    """Findings, and what was measured; prints both, a notebook shows the page.

    Attributes
    ----------
    measured : what -> number, such as "loss at the start" -> "2.41".
    checks : number of checks.
    title : the model's name.
    """

    def __init__(
        self, findings: list[Finding], measured: dict[str, str], checks: int, title: str
    ) -> None:
        super().__init__(findings)
        self.measured, self.checks, self.title = measured, checks, title

    @property
    def verdict(self) -> str:
        """How many findings there are."""
        count = len(self)
        found = "No finding" if not count else f"{count} finding{'s' if count > 1 else ''}"
        return f"{found}; {self.checks} checks of {self.title}."

    def __str__(self) -> str:
        measured = [f"  {what}: {value}" for what, value in self.measured.items()]
        return printable("\n".join([self.verdict, *measured, *map(str, self)]))

    __repr__ = __str__

    def html(self) -> str:
        """A page with the findings and what was measured, in one self-contained file."""
        return self._page()

    def _repr_html_(self) -> str:
        return self._page(whole=False)

    def _page(self, whole: bool = True) -> str:
        return fill(
            _TEMPLATE,
            title=f"Check of {self.title}",
            verdict=self.verdict,
            measured=self.measured,
            findings=list(self),
            whole=whole,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, atomically; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        """
        return save("Diagnosis", path, self.html)
