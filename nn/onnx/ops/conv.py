"""Convolution and its transpose."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.table import Unsupported, bounded, reads

Pairs = tuple[tuple[int, int], ...]
CONV = {1: by_single(F.conv1d), 2: by_single(F.conv2d), 3: by_single(F.conv3d)}
TRANSPOSED = {
    1: by_single(F.conv_transpose1d),
    2: by_single(F.conv_transpose2d),
    3: by_single(F.conv_transpose3d),
}


@functools.lru_cache(1024)
def padding(auto_pad: str, pads: Any, size: Any, kernel: Any, stride: Any, dilation: Any) -> Pairs:
    """Pixels before and after each axis, as given or as ``auto_pad`` says."""
    rank = len(size)
    if auto_pad in ("NOTSET", ""):
        flat = pads or (0,) * 2 * rank
        if len(flat) != 2 * rank:
            raise ValueError(f"pads {flat} must have two numbers for each of {rank} axes.")
        return tuple((flat[i], flat[i + rank]) for i in range(rank))
    if auto_pad == "VALID":
        return ((0, 0),) * rank
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise Unsupported(f"auto_pad={auto_pad!r}")
    found = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        small, large = total // 2, total - total // 2
        found.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
    return tuple(found)


@reads("Conv")
def _conv(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None,
    group: int = 1, kernel_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    rank = w.ndim - 2
    if rank not in CONV:
        raise Unsupported(f"a convolution over {rank} axes")
    steps, gaps = strides or (1,) * rank, dilations or (1,) * rank
    ends = padding(auto_pad, pads, x.shape[2:], w.shape[2:], steps, gaps)
    return CONV[rank](x, w, b, steps, ends, gaps, group)


@reads("ConvTranspose")
def _conv_transpose(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None,
    group: int = 1, kernel_shape: Any = None, output_padding: Any = None,
    output_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    rank = w.ndim - 2
    if rank not in TRANSPOSED:
        raise Unsupported(f"a transposed convolution over {rank} axes")
    steps, gaps = strides or (1,) * rank, dilations or (1,) * rank
    more, kernel, size = output_padding or (0,) * rank, w.shape[2:], x.shape[2:]
    whole = [
        (n - 1) * s + (k - 1) * d + 1 + o
        for n, s, k, d, o in zip(size, steps, kernel, gaps, more, strict=True)
    ]
    bounded((x.shape[0], *whole), "ConvTranspose")
    if output_shape or auto_pad.startswith("SAME"):
        wanted = (
            output_shape[-rank:]
            if output_shape
            else [n * s for n, s in zip(size, steps, strict=True)]
        )
        ends = []
        for n, m in zip(whole, wanted, strict=True):
            small, large = (n - m) // 2, n - m - (n - m) // 2
            ends.append((small, large) if auto_pad == "SAME_UPPER" else (large, small))
    else:
        ends = list(padding(auto_pad, pads, size, kernel, steps, gaps))
    same = all(a == c and a >= 0 for a, c in ends) and all(
        o < max(s, d) for o, s, d in zip(more, steps, gaps, strict=True)
    )
    if same:
        inner = tuple(a for a, _ in ends)
        return TRANSPOSED[rank](x, w, b, steps, inner, more, group, gaps)
    y: Any = TRANSPOSED[rank](x, w, None, steps, 0, 0, group, gaps)
    grow = [(0, 0), (0, 0)]
    cut = [slice(None)] * 2
    for n, got, (a, c) in zip(whole, y.shape[2:], ends, strict=True):
        grow.append((max(-a, 0), max(n - c - got, 0)))
        cut.append(slice(max(a, 0), max(a, 0) + n - a - c))
    y = np.pad(y, grow)[tuple(cut)] if np.any(grow) else y[tuple(cut)]
    return y if b is None else y + np.reshape(b, (-1,) + (1,) * rank)


@reads("DeformConv")
def _deform_conv(
    x: Any, w: Any, offset: Any, b: Any = None, mask: Any = None, *, dilations: Any = None,
    group: int = 1, kernel_shape: Any = None, offset_group: int = 1, pads: Any = None,
    strides: Any = None,
) -> Any:  # fmt: skip
    if w.ndim != 4:
        raise Unsupported("a deformable convolution over other than two axes")
    N, C, H, W = x.shape
    KH, KW = w.shape[2:]
    (sh, sw), (dh, dw) = strides or (1, 1), dilations or (1, 1)
    ends = pads or (0, 0, 0, 0)
    OH = (H + ends[0] + ends[2] - dh * (KH - 1) - 1) // sh + 1
    OW = (W + ends[1] + ends[3] - dw * (KW - 1) - 1) // sw + 1
    G = offset_group
    shift = np.reshape(offset, (N, G, KH, KW, 2, OH, OW))
    rows = (np.arange(KH) * dh)[:, None, None, None] + (np.arange(OH) * sh - ends[0])[:, None]
    columns = (np.arange(KW) * dw)[:, None, None] + (np.arange(OW) * sw - ends[1])
    at_row = shift[:, :, :, :, 0] + rows.astype(x.dtype)  # (N, G, KH, KW, OH, OW)
    at_column = shift[:, :, :, :, 1] + columns.astype(x.dtype)
    grid = np.stack([(2 * at_column + 1) / W - 1, (2 * at_row + 1) / H - 1], axis=-1)
    grid = np.reshape(grid, (N * G, KH * KW * OH, OW, 2))
    planes = np.reshape(x, (N * G, C // G, H, W))
    taken: Any = F.grid_sample(planes, grid, align_corners=False)
    taken = np.reshape(taken, (N, G, C // G, KH * KW, OH, OW))
    if mask is not None:
        taken = taken * np.reshape(mask, (N, G, 1, KH * KW, OH, OW))
    M = w.shape[0]
    taken = np.reshape(taken, (N, group, C // group * KH * KW, OH * OW))
    kernel = np.reshape(w, (group, M // group, -1))
    y = np.reshape(np.matmul(kernel, taken), (N, M, OH, OW))
    return y if b is None else y + np.reshape(b, (-1, 1, 1))
