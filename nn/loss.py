"""Losses as modules."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import functional
from nn.module import Buffer, Module


class _WeightedLoss(Module):
    """A loss with one factor a class, kept as a buffer."""

    def __init__(self, weight: Any = None) -> None:
        self.weight: Any = None
        if weight is not None:
            self.weight = Buffer(np.asarray(weight, np.float32))


class CrossEntropyLoss(_WeightedLoss):
    """−log softmax(logits)[target], averaged; see `functional.cross_entropy`.

    Parameters
    ----------
    weight : one factor a class, shape (C,), optional.
    ignore_index : targets of this number count for nothing.
    reduction : "mean", "sum" or "none".
    label_smoothing : share of the target's probability that goes to all classes evenly.

    Input (N, C) or (N, C, d1, ...), targets (N,) or (N, d1, ...) as integers.

    Examples
    --------
    >>> import nn, numpy as np
    >>> loss = nn.CrossEntropyLoss()
    >>> round(loss(nn.Parameter(np.zeros((4, 10))), np.arange(4)).item(), 4)  # log 10
    2.3026
    """

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """Compare logits with targets."""
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_WeightedLoss):
    """−log_probabilities[target], averaged; see `functional.nll_loss`."""

    def __init__(
        self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight)
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Compare log-probabilities with targets."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class MSELoss(Module):
    """(input − target)², averaged over all elements; see `functional.mse_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """Compare two arrays of the same shape."""
        return functional.mse_loss(input, target, self.reduction)
