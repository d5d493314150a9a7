"""DataLoader: a data set as batches of NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from nn.data.dataset import Dataset, TensorDataset


class DataLoader:
    """Iterate over a data set in batches; each iteration is one epoch.

    Parameters
    ----------
    dataset : arrays with samples along axis 0 (one, or a tuple of them), or a `Dataset`.
    batch_size : samples a batch.
    shuffle : a new order in every epoch.
    drop_last : leave out a last batch that is smaller.
    rng : generator, seed or None for the default generator at the time of each epoch.

    Yields
    ------
    A batch: copies of the samples, stacked; a tuple of arrays where a sample is a tuple.

    Examples
    --------
    >>> import nn, numpy as np
    >>> loader = nn.data.DataLoader((np.arange(5), np.arange(5) ** 2), batch_size=2)
    >>> for x, y in loader:
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    >>> len(loader)
    3
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        rng: Rng = None,
    ) -> None:
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"DataLoader: batch_size must be an integer >= 1, got {batch_size!r}.")
        self._single = isinstance(dataset, np.ndarray)
        if self._single:
            dataset = TensorDataset(dataset)
        elif type(dataset) in (tuple, list):
            dataset = TensorDataset(*dataset)
        self.dataset: Dataset = dataset
        self.batch_size, self.shuffle, self.drop_last = int(batch_size), shuffle, drop_last
        self.rng = None if rng is None else as_generator(rng)

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = as_generator(self.rng).permutation(n) if self.shuffle else np.arange(n)
        for i in range(len(self)):
            yield self._batch(order[i * self.batch_size : (i + 1) * self.batch_size])

    def _batch(self, index: Any) -> Any:
        if isinstance(self.dataset, TensorDataset):
            batch = self.dataset[index]
            return batch[0] if self._single else batch
        samples = [self.dataset[int(i)] for i in index]
        if isinstance(samples[0], tuple):
            return tuple(np.stack(parts) for parts in zip(*samples, strict=True))
        return np.stack(samples)
