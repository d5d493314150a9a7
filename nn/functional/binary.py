"""Binary losses, each output on its own."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.ops.losses.binary_cross_entropy import binary_cross_entropy as losses_of_probabilities
from autograd.ops.losses.binary_cross_entropy import (
    binary_cross_entropy_with_logits as losses_of_logits,
)
from autograd.value import Value
from nn.arguments import reals
from nn.functional.half import by_single
from nn.functional.reduction import in_range, paired, reduced, signs, stretched
from nn.functional.tensor import Tensor


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Any = None, reduction: str = "mean"
) -> Value:
    r"""Binary cross-entropy of probabilities.

    .. math:: ℓ = -w \left( t \log x + (1 - t) \log (1 - x) \right)

    with logarithms of at least −100. `binary_cross_entropy_with_logits` is more exact.

    Parameters
    ----------
    input : probabilities, 0 to 1.
    target : of the input's shape, 0 to 1.
    weight : weights that broadcast to the input's shape, optional.
    reduction : "mean", "sum" or "none".

    Raises
    ------
    ValueError
        Different shapes, numbers outside 0 to 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = nn.functional.binary_cross_entropy(nn.Parameter([0.5, 0.5]), np.array([0, 1]))
    >>> round(y.item(), 4)  # log 2
    0.6931
    """
    who = "binary_cross_entropy"
    x, t = paired(who, input, target)
    in_range(who, "input", x, 0, 1)
    in_range(who, "target", t, 0, 1)
    losses = losses_of_probabilities(x, t)
    if weight is not None:
        losses = losses * stretched(who, "weight", weight, x)
    return reduced(losses, reduction, who)


@by_single
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Value:
    r"""Binary cross-entropy of logits, accurate where σ(x) rounds to 0 or 1.

    .. math:: ℓ = -w \left( p \, t \log σ(x) + (1 - t) \log σ(-x) \right)

    Parameters
    ----------
    input : logits.
    target : of the input's shape, 0 to 1.
    weight : weights that broadcast to the input's shape, optional.
    reduction : "mean", "sum" or "none".
    pos_weight : p, weights of each class's positive examples; broadcast, too.

    Raises
    ------
    ValueError
        Different shapes, targets outside 0 to 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = nn.Parameter([-200.0, 200.0])
    >>> nn.functional.binary_cross_entropy_with_logits(x, [1, 1], reduction="none").data
    array([200.,   0.], dtype=float32)
    """
    who = "binary_cross_entropy_with_logits"
    x, t = paired(who, input, target)
    in_range(who, "target", t, 0, 1)
    yes = t if pos_weight is None else t * stretched(who, "pos_weight", pos_weight, x)
    losses = losses_of_logits(x, yes, 1 - t)
    if weight is not None:
        losses = losses * stretched(who, "weight", weight, x)
    return reduced(losses, reduction, who)


@by_single
def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Value:
    """log(1 + exp(−t x)) for targets of 1 and −1, of the input's shape.

    Examples
    --------
    >>> import nn, numpy as np
    >>> round(nn.functional.soft_margin_loss(nn.Parameter([0.0]), np.array([-1])).item(), 4)
    0.6931
    """
    x, t = paired("soft_margin_loss", input, target)
    signs("soft_margin_loss", t)
    return reduced(autograd.ops.softplus(-t * x), reduction, "soft_margin_loss")


@by_single
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Any = None, reduction: str = "mean"
) -> Value:
    r"""Binary cross-entropy of logits, averaged over the classes of each sample.

    Parameters
    ----------
    input : logits, (N, C) or (C,).
    target : of the input's shape, 0 to 1.
    weight : class weights, (C,), optional.
    reduction : over the samples, "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = nn.Parameter(np.zeros((2, 3)))
    >>> round(nn.functional.multilabel_soft_margin_loss(x, np.eye(2, 3)).item(), 4)
    0.6931
    """
    who = "multilabel_soft_margin_loss"
    x, t = paired(who, input, target)
    if not x.ndim:
        raise ValueError(f"{who}: input must have shape (N, C) or (C,), got a number.")
    in_range(who, "target", t, 0, 1)
    losses = losses_of_logits(x, t, 1 - t)
    if weight is not None:
        losses = losses * stretched(who, "weight", weight, x)
    return reduced(np.mean(losses, axis=-1), reduction, who)


@by_single
def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: str = "none",
) -> Value:
    r"""Focal loss: binary cross-entropy with less weight on easy samples, as in torchvision.

    .. math:: ℓ = -α_t (1 - p_t)^γ \log p_t
        \qquad p_t = σ(x) \text{ where } t = 1, \text{ else } 1 - σ(x)

    Parameters
    ----------
    inputs : logits.
    targets : of the inputs' shape, 0 to 1.
    alpha : weight of the positive class, 0 to 1; negative for none.
    gamma : how much less weight, at least 0.
    reduction : "mean", "sum" or "none".

    References
    ----------
    Lin et al., Focal loss for dense object detection, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = nn.functional.sigmoid_focal_loss(nn.Parameter([0.0]), np.array([1.0]))
    >>> y.data.round(4)  # log 2 / 16
    array([0.0433], dtype=float32)
    """
    who = "sigmoid_focal_loss"
    reals(who, alpha=alpha, gamma=gamma)
    x, t = paired(who, inputs, targets)
    in_range(who, "targets", t, 0, 1)
    if not alpha <= 1:
        raise ValueError(f"{who}: alpha must be between 0 and 1, or negative for none: {alpha}.")
    if not gamma >= 0:
        raise ValueError(f"{who}: gamma must be at least 0, got {gamma}.")
    wrong = autograd.ops.sigmoid(-x) * t + autograd.ops.sigmoid(x) * (1 - t)
    wrong = np.maximum(wrong, np.finfo(wrong.dtype).tiny)  # a power has no slope at 0
    losses = losses_of_logits(x, t, 1 - t) * wrong**gamma
    if alpha >= 0:
        losses = losses * (alpha * t + (1 - alpha) * (1 - t))
    return reduced(losses, reduction, who)
