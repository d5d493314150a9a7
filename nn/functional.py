"""What the layers compute, as functions of Values and arrays, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.ops import linear as affine_maps
from autograd.ops.loss import REDUCTIONS
from autograd.ops.loss import cross_entropy as fused_cross_entropy
from autograd.random import Rng, as_generator
from autograd.value import Value

Tensor = Any
"""A Value, or an array that takes part as a constant."""

relu = autograd.relu.call
relu6 = autograd.relu6.call
leaky_relu = autograd.leaky_relu.call
elu = autograd.elu.call
celu = autograd.celu.call
selu = autograd.selu.call
gelu = autograd.gelu.call
silu = autograd.silu.call
mish = autograd.mish.call
sigmoid = autograd.sigmoid.call
logsigmoid = autograd.log_sigmoid.call
softsign = autograd.softsign.call
tanhshrink = autograd.tanhshrink.call
softshrink = autograd.softshrink.call
hardshrink = autograd.hardshrink.call
hardtanh = autograd.hardtanh.call
hardsigmoid = autograd.hardsigmoid.call
hardswish = autograd.hardswish.call
conv1d = autograd.conv1d
conv2d = autograd.conv2d
conv3d = autograd.conv3d
conv_transpose1d = autograd.conv_transpose1d
conv_transpose2d = autograd.conv_transpose2d
conv_transpose3d = autograd.conv_transpose3d
max_pool1d = autograd.max_pool1d
max_pool2d = autograd.max_pool2d
max_pool3d = autograd.max_pool3d
avg_pool1d = autograd.avg_pool1d
avg_pool2d = autograd.avg_pool2d
avg_pool3d = autograd.avg_pool3d
adaptive_avg_pool1d = autograd.adaptive_avg_pool1d
adaptive_avg_pool2d = autograd.adaptive_avg_pool2d
adaptive_avg_pool3d = autograd.adaptive_avg_pool3d
adaptive_max_pool1d = autograd.adaptive_max_pool1d
adaptive_max_pool2d = autograd.adaptive_max_pool2d
adaptive_max_pool3d = autograd.adaptive_max_pool3d
batch_norm = autograd.batch_norm
layer_norm = autograd.layer_norm
group_norm = autograd.group_norm
rms_norm = autograd.rms_norm
embedding = autograd.embedding


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map y = x Wᵀ + b.

    Parameters
    ----------
    input : shape (..., in)
    weight : shape (out, in)
    bias : shape (out,), optional

    Returns
    -------
    Value of shape (..., out).

    Raises
    ------
    ValueError
        The last axis of the input is not `in`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.Parameter([[1.0, 2.0]])
    >>> nn.functional.linear(np.ones((3, 2), np.float32), w).shape
    (3, 1)
    """
    shape = input.shape if isinstance(input, (Value, np.ndarray)) else np.shape(input)
    if shape[-1:] != weight.shape[1:]:
        raise ValueError(
            f"linear: the last axis of input {shape} must be {weight.shape[-1]}, "
            f"as the weight (out, in) = {weight.shape} has it. "
            "nn.Flatten() makes (N, C, H, W) into (N, C·H·W)."
        )
    if bias is None:
        return affine_maps.linear.call(input, weight)
    return affine_maps.affine.call(input, weight, bias)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return np.tanh(input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(βx)) / β; exact for every x, so that PyTorch's threshold has nothing to do."""
    return autograd.softplus(input, beta)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Gives x where x > 0, else weight · x; one weight, or one for each channel of (N, C, ...)."""
    if weight.size == 1 or np.ndim(input) <= 1:
        return autograd.prelu(input, weight)
    shape = (1, -1) + (1,) * (np.ndim(input) - 2)
    return autograd.prelu(input, weight.reshape(shape))


def softmax(input: Tensor, dim: int) -> Tensor:
    """exp(x) over its sum along the axis `dim`."""
    return autograd.softmax(input, axis=dim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Logarithm of softmax along the axis `dim`, without overflow."""
    return autograd.log_softmax(input, axis=dim)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, rng: Rng = None) -> Tensor:
    """Set each element to zero with probability p and divide the others by 1 − p.

    Parameters
    ----------
    input : any shape
    p : probability of zero, 0 to 1.
    training : False hands the input through.
    rng : generator, seed or None for the default.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.dropout(np.ones(6), 0.5, rng=0)
    array([2., 0., 0., 0., 2., 2.])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability between 0 and 1, got {p}.")
    if not training or p == 0:
        return input
    dtype = np.float32 if input.dtype == np.float32 else np.float64
    keep = as_generator(rng).random(input.shape, dtype) >= p
    return input * np.multiply(keep, 0.0 if p == 1 else 1 / (1 - p), dtype=dtype)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the axes from start_dim to end_dim into one."""
    shape = np.shape(input)
    if not shape:
        return np.reshape(input, (1,))
    for name, dim in (("start_dim", start_dim), ("end_dim", end_dim)):
        if not -len(shape) <= dim < len(shape):
            raise ValueError(f"flatten: {name}={dim} is no axis of shape {shape}.")
    start, end = start_dim % len(shape), end_dim % len(shape)
    if start > end:
        raise ValueError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}.")
    merged = int(np.prod(shape[start : end + 1]))
    return np.reshape(input, (*shape[:start], merged, *shape[end + 1 :]))


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
