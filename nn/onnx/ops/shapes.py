"""Shapes: reading them, changing them, joining and splitting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn import functional as F  # noqa: N812
from nn.onnx.table import bounded, integers, plain, reads


@reads("Shape")
def _shape(x: Any, *, start: int = 0, end: int | None = None) -> Any:
    return np.array(x.shape[slice(start, end)], np.int64)


@reads("Size")
def _size(x: Any) -> Any:
    return np.asarray(math.prod(x.shape), np.int64)


@reads("Reshape")
def _reshape(x: Any, shape: Any, *, allowzero: int = 0) -> Any:
    sizes = integers(shape)
    if not allowzero and 0 in sizes:
        sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return np.reshape(x, sizes)


@reads("Flatten")
def _flatten(x: Any, *, axis: int = 1) -> Any:
    k = axis if axis >= 0 else axis + x.ndim
    return np.reshape(x, (math.prod(x.shape[:k]), math.prod(x.shape[k:])))


@reads("Transpose")
def _transpose(x: Any, *, perm: tuple[int, ...] | None = None) -> Any:
    return np.transpose(x, perm)


@reads("Squeeze", since=13)
def _squeeze(x: Any, axes: Any = None) -> Any:
    return np.squeeze(x, None if axes is None else tuple(integers(axes)))


@reads("Squeeze")
def _squeeze_1(x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    return np.squeeze(x, axes)


@reads("Unsqueeze", since=13)
def _unsqueeze(x: Any, axes: Any) -> Any:
    return np.expand_dims(x, tuple(integers(axes)))


@reads("Unsqueeze")
def _unsqueeze_1(x: Any, *, axes: tuple[int, ...]) -> Any:
    return np.expand_dims(x, axes)


@reads("Expand")
def _expand(x: Any, shape: Any) -> Any:
    whole = bounded(np.broadcast_shapes(x.shape, tuple(integers(shape))), "Expand")
    return x if whole == x.shape else np.broadcast_to(x, whole)


@reads("Tile")
def _tile(x: Any, repeats: Any) -> Any:
    times = integers(repeats)
    bounded([n * t for n, t in zip(x.shape, times, strict=True)], "Tile")
    return np.tile(x, times)


@reads("Concat")
def _concat(*xs: Any, axis: int = 1) -> Any:
    return xs[0] if len(xs) == 1 else np.concatenate(xs, axis=axis)


@reads("Split", since=13)
def _split(x: Any, split: Any = None, *, axis: int = 0, num_outputs: int = 0, node: Any) -> Any:
    sizes = None if split is None else integers(split)
    return parts(x, sizes, axis, num_outputs or len(node.outputs))


@reads("Split")
def _split_2(x: Any, *, axis: int = 0, split: tuple[int, ...] | None = None, node: Any) -> Any:
    return parts(x, split, axis, len(node.outputs))


def parts(x: Any, sizes: Any, axis: int, count: int) -> tuple[Any, ...]:
    """x cut along an axis: into parts of these sizes, or into so many, the last perhaps smaller."""
    if sizes is None:
        size = -(-x.shape[axis] // count)
        sizes = [size] * (count - 1) + [x.shape[axis] - size * (count - 1)]
    if min(sizes, default=0) < 0 or sum(sizes) != x.shape[axis]:
        raise ValueError(f"Split: {x.shape[axis]} along axis {axis} are not {list(sizes)}.")
    if len(sizes) == 1:
        return (x,)
    return tuple(np.split(x, np.cumsum(sizes)[:-1].tolist(), axis=axis))


@reads("Pad", since=11)
def _pad(x: Any, pads: Any, value: Any = None, axes: Any = None, *, mode: str = "constant") -> Any:
    fill = 0 if value is None or not np.size(plain(value)) else plain(value).reshape(-1)[0]
    return padded(x, integers(pads), fill, None if axes is None else integers(axes), mode)


@reads("Pad")
def _pad_2(
    x: Any, *, pads: tuple[int, ...] = (), paddings: tuple[int, ...] = (), value: float = 0.0,
    mode: str = "constant",
) -> Any:  # fmt: skip
    return padded(x, list(pads or paddings), value, None, mode)


def padded(x: Any, pads: list[int], fill: Any, axes: list[int] | None, mode: str) -> Any:
    """x with its axes grown, or cut where a number is negative."""
    chosen = list(range(x.ndim)) if axes is None else [k % x.ndim for k in axes]
    if len(pads) != 2 * len(chosen):
        raise ValueError(f"Pad: {len(pads)} numbers for {len(chosen)} axes.")
    ends = [(0, 0)] * x.ndim
    for j, k in enumerate(chosen):
        ends[k] = (pads[j], pads[j + len(chosen)])
    if any(min(pair) < 0 for pair in ends):
        cut = [slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, ends, strict=True)]
        x = x[tuple(cut)]
        ends = [(max(a, 0), max(b, 0)) for a, b in ends]
    bounded([n + a + b for n, (a, b) in zip(x.shape, ends, strict=True)], "Pad")
    if not any(map(any, ends)):
        return x
    if mode == "constant":
        return np.pad(x, ends, constant_values=fill)
    how: Any = mode
    return np.pad(x, ends, mode=how)


@reads("CenterCropPad")
def _center_crop_pad(x: Any, shape: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    chosen = list(range(x.ndim)) if axes is None else [k % x.ndim for k in axes]
    ends = [(0, 0)] * x.ndim
    for k, n in zip(chosen, integers(shape), strict=True):
        more = n - x.shape[k]
        first = more // 2 if more >= 0 else -(-more // 2)
        ends[k] = (first, more - first)
    flat = [a for a, _ in ends] + [b for _, b in ends]
    return padded(x, flat, 0, None, "constant")


@reads("DepthToSpace")
def _depth_to_space(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    b, (N, C, H, W) = blocksize, x.shape
    if mode == "CRD":
        return F.pixel_shuffle(x, b)
    y = np.transpose(np.reshape(x, (N, b, b, C // b**2, H, W)), (0, 3, 4, 1, 5, 2))
    return np.reshape(y, (N, C // b**2, H * b, W * b))


@reads("SpaceToDepth")
def _space_to_depth(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    b, (N, C, H, W) = blocksize, x.shape
    if mode == "CRD":
        return F.pixel_unshuffle(x, b)
    y = np.reshape(x, (N, C, H // b, b, W // b, b))
    return np.reshape(np.transpose(y, (0, 3, 5, 1, 2, 4)), (N, C * b * b, H // b, W // b))


@reads("Col2Im")
def _col2im(
    x: Any, image_shape: Any, block_shape: Any, *, dilations: Any = None, pads: Any = None,
    strides: Any = None,
) -> Any:  # fmt: skip
    size, kernel = integers(image_shape), integers(block_shape)
    rank = len(size)
    steps, gaps = list(strides or [1] * rank), list(dilations or [1] * rank)
    ends = list(pads or [0] * 2 * rank)
    N, C = x.shape[0], x.shape[1] // math.prod(kernel)
    whole = [n + ends[i] + ends[i + rank] for i, n in enumerate(size)]
    counts = [
        (n - g * (k - 1) - 1) // s + 1
        for n, k, s, g in zip(whole, kernel, steps, gaps, strict=True)
    ]
    places = np.zeros((math.prod(kernel), math.prod(counts)), np.int64)
    for axis in range(rank):
        at = np.arange(kernel[axis])[:, None] * gaps[axis] + np.arange(counts[axis]) * steps[axis]
        shape = [1] * (2 * rank)
        shape[axis], shape[rank + axis] = at.shape
        spread = np.broadcast_to(at.reshape(shape), (*kernel, *counts))
        places = places * whole[axis] + spread.reshape(places.shape)
    import autograd

    columns = np.reshape(x, (N, C, *places.shape))
    zeros = np.zeros((N, C, math.prod(whole)), x.dtype)
    y = autograd.index_add(zeros, (slice(None), slice(None), places), columns)
    y = np.reshape(y, (N, C, *whole))
    inner = [slice(ends[i], ends[i] + n) for i, n in enumerate(size)]
    return y[(slice(None), slice(None), *inner)]
