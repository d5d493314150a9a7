"""Samples: a data set of a page, in a part to train on and a part to test on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array

MOST = 2000
"""Most samples of a data set."""


class Samples(NamedTuple):
    """Samples (N, D) with their targets (N,), to train on and to test on."""

    name: str
    X: Array
    y: Array
    X_test: Array
    y_test: Array

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        parts = {"train": (self.X, self.y), "test": (self.X_test, self.y_test)}
        return {"name": self.name} | {
            part: {"x": _digits(X), "y": y.ravel().tolist(), "n": len(y)}
            for part, (X, y) in parts.items()
        }


def samples(name: str, X: Any, y: Any, test: Any, dtype: Any) -> Samples:
    """A checked data set; `test` is the share of it to test on, or samples of their own.

    Raises
    ------
    ValueError
        Shapes or targets that a page can't take.
    """
    X, y = _checked(X, y)
    if isinstance(test, (int, float)):
        order = np.random.default_rng(0).permutation(len(X))
        held, rest = np.split(order, [round(len(X) * test)])
        parts = X[rest], y[rest], X[held], y[held]
    else:
        parts = X, y, *_checked(*test)
    if not len(parts[0]):
        raise ValueError(f"playground: test={test!r} leaves no samples to train on.")
    return Samples(name, parts[0].astype(dtype), parts[1], parts[2].astype(dtype), parts[3])


def _checked(X: Any, y: Any) -> tuple[Array, Array]:
    X, y = np.asarray(X, np.float64), np.asarray(y)
    X = X[:, None] if X.ndim == 1 else X
    if y.dtype.kind in "bu":
        y = y.astype(int)
    if X.ndim != 2 or y.shape[:1] != X.shape[:1] or y.size != len(y) or not X.size:
        raise ValueError(
            f"playground: takes samples (N, D) and N targets, got {X.shape} and {y.shape}."
        )
    if len(X) > MOST:
        raise ValueError(f"playground: takes at most {MOST:,} samples, got {len(X):,}.")
    if y.dtype.kind not in "if" or (y.dtype.kind == "i" and y.min() < 0):
        raise ValueError("playground: targets must be class indices from 0, or floats.")
    if not np.isfinite(X).all() or not np.isfinite(y).all():
        raise ValueError("playground: samples and targets must be finite.")
    return X, y.reshape(-1)


def _digits(X: Array) -> list[float]:
    """The numbers in the fewest digits that give them."""
    return [float(str(x)) for x in X.ravel()]
