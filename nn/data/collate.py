"""Collate functions: a list of samples becomes a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd.node import Array
from nn.data.arrays import as_array
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
        Samples of different shapes, lengths or keys.
    TypeError
        Samples that are no arrays, such as None, or of types that have none in common.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.data.default_collate([(np.zeros(2), 3), (np.ones(2), 4)])
    (array([[0., 0.], [1., 1.]]), array([3, 4]))
    """
    if not hasattr(samples, "__len__") or isinstance(samples, Mapping):
        raise TypeError(f"default_collate: samples must be a list, got {type(samples).__name__}.")
    if not len(samples):
        raise ValueError("default_collate: a batch without samples.")
    first = samples[0]
    if isinstance(first, (tuple, list)):
        lengths = sorted({len(s) if isinstance(s, (tuple, list)) else 0 for s in samples})
        if len(lengths) > 1:
            raise ValueError(
                f"default_collate: samples of {lengths[0]} and of {lengths[1]} parts can't be "
                "stacked; pad them with collate_fn=pad_collate."
            )
        parts = tuple(default_collate(parts) for parts in zip(*samples, strict=True))
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    if isinstance(first, Mapping):
        if any(sample.keys() != first.keys() for sample in samples):
            raise ValueError(
                "default_collate: samples have different keys: "
                f"{sorted({', '.join(map(str, sample)) for sample in samples})}."
            )
        return {key: default_collate([sample[key] for sample in samples]) for key in first}
    if all(isinstance(sample, (str, bytes)) for sample in samples):
        return list(samples)
    arrays = [as_array("default_collate", sample) for sample in samples]
    shapes = sorted({a.shape for a in arrays})
    if len(shapes) > 1:
        raise ValueError(
            f"default_collate: samples of shapes {shapes[0]} and {shapes[1]} can't be stacked; pad "
            "them with collate_fn=pad_collate."
        )
    batch = np.stack(arrays)
    kinds = {a.dtype.kind for a in arrays}
    if len(kinds) > 1 and (batch.dtype.kind not in kinds or kinds & set("US")):
        types = ", ".join(sorted({str(a.dtype) for a in arrays}))
        raise TypeError(f"default_collate: samples of {types} can't be stacked without a change.")
    return batch


def default_convert(sample: Any) -> Any:
    """A sample that is a batch already, with tensors of other libraries as arrays.

    Examples
    --------
    >>> import nn
    >>> nn.data.default_convert([range(2), "a", 3])
    (range(0, 2), 'a', 3)
    """
    if isinstance(sample, (tuple, list)):
        parts = tuple(default_convert(part) for part in sample)
        return type(sample)(*parts) if hasattr(sample, "_fields") else parts
    if isinstance(sample, Mapping):
        return {key: default_convert(part) for key, part in sample.items()}
    return as_array("DataLoader", sample) if hasattr(sample, "__array__") else sample


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
        sequences = [as_array("PadCollate", row[0]) for row in rows]
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
    inner = arrays[0].shape[1:]
    if any(a.shape[1:] != inner for a in arrays):
        raise ValueError(
            "PadCollate: samples may only differ in their first axis, got shapes "
            f"{sorted({a.shape for a in arrays})}."
        )
    if any(a.dtype.kind not in "biufc" for a in arrays):
        raise TypeError(f"PadCollate: {arrays[0].dtype} can't be padded; encode text as numbers.")
    # wide enough for every sample and for the padding: -100 does not fit uint8, NaN no integer
    dtype = np.result_type(*arrays, np.min_scalar_type(value))
    batch = np.full((len(arrays), longest, *inner), value, dtype)
    for row, a in zip(batch, arrays, strict=True):
        row[: len(a)] = a
    return batch


pad_collate = PadCollate()
"""`PadCollate` with its defaults: pads x with 0, per-step targets with −100."""


def kept(sample: Any) -> Any:
    """A sample with copies of its arrays: a dataset may fill the same ones for the next."""
    if isinstance(sample, np.ndarray):
        return sample.copy()
    if type(sample) in (tuple, list):
        return type(sample)([kept(part) for part in sample])
    if type(sample) is dict:
        return {key: kept(part) for key, part in sample.items()}
    return sample


def gather(
    dataset: Dataset, index: Array, collate: Callable[[Sequence[Any]], Any] | None = None
) -> Any:
    """Batch of the samples at the given indices."""
    if collate is None:  # whole arrays at once, unless a subclass has a way of its own
        if isinstance(dataset, TensorDataset) and _plain(dataset, TensorDataset):
            return tuple([t.take(index, 0) for t in dataset.tensors])
        if isinstance(dataset, Subset) and _plain(dataset, Subset):
            return gather(dataset.dataset, dataset.indices[index])
    samples = []
    for i in index:
        try:
            sample = dataset[int(i)]
            samples.append(kept(sample) if collate is None else sample)
        except Exception as error:
            error.add_note(f"DataLoader: raised by sample {int(i)} of the dataset.")
            raise
    try:
        return (collate or default_collate)(samples)
    except Exception as error:
        some = ", ".join(map(str, index[:5])) + (", ..." if len(index) > 5 else "")
        error.add_note(f"DataLoader: raised by the collate function for the samples {some}.")
        raise


def _plain(dataset: Any, kind: Any) -> bool:
    """Whether a dataset has the `__getitem__` of its class, not one of a subclass."""
    return type(dataset).__getitem__ is kind.__getitem__
