"""Warnings about a run, each with the updates it holds for; shown at the top of the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nn.train.watch.record import Record

Array = np.ndarray[Any, Any]

SATURATED, DEAD = 0.8, 0.5
"""Fractions of saturated elements and of dead units that cause a warning."""

LARGE, SMALL = 0.1, 1e-6
"""Relative updates above and below these cause a warning; 0.001 is typical."""

SHAKEN = 0.03
"""A relative update from which a jump of the loss is put down to the learning rate."""

DEEP, VANISHED, EXPLODED = 4, 1e-4, 1e3
"""Layers from which depth is judged, and ratios of the first one's gradient to the last one's."""

ENOUGH = 5
"""Samples before any warning, and of which each is the median."""

LONG, PATIENT, EPOCHS = 20, 300, 2
"""Samples, updates and ends of epochs through which a loss stays in place on a plateau."""

RISEN, WORSE = 3, 1.1
"""Validations in a row that are worse than the best one, and by which factor."""


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


def remarks(record: Record, seen: Seen | None = None) -> list[Remark]:
    """Warnings about the whole run: those that hold now, then those that held once.

    Examples
    --------
    >>> record = Record()
    >>> for step in range(5):
    ...     record.add(step, {"gradient": {"fc": None}, "ratio": {"fc": 0.5}})
    >>> for remark in remarks(record):
    ...     print(remark.first, remark.last, remark.text)
    0 4 fc gets no gradient: the loss does not depend on it.
    0 4 fc: one update changes the weights by 50 %: try a smaller learning rate.
    """
    seen = seen or Seen()
    found: list[Remark] = []
    if len(record.steps) >= ENOUGH:
        for judge in (_gradients, _too_large, _too_small, _units, _depth, _plateau, _jumps):
            found += judge(record, seen)
    found += _overfitting(seen)
    return sorted(found, key=lambda remark: not remark.now)


def _lines(record: Record, kind: str) -> dict[str, Array]:
    """The series of a kind; NaN where there is no number."""
    series = record.series.get(kind, {})
    return {name: np.array(line, np.float64) for name, line in series.items()}


def _windows(line: Array, size: int = ENOUGH) -> Array:
    return sliding_window_view(line, size) if len(line) >= size else np.empty((0, size))


def _medians(line: Array, size: int = ENOUGH) -> Array:
    """Medians of the latest samples at each sample from the fifth on; NaN where most are none."""
    windows = np.sort(_windows(line, size), axis=1)  # NaN last
    return windows[:, size // 2]


def _held(record: Record, flags: Array, size: int, text: str) -> Iterator[Remark]:
    """The remark, if a flag is set: one for each window of so many samples."""
    at = np.flatnonzero(flags)
    if at.size:
        first, last = record.steps[at[0]], record.steps[at[-1] + size - 1]
        yield Remark(text, first, last, bool(flags[-1]))


def _gradients(record: Record, seen: Seen) -> Iterator[Remark]:
    for name, line in record.series.get("gradient", {}).items():
        if all(g is None for g in line):
            yield Remark(
                f"{name} gets no gradient: the loss does not depend on it.",
                record.steps[0], record.steps[-1], True,
            )  # fmt: skip
            continue
        wild = np.array([g is not None and not np.isfinite(g) for g in line])
        text = f"{name} has a gradient that is not finite."
        for remark in _held(record, wild, 1, text):
            yield remark._replace(now=bool(wild[-ENOUGH:].any()))


def _too_large(record: Record, seen: Seen) -> Iterator[Remark]:
    """Relative updates that stay large; those of weights that began at 0 fall like 1/step."""
    for name, line in _lines(record, "ratio").items():
        middle, windows = _medians(line), _windows(line)
        flags = (middle > LARGE) & (windows[:, -1] > 0.6 * windows[:, 0])
        if flags.any():
            text = (
                f"{name}: one update changes the weights by {100 * middle[flags][-1]:.0f} %: try a "
                "smaller learning rate."
            )
            yield from _held(record, flags, ENOUGH, text)


def _too_small(record: Record, seen: Seen) -> Iterator[Remark]:
    """Layers that stay as they are, while the learning rate is neither warming up nor decayed."""
    ratios, rates = _lines(record, "ratio"), _lines(record, "rate")
    if not ratios:
        return
    middles = {name: _medians(line) for name, line in ratios.items()}
    largest = np.fmax.reduce([*middles.values()])
    losses = _lines(record, "loss").get("", np.full(len(record.steps), np.nan))
    stuck = ~(_medians(losses) < 0.9 * losses[0])
    small = {}
    for name, middle in middles.items():
        settled = np.ones(len(middle), bool)
        if rates:
            rate = rates.get(name, np.full(len(record.steps), np.nan))
            windows, peak = _windows(rate), np.fmax.accumulate(rate)[ENOUGH - 1 :]
            settled = (windows[:, -1] <= windows[:, 0]) & (windows[:, -1] >= 0.1 * peak)
            settled &= peak > 0
        small[name] = settled & (middle < SMALL)
        flags = small[name] & (largest > 100 * np.maximum(middle, SMALL))
        if flags.any():
            text = (
                f"{name} hardly learns: the relative update is {middle[flags][-1]:.1g}. Its "
                "gradients vanish, or the learning rate is too small."
            )
            yield from _held(record, flags, ENOUGH, text)
    flags = np.logical_and.reduce([*small.values()]) & stuck
    if flags.any():
        text = (
            f"No layer learns: the largest relative update is {largest[flags][-1]:.1g}, and the "
            "loss stays. The learning rate is too small, or all gradients vanish."
        )
        yield from _held(record, flags, ENOUGH, text)


def _units(record: Record, seen: Seen) -> Iterator[Remark]:
    for kind, least, words in (
        ("saturated", SATURATED, "of the elements are saturated, where the slope is nearly 0"),
        ("dead", DEAD, "of the units are 0 for the whole batch and get no gradient"),
    ):
        for name, line in _lines(record, kind).items():
            middle = _medians(line)
            flags = middle >= least
            if name in seen.judged and flags.any():
                text = f"{name}: {100 * middle[flags][-1]:.0f} % {words}."
                yield from _held(record, flags, ENOUGH, text)


def _depth(record: Record, seen: Seen) -> Iterator[Remark]:
    """Gradients that fall or grow through all of the depth, from third to third."""
    lines = _lines(record, "gradient")
    names = [name for name in seen.depth if name in lines]
    if len(names) < DEEP:
        return
    middles = np.array([_medians(lines[name]) for name in names])
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
            yield from _held(record, flags, ENOUGH, text)


def _plateau(record: Record, seen: Seen) -> Iterator[Remark]:
    """A loss that stays at that of equal probabilities, though the learning rate is up."""
    chances, losses = _lines(record, "chance").get(""), _lines(record, "loss").get("")
    if chances is None or losses is None or len(losses) < LONG:
        return
    level, steps = chances[-1], np.array(record.steps)
    half = LONG // 2
    earlier, later = _medians(losses, half)[:-half], _medians(losses, half)[half:]
    flags = (abs(earlier - level) < 0.02 * level) & (abs(later - level) < 0.02 * level)
    flags &= earlier - later < 0.005 * level
    if rates := [*_lines(record, "rate").values()]:
        highest = _windows(np.fmax.reduce(rates), LONG)
        flags &= highest[:, -1] <= highest[:, 0]
    at = np.flatnonzero(flags)
    if not at.size:
        return
    first, last = steps[at[0]], steps[at[-1] + LONG - 1]
    ends = [step for step, _ in seen.curves.get("loss", ()) if first < step <= last + 1]
    if last - first >= PATIENT and len(ends) >= EPOCHS:
        classes = round(np.exp(level))
        text = (
            f"The loss stays at {level:.3f} = ln {classes}, that of equal probabilities for "
            f"{classes} classes: nothing is learned from the inputs. Do inputs and labels belong "
            "together, are the inputs scaled, is the learning rate far too large or small?"
        )
        yield from _held(record, flags, LONG, text)


def _jumps(record: Record, seen: Seen) -> Iterator[Remark]:
    """A loss that jumps above where it began, several times or for good, after large updates."""
    losses, ratios = _lines(record, "loss").get(""), [*_lines(record, "ratio").values()]
    if losses is None or not ratios:
        return
    moved = np.fmax.reduce(ratios)
    start = losses[:ENOUGH].max()
    shaken = np.fmax.accumulate(np.where(np.isfinite(moved), moved, 0.0)) > SHAKEN
    before = _medians(losses)[:-1]  # of the five samples before each
    jump = (losses[ENOUGH:] > 2 * before) & (losses[ENOUGH:] > start) & shaken[ENOUGH - 1 : -1]
    higher = (_medians(losses) > 2 * start) & shaken[ENOUGH - 1 :]
    if higher.any():
        text = (
            f"The loss is larger than at the start, {_medians(losses)[higher][-1]:.3g} against "
            f"{np.median(losses[:ENOUGH]):.3g}, after updates of up to {100 * np.nanmax(moved):.0f}"
            " % of the weights: the learning rate is too large."
        )
        yield from _held(record, higher, ENOUGH, text)
    elif np.count_nonzero(jump) >= 3:
        at = ENOUGH + np.flatnonzero(jump)
        text = (
            f"The loss jumped {at.size} times above where it began, after updates of up to "
            f"{100 * np.nanmax(moved):.0f} % of the weights: the learning rate is too large."
        )
        now = bool(jump[-LONG:].any())
        yield Remark(text, record.steps[at[0]], record.steps[at[-1]], now)


def _overfitting(seen: Seen) -> Iterator[Remark]:
    """A validation loss that rises while the training loss falls."""
    held_out, training = seen.curves.get("val_loss", ()), dict(seen.curves.get("loss", ()))
    if len(held_out) <= RISEN:
        return
    steps, losses = [step for step, _ in held_out], np.array([x for _, x in held_out])
    if not np.isfinite(losses).all():
        return
    best = int(losses.argmin())
    after = losses[best + 1 :][-RISEN:]
    least = max(WORSE * losses[best], losses[best] + 0.02 * abs(losses[0]))
    then, now = training.get(steps[best]), training.get(steps[-1])
    if then is None or now is None or len(after) < RISEN or not (after > least).all():
        return
    if now < then:
        yield Remark(
            f"Overfitting: the validation loss was lowest, {losses[best]:.3g}, after update "
            f"{steps[best]} and is {losses[-1]:.3g} now, while the training loss fell from "
            f"{then:.3g} to {now:.3g}. Stop there, or try more data, augmentation, dropout or "
            "weight decay.",
            steps[best], steps[-1], True,
        )  # fmt: skip
