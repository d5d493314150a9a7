"""Initial values of parameters, under PyTorch's names.

Each function writes into a leaf Value (through `.data`, so that a graph that used the old numbers
notices) and returns it. `rng` is a generator, a seed, or None for the default generator.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value

GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much to widen the initial weights before a nonlinearity.

    Parameters
    ----------
    nonlinearity : "linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu" ...
    param : the slope of leaky_relu for negative input, by default 0.01.

    Raises
    ------
    ValueError
        A nonlinearity without a known gain.

    Examples
    --------
    >>> from nn import init
    >>> init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ValueError(f"No gain is known for {nonlinearity!r}; known are {known}.")
    return GAINS[nonlinearity]


def _write(tensor: Value, array: Any) -> Value:
    if not isinstance(tensor, Value):
        raise TypeError(f"init writes into a Parameter or Value, not {type(tensor).__name__}.")
    tensor.data = array
    return tensor


def uniform_(tensor: Value, a: float = 0.0, b: float = 1.0, rng: Rng = None) -> Value:
    """Uniform in [a, b)."""
    return _write(tensor, as_generator(rng).uniform(a, b, tensor.shape))


def normal_(tensor: Value, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Value:
    """Normal with this mean and standard deviation."""
    return _write(tensor, as_generator(rng).normal(mean, std, tensor.shape))


def constant_(tensor: Value, val: float) -> Value:
    """One number everywhere."""
    return _write(tensor, np.full(tensor.shape, val))


def zeros_(tensor: Value) -> Value:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Value) -> Value:
    """Ones."""
    return constant_(tensor, 1.0)


def fans(tensor: Value) -> tuple[int, int]:
    """How many inputs feed one output of a weight (out, in, *kernel), and the reverse.

    Raises
    ------
    ValueError
        A tensor of fewer than two axes.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.init.fans(nn.Parameter(np.zeros((8, 3, 5, 5))))
    (75, 200)
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"fan-in and fan-out need a weight (out, in, *kernel), got shape {tensor.shape}."
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _scale(tensor: Value, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}.")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def kaiming_uniform_(
    tensor: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Rng = None,
) -> Value:
    """Uniform in ±gain √(3 / fan).

    Parameters
    ----------
    tensor : Value, shape (out, in, *kernel).
    a : slope of leaky_relu for negative input.
    mode : "fan_in" keeps the variance of activations, "fan_out" that of gradients.
    nonlinearity : what follows; see `calculate_gain`.
    rng : generator, seed or None.

    References
    ----------
    He et al., "Delving deep into rectifiers", 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.kaiming_uniform_(nn.Parameter(np.zeros((4, 6))), nonlinearity="relu", rng=0)
    >>> bool(abs(w.data).max() < 1)
    True
    """
    bound = math.sqrt(3.0) * _scale(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, rng)


def kaiming_normal_(
    tensor: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Rng = None,
) -> Value:
    """Normal with standard deviation gain / √fan; arguments as in `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _scale(tensor, a, mode, nonlinearity), rng)


def xavier_uniform_(tensor: Value, gain: float = 1.0, rng: Rng = None) -> Value:
    """Uniform in ±gain √(6 / (fan_in + fan_out)).

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward networks", 2010.
    """
    bound = gain * math.sqrt(6.0 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, rng)


def xavier_normal_(tensor: Value, gain: float = 1.0, rng: Rng = None) -> Value:
    """Normal with standard deviation gain √(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / max(sum(fans(tensor)), 1)), rng)
