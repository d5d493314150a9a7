"""Occlusion: attribution by covering parts of an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.recording import no_grad
from nn.arguments import count
from nn.look.running import Array, floats, looking, score
from nn.module import Module


def occlusion(
    model: Module,
    x: Any,
    target: Any = None,
    *,
    size: int | tuple[int, int] = 3,
    stride: int = 1,
    value: float = 0.0,
    batch_size: int = 256,
) -> Array:
    r"""Occlusion map: the drop of a class's score when a patch covers each part of the image.

    .. math:: m_p = \text{mean over the patches } P \ni p \text{ of } y(x) - y(x_{P \to value})

    Parameters
    ----------
    model : Module that returns scores (N, C); or one number per sample.
    x : float array, (N, channels, H, W).
    target : class indices, (N,), or one for all; by default the classes predicted for x.
    size : height and width of the patch.
    stride : pixels between positions of the patch; the last position touches the edge.
    value : the fill value of the patch.
    batch_size : occluded images per forward pass.

    Returns
    -------
    array, (N, H, W): positive where the covered pixels support the class.

    Raises
    ------
    TypeError
        An integer input.
    ValueError
        Incompatible shapes; a patch larger than the image.

    References
    ----------
    Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    >>> net[1].weight.data[:] = [[1.0, 0.0, 0.0, 2.0]]
    >>> nn.look.occlusion(net, np.ones((1, 1, 2, 2)), size=1)
    array([[[1., 0.],
            [0., 2.]]], dtype=float32)
    """
    who = "occlusion"
    array = floats(who, model, x)
    if array.ndim != 4:
        raise ValueError(f"{who}: x must be images (N, channels, H, W), got shape {array.shape}.")
    n, _, height, width = array.shape
    h, w = size if isinstance(size, (tuple, list)) else (size, size)
    h, w = count(who, "size", h, 1), count(who, "size", w, 1)
    if h > height or w > width:
        raise ValueError(
            f"{who}: size {size} must lie between 1 and the image's {array.shape[2:]}."
        )
    stride, batch_size = (
        count(who, "stride", stride, 1),
        count(who, "batch_size", batch_size, 1),
    )
    places = [(i, j) for i in _starts(height, h, stride) for j in _starts(width, w, stride)]
    fall = np.zeros((n, height, width), np.float64)
    covers = np.zeros((height, width))
    with looking(model), no_grad():
        before, classes = score(who, model(array), target)
        for first in range(0, len(places) * n, batch_size):
            todo = range(first, min(first + batch_size, len(places) * n))
            images = np.stack([array[k % n] for k in todo])
            for image, k in zip(images, todo, strict=True):
                i, j = places[k // n]
                image[:, i : i + h, j : j + w] = value
            rows = np.array([k % n for k in todo])
            own = None if classes is None else classes[rows]
            after, _ = score(who, model(images), own)
            for k, lost in zip(todo, before.data[rows] - after.data, strict=True):
                i, j = places[k // n]
                fall[k % n, i : i + h, j : j + w] += lost
    for i, j in places:
        covers[i : i + h, j : j + w] += 1
    return (fall / np.maximum(covers, 1)).astype(array.dtype)


def _starts(length: int, size: int, stride: int) -> list[int]:
    starts = list(range(0, length - size + 1, stride))
    return starts if starts[-1] == length - size else [*starts, length - size]
