"""Warnings about a run, shown at the top of the page."""

from __future__ import annotations

import math
from collections.abc import Container
from statistics import median

from nn.train.watch.record import Record

SATURATED, DEAD = 0.8, 0.5
"""Fractions of saturated elements and of dead units that cause a warning."""

LARGE, SMALL = 0.1, 1e-6
"""Relative updates above and below these cause a warning; 0.001 is typical."""

ENOUGH = 5
"""Samples before any warning."""


def remarks(record: Record, hidden: Container[str]) -> list[str]:
    """Warnings about the latest samples.

    Parameters
    ----------
    record : the run's record.
    hidden : activations that feed layers with parameters; an output may well be saturated.

    Returns
    -------
    list of str

    Examples
    --------
    >>> record = Record()
    >>> for step in range(5):
    ...     record.add(step, {"gradient": {"fc": None}, "ratio": {"fc": 0.5}})
    >>> for line in remarks(record, ()):
    ...     print(line)
    fc gets no gradient: the loss does not depend on it.
    fc: one update changes the weights by 50 %: try a smaller learning rate.
    """
    if len(record.steps) < ENOUGH:
        return []
    found = []
    for name, line in record.series.get("gradient", {}).items():
        numbers = record.last("gradient", name)
        if line[-1] is None:
            found.append(f"{name} gets no gradient: the loss does not depend on it.")
        elif not all(map(math.isfinite, numbers)):
            found.append(f"{name} has a gradient that is not finite.")
    for name in record.series.get("ratio", {}):
        ratio = median(record.last("ratio", name) or [1e-3])
        if ratio > LARGE:
            found.append(
                f"{name}: one update changes the weights by {100 * ratio:.0f} %: try a smaller "
                "learning rate."
            )
        elif ratio < SMALL:
            found.append(
                f"{name} hardly learns: the relative update is {ratio:.1g}. Its gradients vanish, "
                "or the learning rate is too small."
            )
    for kind, least, words in (
        ("saturated", SATURATED, "of the elements are saturated, where the slope is nearly 0"),
        ("dead", DEAD, "of the units are 0 for the whole batch and get no gradient"),
    ):
        for name in record.series.get(kind, {}):
            share = median(record.last(kind, name) or [0.0])
            if share >= least and name in hidden:
                found.append(f"{name}: {100 * share:.0f} % {words}.")
    return found
