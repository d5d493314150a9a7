"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.ops.loss import REDUCTIONS
from autograd.ops.loss import cross_entropy as fused_cross_entropy
from autograd.value import Value
from nn.functional.tensor import Tensor


def cross_entropy(
    input: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""−log softmax(input)[target], averaged over the batch.

    Parameters
    ----------
    input : logits, shape (N, C), (N, C, d1, ...) or (C,)
    target : class numbers as integers, shape (N,), (N, d1, ...) or (); or probabilities as
        floats, of the input's shape.
    weight : one factor a class, shape (C,), optional. The mean divides by the sum of the
        factors of the targets.
    ignore_index : targets of this number count for nothing.
    reduction : "mean", "sum" or "none".
    label_smoothing : share of the target's probability that goes to all classes evenly.

    Returns
    -------
    Value of shape (), or of the targets' shape where reduction is "none".

    Raises
    ------
    ValueError
        Shapes that do not fit, a class number out of range.
    TypeError
        Float targets that are not probabilities of the input's shape.

    Examples
    --------
    >>> import nn, numpy as np
    >>> logits = nn.Parameter([[2.0, 0.0], [0.0, 2.0]])
    >>> round(nn.functional.cross_entropy(logits, np.array([0, 1])).item(), 4)
    0.1269
    """
    if not isinstance(input, Value):
        input = np.asarray(input)
    return fused_cross_entropy.call(input, target, weight, ignore_index, reduction, label_smoothing)


def nll_loss(
    input: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """−input[target] for log-probabilities of shape (N, C), averaged over the batch.

    Arguments as in `cross_entropy`, whose second half this is.

    Examples
    --------
    >>> import nn, numpy as np
    >>> log_p = nn.functional.log_softmax(nn.Parameter([[2.0, 0.0], [0.0, 2.0]]), 1)
    >>> round(nn.functional.nll_loss(log_p, np.array([0, 1])).item(), 4)
    0.1269
    """
    return autograd.nll_loss(input, target, weight, ignore_index, reduction)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input − target)², averaged over all elements.

    Parameters
    ----------
    input, target : the same shape; nothing is broadcast.
    reduction : "mean", "sum" or "none".

    Raises
    ------
    ValueError
        Different shapes, among them the classic (N, 1) against (N,).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.mse_loss(nn.Parameter([1.0, 2.0]), np.zeros(2, np.float32)).item()
    2.5
    """
    if np.shape(input) != np.shape(target):
        raise ValueError(
            f"mse_loss: input has shape {np.shape(input)}, target {np.shape(target)}. They must "
            "be equal: broadcasting would compare every output with every target."
        )
    return reduced(np.square(input - target), reduction, "mse_loss")


def reduced(losses: Tensor, reduction: str, who: str) -> Tensor:
    """Mean, sum, or the losses themselves."""
    if reduction == "mean":
        return np.sum(losses) / (losses.size or np.nan)
    if reduction == "sum":
        return np.sum(losses)
    if reduction == "none":
        return losses
    raise ValueError(f"{who}: reduction must be one of {REDUCTIONS}, got {reduction!r}.")
