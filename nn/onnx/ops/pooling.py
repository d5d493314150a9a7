"""Pooling over windows, over regions, and over everything."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd
from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.ops.conv import padding
from nn.onnx.table import Unsupported, bounded, integers, like, plain, reads, row, writes

MAX = {1: by_single(F.max_pool1d), 2: by_single(F.max_pool2d), 3: by_single(F.max_pool3d)}
AVERAGE = {1: by_single(F.avg_pool1d), 2: by_single(F.avg_pool2d), 3: by_single(F.avg_pool3d)}


def _windows(
    x: Any, kernel: Any, strides: Any, dilations: Any, pads: Any, auto_pad: str, ceil: int
) -> tuple[Any, Any, list[tuple[int, int]], list[int]]:
    """Strides, dilations, padding and output sizes, one for each axis."""
    rank = len(kernel)
    if rank not in MAX:
        raise Unsupported(f"pooling over {rank} axes")
    steps, gaps = strides or (1,) * rank, dilations or (1,) * rank
    ends = list(padding(auto_pad, pads, x.shape[2:], kernel, steps, gaps))
    out = []
    for n, k, s, d, (a, c) in zip(x.shape[2:], kernel, steps, gaps, ends, strict=True):
        room = n + a + c - d * (k - 1) - 1
        m = (-(-room // s) if ceil else room // s) + 1
        if ceil and (m - 1) * s >= n + a:  # a window that starts beyond the input is dropped
            m -= 1
        out.append(m)
    return steps, gaps, ends, out


def _plainly(ends: Any, kernel: Any) -> bool:
    return all(a == c and 2 * a <= k for (a, c), k in zip(ends, kernel, strict=True))


def _reach(
    x: Any, kernel: Any, steps: Any, gaps: Any, ends: Any, out: Any
) -> list[tuple[int, int]]:
    """The padding that the last window reaches to, and no further."""
    found = []
    for n, k, s, d, (a, _), m in zip(x.shape[2:], kernel, steps, gaps, ends, out, strict=True):
        found.append((a, max((m - 1) * s + d * (k - 1) + 1 - n - a, 0)))
    bounded([n + a + c for n, (a, c) in zip(x.shape[2:], found, strict=True)], "a pool's padding")
    return found


def _cropped(y: Any, out: Any) -> Any:
    return y[(slice(None),) * 2 + tuple(slice(m) for m in out)] if y.shape[2:] != tuple(out) else y


@reads("MaxPool")
def _max_pool(
    x: Any, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, dilations: Any = None,
    kernel_shape: Any, pads: Any = None, storage_order: int = 0, strides: Any = None, node: Any,
) -> Any:  # fmt: skip
    steps, gaps, ends, out = _windows(
        x, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode
    )
    rank, wants_places = len(kernel_shape), len(node.outputs) > 1 and bool(node.outputs[1])
    if x.dtype.kind != "f":
        y = _max_pool(
            plain(x).astype(np.float64), auto_pad=auto_pad, ceil_mode=ceil_mode,
            dilations=dilations, kernel_shape=kernel_shape, pads=pads,
            storage_order=storage_order, strides=strides, node=node,
        )  # fmt: skip
        return (y[0].astype(x.dtype), y[1]) if wants_places else plain(y).astype(x.dtype)
    if _plainly(ends, kernel_shape) and not wants_places:
        inner = tuple(a for a, _ in ends)
        return MAX[rank](x, tuple(kernel_shape), tuple(steps), inner, tuple(gaps), bool(ceil_mode))
    wide = _reach(x, kernel_shape, steps, gaps, ends, out)
    if any(map(any, wide)):
        x = np.pad(x, [(0, 0), (0, 0), *wide], constant_values=-np.inf)
    found = MAX[rank](
        x, tuple(kernel_shape), tuple(steps), 0, tuple(gaps), return_indices=wants_places
    )
    if not wants_places:
        return _cropped(found, out)
    y, at = _cropped(found[0], out), _cropped(found[1], out)
    return y, _places(at, x.shape, wide, storage_order)


def _places(at: Any, shape: Any, wide: Any, column_major: int) -> Any:
    """Places in the whole tensor, given places in padded planes."""
    axes = list(np.unravel_index(at, shape[2:]))
    size = [n - a - c for n, (a, c) in zip(shape[2:], wide, strict=True)]
    axes = [k - a for k, (a, _) in zip(axes, wide, strict=True)]
    order = list(zip(axes, size, strict=True))
    if column_major:
        order.reverse()
    flat = np.zeros(at.shape, np.int64)
    for k, n in order:
        flat = flat * n + k
    planes = np.arange(shape[0] * shape[1]).reshape(*shape[:2], *(1,) * len(size))
    return flat + planes * math.prod(size)


@reads("MaxUnpool")
def _max_unpool(
    x: Any, at: Any, shape: Any = None, *, kernel_shape: Any, pads: Any = None, strides: Any = None
) -> Any:
    rank = len(kernel_shape)
    steps, ends = strides or (1,) * rank, pads or (0,) * 2 * rank
    size = [
        (n - 1) * s - ends[i] - ends[i + rank] + k
        for i, (n, s, k) in enumerate(zip(x.shape[2:], steps, kernel_shape, strict=True))
    ]
    whole = [*x.shape[:2], *size]
    given = whole if shape is None else integers(shape)
    places = plain(at)
    bounded(given, "MaxUnpool")
    if given != whole:  # the places are those of the smaller tensor
        places = np.ravel_multi_index(np.unravel_index(places, whole), given)
    zeros = np.zeros(math.prod(given), x.dtype)
    flat = autograd.index_update(zeros, places.reshape(-1), np.reshape(x, -1))
    return np.reshape(flat, given)


@reads("AveragePool")
def _average_pool(
    x: Any, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
    dilations: Any = None, kernel_shape: Any, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    kernel = tuple(kernel_shape)
    steps, gaps, ends, out = _windows(x, kernel, strides, dilations, pads, auto_pad, ceil_mode)
    rank = len(kernel)
    dense = all(d == 1 for d in gaps)
    if dense and _plainly(ends, kernel):
        inner = tuple(a for a, _ in ends)
        return AVERAGE[rank](
            x, kernel, tuple(steps), inner, bool(ceil_mode), bool(count_include_pad)
        )
    sums = _window_sums(x, kernel, steps, gaps, ends, out)
    ones = np.ones((1, 1, *x.shape[2:]), np.float64)
    if count_include_pad:
        ones, ends = np.pad(ones, [(0, 0), (0, 0), *ends], constant_values=1), [(0, 0)] * rank
    counts = _window_sums(ones, kernel, steps, gaps, ends, out)
    return sums / np.maximum(counts, 1).astype(x.dtype)


def _window_sums(x: Any, kernel: Any, steps: Any, gaps: Any, ends: Any, out: Any) -> Any:
    """The sum of each window, whatever its dilation and padding."""
    wide = _reach(x, kernel, steps, gaps, ends, out)
    if any(map(any, wide)):
        x = np.pad(x, [(0, 0), (0, 0), *wide])
    if all(d == 1 for d in gaps):
        y = AVERAGE[len(kernel)](x, kernel, tuple(steps), 0)
        return _cropped(y, out) * like(math.prod(kernel), x)
    parts = None
    for offsets in np.ndindex(*kernel):
        cut = [
            slice(o * d, o * d + (m - 1) * s + 1, s)
            for o, d, s, m in zip(offsets, gaps, steps, out, strict=True)
        ]
        part = x[(slice(None), slice(None), *cut)]
        parts = part if parts is None else parts + part
    return parts


@reads("LpPool")
def _lp_pool(
    x: Any, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, dilations: Any = None,
    kernel_shape: Any, p: float = 2, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    kernel = tuple(kernel_shape)
    steps, gaps, ends, out = _windows(x, kernel, strides, dilations, pads, auto_pad, ceil_mode)
    sums = _window_sums(np.abs(x) ** p, kernel, steps, gaps, ends, out)
    return sums ** (1 / p)


def _everything(x: Any) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


row("GlobalAveragePool", lambda x: np.mean(x, axis=_everything(x), keepdims=True))
row("GlobalMaxPool", lambda x: np.max(x, axis=_everything(x), keepdims=True))


@reads("GlobalLpPool")
def _global_lp_pool(x: Any, *, p: int = 2) -> Any:
    return np.sum(np.abs(x) ** p, axis=_everything(x), keepdims=True) ** (1 / p)


@reads("RoiAlign")
def _roi_align(
    x: Any, rois: Any, batch: Any, *, coordinate_transformation_mode: str | None = None,
    mode: str = "avg", output_height: int = 1, output_width: int = 1, sampling_ratio: int = 0,
    spatial_scale: float = 1.0, node: Any,
) -> Any:  # fmt: skip
    how = coordinate_transformation_mode or (
        "half_pixel" if node.opset >= 16 else "output_half_pixel"
    )
    boxes, owners = plain(rois), plain(batch)
    shift = 0.5 if how == "half_pixel" else 0.0
    H, W = x.shape[2:]
    found = []
    for box, owner in zip(boxes, owners, strict=True):
        x1, y1, x2, y2 = box * spatial_scale - shift
        width, height = x2 - x1, y2 - y1
        if how != "half_pixel":
            width, height = max(width, 1.0), max(height, 1.0)
        rows = _bins(y1, height, output_height, sampling_ratio)
        columns = _bins(x1, width, output_width, sampling_ratio)
        taken = _bilinear(
            x[int(owner)], rows.ravel(), columns.ravel(), H, W
        )  # (C, rows, columns, 4)
        shape = (x.shape[1], *rows.shape, *columns.shape, 4)
        taken = np.reshape(taken, shape)
        if mode == "avg":
            found.append(np.mean(np.sum(taken, axis=-1), axis=(2, 4)))
        else:
            found.append(np.max(taken, axis=(2, 4, 5)))
    return (
        np.stack(found)
        if found
        else np.zeros((0, x.shape[1], output_height, output_width), x.dtype)
    )


def _bins(start: float, size: float, count: int, ratio: int) -> Any:
    """The coordinates of the samples of each bin, (count, samples)."""
    samples = ratio if ratio > 0 else max(math.ceil(size / count), 1)
    step = size / count
    return start + np.arange(count)[:, None] * step + (np.arange(samples) + 0.5) * step / samples


def _bilinear(x: Any, rows: Any, columns: Any, H: int, W: int) -> Any:
    """The four weighted pixels around each point of a grid, (C, rows, columns, 4)."""

    def around(at: Any, n: int) -> tuple[Any, Any, Any, Any]:
        inside = (at >= -1) & (at <= n)
        held = np.clip(at, 0, n - 1)
        low = np.minimum(held.astype(np.int64), n - 1)
        high = np.minimum(low + 1, n - 1)
        part = np.where(low >= n - 1, 0.0, held - low)
        return low, high, (1 - part) * inside, part * inside

    r0, r1, wr0, wr1 = around(rows, H)
    c0, c1, wc0, wc1 = around(columns, W)
    corners = [
        x[:, r[:, None], c[None]] * (wr[:, None] * wc[None]).astype(x.dtype)
        for r, wr in ((r0, wr0), (r1, wr1))
        for c, wc in ((c0, wc0), (c1, wc1))
    ]
    return np.stack(corners, axis=-1)


@reads("MaxRoiPool")
def _max_roi_pool(x: Any, rois: Any, *, pooled_shape: Any, spatial_scale: float = 1.0) -> Any:
    found = []
    for owner, *box in plain(rois):
        x1, y1, x2, y2 = (round(float(v) * spatial_scale) for v in box)
        rows = _parts(y1, max(y2 - y1 + 1, 1), pooled_shape[0], x.shape[2])
        columns = _parts(x1, max(x2 - x1 + 1, 1), pooled_shape[1], x.shape[3])
        cells = [
            [
                np.max(x[int(owner)][:, a:b, c:d], axis=(1, 2)) if b > a and d > c
                else np.zeros(x.shape[1], x.dtype)
                for c, d in columns
            ]
            for a, b in rows
        ]  # fmt: skip
        found.append(np.stack([np.stack(line, axis=-1) for line in cells], axis=1))
    return np.stack(found)


def _parts(start: int, size: int, count: int, limit: int) -> list[tuple[int, int]]:
    step = size / count
    return [
        (
            min(max(math.floor(i * step) + start, 0), limit),
            min(max(math.ceil((i + 1) * step) + start, 0), limit),
        )
        for i in range(count)
    ]


# Writing


@writes("max_pool", "avg_pool")
def _write_pool(out: Any, v: Any, x: str) -> Any:
    windows, largest = v.static[0][0], v.op == "max_pool"
    if windows.whole:
        return out.node("GlobalMaxPool" if largest else "GlobalAveragePool", x)
    how = windows.regular
    if how is None or how.divisor is not None:
        if any(repr(w.ranges) != repr(windows.ranges) for w in v.static[0]):
            return NotImplemented
        return _write_uneven(out, v, x, windows, largest)
    given = {
        "kernel_shape": how.kernel, "strides": how.stride, "pads": how.padding * 2,
        "ceil_mode": int(how.ceil_mode),
    }  # fmt: skip
    if largest:
        return out.node("MaxPool", x, dilations=how.dilation, **given)
    return out.node("AveragePool", x, count_include_pad=int(how.count_include_pad), **given)


def _write_uneven(out: Any, v: Any, x: str, windows: Any, largest: bool) -> Any:
    """Windows that no ONNX op has, one axis after another: products with a matrix, or maxima."""
    rank = len(windows.size)
    for k in range(rank):
        axis, (n, ranges, step) = k + 2, (windows.size[k], windows.ranges[k], windows.steps[k])
        members = [list(range(a, b, step)) for a, b in ranges]
        if largest:
            most = max(map(len, members))
            if not all(members):
                return NotImplemented
            table = np.array([m + m[-1:] * (most - len(m)) for m in members])
            taken = out.node("Gather", x, out.constant(table.astype(np.int64)), axis=axis)
            x = out.node("ReduceMax", taken, out.integers(axis + 1), keepdims=0)
            continue
        matrix = np.zeros((len(members), n))
        for row_, (m, scale) in enumerate(zip(members, windows.scales[k], strict=True)):
            matrix[row_, m] = scale
        x = product_along(out, x, axis, matrix.astype(v.dtype), rank + 2)
    return x


def product_along(out: Any, x: str, axis: int, matrix: Any, ndim: int) -> Any:
    """Each vector along an axis, times a matrix (m, n)."""
    order = list(range(ndim))
    order[axis], order[-1] = order[-1], order[axis]
    last = axis == ndim - 1
    turned = x if last else out.node("Transpose", x, perm=order)
    y = out.node("MatMul", turned, out.constant(np.ascontiguousarray(matrix.T)))
    return y if last else out.node("Transpose", y, perm=order)
