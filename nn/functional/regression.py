"""Regression losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.value import Value
from nn.arguments import flags, reals
from nn.functional.half import by_single
from nn.functional.reduction import constant, in_range, paired, reduced, weighted
from nn.functional.tensor import Tensor


@by_single
def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Any = None) -> Value:
    """(input − target)², averaged over all elements.

    Parameters
    ----------
    input, target : the same shape; nothing is broadcast. A target array takes the input's dtype.
    reduction : "mean", "sum" or "none".
    weight : weights, of the input's shape, optional; the mean divides by their sum.

    Returns
    -------
    Value of shape (), or of the input's shape where reduction is "none".

    Raises
    ------
    ValueError
        Different shapes, among them the classic (N, 1) against (N,); an unknown reduction.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.mse_loss(nn.Parameter([1.0, 2.0]), np.zeros(2, np.float32)).item()
    2.5
    """
    x, t = paired("mse_loss", input, target)
    return _weighted_mean(np.square(x - t), weight, reduction, "mse_loss")


@by_single
def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Any = None) -> Value:
    """|input − target|, averaged over all elements; arguments as in `mse_loss`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.l1_loss(nn.Parameter([1.0, 2.0]), np.zeros(2)).item()
    1.5
    """
    x, t = paired("l1_loss", input, target)
    return _weighted_mean(np.abs(x - t), weight, reduction, "l1_loss")


@by_single
def smooth_l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0
) -> Value:
    r"""Smooth L1: the squared error where it is small, else the absolute error.

    .. math:: ℓ = \frac{d^2}{2β} \text{ where } |d| < β, \text{ else } |d| - \frac{β}{2}

    Parameters
    ----------
    input, target : the same shape.
    reduction : "mean", "sum" or "none".
    beta : where the two meet, at least 0; 0 is `l1_loss`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.smooth_l1_loss(nn.Parameter([1.0, 3.0]), np.zeros(2), "none").data
    array([0.5, 2.5], dtype=float32)
    """
    x, t = paired("smooth_l1_loss", input, target)
    reals("smooth_l1_loss", beta=beta)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must be at least 0, got {beta}.")
    losses = _huber(x - t, beta) / beta if beta else np.abs(x - t)
    return reduced(losses, reduction, "smooth_l1_loss")


@by_single
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Any = None,
) -> Value:
    r"""Huber loss: half the squared error where it is small, else linear.

    .. math:: ℓ = \frac{d^2}{2} \text{ where } |d| \le δ, \text{ else } δ (|d| - \frac{δ}{2})

    Parameters
    ----------
    input, target : the same shape.
    reduction : "mean", "sum" or "none".
    delta : where the two meet, more than 0.
    weight : weights, of the input's shape, optional; the mean divides by their number.

    References
    ----------
    Huber, Robust estimation of a location parameter, 1964.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.huber_loss(nn.Parameter([1.0, 3.0]), np.zeros(2), "none", 2.0).data
    array([0.5, 4. ], dtype=float32)
    """
    x, t = paired("huber_loss", input, target)
    reals("huber_loss", delta=delta)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be more than 0, got {delta}.")
    losses = weighted("huber_loss", _huber(x - t, delta), weight)
    return reduced(losses, reduction, "huber_loss")


def _huber(d: Tensor, delta: float) -> Value:
    """d² / 2 near 0, else linear; the square is that of d, whose second derivative at 0 is 1."""
    c = np.clip(d, -delta, delta)
    y: Any = c * (d - 0.5 * c)
    return y


def _weighted_mean(losses: Tensor, weight: Any, reduction: str, who: str) -> Value:
    """Reduced, with the mean divided by the sum of the weights."""
    if weight is None or reduction != "mean":
        return reduced(weighted(who, losses, weight), reduction, who)
    return np.sum(weighted(who, losses, weight)) / np.sum(constant(who, weight, losses, "weight"))


@by_single
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Value:
    r"""Negative log-likelihood of counts under a Poisson distribution.

    .. math:: ℓ = e^x - t x \quad\text{or, of rates,}\quad x - t \log(x + ε)

    Parameters
    ----------
    input : logarithms of the rates, or the rates themselves where log_input is False.
    target : counts, at least 0, of the input's shape.
    log_input : whether the input holds logarithms.
    full : whether Stirling's approximation of log t! is added where t > 1.
    eps : avoids log(0) where log_input is False.
    reduction : "mean", "sum" or "none".

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.poisson_nll_loss(nn.Parameter([0.0, 0.0]), np.array([1.0, 3.0])).item()
    1.0
    """
    flags("poisson_nll_loss", log_input=log_input, full=full)
    reals("poisson_nll_loss", eps=eps)
    x, t = paired("poisson_nll_loss", input, target)
    in_range("poisson_nll_loss", "target", t, 0, np.inf)
    losses = np.exp(x) - t * x if log_input else x - t * np.log(x + eps)
    if full:
        many = np.greater(t, 1)
        n = np.where(many, t, 2)
        stirling = n * np.log(n) - n + 0.5 * np.log(2 * math.pi * n)
        losses = losses + np.where(many, stirling, 0)
    return reduced(losses, reduction, "poisson_nll_loss")


@by_single
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Value:
    r"""Negative log-likelihood of targets under normal distributions.

    .. math:: ℓ = \frac{1}{2} \left( \log v + \frac{(x - t)^2}{v} \right) \qquad v = \max(var, ε)

    Parameters
    ----------
    input : means.
    target : of the input's shape.
    var : variances, at least 0: of the input's shape, or that with axes of 1, or without its last
        axis, or one number.
    full : whether ½ log 2π is added.
    eps : least variance, more than 0; the gradient does not see it.
    reduction : "mean", "sum" or "none".

    References
    ----------
    Nix & Weigend, Estimating the mean and variance of the target distribution, 1994.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.gaussian_nll_loss(nn.Parameter([1.0]), np.array([3.0]), 1.0).item()
    2.0
    """
    flags("gaussian_nll_loss", full=full)
    reals("gaussian_nll_loss", eps=eps)
    x, t = paired("gaussian_nll_loss", input, target)
    v = constant("gaussian_nll_loss", var, x, "var")
    if v.shape == x.shape[:-1] and v.shape != x.shape and x.ndim:
        v = np.expand_dims(v, -1)
    elif v.shape and not (
        v.ndim == x.ndim and all(n in (1, m) for n, m in zip(v.shape, x.shape, strict=True))
    ):
        raise ValueError(
            f"gaussian_nll_loss: var {v.shape} must have the input's shape {x.shape}, that with "
            "axes of 1, or without the last axis, or be one number."
        )
    if eps <= 0:
        raise ValueError(f"gaussian_nll_loss: eps must be more than 0, got {eps}.")
    in_range("gaussian_nll_loss", "var", v, 0, np.inf)
    low = v.detach() if isinstance(v, Value) else v
    v = v + np.where(low < eps, eps - low, 0).astype(low.dtype)
    losses = 0.5 * (np.log(v) + np.square(x - t) / v)
    return reduced(
        losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction, "gaussian_nll_loss"
    )
