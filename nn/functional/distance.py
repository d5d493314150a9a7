"""Distances and similarities of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.ops.algebra.vector_norms import vector_norm
from autograd.value import Value
from nn.arguments import flags, reals
from nn.functional.half import by_single
from nn.functional.tensor import Tensor, floats


@by_single
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Value:
    r"""Cosine of the angle between vectors along an axis.

    .. math:: \frac{x_1 \cdot x_2}{\max(\|x_1\|, ε) \, \max(\|x_2\|, ε)}

    Parameters
    ----------
    x1, x2 : shapes that broadcast together.
    dim : the axis of the vectors, which the result has not.
    eps : lower bound of the norms.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.cosine_similarity(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([0.6])
    """
    reals("cosine_similarity", eps=eps)
    x1, x2 = (floats("cosine_similarity", x, n) for x, n in ((x1, "x1"), (x2, "x2")))
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ValueError(
            f"cosine_similarity: x1 {x1.shape} and x2 {x2.shape} must have the same shape, or "
            "shapes that broadcast."
        ) from None
    axis(shape, dim, "cosine_similarity")
    x1, x2 = (x if x.shape == shape else np.broadcast_to(x, shape) for x in (x1, x2))
    u1, u2 = (x / np.maximum(_norm(x, 2.0, dim, True), eps) for x in (x1, x2))
    return np.sum(u1 * u2, axis=dim)


@by_single
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Value:
    r"""The p-norm of x1 − x2 + ε along the last axis.

    Parameters
    ----------
    x1, x2 : (..., D), shapes that broadcast together.
    p : of the norm.
    eps : added to each difference, which keeps the slope away from that at 0.
    keepdim : whether the last axis stays, as a 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = nn.functional.pairwise_distance(np.zeros((1, 2)), np.array([[3.0, 4.0]]), eps=0.0)
    >>> y
    array([5.])
    """
    flags("pairwise_distance", keepdim=keepdim)
    reals("pairwise_distance", p=p, eps=eps)
    x1, x2 = (floats("pairwise_distance", x, n) for x, n in ((x1, "x1"), (x2, "x2")))
    if x1.shape[-1:] != x2.shape[-1:] or not x1.ndim:
        raise ValueError(
            f"pairwise_distance: x1 {x1.shape} and x2 {x2.shape} must have the same last axis."
        )
    return _norm(x1 - x2 + eps, p, -1, keepdim)


@by_single
def pdist(input: Tensor, p: float = 2.0) -> Value:
    """The p-norms of the differences of all pairs of rows, the first row's pairs first.

    Parameters
    ----------
    input : (N, D).
    p : of the norm.

    Returns
    -------
    Value of shape (N (N - 1) / 2,).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.pdist(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).round(3)
    array([5.   , 1.   , 4.243])
    """
    reals("pdist", p=p)
    x = floats("pdist", input)
    if x.ndim != 2:
        raise ValueError(f"pdist: input must be (N, D), got {x.shape}.")
    first, second = np.triu_indices(x.shape[0], 1)
    return _norm(x[first] - x[second], p, -1, False)


@by_single
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Value:
    r"""Divide vectors along an axis by their p-norm, at least eps.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    reals("normalize", p=p, eps=eps)
    x = floats("normalize", input)
    axis(x.shape, dim, "normalize")
    return x / np.maximum(_norm(x, p, dim, True), eps)


def _norm(x: Tensor, p: float, axis: int, keepdims: bool) -> Value:
    y: Any = vector_norm(x, ord=p, axis=axis, keepdims=keepdims)  # NumPy's own overflows
    return y


def axis(shape: tuple[int, ...], dim: Any, who: str) -> int:
    """A non-negative axis; refused where the shape does not have it."""
    if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
        raise TypeError(f"{who}: dim must be an integer, got {dim!r}.")
    if not -len(shape) <= dim < len(shape):
        raise ValueError(f"{who}: dim={dim} is no axis of shape {shape}.")
    return int(dim) % len(shape)
