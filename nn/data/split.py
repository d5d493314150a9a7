"""Random splits of samples into training, validation and test sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator, either
from nn.arguments import reals
from nn.data.arrays import as_array
from nn.data.dataset import Dataset, Subset, indexed


def train_test_split(
    X: Any, y: Any, test_size: float = 0.2, *, rng: Rng = 0
) -> tuple[Any, Any, Any, Any]:
    """Stratified random split into a training and a test set.

    Each class of n samples contributes test_size · n to the test set, rounded down or up so that
    the total is test_size · N rounded up. If all targets differ, as in regression, this is a plain
    random split.

    Parameters
    ----------
    X : shape (N, ...).
    y : class indices or other targets, shape (N,).
    test_size : fraction of the samples in the test set, between 0 and 1.
    rng : seed (0 by default: the same split every time), generator, or None.

    Returns
    -------
    X_train, X_test, y_train, y_test : shuffled copies.

    Raises
    ------
    ValueError
        Different numbers of samples, a fraction outside 0 to 1, or no samples left for training.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = np.array([0] * 8 + [1] * 4)
    >>> parts = nn.data.train_test_split(np.arange(12), y, 0.25)
    >>> [len(part) for part in parts], np.bincount(parts[3])
    ([9, 3, 9, 3], array([2, 1]))
    """
    X, y = as_array("train_test_split, X", X), as_array("train_test_split, y", y)
    if y.ndim != 1 or X.ndim == 0 or len(X) != len(y):
        raise ValueError(
            f"train_test_split: X {X.shape} and y {y.shape} must have the same N, and y one axis."
        )
    if np.ndim(test_size):
        raise TypeError("train_test_split: test_size must be a number; it takes one X and one y.")
    reals("train_test_split", test_size=test_size)
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
    due = np.lexsort((first, seats - test_size * sizes))  # largest remainder first, ties by order
    seats[due[: n - seats.sum()]] += 1
    rank = np.empty(len(y), np.int64)  # position within its class, in this order
    by_kind = np.argsort(kinds, kind="stable")
    rank[by_kind] = np.arange(len(y)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = rank < seats[kinds]
    train, test = rng.permutation(order[~chosen]), rng.permutation(order[chosen])
    return X[train], X[test], y[train], y[test]


def random_split(
    dataset: Dataset, lengths: Sequence[float], generator: Rng = None, *, rng: Rng = None
) -> list[Subset]:
    """Split a dataset at random into disjoint subsets.

    Parameters
    ----------
    dataset : `Dataset` of N samples.
    lengths : sizes of the subsets that sum to N, or fractions that sum to 1. Fractional sizes are
        rounded down and the remainder is distributed one by one from the first subset on, as in
        PyTorch.
    generator, rng : generator, seed or None for the default; two names for one argument.

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        Lengths that do not sum to N or 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> data = nn.data.TensorDataset(np.arange(10))
    >>> [len(part) for part in nn.data.random_split(data, [0.75, 0.25], rng=0)]
    [8, 2]
    """
    dataset = indexed("random_split", dataset)
    n = len(dataset)
    if not isinstance(lengths, (list, tuple, np.ndarray)):
        raise TypeError(f"random_split: lengths must be a list of sizes, got {lengths!r}.")
    for k in lengths:
        reals("random_split", lengths=k)
    shares = all(0 <= k <= 1 for k in lengths) and abs(sum(lengths) - 1) < 1e-9
    sizes = [int(n * k) if shares else int(k) for k in lengths]
    if shares:
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    elif sizes != list(lengths) or sum(sizes) != n or min(sizes, default=-1) < 0:
        raise ValueError(
            f"random_split: lengths must sum to {n}, the number of samples, or to 1; got "
            f"{list(lengths)}."
        )
    order = as_generator(either(generator, rng)).permutation(n)
    ends = np.cumsum(sizes)[:-1]
    return [Subset(dataset, part) for part in np.split(order, ends)]  # type: ignore[arg-type]
