"""Binary losses, as modules."""

from __future__ import annotations

from typing import Any

from autograd.value import Value
from nn import functional
from nn.losses.loss import Loss, WeightedLoss, as_factors


class BCELoss(WeightedLoss):
    """Binary cross-entropy of probabilities; see `functional.binary_cross_entropy`.

    Parameters
    ----------
    weight : weights that broadcast to the input's shape, optional.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.BCELoss()(nn.Parameter([0.5, 0.5]), np.array([0, 1])).item(), 4)
    0.6931
    """

    def forward(self, input: Any, target: Any) -> Value:
        """Compare probabilities with targets of 0 to 1."""
        return functional.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Binary cross-entropy of logits; see `functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : weights that broadcast to the input's shape, optional.
    reduction : "mean", "sum" or "none".
    pos_weight : weights of each class's positive examples, optional.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.BCEWithLogitsLoss()(nn.Parameter([-200.0, 200.0]), np.array([1, 1])).item()
    100.0
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", as_factors(pos_weight))

    pos_weight: Any

    def forward(self, input: Any, target: Any) -> Value:
        """Compare logits with targets of 0 to 1."""
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight
        )


class SoftMarginLoss(Loss):
    """log(1 + exp(−t x)) for targets of 1 and −1; see `functional.soft_margin_loss`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.SoftMarginLoss()(nn.Parameter([0.0]), np.array([-1])).item(), 4)
    0.6931
    """

    def forward(self, input: Any, target: Any) -> Value:
        """Compare scores with signs."""
        return functional.soft_margin_loss(input, target, self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Binary cross-entropy over classes; see `functional.multilabel_soft_margin_loss`.

    Parameters
    ----------
    weight : class weights, shape (C,), optional.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = nn.Parameter(np.zeros((2, 3)))
    >>> round(nn.MultiLabelSoftMarginLoss()(x, np.eye(2, 3)).item(), 4)
    0.6931
    """

    def forward(self, input: Any, target: Any) -> Value:
        """Compare logits with targets of 0 to 1."""
        return functional.multilabel_soft_margin_loss(input, target, self.weight, self.reduction)
