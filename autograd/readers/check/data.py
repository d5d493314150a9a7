"""Checks of the data: order, scale, duplicates, leaks, training against validation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Array, Node
from autograd.readers.check.case import Case
from autograd.readers.check.samples import Batch, Samples, classes
from autograd.readers.lint.finding import Finding
from autograd.readers.lint.weights import MIXING

UNSCALED, APART = 30.0, 1e3
"""Root mean square of inputs, and ratio of the scales of two columns, that are too large."""

REPEATED, LEAKED = 0.4, 0.1
"""Shares of equal rows within the data, and of validation rows that are in the training data."""


def not_finite(samples: Samples) -> Iterator[Finding]:
    """NaNs and infinities."""
    for b, batch in enumerate(samples.batches):
        for what, part in [
            *((f"input {i}", x) for i, x in enumerate(batch.inputs)),
            ("the target", batch.target),
        ]:
            x = np.asarray(part)
            if x.dtype.kind == "f" and not np.isfinite(x).all():
                count = np.count_nonzero(~np.isfinite(x))
                yield Finding(
                    "data that are not finite",
                    f"{what} of batch {b}" if len(samples.batches) > 1 else what,
                    f"{count} of {x.size} numbers are NaN or infinite",
                    "one of them makes the loss and every weight NaN",
                    "fill or leave out missing values before training",
                )
                return


def label_order(samples: Samples) -> Iterator[Finding]:
    """Batches of a loader that have one class each, or targets in ascending order."""
    targets = [batch.target for batch in samples.batches if batch.size]
    if not samples.ordered or len(targets) < 4 or min(map(len, targets[:-1])) < 4:
        return
    try:
        labels = classes(np.concatenate([np.asarray(t) for t in targets]))
    except ValueError:
        return
    if labels is None or len(np.unique(labels)) < 2:
        return
    single = np.mean([len(np.unique(t)) == 1 for t in targets])
    common = np.bincount(np.unique(labels, return_inverse=True)[1]).max() / len(labels)
    if single >= 0.5 and common ** min(map(len, targets[:-1])) < 0.1:
        yield Finding(
            "labels in order",
            "the data loader",
            f"{single:.0%} of {len(targets)} batches have a single class, of "
            f"{len(np.unique(labels))} classes",
            "each batch pulls the model to its own class, and what the last one taught is lost",
            "shuffle=True, or rng.permutation of the samples",
        )


def scales(case: Case, samples: Samples) -> Iterator[Finding]:
    """Inputs that are far from variance 1 where a layer gets them as they are."""
    whole = samples.whole or case.batch
    for given, x in zip(case.batch.inputs, whole.inputs, strict=True):
        x = np.asarray(x)
        first = _first_layer(case, given)
        if x.dtype.kind != "f" or x.ndim < 2 or not x.size or first is None:
            continue
        flat = x.reshape(-1, x.shape[-1]).astype(np.float64) if x.ndim == 2 else None
        size = float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
        if flat is not None:
            rms = np.sqrt(np.mean(np.square(flat), axis=0))
            varies = np.ptp(flat, axis=0) > 0
            if varies.sum() > 1 and rms[varies].max() > APART * rms[varies].min():
                large, small = (
                    int(np.argmax(rms * varies)),
                    int(np.argmin(np.where(varies, rms, np.inf))),
                )
                yield Finding(
                    "columns of different scale",
                    "the inputs",
                    f"column {large} has the size {rms[large]:.3g}, column {small} {rms[small]:.3g}"
                    " (root mean square)",
                    "the large columns decide every output and gradient, the small ones hardly "
                    "count",
                    "standardize each column: (x - x.mean(0)) / x.std(0), of the training data",
                    first,
                )
                continue
        if size > UNSCALED:
            yield Finding(
                "inputs are not scaled",
                "the inputs",
                f"their root mean square is {size:.3g}, from {x.min():.3g} to {x.max():.3g}",
                "the first layer's outputs and gradients grow with it, so units saturate or die "
                "and no learning rate fits all layers",
                "scale them to variance 1, such as x / 255 for images",
                first,
            )


def _first_layer(case: Case, x: Any) -> Node | None:
    """The layer with weights that gets these numbers as they are; None after a normalization."""
    found = (v for v in case.plain.order if v.inputs and not isinstance(v.inputs[0], Node))
    return next((v for v in found if v.op.name in MIXING and _same(v.inputs[0], x)), None)


def _same(a: Any, b: Any) -> bool:
    return (
        isinstance(a, np.ndarray)
        and a.size == np.size(b)
        and np.array_equal(np.sort(a, axis=None), np.sort(b, axis=None))
    )


def _keys(x: Array) -> list[bytes]:
    return [np.ascontiguousarray(row).tobytes() for row in x]


def _continuous(x: Array) -> bool:
    """Whether rows of float data can hardly be equal by chance."""
    if x.dtype.kind != "f" or x.ndim < 2 or len(x) < 20:
        return False
    columns = x.reshape(len(x), -1)[:, :64]
    return max(len(np.unique(column)) for column in columns.T) > 20


def duplicates(samples: Samples) -> Iterator[Finding]:
    """Rows that occur more than once, with the same target or with another."""
    whole = samples.whole
    if whole is None or len(whole.inputs) != 1 or not _continuous(np.asarray(whole.inputs[0])):
        return
    first: dict[bytes, bytes] = {}
    again = other = 0
    for key, t in zip(_keys(whole.inputs[0]), _keys(whole.target), strict=True):
        known = first.setdefault(key, t)
        again += key in first and known is not t
        other += known != t
    size = len(whole.target)
    if other >= 0.05 * size:
        yield Finding(
            "equal inputs, different targets",
            "the data",
            f"{other} of {size} rows repeat the input of an earlier row with another target",
            "no model can fit both",
            "look for rows that were shuffled or shifted in one of the arrays only",
        )
    elif again >= REPEATED * size:
        yield Finding(
            "duplicates",
            "the data",
            f"{again} of {size} rows repeat an earlier row",
            "repeated rows weigh more, and a random split puts copies of them into the validation",
            "np.unique(x, axis=0), or a split before samples are repeated",
        )


def tells_alone(samples: Samples) -> Iterator[Finding]:
    """A column from which the target can be read off, where no other comes near."""
    whole = samples.whole
    if whole is None or len(whole.inputs) != 1 or np.ndim(whole.inputs[0]) != 2:
        return
    x = np.asarray(whole.inputs[0], np.float64)
    t = np.asarray(whole.target)
    t = t[:, 0] if t.ndim == 2 and t.shape[1] == 1 else t
    if t.ndim != 1 or len(x) < 20 or x.shape[1] < 2 or not np.isfinite(x).all():
        return
    known = classes(t)
    told = _between(x, known) if known is not None else _correlation(x, t.astype(np.float64))
    order = np.argsort(told)
    best, second = told[order[-1]], told[order[-2]]
    if best >= 0.98 and second < 0.85:
        yield Finding(
            "a column tells the target",
            f"column {order[-1]} of the inputs",
            f"alone it explains {best:.1%} of the target's variance; the next best, column "
            f"{order[-2]}, {second:.1%}",
            "such a column is often made from the target, and is missing when it is needed",
            "leave it out unless it is known before the target is",
        )


def _between(x: Array, t: Array) -> Array:
    """Share of each column's variance that lies between the classes."""
    total = x.var(0)
    means = np.stack([x[t == c].mean(0) for c in np.unique(t)])
    weights = np.array([[np.mean(t == c)] for c in np.unique(t)])
    between = np.sum(weights * (means - x.mean(0)) ** 2, axis=0)
    return np.where(total > 0, between / np.where(total > 0, total, 1), 0)


def _correlation(x: Array, t: Array) -> Array:
    """Squared correlation of each column with the target."""
    a, b = x - x.mean(0), t - t.mean()
    size = np.sum(a * a, axis=0) * np.sum(b * b)
    return np.where(size > 0, (a.T @ b) ** 2 / np.where(size > 0, size, 1), 0)


def against_validation(samples: Samples, validation: Samples | None) -> Iterator[Finding]:
    """Validation data of another scale or other labels, or that are training data."""
    if validation is None:
        return
    train, val = samples.whole, validation.whole
    if train is None or val is None or len(train.inputs) != len(val.inputs):
        return
    x, z = np.asarray(train.inputs[0]), np.asarray(val.inputs[0])
    if _continuous(x):
        keys = set(_keys(x))
        seen = np.mean([key in keys for key in _keys(z.astype(x.dtype))])
        if seen >= LEAKED:
            yield Finding(
                "validation data in the training data",
                "the validation data",
                f"{seen:.0%} of their rows are in the training data too",
                "the validation then measures what was learnt by heart",
                "split before anything is repeated or augmented; rows of one person, day or "
                "document belong on one side",
            )
    if x.dtype.kind == "f" and x.ndim > 1:
        yield from _other_scale(x, z)
    yield from _other_labels(train, val)


def _other_scale(x: Array, z: Array) -> Iterator[Finding]:
    spread, other = float(x.std(dtype=np.float64)), float(z.std(dtype=np.float64))
    shift = abs(float(x.mean(dtype=np.float64) - z.mean(dtype=np.float64)))
    if not spread or not other or (shift < 3 * spread and 0.2 < other / spread < 5):
        return
    yield Finding(
        "validation data of another scale",
        "the validation data",
        f"training inputs are {x.mean():.3g} ± {spread:.3g}, validation inputs {z.mean():.3g} ± "
        f"{other:.3g}",
        "the model is judged on inputs as it never sees them",
        "apply the same scaling to both, with mean and deviation of the training data",
    )


def _other_labels(train: Batch, val: Batch) -> Iterator[Finding]:
    t, u = classes(train.target), classes(val.target)
    if t is None or u is None or len(u) < 20:
        return
    kinds = np.unique(np.concatenate([t, u]))
    a, b = (np.array([np.mean(part == kind) for kind in kinds]) for part in (t, u))
    apart = float(np.abs(a - b).sum() / 2)
    if apart > 0.4:
        missing = [kind for kind, share in zip(kinds, a, strict=True) if not share]
        yield Finding(
            "validation labels of another kind",
            "the validation data",
            f"the shares of the classes differ by {apart:.0%}"
            + (f"; class {missing[0]:g} is not in the training data" if missing else ""),
            "the model is judged on what it was not taught",
            "shuffle before the split, or split each class alike",
        )
