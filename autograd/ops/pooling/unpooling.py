"""Max unpooling: maxima put back where max pooling found them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.ops.arrays.index import updated
from autograd.ops.axes import Ints, each, over_axes


def max_unpool_nd(
    rank: int,
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """Max unpooling: the maxima of `max_pool$d` put back where they were, zeros elsewhere.

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes).
    indices : integers of the same shape, from ``max_pool$d(..., return_indices=True)``.
    kernel_size, stride, padding : those of the pooling.
    output_size : tuple, optional. The axes of the output, where several were pooled to the same.

    Returns
    -------
    Value; each axis has (size - 1) stride - 2 padding + kernel pixels, or what output_size says.

    Raises
    ------
    ValueError, TypeError : indices of another shape or type, or outside of the output.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = np.arange($pixels.0).reshape(1, $twos)
    >>> y, indices = autograd.ops.max_pool$d(x, 2, return_indices=True)
    >>> autograd.ops.max_unpool$d(y, indices, 2).ravel()[-2:]
    array([0., $last])
    """
    name = f"max_unpool{rank}d"
    shape, places = np.shape(input), array_of(indices, name)
    if len(shape) not in (rank + 1, rank + 2) or places.shape != shape:
        raise ValueError(
            f"{name}: input {shape} must have {rank + 1} or {rank + 2} axes, and indices "
            f"{places.shape} the same."
        )
    if places.dtype.kind not in "iu":
        raise TypeError(f"{name}: indices must be integers, got {places.dtype}.")
    try:
        size = unpooled_size(shape[-rank:], kernel_size, stride, padding, output_size)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error} Input: {shape}.") from None
    lead = shape[:-rank]
    pixels = math.prod(size)
    if places.size and not (places.min() >= 0 and places.max() < pixels):
        raise ValueError(f"{name}: indices must lie in a plane of {size}: 0 to {pixels - 1}.")
    grid = [g.reshape(*g.shape, *(1,) * rank) for g in np.ogrid[tuple(slice(n) for n in lead)]]
    zeros = np.zeros((*lead, pixels), np.asarray(getattr(input, "data", input)).dtype)
    return np.reshape(updated.call(zeros, input, (*grid, places)), (*lead, *size))


def unpooled_size(
    shape: Ints, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Ints:
    """The axes that were pooled, as output_size says or the shortest; ValueError if none fits."""
    rank = len(shape)
    kernel = each("kernel_size", kernel_size, rank, 1)
    steps = each("stride", kernel if stride is None else stride, rank, 1)
    pads = each("padding", padding, rank, 0)
    size = tuple(
        (n - 1) * s - 2 * p + k for n, s, p, k in zip(shape, steps, pads, kernel, strict=True)
    )
    if output_size is not None:
        given = tuple(output_size)[-rank:] if np.ndim(output_size) else output_size
        wanted = each("output_size", given, rank, 0)
        if any(abs(w - n) >= s for w, n, s in zip(wanted, size, steps, strict=True)):
            raise ValueError(f"output_size={output_size} must be within a stride of {size}.")
        size = wanted
    if min(size) < 0:
        raise ValueError(f"padding={padding} leaves an output of {size}.")
    return size


max_unpool1d, max_unpool2d, max_unpool3d = over_axes(max_unpool_nd)

__test__ = {  # doctest looks for functions defined in the file
    f.__name__: f for f in (max_unpool1d, max_unpool2d, max_unpool3d)
}
