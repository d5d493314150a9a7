"""Margin losses, as modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.value import Value
from nn import functional
from nn.arguments import flags
from nn.losses.loss import Loss


class HingeEmbeddingLoss(Loss):
    """Hinge loss of distances; see `functional.hinge_embedding_loss`.

    Parameters
    ----------
    margin : minimum distance of pairs of target −1.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.HingeEmbeddingLoss()(nn.Parameter([0.5, 0.5]), np.array([1, -1])).item()
    0.5
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Any, target: Any) -> Value:
        """Compare distances with signs."""
        return functional.hinge_embedding_loss(input, target, self.margin, self.reduction)


class MarginRankingLoss(Loss):
    """Ranking loss of pairs of scores; see `functional.margin_ranking_loss`.

    Parameters
    ----------
    margin : by how much.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MarginRankingLoss()(nn.Parameter([1.0]), np.array([3.0]), np.array([1])).item()
    2.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Value:
        """Compare two rankings with signs."""
        return functional.margin_ranking_loss(input1, input2, target, self.margin, self.reduction)


class CosineEmbeddingLoss(Loss):
    """Cosine loss of pairs of vectors; see `functional.cosine_embedding_loss`.

    Parameters
    ----------
    margin : cosine above which dissimilar pairs cost, −1 to 1.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> a, b = nn.Parameter([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> nn.CosineEmbeddingLoss()(a, b, np.array([1])).item()
    1.0
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Value:
        """Compare the angles of pairs with signs."""
        return functional.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(Loss):
    """Triplet loss; see `functional.triplet_margin_loss`.

    Parameters
    ----------
    margin : more than 0.
    p : of the norm.
    eps : added to each difference.
    swap : use the distance of positive and negative where it is smaller.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> a = nn.Parameter([[0.0, 0.0]])
    >>> round(nn.TripletMarginLoss()(a, np.ones((1, 2)), -np.ones((1, 2))).item(), 4)
    1.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: margin must be more than 0, got {margin}.")
        flags("TripletMarginLoss", swap=swap)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Value:
        """Compare two distances."""
        return functional.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )


class TripletMarginWithDistanceLoss(Loss):
    """`TripletMarginLoss` with any distance; by default `functional.pairwise_distance`.

    Parameters
    ----------
    distance_function : of two arrays (N, D), optional.
    margin : more than 0.
    swap : use the distance of positive and negative where it is smaller.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> a = nn.Parameter([[0.0, 0.0]])
    >>> loss = nn.TripletMarginWithDistanceLoss(margin=2.0)
    >>> round(loss(a, np.ones((1, 2)), -np.ones((1, 2))).item(), 4)
    2.0
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ValueError(
                f"TripletMarginWithDistanceLoss: margin must be more than 0, got {margin}."
            )
        self.distance_function: Callable[[Any, Any], Any] = (
            distance_function or functional.pairwise_distance
        )
        flags("TripletMarginWithDistanceLoss", swap=swap)
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Value:
        """Compare two distances."""
        return functional.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip
