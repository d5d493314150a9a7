"""Samplers: in which order a DataLoader takes the samples, and how it cuts them into batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np

from autograd.random import default_generator
from nn.arguments import count

Array = np.ndarray[Any, Any]


class Sampler(ABC):
    """The indices of one epoch, drawn anew for each.

    A sampler has no random state of its own: the loader hands its generator over, so that the
    loader's state alone says where an interrupted epoch goes on.
    """

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Array:
        """Indices of the epoch's samples, shape (n,)."""

    @abstractmethod
    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[int]:
        """The indices of one epoch, with the default generator."""
        return iter(self.draw(default_generator()).tolist())


class SequentialSampler(Sampler):
    """All samples in their order.

    Parameters
    ----------
    data_source : anything with a length.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def draw(self, rng: np.random.Generator) -> Array:
        """0, 1, 2, …."""
        return np.arange(len(self))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """All samples in a new random order, or some drawn at random.

    Parameters
    ----------
    data_source : anything with a length.
    replacement : draw each anew from all.
    num_samples : how many; all by default.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.data.RandomSampler(range(4)).draw(np.random.default_rng(0))
    array([2, 0, 1, 3])
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None
    ) -> None:
        n = len(data_source)
        if num_samples is not None and not 1 <= num_samples <= (np.inf if replacement else n):
            raise ValueError(
                f"RandomSampler: num_samples must be 1 to {n} without replacement, got "
                f"{num_samples}."
            )
        self.data_source, self.replacement = data_source, replacement
        self.num_samples = num_samples

    def draw(self, rng: np.random.Generator) -> Array:
        """A permutation, or independent draws."""
        n = len(self.data_source)
        if self.replacement:
            return rng.integers(n, size=len(self))
        return rng.permutation(n)[: len(self)]

    def __len__(self) -> int:
        return len(self.data_source) if self.num_samples is None else self.num_samples


class SubsetRandomSampler(Sampler):
    """Given samples in a new random order.

    Parameters
    ----------
    indices : shape (n,).
    """

    def __init__(self, indices: Sequence[int]) -> None:
        self.indices = np.asarray(indices, np.int64)

    def draw(self, rng: np.random.Generator) -> Array:
        """The indices, permuted."""
        return rng.permutation(self.indices)

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Samples drawn in proportion to their weights, as for classes of unequal size.

    Parameters
    ----------
    weights : one for each sample, shape (N,), none negative.
    num_samples : how many to draw.
    replacement : whether a sample may come twice.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = np.array([0] * 90 + [1] * 10)
    >>> sampler = nn.data.WeightedRandomSampler(1 / np.bincount(y)[y], 1000)
    >>> 0.4 < y[sampler.draw(np.random.default_rng(0))].mean() < 0.6
    np.True_
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True
    ) -> None:
        w = np.asarray(weights, np.float64)
        if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
            raise ValueError(
                "WeightedRandomSampler: weights must be finite numbers >= 0 of shape (N,), not "
                f"all of them 0; got shape {w.shape}."
            )
        most = np.inf if replacement else np.count_nonzero(w)
        if not 1 <= num_samples <= most:
            raise ValueError(
                f"WeightedRandomSampler: num_samples must be 1 to {most}, got {num_samples}."
            )
        self.weights, self.num_samples, self.replacement = w, num_samples, replacement

    def draw(self, rng: np.random.Generator) -> Array:
        """Indices drawn with probability weight / sum."""
        p = self.weights / self.weights.sum()
        return rng.choice(len(p), self.num_samples, self.replacement, p)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler:
    """A sampler's indices, cut into batches.

    Parameters
    ----------
    sampler : a `Sampler`.
    batch_size : samples a batch.
    drop_last : leave out a last batch that is smaller.

    Examples
    --------
    >>> import nn
    >>> list(nn.data.BatchSampler(nn.data.SequentialSampler(range(5)), 2, drop_last=False))
    [array([0, 1]), array([2, 3]), array([4])]
    """

    def __init__(self, sampler: Sampler, batch_size: int, drop_last: bool) -> None:
        self.sampler, self.drop_last = sampler, drop_last
        self.batch_size = count("BatchSampler", "batch_size", batch_size, 1)

    def draw(self, rng: np.random.Generator) -> list[Array]:
        """Indices of each batch of one epoch."""
        return cut(self.sampler.draw(rng), self.batch_size, self.drop_last)

    def __iter__(self) -> Iterator[Array]:
        return iter(self.draw(default_generator()))

    def __len__(self) -> int:
        return number_of_batches(len(self.sampler), self.batch_size, self.drop_last)


class BucketBatchSampler(BatchSampler):
    """Batches of samples of about the same length, so that little is padded.

    All samples are shuffled and taken in pools; each pool is sorted by length and cut into
    batches; the batches are shuffled.

    Parameters
    ----------
    lengths : of each sample, shape (N,).
    batch_size : samples a batch.
    drop_last : leave out batches that are smaller.
    pool : batches in a pool; more mean less padding and less randomness.

    Examples
    --------
    >>> import nn, numpy as np
    >>> lengths = [3, 9, 3, 9, 9, 3]
    >>> batches = nn.data.BucketBatchSampler(lengths, 3).draw(np.random.default_rng(0))
    >>> [np.take(lengths, batch).tolist() for batch in batches]
    [[9, 9, 9], [3, 3, 3]]
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, drop_last: bool = False, pool: int = 100
    ) -> None:
        self.lengths = np.asarray(lengths)
        if self.lengths.ndim != 1:
            raise ValueError(
                f"BucketBatchSampler: lengths must have shape (N,), got {self.lengths.shape}."
            )
        super().__init__(RandomSampler(self.lengths), batch_size, drop_last)
        self.pool = count("BucketBatchSampler", "pool", pool, 1)

    def draw(self, rng: np.random.Generator) -> list[Array]:
        """Indices of each batch of one epoch."""
        order = self.sampler.draw(rng)
        pools = cut(order, self.pool * self.batch_size, False)
        tidy = [p[np.argsort(self.lengths[p], kind="stable")] for p in pools]
        batches = [b for p in tidy for b in cut(p, self.batch_size, self.drop_last)]
        return [batches[i] for i in rng.permutation(len(batches))]


def cut(order: Array, size: int, drop_last: bool) -> list[Array]:
    """Pieces of `size` indices."""
    n = number_of_batches(len(order), size, drop_last)
    return [order[i * size : (i + 1) * size] for i in range(n)]


def number_of_batches(n: int, size: int, drop_last: bool) -> int:
    """How many batches n samples make."""
    return n // size if drop_last else -(-n // size)
