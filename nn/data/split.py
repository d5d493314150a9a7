"""Training and test samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator


def train_test_split(
    X: Any, y: Any, test_size: float = 0.2, *, rng: Rng = 0
) -> tuple[Any, Any, Any, Any]:
    """Split samples at random, with the same share of every class on both sides.

    Parameters
    ----------
    X : shape (N, ...)
    y : class numbers, shape (N,)
    test_size : share of the samples of each class that is for testing, 0 to 1.
    rng : seed (0 by default: the same split every time), generator, or None.

    Returns
    -------
    X_train, X_test, y_train, y_test : copies, in random order.

    Raises
    ------
    ValueError
        Different numbers of samples, a share outside 0 to 1.

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
    rng = as_generator(rng)
    order = rng.permutation(len(y))
    chosen = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = order[y[order] == label]
        chosen[members[: round(test_size * len(members))]] = True
    train, test = order[~chosen[order]], order[chosen[order]]
    return X[train], X[test], y[train], y[test]
