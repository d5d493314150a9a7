"""Splitting samples: training and test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from nn.data.dataset import Dataset, Subset


def train_test_split(
    X: Any, y: Any, test_size: float = 0.2, *, rng: Rng = 0
) -> tuple[Any, Any, Any, Any]:
    """Split samples at random, with about the same share of every class on both sides.

    Of each class of n samples, test_size · n are for testing, rounded down or up so that together
    they are test_size · N rounded up. Where every target is a class of its own, as in regression,
    this is a plain random split.

    Parameters
    ----------
    X : shape (N, ...)
    y : class numbers or other targets, shape (N,)
    test_size : share of the samples that is for testing, 0 to 1.
    rng : seed (0 by default: the same split every time), generator, or None.

    Returns
    -------
    X_train, X_test, y_train, y_test : copies; every order is equally likely.

    Raises
    ------
    ValueError
        Different numbers of samples, a share outside 0 to 1, or no sample left for training.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = np.array([0] * 8 + [1] * 4)
    >>> parts = nn.data.train_test_split(np.arange(12), y, 0.25)
    >>> [len(part) for part in parts], np.bincount(parts[3])
    ([9, 3, 9, 3], array([2, 1]))
    """
    X, y = np.asarray(X), np.asarray(y)
    if y.ndim != 1 or len(X) != len(y):
        raise ValueError(
            f"train_test_split: X {X.shape} and y {y.shape} need the same N, and y one axis."
        )
    if not 0 < test_size < 1:
        raise ValueError(f"train_test_split: test_size must be in (0, 1), got {test_size}.")
    n = math.ceil(test_size * len(y) - 1e-9)
    if n >= len(y):
        raise ValueError(
            f"train_test_split: test_size={test_size} of {len(y)} samples leaves none for training."
        )
    rng = as_generator(rng)
    order = rng.permutation(len(y))
    kinds = np.unique(y, return_inverse=True)[1][order]
    _, first, sizes = np.unique(kinds, return_index=True, return_counts=True)
    seats = (test_size * sizes).astype(np.int64)
    due = np.lexsort((first, seats - test_size * sizes))  # largest remainder, then order, first
    seats[due[: n - seats.sum()]] += 1
    rank = np.empty(len(y), np.int64)  # among those of its class, in this order
    by_kind = np.argsort(kinds, kind="stable")
    rank[by_kind] = np.arange(len(y)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = rank < seats[kinds]
    train, test = rng.permutation(order[~chosen]), rng.permutation(order[chosen])
    return X[train], X[test], y[train], y[test]


def random_split(dataset: Dataset, lengths: Sequence[float], *, rng: Rng = None) -> list[Subset]:
    """Parts of a data set, chosen at random, that have no sample in common.

    Parameters
    ----------
    dataset : of N samples.
    lengths : how many for each part, integers that add up to N, or shares that add up to 1; what
        rounding down leaves over is handed out from the first part on, as in PyTorch.
    rng : generator, seed or None for the default.

    Raises
    ------
    ValueError
        Lengths that don't add up.

    Examples
    --------
    >>> import nn, numpy as np
    >>> data = nn.data.TensorDataset(np.arange(10))
    >>> [len(part) for part in nn.data.random_split(data, [0.75, 0.25], rng=0)]
    [8, 2]
    """
    n = len(dataset)
    shares = all(0 <= k <= 1 for k in lengths) and abs(sum(lengths) - 1) < 1e-9
    sizes = [int(n * k) if shares else int(k) for k in lengths]
    if shares:
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    elif sizes != list(lengths) or sum(sizes) != n or min(sizes, default=-1) < 0:
        raise ValueError(
            f"random_split: lengths must add up to the {n} samples, or to 1, got {list(lengths)}."
        )
    order = as_generator(rng).permutation(n)
    ends = np.cumsum(sizes)[:-1]
    return [Subset(dataset, part) for part in np.split(order, ends)]  # type: ignore[arg-type]
