"""Kaiming and Xavier initialization: random weights scaled by fan-in and fan-out."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

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
    """Recommended gain of the initial weights for a nonlinearity.

    Parameters
    ----------
    nonlinearity : "linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu" ...
    param : negative slope of leaky_relu, 0.01 by default.

    Raises
    ------
    ValueError
        An unknown nonlinearity.

    Examples
    --------
    >>> from nn import init
    >>> init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        slope: Any = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, Real):
            raise TypeError(f"calculate_gain: param must be a number, got {slope!r}.")
        return math.sqrt(2 / (1 + float(slope) ** 2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ValueError(
            f"calculate_gain: unknown nonlinearity {nonlinearity!r}; known are {known}."
        )
    return GAINS[nonlinearity]


def fans(tensor: Value) -> tuple[int, int]:
    """Fan-in and fan-out of a weight: inputs per output unit, and outputs per input unit.

    Parameters
    ----------
    tensor : Value, shape (out, in, *kernel).

    Returns
    -------
    (fan_in, fan_out)

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
    *,
    rng: Rng = None,
) -> Value:
    """Fill with samples from the uniform distribution over ±gain √(3 / fan).

    Parameters
    ----------
    tensor : Value, shape (out, in, *kernel).
    a : negative slope of leaky_relu.
    mode : "fan_in" preserves the variance of activations, "fan_out" that of gradients.
    nonlinearity : the activation that follows; see `calculate_gain`.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        An unknown mode or nonlinearity, or a tensor of fewer than two axes.

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
    return uniform_(tensor, -bound, bound, generator, rng=rng)


def kaiming_normal_(
    tensor: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Rng = None,
    *,
    rng: Rng = None,
) -> Value:
    """Fill with samples from the normal distribution of standard deviation gain / √fan.

    Parameters, errors and reference are those of `kaiming_uniform_`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.kaiming_normal_(nn.Parameter(np.zeros((100, 200))), generator=0)
    >>> round(float(w.data.std()), 2)  # √(2 / 200)
    0.1
    """
    return normal_(tensor, 0.0, _scale(tensor, a, mode, nonlinearity), generator, rng=rng)


def xavier_uniform_(
    tensor: Value, gain: float = 1.0, generator: Rng = None, *, rng: Rng = None
) -> Value:
    """Fill with samples from the uniform distribution over ±gain √(6 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : Value, shape (out, in, *kernel).
    gain : scaling factor; see `calculate_gain`.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        A tensor of fewer than two axes.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward networks", 2010.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.xavier_uniform_(nn.Parameter(np.zeros((2, 4))), generator=0)
    >>> bool(abs(w.data).max() <= 1)
    True
    """
    bound = gain * math.sqrt(6.0 / max(sum(fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator, rng=rng)


def xavier_normal_(
    tensor: Value, gain: float = 1.0, generator: Rng = None, *, rng: Rng = None
) -> Value:
    """Fill with normal samples of standard deviation gain √(2 / (fan_in + fan_out)).

    Parameters, errors and reference are those of `xavier_uniform_`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.xavier_normal_(nn.Parameter(np.zeros((100, 100))), generator=0)
    >>> round(float(w.data.std()), 1)  # √(2 / 200)
    0.1
    """
    std = gain * math.sqrt(2.0 / max(sum(fans(tensor)), 1))
    return normal_(tensor, 0.0, std, generator, rng=rng)
