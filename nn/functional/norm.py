"""Normalization, with PyTorch's arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd
from autograd.value import Value
from nn.arguments import count, flags, reals
from nn.functional.half import by_single
from nn.functional.tensor import Tensor, floats
from nn.parameter import plain


def batch_norm(
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    """Normalize each channel over the batch; see `autograd.ops.batch_norm`."""
    flags("batch_norm", training=training)
    return autograd.ops.batch_norm(
        input, running_mean, running_var, weight, bias, training, momentum, eps
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Value:
    """Normalize over the last axes; see `autograd.ops.layer_norm`."""
    return autograd.ops.layer_norm(input, normalized_shape, weight, bias, eps)


def rms_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> Value:
    """Divide by the root mean square over the last axes; see `autograd.ops.rms_norm`."""
    return autograd.ops.rms_norm(input, normalized_shape, weight, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Value:
    """Normalize groups of channels of each sample; see `autograd.ops.group_norm`.

    Raises
    ------
    ValueError
        One group with one number in the whole batch, as in PyTorch: the result would always be 0.
    """
    shape = np.shape(input)
    if len(shape) > 1 and math.prod(shape) == num_groups:
        raise ValueError(
            f"group_norm: a group needs more than one number in the batch, got {shape} with "
            f"num_groups={num_groups}: each number would become 0."
        )
    return autograd.ops.group_norm(input, num_groups, weight, bias, eps)


def instance_norm(
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    """Normalize each channel of each sample.

    Parameters
    ----------
    input : (N, C, ...).
    running_mean, running_var : (C,), optional. With `use_input_stats` they are updated, in place,
        towards the batch mean of each sample's statistics.
    weight, bias : (C,), optional.
    use_input_stats : False uses the running statistics instead of the sample's.
    momentum : weight of the new statistics in the running ones.
    eps : added to the variance.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.instance_norm(np.array([[[1.0, 3.0]]]), eps=0.0)
    array([[[-1.,  1.]]])
    """
    flags("instance_norm", use_input_stats=use_input_stats)
    reals("instance_norm", momentum=momentum)
    if not 0 <= momentum <= 1:
        raise ValueError(f"instance_norm: momentum must be between 0 and 1, got {momentum}.")
    if not use_input_stats:
        return autograd.ops.batch_norm(
            input, running_mean, running_var, weight, bias, False, momentum, eps
        )
    x = floats("instance_norm", input)
    if x.ndim < 3 or (x.size and x.size // (x.shape[0] * x.shape[1]) < 2):
        raise ValueError(
            f"instance_norm: input must be (N, C, ...) with more than one number a channel and "
            f"sample, got {x.shape}."
        )
    running = [s.data if isinstance(s, Value) else s for s in (running_mean, running_var)]
    for name, s in zip(("running_mean", "running_var"), running, strict=True):
        if (running[0] is None) != (s is None):
            raise ValueError("instance_norm: give both running_mean and running_var, or neither.")
        if s is None:
            continue
        if not isinstance(s, np.ndarray) or s.dtype.kind != "f":
            raise TypeError(
                f"instance_norm: {name} is written to: it must be an array of floats, got {s!r}."
            )
        if s.shape != x.shape[1:2]:
            raise ValueError(
                f"instance_norm: {name} must have one number per channel, {x.shape[1:2]} for "
                f"input {x.shape}, got {s.shape}."
            )
    y = autograd.ops.instance_norm(x, weight, bias, eps)
    if running_mean is not None and x.size:
        a = (x.data if isinstance(x, Value) else x).astype(np.float64, copy=False)
        pixels = tuple(range(2, a.ndim))
        for old, new in zip(running, (a.mean(pixels), a.var(pixels, ddof=1)), strict=True):
            old += momentum * (new.mean(0) - old)
    return y


@by_single
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Value:
    r"""Local response normalization over neighboring channels.

    .. math:: y_c = x_c \left( k + \frac{α}{n} \sum_{c'} x_{c'}^2 \right)^{-β}

    over the n channels c' around c.

    Parameters
    ----------
    input : (N, C, ...).
    size : n.
    alpha, beta, k : of the divisor.

    References
    ----------
    Krizhevsky, Sutskever & Hinton, ImageNet classification with deep networks, 2012.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.array([[[1.0], [2.0]]])
    >>> nn.functional.local_response_norm(x, 1, alpha=1.0, beta=1.0).ravel()
    array([0.5, 0.4])
    """
    count("local_response_norm", "size", size, 1)
    reals("local_response_norm", alpha=alpha, beta=beta, k=k)
    x = floats("local_response_norm", input)
    if x.ndim < 3:
        raise ValueError(f"local_response_norm: input must be (N, C, ...), got {x.shape}.")
    if x.dtype == np.float32 and np.abs(plain(x)).max(initial=0) > 1e15:  # its squares overflow
        return local_response_norm(x.astype(np.float64), size, alpha, beta, k).astype(np.float32)
    channels = x.shape[1]
    edges = ((0, 0), (size // 2, (size - 1) // 2)) + ((0, 0),) * (x.ndim - 2)
    squares = np.pad(np.square(x), edges)
    around = sum(squares[:, i : i + channels] for i in range(size))
    return x * (k + alpha / size * around) ** -beta
