"""Random weights as wide as their fan-in and fan-out ask for."""

from __future__ import annotations

import math

from autograd.random import Rng
from autograd.value import Value
from nn.init.distributions import normal_, uniform_

GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
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
    generator: Rng = None,
) -> Value:
    """Uniform in ±gain √(3 / fan).

    Parameters
    ----------
    tensor : Value, shape (out, in, *kernel).
    a : slope of leaky_relu for negative input.
    mode : "fan_in" keeps the variance of activations, "fan_out" that of gradients.
    nonlinearity : what follows; see `calculate_gain`.
    generator : generator, seed or None.

    References
    ----------
    He et al., "Delving deep into rectifiers", 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.Parameter(np.zeros((4, 6)))
    >>> _ = nn.init.kaiming_uniform_(w, nonlinearity="relu", generator=0)
    >>> bool(abs(w.data).max() < 1)
    True
    """
    bound = math.sqrt(3.0) * _scale(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Rng = None,
) -> Value:
    """Normal with standard deviation gain / √fan; arguments as in `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _scale(tensor, a, mode, nonlinearity), generator)


def xavier_uniform_(tensor: Value, gain: float = 1.0, generator: Rng = None) -> Value:
    """Uniform in ±gain √(6 / (fan_in + fan_out)).

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward networks", 2010.
    """
    bound = gain * math.sqrt(6.0 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Value, gain: float = 1.0, generator: Rng = None) -> Value:
    """Normal with standard deviation gain √(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / max(sum(fans(tensor)), 1)), generator)
