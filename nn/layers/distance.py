"""Distances and similarities of vectors, as modules."""

from __future__ import annotations

from typing import Any

from autograd.value import Value
from nn import functional
from nn.arguments import flags
from nn.module import Module


class CosineSimilarity(Module):
    """Cosine of the angle between vectors; see `functional.cosine_similarity`.

    Parameters
    ----------
    dim : the axis of the vectors.
    eps : lower bound of the norms.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.CosineSimilarity()(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([0.6])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Value:
        """Compare the vectors along `dim`."""
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of differences; see `functional.pairwise_distance`.

    Parameters
    ----------
    p : of the norm.
    eps : added to each difference.
    keepdim : whether the last axis stays, as a 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.PairwiseDistance(eps=0.0)(np.zeros((1, 2)), np.array([[3.0, 4.0]]))
    array([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        flags("PairwiseDistance", keepdim=keepdim)
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Value:
        """Compare the vectors along the last axis."""
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
