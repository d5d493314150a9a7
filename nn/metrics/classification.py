"""Classification metrics that need the scores of all classes: accuracy, top-k, perplexity."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.arguments import count
from nn.metrics.class_indices import OfClasses, arrays
from nn.metrics.metric import Average


class Accuracy(OfClasses, Average):
    """Fraction of samples whose class is predicted correctly.

    Parameters
    ----------
    threshold : a single score above it means class 1: 0.5 for probabilities, 0 for logits. By
        default 0.5, and in `nn.train.fit` what the loss is of.
    multilabel : whether targets of the outputs' shape (N, C) are a question for each output
        (True), or one-hot rows or class probabilities (False). None tells by the targets: they
        are such rows if each adds up to 1; targets that are now one, now the other are refused.
    ignore_index : targets with this class index do not count, nor do those of −100. By default
        that of the loss in `nn.train.fit`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> metric = nn.metrics.Accuracy()
    >>> metric.update(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    >>> metric.update(np.array([[0.3, 0.7]]), np.array([1]))
    >>> round(metric.compute(), 3)
    0.667
    >>> nn.metrics.Accuracy()(np.array([[0.4, 0.3, 0.3]]), np.array([[1, 0, 0]]))  # one-hot
    1.0
    >>> nn.metrics.Accuracy()(np.array([[0.9, 0.3, 0.8]]), np.array([[1, 1, 1]])).__round__(3)
    0.667
    """

    name = "accuracy"
    better = "max"

    def __init__(
        self,
        threshold: float | None = None,
        multilabel: bool | None = None,
        ignore_index: int | None = None,
    ) -> None:
        self.threshold, self.multilabel, self.ignore_index = threshold, multilabel, ignore_index
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self._read_as = ""

    def update(self, outputs: Array, targets: Array) -> None:
        predicted, true, _ = self.predictions(outputs, targets)
        self.add(int(np.count_nonzero(predicted == true)), len(true))


class TopKAccuracy(OfClasses, Average):
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

    better = "max"

    def __init__(self, k: int = 5) -> None:
        self.k = count("TopKAccuracy", "k", k, 1)
        self.name = f"top_{self.k}_accuracy"
        super().__init__()

    def update(self, outputs: Array, targets: Array) -> None:
        scores, classes = self.class_scores(outputs, targets)
        own = np.take_along_axis(scores, classes[:, None], 1)
        lower = np.arange(scores.shape[1]) < classes[:, None]
        rank = ((scores > own) | ((scores == own) & lower)).sum(1)
        hits = (rank < self.k) & ~np.isnan(own[:, 0])
        self.add(int(np.count_nonzero(hits)), len(classes))


class Perplexity(OfClasses, Average):
    """Perplexity: exp of the mean cross-entropy of the logits.

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.metrics.Perplexity()(np.zeros((3, 10)), np.array([1, 2, 3])), 6)
    10.0
    """

    name = "perplexity"
    better = "min"

    def update(self, outputs: Array, targets: Array) -> None:
        outputs, targets = arrays(self.name, outputs, targets)
        scores, classes = self.class_scores(outputs, targets)
        if not len(classes):
            return
        scores = scores.astype(np.float64)
        top = scores.max(1)
        log_total = np.log(np.exp(scores - top[:, None]).sum(1)) + top
        if targets.shape == outputs.shape:  # class probabilities q: log Σ exp x − Σ q x
            q = np.moveaxis(targets, 1, -1).reshape(scores.shape)
            own = np.where(q == 0, 0, scores * q).sum(1)  # where q is 0, x may be −∞
            self.add((q.sum(1) * log_total - own).sum(), len(classes))
        else:
            own = np.take_along_axis(scores, classes[:, None], 1)[:, 0]
            self.add((log_total - own).sum(), len(classes))

    def compute(self) -> float:
        return float(np.exp(super().compute()))


def accuracy(outputs: Any, targets: Any, threshold: float = 0.5) -> float:
    """Fraction of samples whose class is predicted correctly.

    Parameters
    ----------
    outputs : scores (N, C, d1, ...), or one score per target: any shape, or (N, 1) for (N,); or
        predicted class indices, integers of the targets' shape.
    targets : class indices (N, d1, ...), where −100 is ignored; class probabilities of the
        outputs' shape, such as one-hot rows; or 0 and 1.
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
    targets : class indices (N, d1, ...), where −100 is ignored; or class probabilities of the
        outputs' shape, such as one-hot rows.
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
    targets : class indices (N, d1, ...), where −100 is ignored; or class probabilities of the
        outputs' shape, such as one-hot rows.

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
