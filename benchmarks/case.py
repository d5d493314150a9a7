"""Case: one row of a benchmark. Standard library only, as peers' interpreters import it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

OURS = "glassgrad"
EAGER = "eager"  # glassgrad too, in rows whose side of ours is compiled


class Unavailable(Exception):  # noqa: N818 - an answer, not a fault
    """Raised by a setup if its side can't run here; the message says why."""


@dataclass(frozen=True)
class Case:
    """One row of a subject: the same work in several libraries, its sides.

    Parameters
    ----------
    name : shown in the table.
    sides : side -> setup. A setup imports what it needs and returns the work, a function without
        arguments that is timed repeatedly.
    unit : unit of the measurement; seconds by default.
    measures_itself : the work returns its own measurement instead of being timed.
    compared : check that the first results of all sides are equal.
    tolerance : relative tolerance of that check.
    group : geometric means are reported per group; None for no group.
    flops : floating-point operations per call, if they are the bottleneck.
    bytes : bytes read and written per call, if they are the bottleneck.
    cores : number of cores used; all by default.
    rounds : at most so many samples, for measurements that take long and hardly vary.
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
    rounds: int | None = None
