"""Samplers: the order in which a DataLoader visits samples, and how it forms batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator, either
from nn.arguments import count, flags
from nn.data.arrays import numbers


def indices_of(who: str, given: Any) -> Array:
    """Sample indices as an array.

    Raises
    ------
    TypeError
        A mask or floats, which NumPy would take for indices.
    """
    indices = np.asarray(given)
    if not indices.size:
        return np.empty(0, np.int64)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        cure = "; of a mask, numpy.flatnonzero(mask)" if indices.dtype.kind == "b" else ""
        raise TypeError(
            f"{who}: indices must be integers of shape (n,), got {indices.dtype} of shape "
            f"{indices.shape}{cure}."
        )
    return indices.astype(np.int64)


class Sampler(ABC):
    """Base class of samplers: `draw` returns the indices of one epoch.

    A DataLoader passes its generator to `draw`, so that the loader's state alone is enough to
    resume an epoch. A loader without a generator uses its sampler's.

    Parameters
    ----------
    generator, rng : generator, seed or None for the loader's, or else the default generator; two
        names for one argument.

    Examples
    --------
    >>> import nn, numpy as np
    >>> class EvenIndices(nn.data.Sampler):
    ...     def draw(self, rng):
    ...         return 2 * rng.permutation(3)
    ...
    ...     def __len__(self):
    ...         return 3
    >>> sorted(EvenIndices(generator=0))
    [0, 2, 4]
    """

    rng: np.random.Generator | None = None

    def __init__(self, generator: Rng = None, *, rng: Rng = None) -> None:
        rng = either(generator, rng)
        if rng is not None:
            self.rng = as_generator(rng)

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Array:
        """Indices of the epoch's samples, shape (n,)."""

    @abstractmethod
    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[int]:
        """Iterate over the indices of one epoch."""
        return iter(order_of(self, as_generator(self.rng)).tolist())


class SequentialSampler(Sampler):
    """All samples in order.

    Parameters
    ----------
    data_source : a dataset, or any object with a length.

    Examples
    --------
    >>> import nn
    >>> list(nn.data.SequentialSampler(range(3)))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        super().__init__()
        self.data_source = data_source

    def draw(self, rng: np.random.Generator) -> Array:
        return np.arange(len(self))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Shuffle all samples, or draw some at random, with or without replacement.

    Parameters
    ----------
    data_source : a dataset, or any object with a length.
    replacement : draw with replacement.
    num_samples : number of samples to draw; all by default.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        More samples than there are, without replacement.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.data.RandomSampler(range(4)).draw(np.random.default_rng(0))
    array([2, 0, 1, 3])
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Rng = None,
        *,
        rng: Rng = None,
    ) -> None:
        flags(type(self).__name__, replacement=replacement)
        super().__init__(generator, rng=rng)
        if not hasattr(data_source, "__len__"):
            raise TypeError(
                f"RandomSampler: data_source must have a length, as a Dataset has, got "
                f"{data_source!r}."
            )
        n = len(data_source)
        if num_samples is not None:
            num_samples = count("RandomSampler", "num_samples", num_samples, 1)
        if num_samples is not None and num_samples > n and not replacement:
            raise ValueError(
                f"RandomSampler: num_samples must be 1 to {n} without replacement, got "
                f"{num_samples}."
            )
        self.data_source, self.replacement = data_source, replacement
        self.num_samples = num_samples

    def draw(self, rng: np.random.Generator) -> Array:
        n = len(self.data_source)
        if self.replacement:
            return rng.integers(n, size=len(self))
        return rng.permutation(n)[: len(self)]

    def __len__(self) -> int:
        return len(self.data_source) if self.num_samples is None else self.num_samples


class SubsetRandomSampler(Sampler):
    """Shuffle the samples at given indices.

    Parameters
    ----------
    indices : integers, shape (n,).
    generator, rng : generator, seed or None; two names for one argument.

    Examples
    --------
    >>> import nn
    >>> sorted(nn.data.SubsetRandomSampler([2, 3, 5]))
    [2, 3, 5]
    """

    def __init__(self, indices: Sequence[int], generator: Rng = None, *, rng: Rng = None) -> None:
        super().__init__(generator, rng=rng)
        self.indices = indices_of("SubsetRandomSampler", indices)

    def draw(self, rng: np.random.Generator) -> Array:
        return rng.permutation(self.indices)

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Draw samples with probability proportional to their weights, e.g. to balance classes.

    Parameters
    ----------
    weights : nonnegative weight of each sample, shape (N,).
    num_samples : number of samples to draw.
    replacement : draw with replacement.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        Weights that are negative, not finite or all zero; more samples than can be drawn.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = np.array([0] * 90 + [1] * 10)
    >>> sampler = nn.data.WeightedRandomSampler(1 / np.bincount(y)[y], 1000)
    >>> 0.4 < y[sampler.draw(np.random.default_rng(0))].mean() < 0.6
    np.True_
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Rng = None,
        *,
        rng: Rng = None,
    ) -> None:
        flags(type(self).__name__, replacement=replacement)
        super().__init__(generator, rng=rng)
        w = numbers("WeightedRandomSampler: weights", weights).astype(np.float64)
        if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or not w.any():
            raise ValueError(
                "WeightedRandomSampler: weights must be finite numbers >= 0 of shape (N,), not all "
                f"zero; got shape {w.shape}."
            )
        num_samples = count("WeightedRandomSampler", "num_samples", num_samples, 1)
        most = np.count_nonzero(w)
        if num_samples > most and not replacement:
            raise ValueError(
                f"WeightedRandomSampler: num_samples must be 1 to {most}, got {num_samples}."
            )
        self.weights, self.num_samples, self.replacement = w, num_samples, replacement

    def draw(self, rng: np.random.Generator) -> Array:
        p = self.weights / self.weights.max()  # whose sum is finite
        p /= p.sum()
        return rng.choice(len(p), self.num_samples, self.replacement, p)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler:
    """Group a sampler's indices into batches.

    Parameters
    ----------
    sampler : a `Sampler` or an iterable of indices with a length.
    batch_size : samples per batch.
    drop_last : drop the last batch if it is smaller.

    Examples
    --------
    >>> import nn
    >>> list(nn.data.BatchSampler(nn.data.SequentialSampler(range(5)), 2, drop_last=False))
    [array([0, 1]), array([2, 3]), array([4])]
    """

    def __init__(self, sampler: Sampler | Iterable[int], batch_size: int, drop_last: bool) -> None:
        flags("BatchSampler", drop_last=drop_last)
        self.sampler, self.drop_last = sampler, drop_last
        self.batch_size = count("BatchSampler", "batch_size", batch_size, 1)

    @property
    def rng(self) -> np.random.Generator | None:
        """The sampler's generator."""
        return getattr(self.sampler, "rng", None)

    def draw(self, rng: np.random.Generator) -> list[Array]:
        """Index arrays of the batches of one epoch."""
        return cut(order_of(self.sampler, rng), self.batch_size, self.drop_last)

    def __iter__(self) -> Iterator[Array]:
        return iter(self.draw(as_generator(self.rng)))

    def __len__(self) -> int:
        samples: Any = self.sampler
        return number_of_batches(len(samples), self.batch_size, self.drop_last)


class BucketBatchSampler(BatchSampler):
    """Batches of samples of similar length, to reduce padding.

    The samples are shuffled and divided into pools; each pool is sorted by length and split into
    batches; then the batches are shuffled.

    Parameters
    ----------
    lengths : sequence length of each sample, shape (N,).
    batch_size : samples per batch.
    drop_last : drop batches that are smaller.
    pool : batches per pool; a larger pool gives less padding but less randomness.

    Raises
    ------
    ValueError
        Lengths of another shape, or a count below 1.

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
        flags(type(self).__name__, drop_last=drop_last)
        self.lengths = np.asarray(lengths)
        if self.lengths.ndim != 1:
            raise ValueError(
                f"BucketBatchSampler: lengths must have shape (N,), got {self.lengths.shape}."
            )
        super().__init__(RandomSampler(self.lengths), batch_size, drop_last)
        self.pool = count("BucketBatchSampler", "pool", pool, 1)

    def draw(self, rng: np.random.Generator) -> list[Array]:
        order = order_of(self.sampler, rng)
        pools = cut(order, self.pool * self.batch_size, False)
        by_length = [p[np.argsort(self.lengths[p], kind="stable")] for p in pools]
        batches = [b for p in by_length for b in cut(p, self.batch_size, self.drop_last)]
        return [batches[i] for i in rng.permutation(len(batches))]


def order_of(sampler: Sampler | Iterable[int], rng: np.random.Generator) -> Array:
    """The indices that a sampler gives for one epoch."""
    if isinstance(sampler, Sampler):
        return indices_of(type(sampler).__name__, sampler.draw(rng))
    return indices_of("sampler", list(sampler))


def cut(order: Array, size: int, drop_last: bool) -> list[Array]:
    """Split indices into batches of `size`."""
    n = number_of_batches(len(order), size, drop_last)
    return [order[i * size : (i + 1) * size] for i in range(n)]


def number_of_batches(n: int, size: int, drop_last: bool) -> int:
    """Number of batches in n samples."""
    return n // size if drop_last else -(-n // size)
