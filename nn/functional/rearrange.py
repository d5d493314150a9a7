"""Pixel and channel shuffles, im2col and col2im."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.ops.conv.im2col import col2im, im2col, patches
from autograd.value import Value
from nn.functional.tensor import Tensor


def _factor(name: str, argument: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)):
        raise TypeError(f"{name}: {argument} must be an integer, got {given!r}.")
    if given < 1:
        raise ValueError(f"{name}: {argument} must be at least 1, got {given}.")
    return int(given)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Value:
    """Rearrange channels into blocks of r × r pixels.

    Parameters
    ----------
    input : (..., C r², H, W).
    upscale_factor : r.

    Returns
    -------
    Value or array, (..., C, H r, W r).

    Raises
    ------
    ValueError : fewer than 3 axes, channels that are no multiple of r².

    References
    ----------
    W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2)
    array([[[0., 1.],
            [2., 3.]]])
    """
    r, shape = _factor("pixel_shuffle", "upscale_factor", upscale_factor), np.shape(input)
    if len(shape) < 3 or shape[-3] % r**2:
        raise ValueError(
            f"pixel_shuffle: input {shape} must be (..., C, H, W) with a C that is a multiple of "
            f"upscale_factor² = {r**2}."
        )
    *lead, C, H, W = shape
    x = np.reshape(input, (*lead, C // r**2, r, r, H, W))
    k = len(lead)
    x = np.transpose(x, (*range(k + 1), k + 3, k + 1, k + 4, k + 2))  # (..., C, H, r, W, r)
    y: Any = np.reshape(x, (*lead, C // r**2, H * r, W * r))
    return y


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Value:
    """Rearrange blocks of r × r pixels into channels, the inverse of `pixel_shuffle`.

    Parameters
    ----------
    input : (..., C, H r, W r).
    downscale_factor : r.

    Returns
    -------
    Value or array, (..., C r², H, W).

    Raises
    ------
    ValueError : fewer than 3 axes, axes that are no multiples of r.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.pixel_unshuffle(np.arange(4.0).reshape(1, 2, 2), 2).ravel()
    array([0., 1., 2., 3.])
    """
    r, shape = _factor("pixel_unshuffle", "downscale_factor", downscale_factor), np.shape(input)
    if len(shape) < 3 or shape[-2] % r or shape[-1] % r:
        raise ValueError(
            f"pixel_unshuffle: input {shape} must be (..., C, H, W) with H and W that are "
            f"multiples of downscale_factor={r}."
        )
    *lead, C, H, W = shape
    x = np.reshape(input, (*lead, C, H // r, r, W // r, r))
    k = len(lead)
    x = np.transpose(x, (*range(k + 1), k + 2, k + 4, k + 1, k + 3))  # (..., C, r, r, H, W)
    y: Any = np.reshape(x, (*lead, C * r**2, H // r, W // r))
    return y


def channel_shuffle(input: Tensor, groups: int) -> Value:
    """Split channels into groups and interleave them.

    Parameters
    ----------
    input : (N, C, ...).
    groups : of which C is a multiple.

    Returns
    -------
    Value or array of the same shape.

    Raises
    ------
    ValueError : fewer than 3 axes, channels that are no multiple of groups.

    References
    ----------
    X. Zhang et al., "ShuffleNet", 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.channel_shuffle(np.arange(6.0).reshape(1, 6, 1), 2).ravel()
    array([0., 3., 1., 4., 2., 5.])
    """
    n, shape = _factor("channel_shuffle", "groups", groups), np.shape(input)
    if len(shape) < 3 or shape[1] % n:
        raise ValueError(
            f"channel_shuffle: input {shape} must be (N, C, ...) with a C that is a multiple of "
            f"groups={n}."
        )
    x = np.reshape(input, (shape[0], n, shape[1] // n, *shape[2:]))
    y: Any = np.reshape(np.swapaxes(x, 1, 2), shape)
    return y


def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Value:
    r"""Sliding patches of images as columns (im2col).

    .. math:: y_{n, (c, j), o} = x_{n, c, o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : (N, C, H, W) or (C, H, W).
    kernel_size : int or pair. Pixels of a patch.
    dilation, padding, stride : int or pair, as in `conv2d`.

    Returns
    -------
    Value or array, (N, C · kernel, L), where L counts the patches.

    Raises
    ------
    ValueError : other axes, a patch larger than the padded image.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.unfold(np.arange(6.0).reshape(1, 2, 3), 2)
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    shape = np.shape(input)
    if len(shape) not in (3, 4):
        raise ValueError(f"unfold: input {shape} must have the axes (N, C, H, W) or (C, H, W).")
    try:
        how = patches(shape[-2:], kernel_size, dilation, padding, stride)
    except (TypeError, ValueError) as error:
        raise type(error)(f"unfold: {error} Input: {shape}.") from None
    if len(shape) == 3:
        return im2col.call(np.expand_dims(input, 0), how)[0]
    return im2col.call(input, how)


def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Value:
    r"""Sum columns into images (col2im), the adjoint of `unfold`.

    .. math:: y_{n, c, i} = \sum_{o, j} x_{n, (c, j), o}
        \quad\text{where}\quad o \cdot stride + j \cdot dilation - padding = i

    Parameters
    ----------
    input : (N, C · kernel, L) or (C · kernel, L).
    output_size : int or pair. H and W.
    kernel_size, dilation, padding, stride : those of `unfold`.

    Returns
    -------
    Value or array, (N, C, H, W) or (C, H, W).

    Raises
    ------
    ValueError : columns of another length or number than such an image has.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.fold(np.ones((4, 2)), (2, 3), 2)
    array([[[1., 2., 1.],
            [1., 2., 1.]]])
    """
    shape = np.shape(input)
    if len(shape) not in (2, 3):
        raise ValueError(f"fold: input {shape} must have the axes (N, C · kernel, L).")
    try:
        how = patches(output_size, kernel_size, dilation, padding, stride)
    except (TypeError, ValueError) as error:
        raise type(error)(f"fold: {error} Input: {shape}.") from None
    taps, count = how.kernel[0] * how.kernel[1], how.out[0] * how.out[1]
    if shape[-2] % taps or shape[-1] != count:
        raise ValueError(
            f"fold: input {shape} must be (N, C · {taps}, {count}): an image {how.size} has "
            f"{count} patches of {how.kernel} = {taps} pixels."
        )
    if len(shape) == 2:
        return col2im.call(np.expand_dims(input, 0), how)[0]
    return col2im.call(input, how)
