"""Warnings about single layers, and about all along the depth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nn.train.watch.record import Record
from nn.train.watch.remark import (
    ENOUGH,
    Array,
    Remark,
    Seen,
    grouped,
    held,
    lines_of,
    medians_of,
    windows_of,
)

SATURATED, DEAD = 0.8, 0.5
"""Fractions of saturated elements and of dead units that cause a warning."""

LARGE, SMALL = 0.1, 1e-6
"""Relative updates above and below these cause a warning; 0.001 is typical."""

DEEP, VANISHED, EXPLODED = 4, 1e-4, 1e3
"""Layers from which depth is judged, and ratios of the first one's gradient to the last one's."""


def gradients(record: Record, seen: Seen) -> Iterator[Remark]:
    """Gradients that are never there, or not finite."""
    for name, line in record.series.get("gradient", {}).items():
        if all(g is None for g in line):
            yield Remark(
                f"{name} gets no gradient: the loss does not depend on it.",
                record.steps[0], record.steps[-1], True,
            )  # fmt: skip
            continue
        wild = np.array([g is not None and not np.isfinite(g) for g in line])
        text = f"{name} has a gradient that is not finite."
        for remark in held(record, wild, 1, text):
            yield remark._replace(now=bool(wild[-ENOUGH:].any()))


def zeros(record: Record, seen: Seen) -> Iterator[Remark]:
    """Layers that an optimizer has and whose weights are 0 in every sample."""
    gradients, rates = lines_of(record, "gradient"), lines_of(record, "rate")
    for name, line in record.series.get("ratio", {}).items():
        trained = np.isfinite([*gradients.get(name, ()), *rates.get(name, ())]).all()
        if trained and all(x is None for x in line):
            yield Remark(
                f"{name}: all weights are 0 and stay 0. Initialize them at random.",
                record.steps[0], record.steps[-1], True,
            )  # fmt: skip


def _stuck(record: Record) -> Array:
    """Windows in which the loss has not fallen by a tenth since the start."""
    losses = lines_of(record, "loss").get("", np.full(len(record.steps), np.nan))
    fallen: Array = medians_of(losses) < 0.9 * losses[0]
    return ~fallen


def too_large(record: Record, seen: Seen) -> Iterator[Remark]:
    """Relative updates that stay large while the loss does not fall.

    Those of weights that began near 0 fall like 1/step: within a window at first, and then far
    below the largest one.
    """
    found, stuck = [], _stuck(record)
    for name, line in lines_of(record, "ratio").items():
        middle = medians_of(line)
        largest = np.fmax.accumulate(line)[ENOUGH - 1 :]
        ends = windows_of(line)
        flags = (middle > LARGE) & (middle >= 0.5 * largest) & stuck
        flags &= ends[:, -1] > 0.6 * np.where(np.isfinite(ends[:, 0]), ends[:, 0], np.inf)
        if flags.any():
            text = (
                f"{name}: one update changes the weights by {100 * middle[flags][-1]:.0f} %: try a "
                "smaller learning rate."
            )
            found += [(name, remark) for remark in held(record, flags, ENOUGH, text)]
    yield from grouped(found)


def _settled(rate: Array | None, windows: int) -> Array:
    """Windows in which a learning rate is neither warming up nor has decayed."""
    if rate is None:
        return np.ones(windows, bool)
    ends, peak = windows_of(rate), np.fmax.accumulate(rate)[ENOUGH - 1 :]
    return (ends[:, -1] <= ends[:, 0]) & (ends[:, -1] >= 0.1 * peak) & (peak > 0)


def too_small(record: Record, seen: Seen) -> Iterator[Remark]:
    """Layers that stay as they are, while their learning rate is up."""
    ratios, rates, stuck = lines_of(record, "ratio"), lines_of(record, "rate"), _stuck(record)
    if not ratios:
        return
    gradients = record.series.get("gradient", {})
    for name, line in ratios.items():
        given = np.array([g is not None for g in gradients.get(name, line)])
        if given.any():  # in some steps, as in a GAN: the others say nothing
            line[~given] = np.nan
    middles = {name: medians_of(line) for name, line in ratios.items()}
    largest = np.fmax.reduce([*middles.values()])
    found, all_small = [], stuck
    for name, middle in middles.items():
        rate = rates.get(name, np.full(len(record.steps), np.nan)) if rates else None
        small = _settled(rate, len(middle)) & (middle < SMALL)
        all_small = all_small & small
        flags = small & (largest > 100 * np.maximum(middle, SMALL))
        if flags.any():
            text = (
                f"{name} hardly learns: the relative update is {middle[flags][-1]:.1g}. Its "
                "gradients vanish, or the learning rate is too small."
            )
            found += [(name, remark) for remark in held(record, flags, ENOUGH, text)]
    yield from grouped(found)
    if all_small.any():
        text = (
            f"No layer learns: the largest relative update is {largest[all_small][-1]:.1g}, and "
            "the loss stays. The learning rate is too small, or all gradients vanish."
        )
        yield from held(record, all_small, ENOUGH, text)


def units(record: Record, seen: Seen) -> Iterator[Remark]:
    """Saturated and dead activations."""
    for kind, least, words in (
        ("saturated", SATURATED, "of the elements are saturated, where the slope is nearly 0"),
        ("dead", DEAD, "of the units are 0 for the whole batch and get no gradient"),
    ):
        found = []
        for name, line in lines_of(record, kind).items():
            middle = medians_of(line)
            flags = middle >= least
            if name in seen.judged and flags.any():
                text = f"{name}: {100 * middle[flags][-1]:.0f} % {words}."
                found += [(name, remark) for remark in held(record, flags, ENOUGH, text)]
        # units that come back soon were not dead: a new net of many layers has such
        half = (record.steps[-1] - record.steps[0]) / 2
        if kind == "dead":
            found = [(name, r) for name, r in found if r.now or r.last - r.first > half]
        yield from grouped(found)


def depth(record: Record, seen: Seen) -> Iterator[Remark]:
    """Gradients that fall or grow through all of the depth, from third to third."""
    lines = lines_of(record, "gradient")
    names = [name for name in seen.depth if name in lines]
    if len(names) < DEEP:
        return
    middles = np.array([medians_of(lines[name]) for name in names])
    thirds = [np.median(part, axis=0) for part in np.array_split(middles, 3)]
    first, last = middles[0], middles[-1]
    for word, cure, flags in (
        (
            "vanishes",
            "Try ReLU with He initialization, normalization in each layer, or skip connections.",
            (first < VANISHED * last) & (thirds[0] < thirds[1]) & (thirds[1] < thirds[2]),
        ),
        (
            "explodes",
            "Try smaller initial weights, normalization in each layer, or gradient clipping.",
            (first > EXPLODED * last) & (thirds[0] > thirds[1]) & (thirds[1] > thirds[2]),
        ),
    ):
        flags &= (first > 0) & (last > 0) & np.isfinite(first) & np.isfinite(last)
        if flags.any():
            a, b = first[flags][-1], last[flags][-1]
            factor = (a / b) ** (1 / (len(names) - 1))
            text = (
                f"The gradient {word} along depth: from {names[-1]} back to {names[0]} its norm "
                f"goes from {b:.2g} to {a:.2g}, a factor of {factor:.2g} a layer. {cure}"
            )
            yield from held(record, flags, ENOUGH, text)
