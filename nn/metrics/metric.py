"""Metric: a number about all samples, added up batch by batch."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

Array = np.ndarray[Any, Any]

IGNORED = -100
"""Class number that counts for nothing, as in cross-entropy."""


class Metric(ABC):
    """Base of the metrics.

    ``metric(outputs, targets)`` is the number for these arrays. In a loop, `reset` it, `update` it
    with each batch, and `compute` the number for all of them, which is exact: not a mean of the
    batches' numbers.
    """

    name: str

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""

    @abstractmethod
    def update(self, outputs: Array, targets: Array) -> None:
        """Count a batch in."""

    @abstractmethod
    def compute(self) -> Any:
        """The number for all batches so far; NaN if there were none."""

    def fresh(self) -> Self:
        """One like it, without any batches."""
        other = copy.copy(self)
        other.reset()
        return other

    def state_dict(self) -> dict[str, Any]:
        """What was added up so far: the attributes that are numbers or arrays."""
        return {k: x for k, x in vars(self).items() if isinstance(x, (int, float, np.ndarray))}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on adding up from there."""
        vars(self).update(state_dict)

    def __call__(self, outputs: Any, targets: Any) -> Any:
        """The number for these arrays; what was added up so far stays as it is."""
        fresh = self.fresh()
        fresh.update(np.asarray(outputs), np.asarray(targets))
        return fresh.compute()


class Mean(Metric):
    """The mean over samples of a function's values on batches.

    Parameters
    ----------
    function : ``f(outputs, targets) -> float``, itself a mean over the batch.
    """

    def __init__(self, function: Callable[[Array, Array], Any]) -> None:
        self.function = function
        self.name = str(getattr(function, "__name__", type(function).__name__))
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._sum, self._n = 0.0, 0

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`."""
        self._sum += float(self.function(outputs, targets)) * len(targets)
        self._n += len(targets)

    def compute(self) -> float:
        """As in `Metric`."""
        return self._sum / self._n if self._n else float("nan")


def same_shape(who: str, outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Outputs and targets of one shape: (N, 1) against (N,) is taken as (N,)."""
    if outputs.shape != targets.shape:
        if outputs.size != targets.size or outputs.shape[:1] != targets.shape[:1]:
            raise ValueError(
                f"{who}: outputs have shape {outputs.shape}, targets {targets.shape}; they must "
                "be equal."
            )
        targets = targets.reshape(outputs.shape)
    return outputs, targets


def class_scores(who: str, outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Scores (n, C) and class numbers (n,) of the rows that count.

    Outputs have shape (N, C, d1, ...), targets (N, d1, ...) of integers, or floats of the outputs'
    shape, such as one-hot rows.
    """
    if outputs.ndim < 2:
        raise ValueError(f"{who}: outputs must have shape (N, C, ...), got {outputs.shape}.")
    if targets.shape == outputs.shape:
        targets = targets.argmax(1)
    elif targets.dtype.kind not in "iub" or targets.shape != outputs.shape[:1] + outputs.shape[2:]:
        raise ValueError(
            f"{who}: for outputs {outputs.shape} targets are class numbers (integers) of shape "
            f"{outputs.shape[:1] + outputs.shape[2:]}, got {targets.dtype} of {targets.shape}."
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
            f"{who}: targets hold class numbers {targets.min()} to {targets.max()}, but the "
            f"outputs {outputs.shape} have {classes} classes."
        )
    return outputs, targets
