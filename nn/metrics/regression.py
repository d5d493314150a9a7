"""Metrics of numbers that were predicted."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.metrics.metric import Array, Metric, same_shape


class MeanAbsoluteError(Metric):
    """Mean of abs(output − target) over all elements."""

    name = "mae"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._sum, self._n = 0.0, 0

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`."""
        outputs, targets = same_shape("mean_absolute_error", outputs, targets)
        self._sum += float(np.abs(outputs - targets).sum(dtype=np.float64))
        self._n += outputs.size

    def compute(self) -> float:
        """As in `Metric`."""
        return self._sum / self._n if self._n else float("nan")


class R2Score(Metric):
    """1 − Σ(output − target)² / Σ(target − mean target)², over all elements."""

    name = "r2"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._errors = self._spread = self._mean = 0.0
        self._n = 0

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`. Means are merged as Chan, Golub and LeVeque (1979) do, not by Σt²."""
        outputs, targets = same_shape("r2_score", outputs, targets)
        if not targets.size:
            return
        t = targets.astype(np.float64)
        self._errors += float(np.square(outputs - t).sum())
        n, mean = t.size, float(t.mean())
        total, apart = self._n + n, mean - self._mean
        self._spread += float(np.square(t - mean).sum()) + apart**2 * self._n * n / total
        self._mean += apart * n / total
        self._n = total

    def compute(self) -> float:
        """As in `Metric`; NaN where the targets are all equal."""
        return 1 - self._errors / self._spread if self._spread else float("nan")


def mean_absolute_error(outputs: Any, targets: Any) -> float:
    """Mean of abs(output − target), for arrays of the same shape.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return float(MeanAbsoluteError()(outputs, targets))


def r2_score(outputs: Any, targets: Any) -> float:
    """1 − Σ(output − target)² / Σ(target − mean target)²: 1 is perfect, 0 as good as the mean.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.r2_score([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    return float(R2Score()(outputs, targets))
