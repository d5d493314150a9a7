"""What a subject file is made of. Standard library only: peers' interpreters import it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OURS = "glassgrad"


class Unavailable(Exception):  # noqa: N818 - it is an answer
    """A setup raises it where its side can't run here; the text says why."""


@dataclass(frozen=True)
class Case:
    """One row of a subject: the same work done by several sides.

    Parameters
    ----------
    name : what the table calls it.
    sides : side -> setup. A setup imports what it needs and returns the work, a function without
        arguments that is timed over and over.
    unit : of what is measured; seconds by default.
    measures_itself : the work returns what it measured, a number, instead of being timed.
    compared : whether the first results of all sides must be the same numbers.
    tolerance : how far they may be apart, relative to their size.
    group : rows of the same group have a geometric mean; None for a row outside it.
    flops : floating-point operations that one call must do, if they are what limits it.
    bytes : bytes that one call must read and write, if they are what limits it.
    cores : how many cores the work is kept to; all by default.
    """

    name: str
    sides: dict[str, Callable[[], Callable[[], Any]]]
    unit: str = "s"
    measures_itself: bool = False
    compared: bool = True
    tolerance: float = 1e-4
    group: str | None = None
    flops: float | None = None
    bytes: float | None = None
    cores: int | None = None
