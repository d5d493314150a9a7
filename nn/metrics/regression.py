"""Regression metrics: mean absolute and squared error, and R²."""

from __future__ import annotations

import math
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
    better = "min"

    def update(self, outputs: Array, targets: Array) -> None:
        outputs, targets = same_shape("mean_absolute_error", outputs, targets)
        self.add(np.abs(outputs - targets).sum(), outputs.size)


class MeanSquaredError(Average):
    """Mean squared error over all elements.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.MeanSquaredError()(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    """

    name = "mse"
    better = "min"

    def update(self, outputs: Array, targets: Array) -> None:
        outputs, targets = same_shape("mean_squared_error", outputs, targets)
        self.add(np.square(outputs - targets).sum(), outputs.size)


class RootMeanSquaredError(MeanSquaredError):
    """Square root of the mean squared error over all elements.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.RootMeanSquaredError()(np.array([1.0, 2.0]), np.array([1.0, 4.0])).__round__(3)
    1.414
    """

    name = "rmse"

    def compute(self) -> float:
        return math.sqrt(super().compute())


class R2Score(Metric):
    """Coefficient of determination, 1 − Σ(output − target)² / Σ(target − mean target)².

    Of several outputs, (N, d1, ...), it is the mean over the outputs, each with a mean target of
    its own, as in scikit-learn. It is NaN if all targets of an output are equal.

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
    better = "max"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._errors, self._spread, self._mean = np.zeros(1), np.zeros(1), np.zeros(1)
        self._n = 0

    def update(self, outputs: Array, targets: Array) -> None:
        outputs, t = same_shape("r2_score", outputs, targets)
        if not t.size:
            return
        n = len(t)
        errors, t = np.square(outputs - t).reshape(n, -1), t.reshape(n, -1)
        if self._n and t.shape[1:] != self._mean.shape:
            raise ValueError(
                f"r2_score: {t.shape[1]} outputs a sample, in the batches before "
                f"{len(self._mean)}; R² of each output needs the same ones in every batch."
            )
        mean = t.mean(0)
        total, delta = self._n + n, mean - self._mean
        spread = np.square(t - mean).sum(0) + delta**2 * (self._n * n / total)
        self._errors = self._errors + errors.sum(0)
        self._spread = self._spread + spread
        self._mean = self._mean + delta * (n / total)
        self._n = total

    def compute(self) -> float:
        if not self._spread.all():
            return float("nan")
        return float((1 - self._errors / self._spread).mean())


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


def mean_squared_error(outputs: Any, targets: Any) -> float:
    """Mean squared error over all elements; arguments and errors of `mean_absolute_error`.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.mean_squared_error([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return MeanSquaredError()(outputs, targets)


def r2_score(outputs: Any, targets: Any) -> float:
    """Coefficient of determination, 1 − Σ(output − target)² / Σ(target − mean target)².

    1 is a perfect prediction; predicting the mean of the targets gives 0. Of several outputs,
    (N, d1, ...), it is the mean over the outputs, each with a mean target of its own.

    Parameters
    ----------
    outputs, targets : arrays of the same shape; (N, 1) and (N,) count as the same.

    Returns
    -------
    float; NaN if all targets of an output are equal.

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
