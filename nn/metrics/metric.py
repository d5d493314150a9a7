"""Metric, the base class of metrics that accumulate over batches, and averages."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from autograd.dispatch import array_of
from autograd.node import Array as Array
from autograd.value import Value
from nn.metrics.class_indices import arrays

COLLECTIONS = (list, dict, set, deque)


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
    better: str | None = None
    """Which way the number is better, "max" or "min"; None where that is not known."""

    @property
    def single(self) -> bool:
        """Whether `compute` gives one number, not an array."""
        return True

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
        for key, x in vars(self).items():
            if isinstance(x, COLLECTIONS):  # which reset may clear in place
                setattr(other, key, copy.copy(x))
            elif isinstance(x, Metric):
                setattr(other, key, x.fresh())
        other.reset()
        return other

    def state_dict(self) -> dict[str, Any]:
        """The accumulated state: all attributes but functions and classes.

        Raises
        ------
        TypeError
            An attribute that can't be saved, an object without state_dict; nothing is left out.
        """
        return {
            key: _saved(f"{type(self).__name__}.{key}", x)
            for key, x in vars(self).items()
            if not isinstance(x, type) and (_has_state(x) or not callable(x))
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore the accumulated state."""
        for key, saved in state_dict.items():
            own = vars(self).get(key)
            if _has_state(own):
                own.load_state_dict(saved)  # type: ignore[union-attr]
            elif isinstance(own, np.random.Generator):
                own.bit_generator.state = saved
            elif isinstance(own, (dict, set)):  # a Counter stays one
                own.clear()
                own.update(saved)
            elif isinstance(own, deque):
                own.clear()
                own.extend(saved)
            else:
                setattr(self, key, saved)

    def __call__(self, outputs: Any, targets: Any) -> float | Array:
        """The metric of these arrays alone; the accumulated state is not changed."""
        fresh = self.fresh()
        fresh.update(_plain(outputs, "outputs"), _plain(targets, "targets"))
        return fresh.compute()


def _plain(x: Any, name: str) -> Array:
    """An array; a metric reads a Value's, as it has no gradient."""
    return array_of(x.data if isinstance(x, Value) else x, name)


def _has_state(x: Any) -> bool:
    return hasattr(x, "state_dict") and hasattr(x, "load_state_dict")


def _saved(where: str, x: Any) -> Any:
    """An attribute as a checkpoint holds it."""
    if _has_state(x):
        return x.state_dict()
    if isinstance(x, np.random.Generator):
        return x.bit_generator.state
    if isinstance(x, (set, frozenset, deque)):
        return list(x)
    if x is None or isinstance(x, (bool, int, float, str, np.generic, np.ndarray, Value, tuple)):
        return x
    if isinstance(x, (list, Mapping)):
        return copy.copy(x)
    raise TypeError(
        f"{where} is a {type(x).__name__}, which a checkpoint can't hold; give it state_dict and "
        "load_state_dict, or give them to the metric."
    )


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
        n = samples_in(targets)
        self.add(float(self.function(outputs, targets)) * n, n)


def samples_in(target: Any) -> int:
    """How many samples a target has: of several, each does; a list has one entry for each."""
    if isinstance(target, dict):
        return samples_in(next(iter(target.values())))
    if isinstance(target, tuple):
        return samples_in(target[0])
    return len(target)


def same_shape(who: str, outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Outputs and targets in float64, of the same shape; (N,) and (N, 1) count as the same."""
    outputs, targets = arrays(who, outputs, targets)
    if outputs.ndim == 0:
        raise ValueError(f"{who}: outputs must have samples in axis 0, got one number.")
    if outputs.shape != targets.shape:
        ours, theirs = (tuple(n for n in x.shape[1:] if n != 1) for x in (outputs, targets))
        if ours != theirs or outputs.shape[:1] != targets.shape[:1]:
            raise ValueError(
                f"{who}: outputs have shape {outputs.shape}, targets {targets.shape}; they must be "
                "equal."
            )
        targets = targets.reshape(outputs.shape)
    return outputs.astype(np.float64, copy=False), targets.astype(np.float64, copy=False)
