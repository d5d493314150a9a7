"""Classification losses, as modules."""

from __future__ import annotations

from typing import Any

from autograd.value import Value
from nn import functional
from nn.arguments import flags
from nn.losses.loss import Loss, WeightedLoss


class CrossEntropyLoss(WeightedLoss):
    """−log softmax(logits)[target], averaged; see `functional.cross_entropy`.

    Parameters
    ----------
    weight : class weights, shape (C,), optional.
    ignore_index : targets with this index are ignored.
    reduction : "mean", "sum" or "none".
    label_smoothing : share of the target's probability spread evenly over all classes.

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
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"CrossEntropyLoss: label_smoothing must be between 0 and 1, got {label_smoothing}."
            )
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Value:
        """Compare logits with targets."""
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(WeightedLoss):
    """−log_probabilities[target], averaged; see `functional.nll_loss`.

    Parameters
    ----------
    weight : class weights, shape (C,), optional.
    ignore_index : targets with this index are ignored.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> log_p = nn.LogSoftmax(dim=1)(nn.Parameter(np.zeros((4, 10))))
    >>> round(nn.NLLLoss()(log_p, np.arange(4)).item(), 4)
    2.3026
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Value:
        """Compare log-probabilities with targets."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class KLDivLoss(Loss):
    """Kullback–Leibler divergence; see `functional.kl_div`.

    Parameters
    ----------
    reduction : "batchmean" is the divergence itself; "mean", "sum" or "none".
    log_target : whether targets are logarithms.

    Examples
    --------
    >>> import nn, numpy as np
    >>> log_p = nn.Parameter(np.log([[0.5, 0.5]]))
    >>> round(nn.KLDivLoss("batchmean")(log_p, np.array([[1.0, 0.0]])).item(), 4)
    0.6931
    """

    reductions = (*Loss.reductions, "batchmean")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        flags("KLDivLoss", log_target=log_target)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Value:
        """Compare log-probabilities with probabilities."""
        return functional.kl_div(input, target, self.reduction, self.log_target)


class CTCLoss(Loss):
    """Connectionist temporal classification, −log p(labels); see `functional.ctc_loss`.

    Parameters
    ----------
    blank : index of the blank class.
    reduction : "mean", "sum" or "none".
    zero_infinity : set the infinite loss of a target too long for its input to 0.

    Examples
    --------
    >>> import nn, numpy as np
    >>> log_p = nn.LogSoftmax(dim=2)(nn.Parameter(np.zeros((2, 1, 2))))
    >>> round(nn.CTCLoss()(log_p, np.array([[1]]), [2], [1]).item(), 4)  # log 4/3
    0.2877
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction)
        flags("CTCLoss", zero_infinity=zero_infinity)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any
    ) -> Value:
        """Sum over all alignments of (T, N, C) with the labels."""
        return functional.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip


class MultiMarginLoss(WeightedLoss):
    """Multi-class hinge loss; see `functional.multi_margin_loss`.

    Parameters
    ----------
    p : 1 or 2.
    margin : by how much.
    weight : class weights, shape (C,), optional.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MultiMarginLoss()(nn.Parameter([[0.0, 1.0]]), np.array([0])).item()
    1.0
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p must be 1 or 2, got {p}.")
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Value:
        """Compare scores with classes."""
        return functional.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, self.reduction
        )


class MultiLabelMarginLoss(Loss):
    """Multi-label hinge loss; see `functional.multilabel_margin_loss`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = nn.Parameter([0.1, 0.2, 0.4, 0.8])
    >>> round(nn.MultiLabelMarginLoss()(x, np.array([3, 0, -1, 1])).item(), 4)
    0.85
    """

    def forward(self, input: Any, target: Any) -> Value:
        """Compare scores with lists of classes."""
        return functional.multilabel_margin_loss(input, target, self.reduction)
