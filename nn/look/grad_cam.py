"""Grad-CAM: where in an image a convolutional network sees its class."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.derivatives import grad
from autograd.value import Value
from nn.arguments import flags
from nn.functional.interpolate import interpolate
from nn.look.running import Array, floats, layer_of, looking, score, seen_by
from nn.module import Module


def grad_cam(
    model: Module, x: Any, layer: str | Module, target: Any = None, *, upsample: bool = True
) -> Array:
    r"""Grad-CAM: feature maps of a layer, weighted by the mean gradient of a class's score.

    .. math:: \operatorname{relu} \Bigl(\sum_k \alpha_k A_k\Bigr), \quad
        \alpha_k = \frac{1}{HW} \sum_{ij} \frac{\partial y_{target}}{\partial A_{kij}}

    Parameters
    ----------
    model : Module that returns scores (N, C), preferably logits; or one number per sample.
    x : float array, (N, channels, H, W).
    layer : the module or its path whose output is A, (N, K, h, w): usually the last convolution or
        the ReLU after it.
    target : class indices, (N,), or one for all; by default the predicted classes.
    upsample : resize the maps bilinearly to the size of the image.

    Returns
    -------
    array, (N, H, W), or (N, h, w) without `upsample`; at least 0, in units of the score.

    Raises
    ------
    TypeError
        An integer input; a layer that returns no array.
    ValueError
        Incompatible shapes; a layer that the score does not depend on.

    References
    ----------
    Selvaraju et al., "Grad-CAM: visual explanations from deep networks", 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(
    ...     nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3, rng=1))
    >>> images = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    >>> nn.look.grad_cam(net, images, "1").shape
    (2, 8, 8)
    """
    flags("grad_cam", upsample=upsample)
    who = "grad_cam"
    chosen, array = layer_of(who, model, layer), floats(who, model, x)
    if array.ndim != 4:
        raise ValueError(f"{who}: x must be images (N, channels, H, W), got shape {array.shape}.")
    with looking(model):
        y, _, maps = seen_by(who, model, chosen, array)
        if not isinstance(maps, Value) or maps.ndim != 4:
            got = f"shape {maps.shape}" if hasattr(maps, "shape") else type(maps).__name__
            raise ValueError(
                f"{who}: the layer {type(chosen).__name__} must return feature maps (N, K, h, w), "
                f"got {got}."
            )
        scores, _ = score(who, y, target)
        slopes = grad(np.sum(scores), maps, allow_unused=True)
    if slopes is None:
        raise ValueError(
            f"{who}: the score does not depend on the layer {type(chosen).__name__}; choose one "
            "on the way to it."
        )
    alpha = slopes.mean(axis=(2, 3), keepdims=True)
    found = np.maximum((alpha * maps.data).sum(axis=1, keepdims=True), 0)
    if upsample:
        found = np.asarray(interpolate(found, size=array.shape[2:], mode="bilinear"))
    return np.array(found[:, 0])
