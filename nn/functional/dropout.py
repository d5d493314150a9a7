"""Dropout. `inplace` is accepted as in PyTorch; nothing is overwritten."""

from __future__ import annotations

import numpy as np

from autograd.random import Rng, draw
from autograd.value import Value
from nn.arguments import flags
from nn.functional.tensor import Tensor, floats

SELU_FLOOR = -1.7580993408473766  # SELU's limit at −∞: −scale · alpha


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Set each element to zero with probability p and divide the others by 1 − p.

    Parameters
    ----------
    input : any shape
    p : probability of zero, 0 to 1.
    training : False returns the input.
    inplace : accepted as in PyTorch; nothing is overwritten.
    rng : generator, seed or None for the default.

    References
    ----------
    Hinton et al., Improving neural networks by preventing co-adaptation, 2012.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.dropout(np.ones(6), 0.5, rng=0)
    array([2., 0., 0., 0., 2., 2.])
    """
    flags("dropout", training=training, inplace=inplace)
    probability("dropout", p)
    if not training or p == 0:
        return input
    x = floats("dropout", input)
    return x * scaled_mask(x, x.shape, p, rng)


def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Set whole channels of (N, C, L) or (C, L) to zero; arguments as in `dropout`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.dropout1d(np.ones((3, 2)), rng=0)
    array([[2., 2.],
           [0., 0.],
           [0., 0.]])
    """
    flags("dropout1d", training=training, inplace=inplace)
    return _channels("dropout1d", input, p, training, rng, {2: 1, 3: 2}, "(N, C, L) or (C, L)")


def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Set whole channels of (N, C, H, W) or (N, C, L) to zero; arguments as in `dropout`.

    References
    ----------
    Tompson et al., Efficient object localization using convolutional networks, 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.dropout2d(np.ones((1, 3, 2, 2)), rng=0)[0, :, 0, 0]
    array([2., 0., 0.])
    """
    flags("dropout2d", training=training, inplace=inplace)
    return _channels(
        "dropout2d", input, p, training, rng, {3: 2, 4: 2}, "(N, C, H, W) or (N, C, L)"
    )


def dropout3d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Set whole channels of (N, C, D, H, W) or (C, D, H, W) to zero; arguments as in `dropout`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.dropout3d(np.ones((3, 2, 2, 2)), rng=0)[:, 0, 0, 0]
    array([2., 0., 0.])
    """
    flags("dropout3d", training=training, inplace=inplace)
    return _channels(
        "dropout3d", input, p, training, rng, {4: 1, 5: 2}, "(N, C, D, H, W) or (C, D, H, W)"
    )


def alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Dropout that keeps mean 0 and variance 1 after SELU; arguments as in `dropout`.

    Elements are set to SELU's lower limit, then all are scaled and shifted.

    References
    ----------
    Klambauer et al., Self-normalizing neural networks, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.alpha_dropout(np.zeros(4), training=True, rng=0).round(3)
    array([ 0.779, -0.779, -0.779, -0.779])
    """
    flags("alpha_dropout", training=training, inplace=inplace)
    probability("alpha_dropout", p)
    x = floats("alpha_dropout", input)
    return _alpha(x, x.shape, p, training, rng)


def feature_alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Set whole channels of (N, C, ...) to SELU's lower limit; see `alpha_dropout`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y = nn.functional.feature_alpha_dropout(np.zeros((1, 3, 2)), training=True, rng=0)
    >>> y[0, :, 0].round(3)
    array([ 0.779, -0.779, -0.779])
    """
    flags("feature_alpha_dropout", training=training, inplace=inplace)
    probability("feature_alpha_dropout", p)
    x = floats("feature_alpha_dropout", input)
    if x.ndim < 2:
        raise ValueError(f"feature_alpha_dropout: input must be (N, C, ...), got {x.shape}.")
    return _alpha(x, x.shape[:2] + (1,) * (x.ndim - 2), p, training, rng)


def _channels(
    who: str,
    input: Tensor,
    p: float,
    training: bool,
    rng: Rng,
    kept: dict[int, int],
    axes: str,
) -> Value:
    """Dropout with one draw for all axes after the first `kept[ndim]`."""
    probability(who, p)
    x = floats(who, input)
    if x.ndim not in kept:
        raise ValueError(f"{who}: input must be {axes}, got {x.shape}.")
    if not training or p == 0:
        return input
    n = kept[x.ndim]
    return x * scaled_mask(x, x.shape[:n] + (1,) * (x.ndim - n), p, rng)


def _alpha(x: Tensor, shape: tuple[int, ...], p: float, training: bool, rng: Rng) -> Value:
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0
    keep = draw(rng, "random", shape, _draws(x)) >= p
    scale = 1 / np.sqrt((1 - p) * (1 + p * SELU_FLOOR**2))
    shift = -scale * SELU_FLOOR * p
    rest = np.where(keep, shift, scale * SELU_FLOOR + shift).astype(x.dtype)
    return x * np.multiply(keep, np.asarray(scale, x.dtype)) + rest


def scaled_mask(
    x: Tensor, shape: tuple[int, ...], p: float, rng: Rng
) -> np.ndarray[tuple[int, ...], np.dtype[np.floating]]:
    """Zeros with probability p, else 1 / (1 − p), in the dtype of x."""
    keep = draw(rng, "random", shape, _draws(x)) >= p
    return np.multiply(keep, np.asarray(0.0 if p == 1 else 1 / (1 - p), x.dtype))


def _draws(x: Tensor) -> type[np.floating]:
    return np.float32 if x.dtype == np.float32 else np.float64


def probability(who: str, p: float, name: str = "p") -> None:
    """Refuse numbers outside [0, 1], and what is no number."""
    if isinstance(p, (str, bool)) or p is None:
        raise TypeError(f"{who}: {name} must be a number, got {p!r}.")
    if not 0 <= p <= 1:
        raise ValueError(f"{who}: {name} is a probability between 0 and 1, got {p}.")
