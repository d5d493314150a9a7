"""Margin losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
from autograd.dispatch import array_of
from autograd.value import Value
from nn.arguments import flags, reals
from nn.functional.distance import pairwise_distance
from nn.functional.half import by_single
from nn.functional.reduction import constant, hinge, paired, reduced, signs
from nn.functional.tensor import Tensor, floats
from nn.parameter import plain


@by_single
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Value:
    """The distance x where the target is 1, max(0, margin − x) where it is −1.

    Parameters
    ----------
    input : distances, any shape.
    target : 1 and −1, of the input's shape.
    margin : minimum distance of pairs of target −1.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = nn.Parameter([0.5, 0.2])
    >>> nn.functional.hinge_embedding_loss(x, np.array([1, -1]), reduction="none").data
    array([0.5, 0.8], dtype=float32)
    """
    reals("hinge_embedding_loss", margin=margin)
    x, t = paired("hinge_embedding_loss", input, target)
    signs("hinge_embedding_loss", t)
    losses = np.where(t > 0, x, hinge(margin - x))
    return reduced(losses, reduction, "hinge_embedding_loss")


@by_single
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Value:
    """max(0, −t (x1 − x2) + margin): x1 should rank higher where t is 1, lower where t is −1.

    Parameters
    ----------
    input1, input2, target : the same shape; the target holds 1 and −1.
    margin : by how much.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.margin_ranking_loss(nn.Parameter([1.0]), np.array([3.0]), [1]).item()
    2.0
    """
    reals("margin_ranking_loss", margin=margin)
    x1, x2 = paired("margin_ranking_loss", input1, input2)
    x1, t = paired("margin_ranking_loss", x1, target)
    signs("margin_ranking_loss", t)
    return reduced(hinge(margin - t * (x1 - x2)), reduction, "margin_ranking_loss")


@by_single
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Value:
    """1 − cos where the target is 1, max(0, cos − margin) where it is −1.

    Parameters
    ----------
    input1, input2 : (N, D) or (D,).
    target : 1 and −1, (N,) or ().
    margin : cosine above which dissimilar pairs cost, −1 to 1.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> a, b = nn.Parameter([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> nn.functional.cosine_embedding_loss(a, b, [1]).item()
    1.0
    """
    who = "cosine_embedding_loss"
    reals(who, margin=margin)
    x1, x2 = paired(who, input1, input2)
    if x1.ndim not in (1, 2):
        raise ValueError(f"{who}: inputs must have shape (N, D) or (D,), got {x1.shape}.")
    t = constant(who, target, x1, "target")
    if t.shape != x1.shape[:-1]:
        raise ValueError(
            f"{who}: target must have shape {x1.shape[:-1]} for inputs {x1.shape}, got {t.shape}."
        )
    signs(who, t)
    cosine = np.sum(_unit(x1) * _unit(x2), axis=-1)
    return reduced(np.where(t > 0, 1 - cosine, hinge(cosine - margin)), reduction, who)


def _unit(x: Tensor) -> Tensor:
    """Rows of length 1, or less near 0; scaled first where squares would leave the range."""
    largest = np.abs(plain(x)).max(axis=-1, keepdims=True, initial=0)
    scale = np.where(largest > np.finfo(x.dtype).max ** 0.25, largest, 1).astype(x.dtype)
    x = x / scale
    return x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True) + (1e-6 / scale) ** 2)


@by_single
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Value:
    r"""Triplet loss: the positive should be nearer to the anchor than the negative, by a margin.

    .. math:: ℓ = \max(0, \|a - p\| - \|a - n\| + \text{margin})

    Parameters
    ----------
    anchor, positive, negative : (N, D) or (D,).
    margin : more than 0.
    p : of the norm.
    eps : added to each difference.
    swap : use the distance of positive and negative where it is smaller.
    reduction : "mean", "sum" or "none".

    References
    ----------
    Balntas et al., Learning shallow convolutional feature descriptors with triplet losses, 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> a = nn.Parameter([[0.0, 0.0]])
    >>> y = nn.functional.triplet_margin_loss(a, np.ones((1, 2)), -np.ones((1, 2)))
    >>> round(y.item(), 4)
    1.0
    """
    flags("triplet_margin_loss", swap=swap)
    return _triplet(
        "triplet_margin_loss",
        anchor,
        positive,
        negative,
        lambda a, b: pairwise_distance(a, b, p, eps),
        margin,
        swap,
        reduction,
    )


@by_single
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Value:
    """`triplet_margin_loss` with any distance function; `pairwise_distance` by default.

    Examples
    --------
    >>> import nn, numpy as np
    >>> F = nn.functional
    >>> a, b = nn.Parameter([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    >>> y = F.triplet_margin_with_distance_loss(
    ...     a, b, b, distance_function=lambda x, y: 1 - F.cosine_similarity(x, y)
    ... )
    >>> y.item()
    1.0
    """
    flags("triplet_margin_with_distance_loss", swap=swap)
    return _triplet(
        "triplet_margin_with_distance_loss",
        anchor,
        positive,
        negative,
        distance_function or pairwise_distance,
        margin,
        swap,
        reduction,
    )


def _triplet(
    who: str,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Value:
    reals(who, margin=margin)
    if margin <= 0:
        raise ValueError(f"{who}: margin must be more than 0, got {margin}.")
    a, near = paired(who, anchor, positive)
    a, far = paired(who, a, negative)
    close, away = distance(a, near), distance(a, far)
    if swap:
        away = np.minimum(away, distance(near, far))
    return reduced(hinge(close - away + margin), reduction, who)


@by_single
def multi_margin_loss(
    input: Tensor,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> Value:
    r"""Multi-class hinge loss: the true class should lead every other by a margin.

    .. math:: ℓ = \frac{w_t}{C} \sum_{c \ne t} \max(0, \text{margin} - x_t + x_c)^p

    Parameters
    ----------
    input : scores, (N, C) or (C,).
    target : class indices, (N,) or ().
    p : 1 or 2.
    margin : by how much.
    weight : class weights, (C,), optional.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.multi_margin_loss(nn.Parameter([[0.0, 1.0]]), np.array([0])).item()
    1.0
    """
    who = "multi_margin_loss"
    reals(who, margin=margin)
    x = floats(who, input)
    if x.ndim not in (1, 2) or not x.shape[-1]:
        raise ValueError(f"{who}: input must have shape (N, C) or (C,), got {x.shape}.")
    t = _classes(who, target, x.shape[-1], least=0)
    if t.shape != x.shape[:-1]:
        raise ValueError(
            f"{who}: target must have shape {x.shape[:-1]} for input {x.shape}, got {t.shape}."
        )
    if p not in (1, 2):
        raise ValueError(f"{who}: p must be 1 or 2, got {p}.")
    right = np.take_along_axis(x, t[..., None], axis=-1)
    gaps = np.where(
        np.arange(x.shape[-1]) == t[..., None], 0, autograd.ops.relu(margin - right + x)
    )
    losses = np.sum(gaps if p == 1 else np.square(gaps), axis=-1) / x.shape[-1]
    if weight is not None:
        w = constant(who, weight, x, "weight")
        if w.shape != x.shape[-1:]:
            raise ValueError(f"{who}: weight must have shape {x.shape[-1:]}, got {w.shape}.")
        losses = losses * w[t]
    return reduced(losses, reduction, who)


@by_single
def multilabel_margin_loss(input: Tensor, target: Any, reduction: str = "mean") -> Value:
    r"""Multi-label hinge loss: every true class should lead every other by 1.

    .. math:: ℓ = \frac{1}{C} \sum_{r} \sum_{c \text{ wrong}} \max(0, 1 - x_r + x_c)

    Parameters
    ----------
    input : scores, (N, C) or (C,).
    target : of the input's shape: the indices of the true classes, then −1 and anything.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = nn.Parameter([0.1, 0.2, 0.4, 0.8])
    >>> round(nn.functional.multilabel_margin_loss(x, np.array([3, 0, -1, 1])).item(), 4)
    0.85
    """
    who = "multilabel_margin_loss"
    x = floats(who, input)
    if x.ndim not in (1, 2) or not x.shape[-1]:
        raise ValueError(f"{who}: input must have shape (N, C) or (C,), got {x.shape}.")
    t = _classes(who, target, x.shape[-1], least=-1)
    if t.shape != x.shape:
        raise ValueError(f"{who}: target must have the input's shape {x.shape}, got {t.shape}.")
    listed = np.cumsum(t == -1, axis=-1) == 0
    named = np.where(listed, t, 0)
    wrong = ~np.any(
        (named[..., None] == np.arange(x.shape[-1])) & listed[..., None], axis=-2
    )  # (..., C)
    right = np.take_along_axis(x, named, axis=-1)  # (..., C): one for each entry of the target
    gaps = autograd.ops.relu(1 - right[..., :, None] + x[..., None, :])
    counted = listed[..., :, None] & wrong[..., None, :]
    losses = np.sum(np.where(counted, gaps, 0), axis=(-2, -1)) / x.shape[-1]
    return reduced(losses, reduction, who)


def _classes(who: str, target: Any, classes: int, least: int) -> np.ndarray[Any, Any]:
    t = array_of(target, f"{who}: target")
    if t.dtype.kind not in "iu":
        raise TypeError(
            f"{who}: target must hold class indices (integers), got {t.dtype}; use "
            "target.astype(np.int64)."
        )
    wrong = t[(t < least) | (t >= classes)]
    if wrong.size:
        raise ValueError(
            f"{who}: target has the class index {wrong.flat[0]}, but the input has {classes} "
            f"classes: 0 to {classes - 1}."
        )
    return t.astype(np.intp, copy=False)
