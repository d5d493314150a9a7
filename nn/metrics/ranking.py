"""Ranking metrics: area under the ROC curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.metrics.class_indices import are_distributions, arrays
from nn.metrics.metric import Metric


class AUC(Metric):
    """Area under the ROC curve: how often a sample of class 1 scores above one of class 0.

    Ties count half. It is exact, from the ranks of all scores; Keras sums over 200 thresholds.

    Examples
    --------
    >>> import nn, numpy as np
    >>> metric = nn.metrics.AUC()
    >>> metric.update(np.array([0.1, 0.4]), np.array([0, 0]))
    >>> metric.update(np.array([0.35, 0.8]), np.array([1, 1]))
    >>> metric.compute()
    0.75
    """

    name = "auc"
    better = "max"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._scores: list[Array] = []
        self._targets: list[Array] = []

    def update(self, outputs: Array, targets: Array) -> None:
        """Add a batch: one score for each target of 0 or 1; or scores (N, 2) of both classes."""
        outputs, targets = arrays("auc", outputs, targets)
        both = outputs.ndim == 2 and outputs.shape[1] == 2
        if both and targets.shape == outputs.shape and are_distributions(targets):
            targets = targets[:, 1]
        both = both and targets.size == len(outputs)
        if not both and (outputs.size, outputs.shape[:1]) != (targets.size, targets.shape[:1]):
            raise ValueError(
                f"auc: there must be one score for each target, or scores (N, 2); got "
                f"{outputs.shape} and targets {targets.shape}. Of several classes take each "
                "against the rest: outputs[:, c], targets == c."
            )
        if not ((targets == 0) | (targets == 1)).all():
            raise ValueError(
                f"auc: targets must be 0 or 1; got {targets.min()} to {targets.max()}."
            )
        self._scores.append(outputs.reshape((-1, 2) if both else -1).astype(np.float64))
        self._targets.append(targets.reshape(-1) == 1)

    def compute(self) -> float:
        if not self._scores:
            return float("nan")
        scores, true = np.concatenate(self._scores), np.concatenate(self._targets)
        if scores.ndim == 2:  # probabilities of class 1, or logits, whose difference orders them
            scores = scores[:, 1] - (0 if are_distributions(scores) else scores[:, 0])
        positive = int(np.count_nonzero(true))
        if not 0 < positive < len(true) or np.isnan(scores).any():
            return float("nan")
        _, rank, counts = np.unique(scores, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[rank]  # from 1; ties share their mean
        above = ranks[true].sum() - positive * (positive + 1) / 2
        return float(above / (positive * (len(true) - positive)))

    def __call__(self, outputs: Any, targets: Any) -> float:
        return float(super().__call__(outputs, targets))


def roc_auc_score(outputs: Any, targets: Any) -> float:
    """Area under the ROC curve: how often a sample of class 1 scores above one of class 0.

    Parameters
    ----------
    outputs : scores of the targets' shape, or (N, 2).
    targets : 0 and 1.

    Returns
    -------
    float from 0 to 1; NaN if only one class is there, or a score is NaN.

    Raises
    ------
    ValueError
        Other shapes or targets.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.roc_auc_score([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    return AUC()(outputs, targets)
