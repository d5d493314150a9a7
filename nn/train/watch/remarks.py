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
"""Samples of which each warning is the median; before so many there is one about the loss alone."""

LONG, PATIENT, EPOCHS = 20, 300, 2
"""Samples, updates and ends of epochs through which a loss stays in place on a plateau."""

FEW = 3
"""Layers that are remarked on one by one."""

FAR, HIGHER = 4.0, 1.5
"""Times the loss of equal probabilities, and times the first loss, that are too much."""

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
    if len(record.steps) > 1:  # a run may be over soon
        found += _jumps(record)
    if len(record.steps) >= ENOUGH:
        for judge in (_start, _plateau, _depth, _gradients, _zeros, _too_large, _too_small,
                      _units):  # fmt: skip
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
    middle: Array = np.sort(_windows(line, size), axis=1)[:, size // 2]  # NaN last
    return middle


def _held(record: Record, flags: Array, size: int, text: str) -> Iterator[Remark]:
    """The remark, if a flag is set: one for each window of so many samples."""
    at = np.flatnonzero(flags)
    if at.size:
        first, last = record.steps[at[0]], record.steps[at[-1] + size - 1]
        yield Remark(text, first, last, bool(flags[-1]))


def _grouped(found: Sequence[tuple[str, Remark]]) -> list[Remark]:
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


def _zeros(record: Record, seen: Seen) -> Iterator[Remark]:
    """Layers that an optimizer has and whose weights are 0 in every sample."""
    gradients, rates = _lines(record, "gradient"), _lines(record, "rate")
    for name, line in record.series.get("ratio", {}).items():
        trained = np.isfinite([*gradients.get(name, ()), *rates.get(name, ())]).all()
        if trained and all(x is None for x in line):
            yield Remark(
                f"{name}: all weights are 0 and stay 0. Initialize them at random.",
                record.steps[0], record.steps[-1], True,
            )  # fmt: skip


def _stuck(record: Record) -> Array:
    """Windows in which the loss has not fallen by a tenth since the start."""
    losses = _lines(record, "loss").get("", np.full(len(record.steps), np.nan))
    fallen: Array = _medians(losses) < 0.9 * losses[0]
    return ~fallen


def _too_large(record: Record, seen: Seen) -> Iterator[Remark]:
    """Relative updates that stay large while the loss does not fall.

    Those of weights that began near 0 fall like 1/step: within a window at first, and then far
    below the largest one.
    """
    found, stuck = [], _stuck(record)
    for name, line in _lines(record, "ratio").items():
        middle = _medians(line)
        largest = np.fmax.accumulate(line)[ENOUGH - 1 :]
        ends = _windows(line)
        flags = (middle > LARGE) & (middle >= 0.5 * largest) & stuck
        flags &= ends[:, -1] > 0.6 * np.where(np.isfinite(ends[:, 0]), ends[:, 0], np.inf)
        if flags.any():
            text = (
                f"{name}: one update changes the weights by {100 * middle[flags][-1]:.0f} %: try a "
                "smaller learning rate."
            )
            found += [(name, remark) for remark in _held(record, flags, ENOUGH, text)]
    yield from _grouped(found)


def _settled(rate: Array | None, windows: int) -> Array:
    """Windows in which a learning rate is neither warming up nor has decayed."""
    if rate is None:
        return np.ones(windows, bool)
    ends, peak = _windows(rate), np.fmax.accumulate(rate)[ENOUGH - 1 :]
    return (ends[:, -1] <= ends[:, 0]) & (ends[:, -1] >= 0.1 * peak) & (peak > 0)


def _too_small(record: Record, seen: Seen) -> Iterator[Remark]:
    """Layers that stay as they are, while their learning rate is up."""
    ratios, rates, stuck = _lines(record, "ratio"), _lines(record, "rate"), _stuck(record)
    if not ratios:
        return
    gradients = record.series.get("gradient", {})
    for name, line in ratios.items():
        given = np.array([g is not None for g in gradients.get(name, line)])
        if given.any():  # in some steps, as in a GAN: the others say nothing
            line[~given] = np.nan
    middles = {name: _medians(line) for name, line in ratios.items()}
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
            found += [(name, remark) for remark in _held(record, flags, ENOUGH, text)]
    yield from _grouped(found)
    if all_small.any():
        text = (
            f"No layer learns: the largest relative update is {largest[all_small][-1]:.1g}, and "
            "the loss stays. The learning rate is too small, or all gradients vanish."
        )
        yield from _held(record, all_small, ENOUGH, text)


def _units(record: Record, seen: Seen) -> Iterator[Remark]:
    for kind, least, words in (
        ("saturated", SATURATED, "of the elements are saturated, where the slope is nearly 0"),
        ("dead", DEAD, "of the units are 0 for the whole batch and get no gradient"),
    ):
        found = []
        for name, line in _lines(record, kind).items():
            middle = _medians(line)
            flags = middle >= least
            if name in seen.judged and flags.any():
                text = f"{name}: {100 * middle[flags][-1]:.0f} % {words}."
                found += [(name, remark) for remark in _held(record, flags, ENOUGH, text)]
        # units that come back soon were not dead: a new net of many layers has such
        half = (record.steps[-1] - record.steps[0]) / 2
        if kind == "dead":
            found = [(name, r) for name, r in found if r.now or r.last - r.first > half]
        yield from _grouped(found)


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


def _start(record: Record, seen: Seen) -> Iterator[Remark]:
    """A loss that begins far above that of equal probabilities."""
    chances, losses = _lines(record, "chance").get(""), _lines(record, "loss").get("")
    if chances is None or losses is None or record.steps[0] or not losses[0] > FAR * chances[0]:
        return
    above = np.cumprod(losses > FAR * chances[0]).astype(bool)
    yield Remark(
        f"The loss began at {losses[0]:.4g}; equal probabilities for {round(np.exp(chances[0]))} "
        f"classes have {chances[0]:.3f}. The outputs start too large: try smaller initial weights, "
        "or scale the inputs.",
        record.steps[0], record.steps[np.flatnonzero(above)[-1]], bool(above.all()),
    )  # fmt: skip


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


def _jumps(record: Record) -> Iterator[Remark]:
    """A loss that jumps above where it began, several times or for good, after large updates."""
    losses, ratios = _lines(record, "loss").get(""), [*_lines(record, "ratio").values()]
    if losses is None or not ratios:
        return
    moved = np.sort(ratios, axis=0)[len(ratios) // 2]  # of most layers: some may begin at 0
    moved = np.where(np.isfinite(moved), moved, 0.0)
    shaken = np.maximum.accumulate(moved) > SHAKEN
    # the first batches tell how noisy the loss is, unless the first update has changed it already
    few = len(losses) < ENOUGH
    start = losses[0] if few or moved[0] > LARGE else losses[:ENOUGH].max()
    size, times = (1, FAR) if few else (ENOUGH, HIGHER)
    higher = (_medians(losses, size) > times * start) & shaken[size - 1 :]
    if higher.any():
        text = (
            "The loss is larger than at the start, "
            f"{_medians(losses, size)[higher][-1]:.3g} against {start:.3g}, after updates of up to "
            f"{100 * moved.max():.0f} % of the weights: the learning rate is too large."
        )
        yield from _held(record, higher, size, text)
        return
    before = _medians(losses)[:-1]  # of the five samples before each
    jump = (losses[ENOUGH:] > 2 * before) & (losses[ENOUGH:] > start) & shaken[ENOUGH - 1 : -1]
    if np.count_nonzero(jump) >= 3:
        at = ENOUGH + np.flatnonzero(jump)
        text = (
            f"The loss jumped {at.size} times above where it began, after updates of up to "
            f"{100 * moved.max():.0f} % of the weights: the learning rate is too large."
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
