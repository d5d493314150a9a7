"""Regression metrics: mean absolute error and R²."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.metrics.metric import Average, Metric, same_shape


class MeanAbsoluteError(Average):
    """Mean absolute error over all elements.

    Examples
    --------
    >>> import nn, numpy as np
    >>> metric = nn.metrics.MeanAbsoluteError()
    >>> metric.update(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    >>> metric.compute()
    1.0
    """

    name = "mae"

    def update(self, outputs: Array, targets: Array) -> None:
        outputs, targets = same_shape("mean_absolute_error", outputs, targets)
        self.add(np.abs(outputs - targets).sum(dtype=np.float64), outputs.size)


class R2Score(Metric):
    """Coefficient of determination, 1 − Σ(output − target)² / Σ(target − mean target)².

    It is NaN if all targets are equal.

    References
    ----------
    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979: how the batches' means are merged.

    Examples
    --------
    >>> import nn, numpy as np
    >>> metric = nn.metrics.R2Score()
    >>> metric.update(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    >>> metric.update(np.array([4.0]), np.array([3.0]))
    >>> metric.compute()
    0.5
    """

    name = "r2"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._errors = self._spread = self._mean = 0.0
        self._n = 0

    def update(self, outputs: Array, targets: Array) -> None:
        outputs, targets = same_shape("r2_score", outputs, targets)
        if not targets.size:
            return
        t = targets.astype(np.float64)
        self._errors += float(np.square(outputs - t).sum())
        n, mean = t.size, float(t.mean())
        total, delta = self._n + n, mean - self._mean
        self._spread += float(np.square(t - mean).sum()) + delta**2 * self._n * n / total
        self._mean += delta * n / total
        self._n = total

    def compute(self) -> float:
        return 1 - self._errors / self._spread if self._spread else float("nan")


def mean_absolute_error(outputs: Any, targets: Any) -> float:
    """Mean absolute error over all elements.

    Parameters
    ----------
    outputs, targets : arrays of the same shape; (N, 1) and (N,) count as the same.

    Returns
    -------
    float; NaN for empty arrays.

    Raises
    ------
    ValueError
        Different shapes.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return MeanAbsoluteError()(outputs, targets)


def r2_score(outputs: Any, targets: Any) -> float:
    """Coefficient of determination, 1 − Σ(output − target)² / Σ(target − mean target)².

    1 is a perfect prediction; predicting the mean of the targets gives 0.

    Parameters
    ----------
    outputs, targets : arrays of the same shape; (N, 1) and (N,) count as the same.

    Returns
    -------
    float; NaN if all targets are equal.

    Raises
    ------
    ValueError
        Different shapes.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.r2_score([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    return float(R2Score()(outputs, targets))
