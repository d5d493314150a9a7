"""What stands out in a record: a few words at the head of the page."""

from __future__ import annotations

import math
from collections.abc import Container
from statistics import median

from nn.train.watch.record import Record

SATURATED, DEAD = 0.8, 0.5
"""Shares of an activation's elements, and of its units, from which it is worth saying."""

LARGE, SMALL = 0.1, 1e-6
"""Updates above and below these shares of the weights are worth saying; 0.001 is usual."""

ENOUGH = 5
"""Samples before anything is said."""


def remarks(record: Record, hidden: Container[str]) -> list[str]:
    """What stands out in the latest samples.

    Parameters
    ----------
    record : of the run.
    hidden : the activations that parameters come behind: an output may well be saturated.

    Examples
    --------
    >>> record = Record()
    >>> for step in range(5):
    ...     record.add(step, {"gradient": {"fc": None}, "ratio": {"fc": 0.5}})
    >>> for line in remarks(record, ()):
    ...     print(line)
    fc gets no gradient: the loss does not reach it.
    fc moves by 50 % of its weights in one update: try a smaller learning rate.
    """
    if len(record.steps) < ENOUGH:
        return []
    found = []
    for name, line in record.series.get("gradient", {}).items():
        numbers = record.last("gradient", name)
        if line[-1] is None:
            found.append(f"{name} gets no gradient: the loss does not reach it.")
        elif not all(map(math.isfinite, numbers)):
            found.append(f"{name} has a gradient that is not finite.")
    for name in record.series.get("ratio", {}):
        ratio = median(record.last("ratio", name) or [1e-3])
        if ratio > LARGE:
            found.append(
                f"{name} moves by {100 * ratio:.0f} % of its weights in one update: try a smaller "
                "learning rate."
            )
        elif ratio < SMALL:
            found.append(
                f"{name} hardly moves, by {ratio:.1g} of its weights in one update: its gradients "
                "vanish, or the learning rate is tiny."
            )
    for kind, least, words in (
        ("saturated", SATURATED, "of its elements are saturated, where the slope is nearly 0"),
        ("dead", DEAD, "of its units are 0 for the whole batch, and get no gradient"),
    ):
        for name in record.series.get(kind, {}):
            share = median(record.last(kind, name) or [0.0])
            if share >= least and name in hidden:
                found.append(f"{name}: {100 * share:.0f} % {words}.")
    return found
