"""Numbers from one distribution, or one number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value


def write(tensor: Any, array: Any) -> Value:
    """Put an array into a leaf, or into a leaf's ``.data``."""
    if isinstance(tensor, np.ndarray):
        if tensor.dtype.kind != "f":
            raise TypeError(f"init writes floats, and this array holds {tensor.dtype}.")
        tensor[...] = array
        return tensor  # type: ignore[return-value]
    if not isinstance(tensor, Value):
        raise TypeError(f"init writes into a Parameter or Value, not {type(tensor).__name__}.")
    tensor.data = array
    return tensor


def uniform_(tensor: Value, a: float = 0.0, b: float = 1.0, generator: Rng = None) -> Value:
    """Uniform in [a, b)."""
    return write(tensor, as_generator(generator).uniform(a, b, tensor.shape))


def normal_(tensor: Value, mean: float = 0.0, std: float = 1.0, generator: Rng = None) -> Value:
    """Normal with this mean and standard deviation."""
    return write(tensor, as_generator(generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Value,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Rng = None,
) -> Value:
    """Normal with this mean and standard deviation, drawn again where outside of [a, b].

    Raises
    ------
    ValueError
        An interval that is empty, or hardly ever met: more than 8 deviations from the mean.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.trunc_normal_(nn.Parameter(np.zeros(1000)), std=2.0, generator=0)
    >>> bool(abs(w.data).max() <= 2)
    True
    """
    if not a < b or std <= 0 or a > mean + 8 * std or b < mean - 8 * std:
        raise ValueError(
            f"trunc_normal_: [a, b] = [{a}, {b}] must be an interval that a normal with "
            f"mean={mean} and std={std} meets."
        )
    low, high = (0.5 * math.erfc((mean - edge) / std * math.sqrt(0.5)) for edge in (a, b))
    rng, size = as_generator(generator), tensor.size
    if high - low < 0.1:  # drawing again would take long
        return write(tensor, _piece(rng, size, mean, std, a, b).reshape(tensor.shape))
    draws = rng.normal(mean, std, size)
    while (outside := (draws < a) | (draws > b)).any():
        draws[outside] = rng.normal(mean, std, int(outside.sum()))
    return write(tensor, draws.reshape(tensor.shape))


def _piece(
    rng: np.random.Generator, size: int, mean: float, std: float, a: float, b: float
) -> np.ndarray[Any, Any]:
    """Draws from a small piece of a normal: even ones, kept by the density's height."""
    peak = min(max(mean, a), b)
    a, b = max(a, mean - 12 * std), min(b, mean + 12 * std)  # beyond there is nothing
    found = np.empty(0)
    while found.size < size:
        x = rng.uniform(a, b, 2 * size + 16)
        height = np.exp(((peak - mean) ** 2 - (x - mean) ** 2) / (2 * std**2))
        found = np.append(found, x[rng.random(x.size) < height])
    return found[:size]


def constant_(tensor: Value, val: float) -> Value:
    """One number everywhere."""
    return write(tensor, np.full(tensor.shape, val))


def zeros_(tensor: Value) -> Value:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Value) -> Value:
    """Ones."""
    return constant_(tensor, 1.0)
