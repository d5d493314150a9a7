"""Activation functions."""

from __future__ import annotations

import numpy as np

import autograd
from nn.functional.tensor import Tensor

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
