"""Sampling images at the points of a grid, for spatial transformers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograd.ops.images.grid_sample import gather_weighted
from autograd.ops.images.resample import cubic_weights
from autograd.value import Value
from nn.arguments import flags
from nn.functional.tensor import Tensor

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Value:
    r"""Sample images at the points of a grid, by interpolation.

    .. math:: y_{n c o} = \sum_k w_{n o k} \, x_{n c, i_{n o k}}

    where i are the pixels around the point, and w falls with the distance from it.

    Parameters
    ----------
    input : x, (N, C, H, W) or (N, C, D, H, W), float32 or float64.
    grid : (N, HO, WO, 2) or (N, DO, HO, WO, 3), of the same dtype. Points (column, row, depth);
        -1 and 1 are the ends of an axis.
    mode : "bilinear" (linear between pixels), "nearest" (no gradient to the grid), or "bicubic"
        (images of two axes only).
    padding_mode : values outside: "zeros", "border" (the edge pixel) or "reflection". A point that
        is NaN gives NaN, but lies outside for "nearest" with "zeros", as in PyTorch.
    align_corners : whether -1 and 1 are the centers of the pixels at the ends, or their outer
        edges (the default).

    Returns
    -------
    Value or array, (N, C, HO, WO) or (N, C, DO, HO, WO).

    Raises
    ------
    ValueError : other axes, modes; TypeError : other dtypes, or different ones.

    References
    ----------
    M. Jaderberg et al., "Spatial Transformer Networks", 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> middle = np.zeros((1, 1, 1, 2))
    >>> nn.functional.grid_sample(x, middle)
    array([[[[2.5]]]])
    """
    flags("grid_sample", align_corners=False if align_corners is None else align_corners)
    shape, places = np.shape(input), np.shape(grid)
    rank = len(shape) - 2
    if rank not in (2, 3) or len(places) != rank + 2 or places[-1] != rank:
        raise ValueError(
            f"grid_sample: input {shape} and grid {places} must be (N, C, H, W) and "
            "(N, HO, WO, 2), or (N, C, D, H, W) and (N, DO, HO, WO, 3)."
        )
    if places[0] != shape[0] or 0 in shape[1:]:
        raise ValueError(
            f"grid_sample: input {shape} and grid {places} must have the same N, and no axis "
            "of the input may be empty."
        )
    if mode not in MODES or (mode == "bicubic" and rank == 3):
        raise ValueError(f"grid_sample: mode must be one of {MODES[: 5 - rank]}, got {mode!r}.")
    if padding_mode not in PADDINGS:
        raise ValueError(f"grid_sample: padding_mode must be in {PADDINGS}, got {padding_mode!r}.")
    sizes, points = shape[2:], (shape[0], -1)
    axes = []
    for axis, n in enumerate(sizes):
        at = np.reshape(grid[..., rank - 1 - axis], points)  # the last axis of x comes first
        at = (at + 1) * ((n - 1) / 2) if align_corners else _among_pixels(at, n, rank)
        axes.append(_taps(at, n, mode, padding_mode, bool(align_corners)))
    found, weights = [], []
    for corner in itertools.product(*axes):
        flat = np.zeros(corner[0][0].shape, np.intp)
        inside, lost = np.ones(flat.shape, bool), np.zeros(flat.shape, bool)
        weight: Any = None
        for (pixel, part), n in zip(corner, sizes, strict=True):
            here = (pixel >= 0) & (pixel < n)
            inside &= here
            lost |= np.isnan(pixel)
            flat = flat * n + np.where(here, pixel, 0).astype(np.intp)
            weight = part if weight is None else weight * part
        found.append(np.where(inside | lost, flat, -1))  # a weight of NaN needs a pixel
        weights.append(weight)
    planes = np.reshape(input, (*shape[:2], -1))
    y = gather_weighted.call(planes, np.stack(weights, -1), np.stack(found, -1))
    return y.reshape(*shape[:2], *places[1:-1])


def _among_pixels(at: Any, n: int, rank: int) -> Any:
    """Coordinates of points, where -1 and 1 are the outer edges of n pixels.

    The grid of the identity hits the pixels, where the slope jumps: the last digit decides which
    side counts. In two axes PyTorch rounds once, with a fused multiply-add; so does this.
    """
    at = at + 1
    data = at.data if isinstance(at, Value) else at
    at = (at * n - 1) / 2
    if rank == 3:
        return at
    exact = ((data.astype(np.longdouble) * n - 1) / 2).astype(data.dtype)
    rest = exact - np.where(np.isfinite(exact), at.data if isinstance(at, Value) else at, 0)
    return at + np.where(np.isfinite(exact), rest, 0)


def _taps(at: Any, n: int, mode: str, padding: str, align: bool) -> list[tuple[Any, Any]]:
    """The pixels around coordinates along one axis, as whole floats, and their weights."""
    if mode != "bicubic":
        at = _held(at, n, padding, align)
    data = np.asarray(at.data if isinstance(at, Value) else at)
    if mode == "nearest":
        if padding == "zeros":
            data = np.where(np.isnan(data), -1, data)
        return [(np.rint(data), np.where(np.isnan(data), data, np.ones_like(data)))]
    low = np.floor(data)
    part = at - low
    if mode == "bilinear":
        return [(low, 1 - part), (low + 1, part)]
    pixels = [_held(low + k, n, padding, align) for k in range(-1, 3)]
    return list(zip(pixels, cubic_weights(part), strict=True))


def _held(at: Any, n: int, padding: str, align: bool) -> Any:
    """Coordinates, clipped or reflected into the image unless the padding is zeros.

    On the edge pixels they count as clipped, without a slope, as in PyTorch: the pixel beyond, that
    the slope there would be taken to, does not exist.
    """
    if padding == "zeros":
        return at
    if padding == "reflection":
        least, span = (0.0, n - 1.0) if align else (-0.5, float(n))
        if span == 0:
            return at * 0
        away = np.abs(at - least)
        times = np.floor(np.asarray(away.data if isinstance(away, Value) else away) / span)
        odd = times % 2
        # it grows with the coordinate going forth, and falls coming back
        at = (away - times * span) * (1 - 2 * odd) + (odd * span + least)
    data = at.data if isinstance(at, Value) else at
    return np.where((data > 0) & (data < n - 1), at, np.clip(data, 0, n - 1))


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Value:
    r"""The sampling grid of an affine map, for `grid_sample`.

    .. math:: grid_{n o} = \theta_n \, (column, row, 1)^\top

    Parameters
    ----------
    theta : θ, (N, 2, 3) or (N, 3, 4).
    size : (N, C, H, W) or (N, C, D, H, W) of the output.
    align_corners : as in `grid_sample`.

    Returns
    -------
    Value or array, (N, H, W, 2) or (N, D, H, W, 3).

    Raises
    ------
    ValueError : other axes, sizes below 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> turned = np.array([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
    >>> nn.functional.affine_grid(turned, (1, 1, 1, 2))[0, 0]
    array([[ 0. , -0.5],
           [ 0. ,  0.5]])
    """
    flags("affine_grid", align_corners=False if align_corners is None else align_corners)
    given, axes = np.shape(theta), tuple(size)
    rank = len(axes) - 2
    if rank not in (2, 3) or given != (axes[0], rank, rank + 1):
        raise ValueError(
            f"affine_grid: theta {given} and size {axes} must be (N, 2, 3) and (N, C, H, W), or "
            "(N, 3, 4) and (N, C, D, H, W)."
        )
    if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in axes):
        raise ValueError(f"affine_grid: size {axes} must be made of integers >= 1.")
    dtype = np.asarray(theta.data if isinstance(theta, Value) else theta).dtype
    ends = []
    for n in axes[2:]:
        line = _from_end_to_end(n, dtype)
        ends.append(line if align_corners else line * dtype.type(n - 1) / dtype.type(n))
    columns = np.meshgrid(*ends, indexing="ij")[::-1]
    points = np.stack([*columns, np.ones(axes[2:], dtype)], -1).reshape(-1, rank + 1)
    grid: Any = points @ np.swapaxes(theta, 1, 2)  # (N, pixels, rank)
    return grid.reshape(axes[0], *axes[2:], rank)


def _from_end_to_end(n: int, dtype: Any) -> Any:
    """n even steps from -1 to 1, rounded once and alike from both ends, as PyTorch's are."""
    step = np.longdouble(dtype.type(2) / dtype.type(max(n - 1, 1)))
    i = np.arange(n)
    line = np.where(i < n // 2, step * i - 1, 1 - step * (n - 1 - i)) if n > 1 else i
    return line.astype(dtype)
