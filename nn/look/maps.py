"""Filters and feature maps of convolutional layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.value import Value
from nn.layers.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from nn.look.running import Array, layer_of, looking, seen_by
from nn.module import Module


def feature_maps(model: Module, x: Any, layer: str | Module) -> Array:
    """The output of a layer for an input, in eval mode.

    Parameters
    ----------
    model : Module.
    x : the model's input, (N, ...); a tuple of several.
    layer : a module of the model or its path, such as ``"0"`` or ``"features.conv1"``.

    Returns
    -------
    array, the layer's output; of a convolution (N, C, H, W).

    Raises
    ------
    ValueError
        The layer is not part of the model, or is called several times or never.
    TypeError
        It returns no single array: for recurrent layers see `gate_activations`.

    References
    ----------
    Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.Flatten())
    >>> maps = nn.look.feature_maps(net, np.ones((2, 1, 8, 8), np.float32), "1")
    >>> maps.shape, bool((maps >= 0).all())
    ((2, 4, 6, 6), True)
    """
    chosen = layer_of("feature_maps", model, layer)
    with looking(model):
        _, _, y = seen_by("feature_maps", model, chosen, x)
    if not isinstance(y, (Value, np.ndarray)):
        raise TypeError(
            f"feature_maps: {type(chosen).__name__} returns a {type(y).__name__}, not an array; "
            "gate_activations and attention_maps look into such layers."
        )
    return np.array(y.data if isinstance(y, Value) else y)


def filters(layer: Module) -> Array:
    """The filters of a convolution, as images.

    Parameters
    ----------
    layer : Conv1d, Conv2d, Conv3d, or a transposed convolution without groups.

    Returns
    -------
    array, (out, in, kh, kw), a copy: the filter from each input to each output channel, of
        transposed convolutions too.

    Raises
    ------
    TypeError
        The layer is not a convolution.

    Examples
    --------
    >>> import nn
    >>> nn.look.filters(nn.Conv2d(3, 8, 5)).shape
    (8, 3, 5, 5)
    >>> nn.look.filters(nn.ConvTranspose2d(3, 8, 5)).shape
    (8, 3, 5, 5)
    """
    if isinstance(layer, (Conv1d, Conv2d, Conv3d)):
        return np.array(layer.weight.data)
    if isinstance(layer, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)):
        if layer.groups == 1:
            return np.array(np.swapaxes(layer.weight.data, 0, 1))
        raise TypeError("filters: a transposed convolution must have groups=1.")
    raise TypeError(
        f"filters: layer must be a convolution such as nn.Conv2d, got {type(layer).__name__}."
    )
