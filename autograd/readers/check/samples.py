"""Samples: what was read of the data, as batches in their order and as whole arrays."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array

READ, BATCH = 4096, 64
"""Samples that are looked at, and samples of the batch whose graph is checked."""


class Batch(NamedTuple):
    """The inputs of a model and what its output is compared with."""

    inputs: tuple[Any, ...]
    target: Any

    @property
    def size(self) -> int | None:
        """The number of samples, along axis 0; None if the parts do not agree."""
        lengths = {
            np.shape(part)[0] if np.ndim(part) else -1 for part in (*self.inputs, self.target)
        }
        return lengths.pop() if len(lengths) == 1 and -1 not in lengths else None

    def take(self, rows: Any) -> Batch:
        """These samples."""
        return Batch(tuple(part[rows] for part in self.inputs), self.target[rows])


class Samples(NamedTuple):
    """Data that were read.

    Attributes
    ----------
    batches : in the order in which training gets them; one of all samples for arrays.
    ordered : whether the batches come from the user's own loader, in its order.
    """

    batches: list[Batch]
    ordered: bool

    @property
    def batch(self) -> Batch:
        """The batch whose graph is checked."""
        first = self.batches[0]
        if first.size is None or first.size <= BATCH:
            return first
        return first.take(np.linspace(0, first.size - 1, BATCH).astype(int))

    @property
    def whole(self) -> Batch | None:
        """All samples that were read, as one batch; None if they are no rows of arrays."""
        if any(batch.size is None for batch in self.batches):
            return None
        columns = list(zip(*((*b.inputs, b.target) for b in self.batches), strict=True))
        if any(len({np.shape(part)[1:] for part in column}) > 1 for column in columns):
            return None
        arrays = [np.concatenate(column) for column in columns]
        return Batch(tuple(arrays[:-1]), arrays[-1])


def read(name: str, data: Any, dtype: Any) -> Samples:
    """The samples of arrays, or of the first batches of an iterable, which stays as it was.

    Parameters
    ----------
    name : of the argument, for errors.
    dtype : of the model's parameters; inputs in arrays are converted, as by `fit`.
    """
    if hasattr(data, "__next__"):
        raise TypeError(
            f"check: {name} is an iterator, which looking at it would use up; pass a loader, a "
            "list of batches, or arrays."
        )
    if _is_array(data):
        data = (data,)
    if isinstance(data, (tuple, list)) and data and all(_is_array(part) for part in data):
        batch = _parts(name, tuple(np.asarray(part) for part in data))
        inputs = tuple(
            x.astype(dtype) if x.dtype.kind == "f" and dtype is not None else x
            for x in batch.inputs
        )
        batch = Batch(inputs, batch.target)
        if not batch.size:
            shapes = [np.shape(part) for part in (*batch.inputs, batch.target)]
            raise ValueError(
                f"check: {name} must have samples along axis 0, as many in each array"
                f", got shapes {shapes}."
            )
        if batch.size > READ:
            batch = batch.take(np.linspace(0, batch.size - 1, READ).astype(int))
        return Samples([batch], False)
    if not isinstance(data, Iterable) or isinstance(data, (dict, str)):
        raise TypeError(
            f"check: {name} must be arrays (x, y) or an iterable of batches (x, y), not "
            f"{type(data).__name__}."
        )
    batches = [_parts(name, batch) for batch in _first(data)]
    if not batches:
        raise ValueError(f"check: {name} has no batch.")
    return Samples(batches, True)


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) or hasattr(x, "to_numpy")


def _first(data: Iterable[Any]) -> Iterator[Any]:
    """The first batches; of a loader, a copy is iterated, with the same data set."""
    source = getattr(data, "dataset", None)
    if source is not None:
        data = copy.deepcopy(data, {id(source): source})
    count = 0
    for batch in data:
        yield batch
        count += np.shape(batch[-1] if isinstance(batch, (tuple, list)) else batch)[0]
        if count >= READ:
            return


def _parts(name: str, batch: Any) -> Batch:
    if isinstance(batch, (tuple, list)) and len(batch) > 1:
        *inputs, target = batch
        return Batch(tuple(inputs), target)
    if isinstance(batch, dict):
        raise TypeError(f"check: a batch of {name} is a dict; pass tuples (x, y).")
    single = batch[0] if isinstance(batch, (tuple, list)) else batch
    return Batch((single,), single)


def few(batch: Batch, count: int) -> Batch:
    """Some samples with different inputs, and with as many different targets as can be."""
    if batch.size is None or batch.size <= 2:
        return batch
    seen: dict[bytes, int] = {}
    for i in range(batch.size):
        seen.setdefault(b"".join(np.ascontiguousarray(x[i]).tobytes() for x in batch.inputs), i)
    kinds: dict[bytes, list[int]] = {}
    for i in seen.values():
        kinds.setdefault(np.ascontiguousarray(batch.target[i]).tobytes(), []).append(i)
    chosen: list[int] = []
    while len(chosen) < min(count, len(seen)):
        for rows in kinds.values():
            if rows and len(chosen) < count:
                chosen.append(rows.pop(len(rows) // 2))
    return batch.take(np.array(sorted(chosen)))


def classes(target: Any) -> Array | None:
    """Class indices of shape (N,), or None for other targets."""
    t = np.asarray(target)
    t = t[:, 0] if t.ndim == 2 and t.shape[1] == 1 else t
    if t.ndim != 1 or (t.dtype.kind == "f" and not np.isin(t, (0.0, 1.0)).all()):
        return None
    return t if t.dtype.kind in "iubf" and len(np.unique(t)) <= max(2, len(t) // 4) else None
