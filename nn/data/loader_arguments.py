"""The checks of a DataLoader's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.data.dataset import is_iterable


def loads_batches(data: Any) -> bool:
    """Whether it is a loader, of this package or another, whose items are batches."""
    return all(hasattr(data, name) for name in ("__iter__", "batch_size", "collate_fn"))


def check_functions(**given: Any) -> None:
    """Refuse what can't be called."""
    for name, function in given.items():
        if function is not None and not callable(function):
            raise TypeError(f"DataLoader: {name} must be a function, got {function!r}.")


def check_samples(dataset: Any, batch_size: int | None, collate_fn: Any) -> None:
    """Refuse what has no samples to make batches of: another loader, or a list of arrays."""
    if loads_batches(dataset) and batch_size is not None:
        raise TypeError(
            f"DataLoader: a {type(dataset).__module__}.{type(dataset).__name__} gives batches "
            "already; pass batch_size=None with it, or its dataset instead."
        )
    if type(dataset) is list and collate_fn is None:
        axes = {x.ndim for x in dataset if isinstance(x, np.ndarray)}
        if len(axes) > 1:
            raise ValueError(
                "DataLoader: a list holds samples, and arrays of different ndim can't be stacked; "
                "pass arrays of samples as a tuple, (X, y)."
            )


def check_order(
    dataset: Any,
    batch_size: int | None,
    shuffle: bool,
    sampler: Any,
    batch_sampler: Any,
    drop_last: bool,
) -> None:
    """Refuse arguments that exclude each other, and a dataset without samples or without order."""
    if hasattr(sampler, "__next__") or hasattr(batch_sampler, "__next__"):
        raise TypeError(
            "DataLoader: a generator gives its indices only once; pass a list or a Sampler."
        )
    if sampler is not None and shuffle:
        raise ValueError("DataLoader: sampler and shuffle are mutually exclusive.")
    if batch_size is None and (drop_last or batch_sampler is not None):
        raise ValueError(
            "DataLoader: batch_size=None passes whole batches on; it is mutually exclusive with "
            "drop_last and batch_sampler."
        )
    others = sampler is not None or shuffle or drop_last or batch_size != 1
    if batch_sampler is not None and others:
        raise ValueError(
            "DataLoader: batch_sampler is mutually exclusive with batch_size, sampler, shuffle and "
            "drop_last."
        )
    ordered = sampler is not None or batch_sampler is not None
    name = type(dataset).__name__
    if is_iterable(dataset):
        if ordered or shuffle:
            raise ValueError(
                f"DataLoader: a {name} is read from front to back, without shuffle, sampler and "
                "batch_sampler; let its __iter__ shuffle."
            )
    elif not ordered and not hasattr(dataset, "__len__"):
        raise TypeError(f"DataLoader: a {name} has no __len__; define it, or pass a sampler.")
    elif not ordered and len(dataset) == 0:
        raise ValueError("DataLoader: the dataset is empty.")
