"""Collate functions: a list of samples becomes a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.node import Array
from nn.data.dataset import Dataset, Subset, TensorDataset


def default_collate(samples: Sequence[Any]) -> Any:
    """Stack samples along a new first axis.

    Parameters
    ----------
    samples : arrays or numbers of one shape, strings, or tuples, lists or dicts of these.

    Returns
    -------
    An array of shape (N, ...). Samples that are tuples or lists become a tuple of batches, dicts a
    dict of batches, strings a list.

    Raises
    ------
    ValueError
        Samples of different shapes.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.data.default_collate([(np.zeros(2), 3), (np.ones(2), 4)])
    (array([[0., 0.], [1., 1.]]), array([3, 4]))
    """
    first = samples[0]
    if isinstance(first, (tuple, list)):
        return tuple(default_collate(parts) for parts in zip(*samples, strict=True))
    if isinstance(first, dict):
        return {key: default_collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, str):
        return list(samples)
    shapes = sorted({np.shape(sample) for sample in samples})
    if len(shapes) > 1:
        raise ValueError(
            f"default_collate: samples of shapes {shapes[0]} and {shapes[1]} can't be stacked; pad "
            "them with collate_fn=pad_collate."
        )
    return np.stack([np.asarray(sample) for sample in samples])


class PadCollate:
    """Pad sequences of different lengths at the end, and return their lengths.

    Called with samples ``x`` of shape (T, ...), it returns ``(x, lengths)`` of shapes
    (N, max T, ...) and (N,). Called with samples ``(x, y, ...)``, it returns
    ``(x, lengths, y, ...)``; a y with one entry per step of x is padded too, with `target`.

    Parameters
    ----------
    value : padding value of x.
    target : padding value of per-step targets. Cross-entropy ignores −100.

    Raises
    ------
    ValueError
        Samples without a time axis, or which differ in another axis.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.data.PadCollate()([(np.array([1, 2, 3]), 0), (np.array([4]), 1)])
    (array([[1, 2, 3], [4, 0, 0]]), array([3, 1]), array([0, 1]))
    """

    def __init__(self, value: float = 0, target: float = -100) -> None:
        self.value, self.target = value, target

    def __call__(self, samples: Sequence[Any]) -> tuple[Any, ...]:
        """Pad and stack the samples."""
        rows = [s if isinstance(s, tuple) else (s,) for s in samples]
        sequences = [np.asarray(row[0]) for row in rows]
        if any(x.ndim == 0 for x in sequences):
            raise ValueError("PadCollate: the first element of a sample must have a time axis.")
        lengths = np.array([len(x) for x in sequences])
        rest = []
        for parts in zip(*(row[1:] for row in rows), strict=True):
            arrays = [np.asarray(part) for part in parts]
            per_step = all(a.ndim and len(a) == n for a, n in zip(arrays, lengths, strict=True))
            rest.append(_padded(arrays, self.target) if per_step else default_collate(parts))
        return (_padded(sequences, self.value), lengths, *rest)


def _padded(arrays: Sequence[Array], value: float) -> Array:
    longest = max(len(a) for a in arrays)
    first = arrays[0]
    if any(a.shape[1:] != first.shape[1:] for a in arrays):
        raise ValueError(
            "PadCollate: samples may only differ in their first axis, got shapes "
            f"{sorted({a.shape for a in arrays})}."
        )
    batch = np.full((len(arrays), longest, *first.shape[1:]), value, first.dtype)
    for row, a in zip(batch, arrays, strict=True):
        row[: len(a)] = a
    return batch


pad_collate = PadCollate()
"""`PadCollate` with its defaults: pads x with 0, per-step targets with −100."""


def gather(
    dataset: Dataset, index: Array, collate: Callable[[Sequence[Any]], Any] | None = None
) -> Any:
    """Batch of the samples at the given indices."""
    if collate is None:
        if isinstance(dataset, TensorDataset):
            return tuple([t.take(index, 0) for t in dataset.tensors])
        if isinstance(dataset, Subset):
            return gather(dataset.dataset, dataset.indices[index])
        collate = default_collate
    return collate([dataset[int(i)] for i in index])
