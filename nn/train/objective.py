"""The loss of a batch, and how much the batch counts."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array
from autograd.recording import enable_grad
from autograd.value import Value
from nn.losses.by_name import Loss, setting, unreduced
from nn.metrics.class_indices import OfClasses
from nn.metrics.metric import Metric, samples_in
from nn.module import Module
from nn.train.batches import detached, leaves, parts, values_in
from nn.train.reading import counted, ignored, is_sum, refuse_pairs, takes_logits


class Outcome(NamedTuple):
    """What became of a batch.

    Attributes
    ----------
    outputs, target : of the model, and what they are compared with.
    loss : Value of shape ().
    number : the loss as a float.
    counted : what the mean in the loss is over; 0 where nothing counts, as if all is ignored.
    is_sum : the loss is a sum over samples; `counted` is their number then.
    carried : what a recurrent model hands on to its next batch, arrays.
    """

    outputs: Any
    target: Any
    loss: Value
    number: float
    counted: float
    is_sum: bool
    carried: Any

    @property
    def total(self) -> float:
        """What the batch adds to the epoch's sum of losses."""
        if self.is_sum:
            return self.number
        return self.number * self.counted if self.counted else 0.0


class Objective:
    """A loss with what belongs to it: metrics that follow it, weights, a carried state.

    Parameters
    ----------
    criterion : function of outputs and target.
    metrics : those that have not been told threshold and ignored index get them from the first
        batch's loss.
    carry : as in `fit`.
    weighted : whether weights of the samples stand last in each batch.
    class_weight : class index -> weight; 1 where not given.

    Attributes
    ----------
    is_sum : whether the loss is a sum over samples; of a cross-entropy known from the first batch.
    """

    def __init__(
        self,
        criterion: Loss,
        metrics: list[Metric],
        carry: bool = False,
        weighted: bool = False,
        class_weight: Any = None,
    ) -> None:
        self.criterion, self.metrics, self.carry = criterion, metrics, carry
        self.weighted = weighted
        self.class_weight = None if class_weight is None else as_class_weights(class_weight)
        self._each = unreduced(criterion) if weighted or class_weight is not None else None
        self.is_sum = setting(criterion, "reduction") == "sum"
        self._is_read = False

    def __call__(self, model: Module, batch: Any, carried: Any, measuring: bool) -> Outcome:
        """Run the model on a batch, and compare; for measuring, the graph is the loss's alone."""
        weights = None
        if self.weighted:
            *batch, weights = batch
        inputs, target = parts(batch)
        if self.carry:
            outputs, carried = model(*inputs, carried)
            carried = detached(carried)
        else:
            outputs = model(*inputs)
        if measuring:
            with enable_grad():
                loss, count, is_sum = self._loss(leaves(outputs), target, weights)
        else:
            loss, count, is_sum = self._loss(outputs, target, weights)
        return Outcome(outputs, target, loss, float(loss.item()), count, is_sum, carried)

    def _loss(self, outputs: Any, target: Any, weights: Array | None) -> tuple[Any, float, bool]:
        n = samples_in(target)
        loss = self.criterion(outputs, target)
        if np.shape(loss) != ():
            raise ValueError(
                f"fit: the loss must return one recorded number, a Value of shape (), not an array "
                f"of shape {np.shape(loss)}; reduce it to its mean."
            )
        count = float(n)
        if not isinstance(loss, Value):
            return np.float64(loss), count, self.is_sum
        if loss.op is not None:
            ends = {id(x) for x in values_in(outputs)}
            if not self._is_read:
                refuse_pairs("fit", loss, outputs, target)
                self._read(loss, ends)
            if not self.is_sum:
                count = counted(loss, ends, n)
        if self._each is not None:
            losses = self._each(outputs, target)
            factors = self._factors(losses, target, weights)
            loss = np.sum(losses * factors) / (1 if self.is_sum else count or np.nan)
        return loss, count, self.is_sum

    def _read(self, loss: Value, outputs: set[int]) -> None:
        """Tell the metrics of classes what the loss is of."""
        self._is_read = True
        self.is_sum = self.is_sum or is_sum(loss)
        of_loss = setting(self.criterion, "ignore_index")
        skipped = ignored(loss) if of_loss is None else of_loss
        logits = takes_logits(loss, outputs)
        for metric in self.metrics:
            if isinstance(metric, OfClasses):
                metric.follow(logits, skipped)

    def _factors(self, losses: Value, target: Any, weights: Array | None) -> Array:
        """The weights of losses, of their shape but for axes of length 1."""
        factors = np.ones(losses.shape[:1], losses.dtype)
        if self.class_weight is not None:
            factors = class_factors(self.class_weight, np.asarray(target), losses.shape)
        for given in (factors, weights):
            if given is not None and given.shape != losses.shape[: given.ndim]:
                raise ValueError(
                    f"fit: weights {given.shape} don't fit the losses {losses.shape} of a batch; "
                    "there is one for each sample."
                )
        if weights is not None:
            factors = _stretched(factors, losses.ndim) * _stretched(weights, losses.ndim)
        return _stretched(factors, losses.ndim).astype(losses.dtype)


def _stretched(weights: Array, ndim: int) -> Array:
    return weights.reshape(weights.shape + (1,) * (ndim - weights.ndim))


def class_factors(weights: dict[int, float], target: Array, shape: tuple[int, ...]) -> Array:
    """The weight of each target's class, for losses of a shape; 1 where none is given.

    Examples
    --------
    >>> class_factors({1: 5.0}, np.array([0, 1, 1]), (3,))
    array([1., 5., 5.])
    """
    if target.ndim == len(shape) + 1 and target.shape[1] > 1:
        target = target.argmax(1)  # one-hot rows
    if target.size != math.prod(shape) or (target != np.floor(target)).any():
        raise ValueError(
            f"fit: class_weight needs a class index for each loss {shape}, got targets "
            f"{target.shape}; give sample_weight."
        )
    factors = np.ones(target.shape)
    for index, weight in weights.items():
        factors[target == index] = weight
    return factors.reshape(shape)


def as_class_weights(given: Any) -> dict[int, float]:
    """Weights by class index, checked."""
    if isinstance(given, (list, tuple, np.ndarray)):
        given = dict(enumerate(given))
    if not isinstance(given, dict):
        raise TypeError(
            f"fit: class_weight must be a dict of class index to weight, not {given!r}."
        )
    weights = {}
    for index, weight in given.items():
        if not isinstance(index, (int, np.integer)) or not 0 <= float(weight) < np.inf:
            raise ValueError(
                f"fit: class_weight has class indices and weights >= 0, got {index!r}: {weight!r}."
            )
        weights[int(index)] = float(weight)
    return weights
