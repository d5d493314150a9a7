"""Metric, the base class of metrics that accumulate over batches, and averages."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from autograd.node import Array as Array

IGNORED = -100
"""Class index that is ignored, as in cross-entropy."""


class Metric(ABC):
    """Base class of metrics.

    ``metric(outputs, targets)`` evaluates one pair of arrays. In a loop, call `reset`, then
    `update` with each batch, then `compute`. The result is exact for all samples together, not a
    mean over batches.

    Examples
    --------
    >>> import nn, numpy as np
    >>> class MaxError(nn.metrics.Metric):
    ...     name = "max_error"
    ...
    ...     def reset(self):
    ...         self.largest = 0.0
    ...
    ...     def update(self, outputs, targets):
    ...         self.largest = max(self.largest, float(abs(outputs - targets).max()))
    ...
    ...     def compute(self):
    ...         return self.largest
    >>> metric = MaxError()
    >>> metric.reset()
    >>> for batch in ([1.0, 2.0], [5.0, 3.0]):
    ...     metric.update(np.array(batch), np.array([1.0, 3.0]))
    >>> metric.compute()
    4.0
    """

    name: str

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""

    @abstractmethod
    def update(self, outputs: Array, targets: Array) -> None:
        """Add a batch."""

    @abstractmethod
    def compute(self) -> float | Array:
        """The metric of all batches so far; NaN if there were none."""

    def fresh(self) -> Self:
        """A copy with the same settings and no batches."""
        other = copy.copy(self)
        other.reset()
        return other

    def state_dict(self) -> dict[str, Any]:
        """The accumulated state: all attributes that are numbers or arrays."""
        return {k: x for k, x in vars(self).items() if isinstance(x, (int, float, np.ndarray))}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore the accumulated state."""
        vars(self).update(state_dict)

    def __call__(self, outputs: Any, targets: Any) -> float | Array:
        """The metric of these arrays alone; the accumulated state is not changed."""
        fresh = self.fresh()
        fresh.update(np.asarray(outputs), np.asarray(targets))
        return fresh.compute()


class Average(Metric):
    """Base class of metrics that are an average: `update` adds a sum and a count."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._sum, self._n = 0.0, 0

    def add(self, total: float, n: int) -> None:
        """Add the sum over n samples or elements."""
        self._sum += float(total)
        self._n += n

    def compute(self) -> float:
        return self._sum / self._n if self._n else float("nan")

    def __call__(self, outputs: Any, targets: Any) -> float:
        return float(super().__call__(outputs, targets))


class Mean(Average):
    """The mean over samples of a function that returns the mean of a batch.

    Parameters
    ----------
    function : ``f(outputs, targets) -> float``, the mean over a batch.
    """

    def __init__(self, function: Callable[[Array, Array], Any]) -> None:
        self.function = function
        self.name = str(getattr(function, "__name__", type(function).__name__))
        super().__init__()

    def update(self, outputs: Array, targets: Array) -> None:
        self.add(float(self.function(outputs, targets)) * len(targets), len(targets))


def same_shape(who: str, outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Outputs and targets of the same shape; (N,) is reshaped to match (N, 1)."""
    if outputs.shape != targets.shape:
        if outputs.size != targets.size or outputs.shape[:1] != targets.shape[:1]:
            raise ValueError(
                f"{who}: outputs have shape {outputs.shape}, targets {targets.shape}; they must be "
                "equal."
            )
        targets = targets.reshape(outputs.shape)
    return outputs, targets


def class_scores(who: str, outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Scores (n, C) and class indices (n,) of all samples that are not ignored.

    Outputs have shape (N, C, d1, ...); targets are integers of shape (N, d1, ...), or floats of the
    outputs' shape, such as one-hot rows.
    """
    if outputs.ndim < 2:
        raise ValueError(f"{who}: outputs must have shape (N, C, ...), got {outputs.shape}.")
    if targets.shape == outputs.shape:
        targets = targets.argmax(1)
    elif targets.dtype.kind not in "iub" or targets.shape != outputs.shape[:1] + outputs.shape[2:]:
        raise ValueError(
            f"{who}: for outputs {outputs.shape} targets must be class indices (integers) of shape "
            f"{outputs.shape[:1] + outputs.shape[2:]}, got {targets.dtype} of shape "
            f"{targets.shape}."
        )
    classes = outputs.shape[1]
    if outputs.ndim > 2:
        outputs = np.moveaxis(outputs, 1, -1).reshape(-1, classes)
        targets = targets.reshape(-1)
    ignored = targets == IGNORED
    if ignored.any():
        outputs, targets = outputs[~ignored], targets[~ignored]
    if targets.size and not 0 <= targets.min() <= targets.max() < classes:
        raise ValueError(
            f"{who}: targets hold class indices {targets.min()} to {targets.max()}, but the "
            f"outputs {outputs.shape} have {classes} classes."
        )
    return outputs, targets
