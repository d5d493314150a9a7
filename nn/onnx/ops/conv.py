"""Convolution and its transpose."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.table import Unsupported, bounded, reads, writes

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
        ends = tuple((flat[i], flat[i + rank]) for i in range(rank))
        bounded([max(n + a + c, 0) for n, (a, c) in zip(size, ends, strict=True)], "pads")
        return ends
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


# Writing


@writes("conv", "conv_bias")
def _write_conv(out: Any, v: Any, x: str, w: str, b: str = "") -> Any:
    from autograd.ops.conv.geometry import geometry

    size, kernel = ([n[0] for n in v.sizes(i)[2:]] for i in (0, 1))
    steps, ends, gaps, _ = geometry(tuple(size), tuple(kernel), v.same(0), v.same(1), v.same(2))
    return out.node(
        "Conv", x, w, b, strides=steps, dilations=gaps, group=int(v.same(3)), kernel_shape=kernel,
        pads=[a for a, _ in ends] + [c for _, c in ends],
    )  # fmt: skip


@writes("conv_input_grad")
def _write_conv_transpose(out: Any, v: Any, g: str, w: str) -> Any:
    """A transposed convolution; the size of its output is said by output_padding."""
    from autograd.ops.conv.geometry import geometry

    given, kernel = ([n[0] for n in v.sizes(i)[2:]] for i in (0, 1))
    size = tuple(int(n) for n in v.static[0][0])
    steps, ends, gaps, _ = geometry(size, tuple(kernel), v.same(1), v.same(2), v.same(3))
    more = [
        n - ((m - 1) * s - a - c + d * (k - 1) + 1)
        for n, m, s, (a, c), d, k in zip(size, given, steps, ends, gaps, kernel, strict=True)
    ]
    return out.node(
        "ConvTranspose", g, w, strides=steps, dilations=gaps, group=int(v.same(4)),
        kernel_shape=kernel, pads=[a for a, _ in ends] + [c for _, c in ends], output_padding=more,
    )  # fmt: skip


@writes("im2col", "col2im")
def _write_columns(out: Any, v: Any, x: str) -> Any:
    """Patches are a convolution with kernels of one 1 each; the transposed map is its transpose."""
    p, channels = v.static[0][0], v.sizes(0)[1][0]
    taps = p.kernel[0] * p.kernel[1]
    C = channels if v.op == "im2col" else channels // taps
    ones = np.tile(np.eye(taps).reshape(taps, 1, *p.kernel), (C, 1, 1, 1))
    how = {
        "strides": p.stride, "dilations": p.dilation, "group": C, "pads": p.padding * 2,
        "kernel_shape": p.kernel,
    }  # fmt: skip
    w = out.constant(ones, v.dtype)
    if v.op == "im2col":
        return out.reshape(out.node("Conv", x, w, **how), v.sizes())
    batch = v.sizes(0)[0]
    apart = out.reshape(x, [batch, *((n,) * len(batch) for n in (channels, *p.out))])
    more = [
        n - ((m - 1) * s - 2 * a + d * (k - 1) + 1)
        for n, m, s, a, d, k in zip(
            p.size, p.out, p.stride, p.padding, p.dilation, p.kernel, strict=True
        )
    ]
    return out.node("ConvTranspose", apart, w, output_padding=more, **how)
