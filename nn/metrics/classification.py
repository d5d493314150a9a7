"""Metrics of classifiers that look at the scores of all classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.metrics.metric import Array, Metric, class_scores


def choices(who: str, outputs: Array, targets: Array, threshold: float) -> tuple[Array, Array]:
    """Predicted and true class numbers, both (n,).

    Class 1 where a score is above the threshold, if there is one score for each target: outputs of
    the targets' shape, or (N, 1) for (N,). Else the largest of C scores, outputs (N, C, ...).
    """
    if outputs.shape == targets.shape or outputs.shape == (*targets.shape, 1):
        if not ((targets == 0) | (targets == 1)).all():
            raise ValueError(
                f"{who}: with one output for each target, {outputs.shape}, targets are 0 or 1; "
                f"got {targets.min()} to {targets.max()}."
            )
        return (outputs.reshape(-1) > threshold).astype(np.int64), targets.reshape(-1)
    scores, numbers = class_scores(who, outputs, targets)
    return scores.argmax(1), numbers


class Accuracy(Metric):
    """Share of the samples whose class is predicted.

    Parameters
    ----------
    threshold : above which a single score means class 1: 0.5 for probabilities, 0 for logits.
    """

    name = "accuracy"

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._right = self._n = 0

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`."""
        guesses, numbers = choices("accuracy", outputs, targets, self.threshold)
        self._right += int(np.count_nonzero(guesses == numbers))
        self._n += len(numbers)

    def compute(self) -> float:
        """As in `Metric`."""
        return self._right / self._n if self._n else float("nan")


class TopKAccuracy(Metric):
    """Share of the samples whose class is among the k largest scores.

    Parameters
    ----------
    k : how many may be named.
    """

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"TopKAccuracy: k must be >= 1, got {k}.")
        self.k, self.name = k, f"top_{k}_accuracy"
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._right = self._n = 0

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`. Of equal scores, that of the lower class number counts as larger."""
        scores, numbers = class_scores(self.name, outputs, targets)
        own = np.take_along_axis(scores, numbers[:, None], 1)
        earlier = np.arange(scores.shape[1]) < numbers[:, None]
        before = ((scores > own) | ((scores == own) & earlier)).sum(1)
        self._right += int(np.count_nonzero((before < self.k) & ~np.isnan(own[:, 0])))
        self._n += len(numbers)

    def compute(self) -> float:
        """As in `Metric`."""
        return self._right / self._n if self._n else float("nan")


class Perplexity(Metric):
    """exp of the mean −log softmax(outputs)[target]: among how many the model wavers."""

    name = "perplexity"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._sum, self._n = 0.0, 0

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`."""
        scores, numbers = class_scores("perplexity", outputs, targets)
        if len(numbers):
            top = scores.max(1)
            spread = np.log(np.exp(scores - top[:, None]).sum(1, dtype=np.float64)) + top
            own = np.take_along_axis(scores, numbers[:, None], 1)[:, 0]
            self._sum += float((spread - own).sum())
            self._n += len(numbers)

    def compute(self) -> float:
        """As in `Metric`."""
        return float(np.exp(self._sum / self._n)) if self._n else float("nan")


def accuracy(outputs: Any, targets: Any, threshold: float = 0.5) -> float:
    """Share of the samples whose class is predicted.

    Parameters
    ----------
    outputs : scores, shape (N, C, d1, ...); or one for each target, shape (N,), (N, 1) or any.
    targets : class numbers, shape (N, d1, ...), those of −100 count for nothing; or 0 and 1.
    threshold : above which a single score means class 1: 0.5 for probabilities, 0 for logits.

    Raises
    ------
    ValueError
        Shapes that do not fit, a class number out of range.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    >>> nn.metrics.accuracy([[0.9], [0.2]], [1, 0])
    1.0
    """
    return float(Accuracy(threshold)(outputs, targets))


def top_k_accuracy(outputs: Any, targets: Any, k: int = 5) -> float:
    """Share of the samples whose class is among the k largest scores, outputs (N, C, ...).

    Examples
    --------
    >>> import nn
    >>> nn.metrics.top_k_accuracy([[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]], [1, 0], k=2)
    0.5
    """
    return float(TopKAccuracy(k)(outputs, targets))


def perplexity(outputs: Any, targets: Any) -> float:
    """exp of the mean cross-entropy of logits (N, C, ...) and class numbers (N, ...).

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.metrics.perplexity(np.zeros((3, 10)), [1, 2, 3]), 6)
    10.0
    """
    return float(Perplexity()(outputs, targets))
