"""Metrics computed from the confusion matrix: precision, recall, F1, Jaccard index."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.arguments import count
from nn.metrics.class_indices import OfClasses, arrays
from nn.metrics.metric import Metric

AVERAGES = ("binary", "macro", "micro", "weighted", None)


class ConfusionMatrix(OfClasses, Metric):
    """Confusion matrix: entry [i, j] counts samples of class i predicted as class j.

    Parameters
    ----------
    num_classes : C; by default it grows with the largest class index seen.
    threshold, multilabel, ignore_index : as in `Accuracy`; the labels of several questions a sample
        are counted together, as classes 0 and 1.

    Raises
    ------
    ValueError
        From `update`: incompatible shapes, or a class index out of range.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.ConfusionMatrix()(np.array([0, 1, 1]), np.array([0, 0, 1]))
    array([[1, 1],
           [0, 1]])
    """

    name = "confusion_matrix"

    def __init__(
        self,
        num_classes: int | None = None,
        threshold: float | None = None,
        multilabel: bool | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if num_classes is not None:
            num_classes = count(type(self).__name__, "num_classes", num_classes, 1)
        self.num_classes, self.threshold = num_classes, threshold
        self.multilabel, self.ignore_index = multilabel, ignore_index
        self.reset()

    @property
    def single(self) -> bool:
        return False

    def reset(self) -> None:
        c = self.num_classes or 0
        self.counts: Array = np.zeros((c, c), np.int64)
        self._read_as = ""

    def update(self, outputs: Array, targets: Array) -> None:
        """Add a batch. Integer outputs of the targets' shape are predicted class indices."""
        outputs, targets = arrays(self.name, outputs, targets)
        predicted, true, known = self.predictions(outputs, targets)
        if (predicted == -1).any() and np.isnan(outputs).any():
            raise ValueError(f"{self.name}: the outputs hold NaN, which predicts no class.")
        c = len(self.counts)
        both = np.concatenate([predicted, true])
        if both.size and (both.min() < 0 or both.max() >= (self.num_classes or np.inf)):
            raise ValueError(
                f"{self.name}: class indices {both.min()} to {both.max()}, but num_classes is "
                f"{self.num_classes}."
            )
        needed = max(int(both.max(initial=-1)) + 1, known)
        if self.num_classes is None and needed > c:
            self.counts = np.pad(self.counts, (0, needed - c))
            c = needed
        flat = true * c + predicted
        self.counts = self.counts + np.bincount(flat, minlength=c * c).reshape(c, c)

    def compute(self) -> float | Array:
        """The counts: int64, shape (C, C)."""
        return self.counts


class _FromCounts(ConfusionMatrix):
    """Base class of scores computed per class from the confusion matrix, then averaged."""

    better = "max"

    def __init__(
        self,
        average: str | None = "auto",
        num_classes: int | None = None,
        threshold: float | None = None,
        multilabel: bool | None = None,
        ignore_index: int | None = None,
    ) -> None:
        if not isinstance(average, (str, type(None))) or average not in (*AVERAGES, "auto"):
            raise ValueError(f"{self.name}: average must be one of {AVERAGES}, got {average!r}.")
        self.average = average
        super().__init__(num_classes, threshold, multilabel, ignore_index)

    @property
    def single(self) -> bool:
        return self.average is not None

    def score(self, correct: Array, predicted: Array, true: Array) -> Array:
        """The score from counts of any shape: samples correct, predicted as and of the class."""
        raise NotImplementedError

    def compute(self) -> float | Array:
        """The score of all batches so far: a float, or shape (C,) if `average` is None."""
        counts = self.counts
        correct, predicted, true = np.diag(counts), counts.sum(0), counts.sum(1)
        average = self.average
        if average is not None and not counts.any():
            return float("nan")
        if average == "auto":
            average = "binary" if len(counts) <= 2 else "macro"
        if average == "micro":
            return float(self.score(correct.sum(), predicted.sum(), true.sum()))
        each = self.score(correct, predicted, true)
        if average is None:
            return each
        if average == "binary":
            if len(each) > 2:
                raise ValueError(
                    f"{self.name}: average='binary' requires 2 classes, but there are {len(each)}; "
                    "choose 'macro', 'micro' or 'weighted'."
                )
            return float(each[1]) if len(each) == 2 else 0.0
        seen = (true + predicted) > 0
        weights = true if average == "weighted" else seen
        return float((each * weights).sum() / weights.sum()) if weights.sum() else float("nan")


class Precision(_FromCounts):
    """Precision: of the samples predicted as a class, the fraction that belong to it.

    Parameters
    ----------
    average : "macro" averages over classes, "weighted" weights them by their number of samples,
        "micro" pools the counts of all classes, "binary" is the score of class 1, None gives one
        score per class. By default "binary" for two classes, otherwise "macro". 0/0 counts as 0.
    num_classes, threshold, multilabel, ignore_index : as in `ConfusionMatrix`.

    Raises
    ------
    ValueError
        An unknown average; from `compute`, "binary" with more than two classes.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.Precision()(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 1]))
    0.5
    """

    name = "precision"

    def score(self, correct: Array, predicted: Array, true: Array) -> Array:
        return np.divide(correct, np.maximum(predicted, 1))


class Recall(_FromCounts):
    """Recall: of the samples of a class, the fraction predicted as it.

    Parameters and errors are those of `Precision`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.Recall()(np.array([1, 0, 0, 0]), np.array([1, 1, 0, 0]))
    0.5
    """

    name = "recall"

    def score(self, correct: Array, predicted: Array, true: Array) -> Array:
        return np.divide(correct, np.maximum(true, 1))


class F1(_FromCounts):
    """F1 score: the harmonic mean of precision and recall.

    Parameters and errors are those of `Precision`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.F1()(np.array([1, 0, 0, 1]), np.array([1, 1, 0, 1]))
    0.8
    """

    name = "f1"

    def score(self, correct: Array, predicted: Array, true: Array) -> Array:
        score: Array = 2 * correct / np.maximum(predicted + true, 1)
        return score


class JaccardIndex(_FromCounts):
    """Jaccard index, or intersection over union (IoU), of predicted and true samples of a class.

    Parameters and errors are those of `Precision`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.metrics.JaccardIndex()(np.array([1, 1, 0, 1]), np.array([1, 0, 1, 1]))
    0.5
    """

    name = "iou"

    def score(self, correct: Array, predicted: Array, true: Array) -> Array:
        score: Array = correct / np.maximum(predicted + true - correct, 1)
        return score


def confusion_matrix(
    outputs: Any, targets: Any, num_classes: int | None = None, threshold: float = 0.5
) -> Array:
    """Confusion matrix: entry [i, j] counts samples of class i predicted as class j.

    Parameters
    ----------
    outputs : predicted class indices, integers of the targets' shape; or scores as in `accuracy`.
    targets : class indices.
    num_classes : C; by default the largest class index plus one.
    threshold : as in `accuracy`.

    Returns
    -------
    int64, shape (C, C)

    Raises
    ------
    ValueError
        Incompatible shapes, or a class index out of range.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.confusion_matrix([0, 2, 1, 2], [0, 2, 2, 2])
    array([[1, 0, 0],
           [0, 0, 0],
           [0, 1, 2]])
    """
    return np.asarray(ConfusionMatrix(num_classes, threshold)(outputs, targets))


def precision_score(outputs: Any, targets: Any, average: str | None = "auto") -> float | Array:
    """Precision: of the samples predicted as a class, the fraction that belong to it.

    Parameters
    ----------
    outputs, targets : as in `confusion_matrix`.
    average : "binary", "macro", "micro", "weighted" or None, as in `Precision`; by default
        "binary" for two classes, otherwise "macro". 0/0 counts as 0.

    Returns
    -------
    float, or an array of shape (C,) if `average` is None.

    Raises
    ------
    ValueError
        Incompatible shapes, an unknown average, or "binary" with more than two classes.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.precision_score([1, 1, 0, 1], [1, 0, 0, 1]) == 2 / 3
    True
    """
    return Precision(average)(outputs, targets)


def recall_score(outputs: Any, targets: Any, average: str | None = "auto") -> float | Array:
    """Recall: of the samples of a class, the fraction predicted as it.

    Parameters, returns and errors are those of `precision_score`.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.recall_score([1, 0, 0, 1], [1, 1, 0, 1]) == 2 / 3
    True
    """
    return Recall(average)(outputs, targets)


def f1_score(outputs: Any, targets: Any, average: str | None = "auto") -> float | Array:
    """F1 score: the harmonic mean of precision and recall.

    Parameters, returns and errors are those of `precision_score`.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.f1_score([1, 0, 0, 1], [1, 1, 0, 1])
    0.8
    """
    return F1(average)(outputs, targets)


def jaccard_score(outputs: Any, targets: Any, average: str | None = "auto") -> float | Array:
    r"""Jaccard index, or intersection over union (IoU), of predicted and true samples of a class.

    .. math:: \mathrm{IoU}_c = \frac{|\hat y = c \;\wedge\; y = c|}{|\hat y = c \;\vee\; y = c|}

    The standard metric of segmentation: outputs are scores (N, C, H, W) or predicted class indices
    (N, H, W), targets (N, H, W). Parameters, returns and errors are those of `precision_score`.

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
