"""Warnings about the loss: where it began, where it stays, and how it jumps or rises."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nn.train.watch.of_layers import LARGE
from nn.train.watch.record import Record
from nn.train.watch.remark import ENOUGH, Remark, Seen, held, lines_of, medians_of, windows_of

SHAKEN = 0.03
"""A relative update from which a jump of the loss is put down to the learning rate."""

LONG, PATIENT, EPOCHS = 20, 300, 2
"""Samples, updates and ends of epochs through which a loss stays in place on a plateau."""

FAR, HIGHER = 4.0, 1.5
"""Times the loss of equal probabilities, and times the first loss, that are too much."""

RISEN, WORSE = 3, 1.1
"""Validations in a row that are worse than the best one, and by which factor."""


def start(record: Record, seen: Seen) -> Iterator[Remark]:
    """A loss that begins far above that of equal probabilities."""
    chances, losses = lines_of(record, "chance").get(""), lines_of(record, "loss").get("")
    if chances is None or losses is None or record.steps[0] or not losses[0] > FAR * chances[0]:
        return
    above = np.cumprod(losses > FAR * chances[0]).astype(bool)
    yield Remark(
        f"The loss began at {losses[0]:.4g}; equal probabilities for {round(np.exp(chances[0]))} "
        f"classes have {chances[0]:.3f}. The outputs start too large: try smaller initial weights, "
        "or scale the inputs.",
        record.steps[0], record.steps[np.flatnonzero(above)[-1]], bool(above.all()),
    )  # fmt: skip


def plateau(record: Record, seen: Seen) -> Iterator[Remark]:
    """A loss that stays at that of equal probabilities, though the learning rate is up."""
    chances, losses = lines_of(record, "chance").get(""), lines_of(record, "loss").get("")
    if chances is None or losses is None or len(losses) < LONG:
        return
    level, steps = chances[-1], np.array(record.steps)
    half = LONG // 2
    earlier, later = medians_of(losses, half)[:-half], medians_of(losses, half)[half:]
    flags = (abs(earlier - level) < 0.02 * level) & (abs(later - level) < 0.02 * level)
    flags &= earlier - later < 0.005 * level
    if rates := [*lines_of(record, "rate").values()]:
        highest = windows_of(np.fmax.reduce(rates), LONG)
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
        yield from held(record, flags, LONG, text)


def jumps(record: Record) -> Iterator[Remark]:
    """A loss that jumps above where it began, several times or for good, after large updates."""
    losses, ratios = lines_of(record, "loss").get(""), [*lines_of(record, "ratio").values()]
    if losses is None or not ratios:
        return
    moved = np.sort(ratios, axis=0)[len(ratios) // 2]  # of most layers: some may begin at 0
    moved = np.where(np.isfinite(moved), moved, 0.0)
    shaken = np.maximum.accumulate(moved) > SHAKEN
    # the first batches tell how noisy the loss is, unless the first update has changed it already
    few = len(losses) < ENOUGH
    start = losses[0] if few or moved[0] > LARGE else losses[:ENOUGH].max()
    size, times = (1, FAR) if few else (ENOUGH, HIGHER)
    higher = (medians_of(losses, size) > times * start) & shaken[size - 1 :]
    if higher.any():
        text = (
            f"The loss is larger than at the start, {medians_of(losses, size)[higher][-1]:.3g} "
            f"against {start:.3g}, after updates of up to {100 * moved.max():.0f} % of the "
            "weights: the learning rate is too large."
        )
        yield from held(record, higher, size, text)
        return
    before = medians_of(losses)[:-1]  # of the five samples before each
    jump = (losses[ENOUGH:] > 2 * before) & (losses[ENOUGH:] > start) & shaken[ENOUGH - 1 : -1]
    if np.count_nonzero(jump) >= 3:
        at = ENOUGH + np.flatnonzero(jump)
        text = (
            f"The loss jumped {at.size} times above where it began, after updates of up to "
            f"{100 * moved.max():.0f} % of the weights: the learning rate is too large."
        )
        now = bool(jump[-LONG:].any())
        yield Remark(text, record.steps[at[0]], record.steps[at[-1]], now)


def overfitting(seen: Seen) -> Iterator[Remark]:
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
