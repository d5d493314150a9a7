"""Warnings about a run, each with the updates it holds for; shown at the top of the page."""

from __future__ import annotations

from nn.train.watch import of_layers, of_loss
from nn.train.watch.record import Record
from nn.train.watch.remark import ENOUGH, Remark, Seen


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
        found += of_loss.jumps(record)
    if len(record.steps) >= ENOUGH:
        for judge in (
            of_loss.start,
            of_loss.plateau,
            of_layers.depth,
            of_layers.gradients,
            of_layers.zeros,
            of_layers.too_large,
            of_layers.too_small,
            of_layers.units,
        ):
            found += judge(record, seen)
    found += of_loss.overfitting(seen)
    return sorted(found, key=lambda remark: not remark.now)
