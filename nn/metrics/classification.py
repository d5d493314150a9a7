"""Classification metrics that need the scores of all classes: accuracy, top-k, perplexity."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.metrics.metric import Average, class_scores


def predictions(who: str, outputs: Array, targets: Array, threshold: float) -> tuple[Array, Array]:
    """Predicted and true class indices, both (n,).

    With one score per target (outputs of the targets' shape, or (N, 1) for (N,)), class 1 is
    predicted where the score exceeds the threshold. Otherwise outputs are (N, C, ...) and the class
    with the largest score is predicted.
    """
    if outputs.shape == targets.shape or outputs.shape == (*targets.shape, 1):
        if not ((targets == 0) | (targets == 1)).all():
            raise ValueError(
                f"{who}: with one output per target, {outputs.shape}, targets must be 0 or 1; got "
                f"{targets.min()} to {targets.max()}."
            )
        return (outputs.reshape(-1) > threshold).astype(np.int64), targets.reshape(-1)
    scores, classes = class_scores(who, outputs, targets)
    return scores.argmax(1), classes


class Accuracy(Average):
    """Fraction of samples whose class is predicted correctly.

    Parameters
    ----------
    threshold : a single score above it means class 1: 0.5 for probabilities, 0 for logits.

    Examples
    --------
    >>> import nn, numpy as np
    >>> metric = nn.metrics.Accuracy()
    >>> metric.update(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    >>> metric.update(np.array([[0.3, 0.7]]), np.array([1]))
    >>> round(metric.compute(), 3)
    0.667
    """

    name = "accuracy"

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold
        super().__init__()

    def update(self, outputs: Array, targets: Array) -> None:
        predicted, true = predictions("accuracy", outputs, targets, self.threshold)
        self.add(int(np.count_nonzero(predicted == true)), len(true))


class TopKAccuracy(Average):
    """Fraction of samples whose class has one of the k largest scores.

    Ties: the lower class index ranks first.

    Parameters
    ----------
    k : number of classes considered.

    Raises
    ------
    ValueError
        A k below 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> scores = np.array([[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]])
    >>> nn.metrics.TopKAccuracy(k=2)(scores, np.array([1, 0]))
    0.5
    """

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"TopKAccuracy: k must be >= 1, got {k}.")
        self.k, self.name = k, f"top_{k}_accuracy"
        super().__init__()

    def update(self, outputs: Array, targets: Array) -> None:
        scores, classes = class_scores(self.name, outputs, targets)
        own = np.take_along_axis(scores, classes[:, None], 1)
        lower = np.arange(scores.shape[1]) < classes[:, None]
        rank = ((scores > own) | ((scores == own) & lower)).sum(1)
        hits = (rank < self.k) & ~np.isnan(own[:, 0])
        self.add(int(np.count_nonzero(hits)), len(classes))


class Perplexity(Average):
    """Perplexity: exp of the mean cross-entropy of the logits.

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.metrics.Perplexity()(np.zeros((3, 10)), np.array([1, 2, 3])), 6)
    10.0
    """

    name = "perplexity"

    def update(self, outputs: Array, targets: Array) -> None:
        scores, classes = class_scores("perplexity", outputs, targets)
        if len(classes):
            top = scores.max(1)
            logsumexp = np.log(np.exp(scores - top[:, None]).sum(1, dtype=np.float64)) + top
            own = np.take_along_axis(scores, classes[:, None], 1)[:, 0]
            self.add((logsumexp - own).sum(), len(classes))

    def compute(self) -> float:
        return float(np.exp(super().compute()))


def accuracy(outputs: Any, targets: Any, threshold: float = 0.5) -> float:
    """Fraction of samples whose class is predicted correctly.

    Parameters
    ----------
    outputs : scores (N, C, d1, ...), or one score per target: any shape, or (N, 1) for (N,).
    targets : class indices (N, d1, ...), where −100 is ignored; or 0 and 1.
    threshold : a single score above it means class 1: 0.5 for probabilities, 0 for logits.

    Returns
    -------
    float from 0 to 1; NaN without samples.

    Raises
    ------
    ValueError
        Incompatible shapes, or a class index out of range.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    >>> nn.metrics.accuracy([[0.9], [0.2]], [1, 0])
    1.0
    """
    return Accuracy(threshold)(outputs, targets)


def top_k_accuracy(outputs: Any, targets: Any, k: int = 5) -> float:
    """Fraction of samples whose class has one of the k largest scores.

    Parameters
    ----------
    outputs : scores (N, C, d1, ...).
    targets : class indices (N, d1, ...), where −100 is ignored.
    k : number of classes considered.

    Returns
    -------
    float from 0 to 1; NaN without samples.

    Raises
    ------
    ValueError
        Incompatible shapes, a class index out of range, or a k below 1.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.top_k_accuracy([[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]], [1, 0], k=2)
    0.5
    """
    return TopKAccuracy(k)(outputs, targets)


def perplexity(outputs: Any, targets: Any) -> float:
    """Perplexity: exp of the mean cross-entropy.

    Parameters
    ----------
    outputs : logits (N, C, d1, ...).
    targets : class indices (N, d1, ...), where −100 is ignored.

    Returns
    -------
    float, at least 1; NaN without samples.

    Raises
    ------
    ValueError
        Incompatible shapes, or a class index out of range.

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.metrics.perplexity(np.zeros((3, 10)), [1, 2, 3]), 6)
    10.0
    """
    return Perplexity()(outputs, targets)
