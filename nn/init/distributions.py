"""Constant, uniform and normal initialization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator, either
from autograd.value import Value

COMPUTED = (
    "A weight that is computed (nn.utils.weight_norm, parametrize ...) is initialized before that, "
    "or assigned to: module.weight = array."
)


def write(tensor: Any, array: Any) -> Value:
    """Put an array into a leaf, or into a leaf's ``.data``."""
    if isinstance(tensor, np.ndarray):
        if tensor.dtype.kind != "f":
            raise TypeError(f"init writes floats, but this array holds {tensor.dtype}.")
        if not tensor.flags.writeable:
            raise ValueError(f"init writes into a leaf's array, and this is a result's. {COMPUTED}")
        tensor[...] = array
        return tensor  # type: ignore[return-value]
    if not isinstance(tensor, Value):
        raise TypeError(f"init writes into a Parameter or Value, not {type(tensor).__name__}.")
    if tensor.op is not None:
        raise TypeError(
            f"init writes into a leaf, and this is the result of {tensor.op.name}. {COMPUTED}"
        )
    tensor.data = array
    return tensor


def uniform_(
    tensor: Value, a: float = 0.0, b: float = 1.0, generator: Rng = None, *, rng: Rng = None
) -> Value:
    """Fill with samples from the uniform distribution over [a, b).

    Parameters
    ----------
    tensor : Value of any shape.
    a, b : lower and upper bound.
    generator, rng : generator, seed or None; two names for one argument.

    Returns
    -------
    Value : the tensor itself, as from every function of `nn.init`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.uniform_(nn.Parameter(np.zeros(1000)), -1, 1, generator=0)
    >>> bool(-1 <= w.data.min() < -0.9), bool(0.9 < w.data.max() < 1)
    (True, True)
    """
    return write(tensor, as_generator(either(generator, rng)).uniform(a, b, tensor.shape))


def normal_(
    tensor: Value, mean: float = 0.0, std: float = 1.0, generator: Rng = None, *, rng: Rng = None
) -> Value:
    """Fill with samples from the normal distribution with the given mean and standard deviation.

    Parameters
    ----------
    tensor : Value of any shape.
    mean, std : mean and standard deviation.
    generator, rng : generator, seed or None; two names for one argument.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.normal_(nn.Parameter(np.zeros(10_000)), std=0.02, generator=0)
    >>> round(float(w.data.std()), 3)
    0.02
    """
    return write(tensor, as_generator(either(generator, rng)).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Value,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Rng = None,
    *,
    rng: Rng = None,
) -> Value:
    """Fill with samples from a normal distribution truncated to [a, b].

    Parameters
    ----------
    tensor : Value of any shape.
    mean, std : mean and standard deviation before truncation.
    a, b : smallest and largest value.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        An empty interval, or one that lies more than 8 standard deviations from the mean.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.trunc_normal_(nn.Parameter(np.zeros(1000)), std=2.0, generator=0)
    >>> bool(abs(w.data).max() <= 2)
    True
    """
    if not a < b or std <= 0 or a > mean + 8 * std or b < mean - 8 * std:
        raise ValueError(
            f"trunc_normal_: [a, b] = [{a}, {b}] must be an interval within 8 standard deviations "
            f"of the mean; mean={mean}, std={std}."
        )
    low, high = (0.5 * math.erfc((mean - edge) / std * math.sqrt(0.5)) for edge in (a, b))
    random, size = as_generator(either(generator, rng)), tensor.size
    if high - low < 0.1:  # resampling would take long
        return write(tensor, _tail(random, size, mean, std, a, b).reshape(tensor.shape))
    draws = random.normal(mean, std, size)
    while (outside := (draws < a) | (draws > b)).any():
        draws[outside] = random.normal(mean, std, int(outside.sum()))
    return write(tensor, draws.reshape(tensor.shape))


def _tail(
    rng: np.random.Generator, size: int, mean: float, std: float, a: float, b: float
) -> np.ndarray[Any, Any]:
    """Samples from an improbable interval of a normal distribution, by rejection sampling.

    Uniform proposals are accepted in proportion to the normal density.
    """
    peak = min(max(mean, a), b)
    a, b = max(a, mean - 12 * std), min(b, mean + 12 * std)  # the density beyond is negligible
    found = np.empty(0)
    while found.size < size:
        x = rng.uniform(a, b, 2 * size + 16)
        height = np.exp(((peak - mean) ** 2 - (x - mean) ** 2) / (2 * std**2))
        found = np.append(found, x[rng.random(x.size) < height])
    return found[:size]


def constant_(tensor: Value, val: float) -> Value:
    """Fill with one value.

    Parameters
    ----------
    tensor : Value of any shape.
    val : the value.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.init.constant_(nn.Parameter(np.zeros(2)), 0.5).data.tolist()
    [0.5, 0.5]
    """
    return write(tensor, np.full(tensor.shape, val))


def zeros_(tensor: Value) -> Value:
    """Fill with zeros.

    Parameters
    ----------
    tensor : Value of any shape.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.init.zeros_(nn.Parameter(np.ones(2))).data.tolist()
    [0.0, 0.0]
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Value) -> Value:
    """Fill with ones.

    Parameters
    ----------
    tensor : Value of any shape.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.init.ones_(nn.Parameter(np.zeros(2))).data.tolist()
    [1.0, 1.0]
    """
    return constant_(tensor, 1.0)
