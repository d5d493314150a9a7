"""Remark: a warning about a run, and the windows of samples from which it is judged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nn.train.watch.record import Record

Array = np.ndarray[Any, Any]

ENOUGH = 5
"""Samples of which each warning is the median; before so many there is one about the loss alone."""

FEW = 3
"""Layers that are remarked on one by one."""


class Remark(NamedTuple):
    """A warning.

    Attributes
    ----------
    text : what was seen, and what to try.
    first, last : updates of the first and the last sample that show it.
    now : whether the latest samples show it.
    """

    text: str
    first: int
    last: int
    now: bool


class Seen(NamedTuple):
    """What is judged beside the record.

    Attributes
    ----------
    judged : activations that feed layers with parameters; an output may well be saturated.
    depth : layers in the order in which the graph uses them.
    curves : name -> (number of updates, loss or metric) for each epoch.
    """

    judged: Collection[str] = ()
    depth: Sequence[str] = ()
    curves: Mapping[str, Sequence[tuple[int, float]]] = {}


def lines_of(record: Record, kind: str) -> dict[str, Array]:
    """The series of a kind; NaN where there is no number."""
    series = record.series.get(kind, {})
    return {name: np.array(line, np.float64) for name, line in series.items()}


def windows_of(line: Array, size: int = ENOUGH) -> Array:
    """Every window of so many samples."""
    return sliding_window_view(line, size) if len(line) >= size else np.empty((0, size))


def medians_of(line: Array, size: int = ENOUGH) -> Array:
    """Medians of the latest samples at each sample from the fifth on; NaN where most are none."""
    middle: Array = np.sort(windows_of(line, size), axis=1)[:, size // 2]  # NaN last
    return middle


def held(record: Record, flags: Array, size: int, text: str) -> Iterator[Remark]:
    """The remark, if a flag is set: one for each window of so many samples."""
    at = np.flatnonzero(flags)
    if at.size:
        first, last = record.steps[at[0]], record.steps[at[-1] + size - 1]
        yield Remark(text, first, last, bool(flags[-1]))


def grouped(found: Sequence[tuple[str, Remark]]) -> list[Remark]:
    """Remarks about single layers; many of a kind become one."""
    if len(found) <= FEW:
        return [remark for _, remark in found]
    remark = found[0][1]
    return [
        Remark(
            f"{remark.text} The same holds for {', '.join(name for name, _ in found[1:])}.",
            min(other.first for _, other in found),
            max(other.last for _, other in found),
            any(other.now for _, other in found),
        )
    ]
