"""Metrics that are read off the confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.metrics.classification import choices
from nn.metrics.metric import Array, Metric

AVERAGES = ("binary", "macro", "micro", "weighted", None)


class ConfusionMatrix(Metric):
    """How often each class (rows) was predicted as which (columns).

    Parameters
    ----------
    num_classes : C; by default as many as the largest class number seen asks for.
    threshold : as in `Accuracy`.
    """

    name = "confusion_matrix"

    def __init__(self, num_classes: int | None = None, threshold: float = 0.5) -> None:
        self.num_classes, self.threshold = num_classes, threshold
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        c = self.num_classes or 0
        self.counts: Array = np.zeros((c, c), np.int64)

    def update(self, outputs: Array, targets: Array) -> None:
        """As in `Metric`. Outputs of integers are taken as predicted class numbers."""
        if outputs.dtype.kind in "iu" and outputs.shape == targets.shape:
            guesses, numbers = outputs.reshape(-1), targets.reshape(-1)
        else:
            guesses, numbers = choices(self.name, outputs, targets, self.threshold)
        a_score_each_class = outputs.shape[:1] + outputs.shape[2:] == targets.shape
        c = len(self.counts)
        both = np.concatenate([guesses, numbers]).astype(np.int64)
        if both.size and (both.min() < 0 or both.max() >= (self.num_classes or np.inf)):
            raise ValueError(
                f"{self.name}: class numbers {both.min()} to {both.max()}, but num_classes is "
                f"{self.num_classes}."
            )
        known = outputs.shape[1] if a_score_each_class and outputs.ndim > 1 else 1
        needed = max(int(both.max(initial=-1)) + 1, known)
        if self.num_classes is None and needed > c:
            self.counts = np.pad(self.counts, (0, needed - c))
            c = needed
        flat = numbers.astype(np.int64) * c + guesses
        self.counts = self.counts + np.bincount(flat, minlength=c * c).reshape(c, c)

    def compute(self) -> Any:
        """As in `Metric`: int64, shape (C, C)."""
        return self.counts


class _FromCounts(ConfusionMatrix):
    """Precision, recall and what is made of them.

    Parameters
    ----------
    average : "macro" is the mean over classes, "weighted" that weighted by how often each class
        is there, "micro" counts all classes together, "binary" looks at class 1 only, None gives
        one number a class. By default "binary" for two classes, else "macro".
    num_classes, threshold : as in `ConfusionMatrix`.

    A class for which the number is 0/0 counts as 0.
    """

    def __init__(
        self,
        average: str | None = "auto",
        num_classes: int | None = None,
        threshold: float = 0.5,
    ) -> None:
        if average not in (*AVERAGES, "auto"):
            raise ValueError(f"{self.name}: average must be one of {AVERAGES}, got {average!r}.")
        self.average = average
        super().__init__(num_classes, threshold)

    def score(self, right: Array, predicted: Array, there: Array) -> Array:
        """The number, from counts of any shape."""
        raise NotImplementedError

    def compute(self) -> Any:
        """As in `Metric`."""
        counts = self.counts
        right, predicted, there = np.diag(counts), counts.sum(0), counts.sum(1)
        average = self.average
        if average == "auto":
            average = "binary" if len(counts) <= 2 else "macro"
        if average == "micro":
            return float(self.score(right.sum(), predicted.sum(), there.sum()))
        each = self.score(right, predicted, there)
        if average is None:
            return each
        if average == "binary":
            if len(each) > 2:
                raise ValueError(
                    f"{self.name}: average='binary' is for 2 classes, there are {len(each)}; "
                    "choose 'macro', 'micro' or 'weighted'."
                )
            return float(each[1]) if len(each) == 2 else 0.0
        seen = (there + predicted) > 0
        weights = there if average == "weighted" else seen
        return float((each * weights).sum() / weights.sum()) if weights.sum() else float("nan")


class Precision(_FromCounts):
    """Of the samples predicted as a class, the share that is of it."""

    name = "precision"

    def score(self, right: Array, predicted: Array, there: Array) -> Array:
        """As in the base."""
        return np.divide(right, np.maximum(predicted, 1))


class Recall(_FromCounts):
    """Of the samples of a class, the share predicted as it."""

    name = "recall"

    def score(self, right: Array, predicted: Array, there: Array) -> Array:
        """As in the base."""
        return np.divide(right, np.maximum(there, 1))


class F1(_FromCounts):
    """The harmonic mean of precision and recall."""

    name = "f1"

    def score(self, right: Array, predicted: Array, there: Array) -> Array:
        """As in the base."""
        score: Array = 2 * right / np.maximum(predicted + there, 1)
        return score


class JaccardIndex(_FromCounts):
    """Intersection over union: right, over all that are of the class or were predicted as it."""

    name = "iou"

    def score(self, right: Array, predicted: Array, there: Array) -> Array:
        """As in the base."""
        share: Array = right / np.maximum(predicted + there - right, 1)
        return share


def confusion_matrix(
    outputs: Any, targets: Any, num_classes: int | None = None, threshold: float = 0.5
) -> Array:
    """How often each class (rows) was predicted as which (columns).

    Parameters
    ----------
    outputs : predicted class numbers as integers, of the targets' shape; or scores as in
        `accuracy`.
    targets : class numbers.
    num_classes : C; by default one more than the largest class number.
    threshold : as in `accuracy`.

    Returns
    -------
    int64, shape (C, C)

    Examples
    --------
    >>> import nn
    >>> nn.metrics.confusion_matrix([0, 2, 1, 2], [0, 2, 2, 2])
    array([[1, 0, 0],
           [0, 0, 0],
           [0, 1, 2]])
    """
    counts: Array = ConfusionMatrix(num_classes, threshold)(outputs, targets)
    return counts


def precision_score(outputs: Any, targets: Any, average: str | None = "auto") -> Any:
    """Of the samples predicted as a class, the share that is of it.

    Parameters
    ----------
    outputs, targets : as in `confusion_matrix`.
    average : "binary", "macro", "micro", "weighted" or None, one number a class; by default
        "binary" for two classes, else "macro". 0/0 counts as 0.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.precision_score([1, 1, 0, 1], [1, 0, 0, 1]) == 2 / 3
    True
    """
    return Precision(average)(outputs, targets)


def recall_score(outputs: Any, targets: Any, average: str | None = "auto") -> Any:
    """Of the samples of a class, the share predicted as it; arguments as in `precision_score`.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.recall_score([1, 0, 0, 1], [1, 1, 0, 1]) == 2 / 3
    True
    """
    return Recall(average)(outputs, targets)


def f1_score(outputs: Any, targets: Any, average: str | None = "auto") -> Any:
    """The harmonic mean of precision and recall; arguments as in `precision_score`.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.f1_score([1, 0, 0, 1], [1, 1, 0, 1])
    0.8
    """
    return F1(average)(outputs, targets)


def jaccard_score(outputs: Any, targets: Any, average: str | None = "auto") -> Any:
    r"""Intersection over union of predicted and true places; arguments as in `precision_score`.

    .. math:: \mathrm{IoU}_c = \frac{|\hat y = c \;\wedge\; y = c|}{|\hat y = c \;\vee\; y = c|}

    The measure of segmentation, where outputs are scores (N, C, H, W) or predicted classes
    (N, H, W), and targets are (N, H, W).

    Examples
    --------
    >>> import nn
    >>> truth = [[0, 1, 1], [0, 0, 1]]
    >>> nn.metrics.jaccard_score([[0, 1, 1], [0, 1, 0]], truth)
    0.5
    >>> nn.metrics.jaccard_score([[0, 1, 1], [0, 1, 0]], truth, average=None)
    array([0.5, 0.5])
    """
    return JaccardIndex(average)(outputs, targets)
