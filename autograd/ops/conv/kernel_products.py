"""The three products of a convolution on plain arrays: plans, memory and threads.

Shapes are (N, C, *axes) for images and (M, C / groups, *axes) for weights. `padding` is a pair for
each axis. Nothing is checked here: geometry.py does.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from autograd.machine import pool
from autograd.machine.tile import lanes
from autograd.machine.workspace import native, scratch
from autograd.ops.conv import kernel_depthwise as depthwise
from autograd.ops.conv.kernel_conv import (
    TALL,
    correlate,
    pack_weights,
    weight_grad_parts,
    weight_grad_sum,
)
from autograd.ops.conv.kernel_plan import TASKS, Axis, Plan, plan

IMAGES = 512  # at once for the gradient of the weight

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


def out_shape(x: Ints, w: Ints, stride: Ints, padding: Pairs, dilation: Ints) -> Ints:
    """The output's axes, given those of the input and of the weight."""
    return tuple(
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, (low, high), d in zip(x, w, stride, padding, dilation, strict=True)
    )


def convolve(x, w, bias, stride, padding, dilation, groups):
    """y[n, m, o] = bias[m] + Σ_c Σ_j w[m, c, j] x[n, c, o · stride + j · dilation − padding]."""
    x, w = native(x), native(w)
    out = out_shape(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.empty((x.shape[0], w.shape[0], *out), x.dtype)
    if not y.size or not w.size:
        return _only_bias(y, bias)
    p = _forward_plan(
        x.shape, w.shape, x.itemsize, stride, padding, dilation, groups, bias is not None
    )
    b = native(bias) if bias is not None else np.zeros(0, x.dtype)
    _correlate(
        p, x, w, b, y, 0, math.prod(w.shape[1:]), math.prod(w.shape[1:]) * (w.shape[0] // groups)
    )
    return y


def input_grad(g, w, size, stride, padding, dilation, groups):
    """The gradient of `convolve` with respect to its input, whose axes are `size`."""
    g, w = native(g), native(w)
    channels = w.shape[1] * groups
    shape = (g.shape[0], channels, *size)
    if not g.size or not w.size:
        return np.zeros(shape, g.dtype)
    gx = np.empty(shape, g.dtype)  # first, so that what is too large is refused at once
    covered, plans = _phase_plans(
        g.shape, w.shape, g.itemsize, size, stride, padding, dilation, groups
    )
    if not covered:
        gx[...] = 0
    none = np.zeros(0, g.dtype)
    taps = math.prod(w.shape[2:])
    for p, start in plans:
        _correlate(p, g, w, none, gx, start, taps, w.shape[0] // groups * w.shape[1] * taps)
    return gx


def weight_grad(x, g, size, stride, padding, dilation, groups):
    """The gradient of `convolve` with respect to its weight, whose axes are `size`."""
    x, g = native(x), native(g)
    shape = (g.shape[1], x.shape[1] // groups, *size)
    if not x.size or not g.size or not math.prod(shape):
        return np.zeros(shape, x.dtype)
    if len(x) > IMAGES:  # pairwise: one after another they would lose digits
        half = len(x) // 2
        halves = ((x[:half], g[:half]), (x[half:], g[half:]))
        parts = (weight_grad(*pair, size, stride, padding, dilation, groups) for pair in halves)
        return sum(parts)
    gw = np.empty(shape, x.dtype)
    if groups == x.shape[1] and max(stride) == 1:
        depthwise.weight_grad(x, g, gw, padding, dilation)
        if np.isfinite(gw).all():  # else it took inf · 0 where pixels meet the zeros between rows
            return gw
    p = _forward_plan(x.shape, shape, x.itemsize, stride, padding, dilation, groups, False)
    s = p.sizes[0]
    channels, out_channels = int(s["channels"]), int(s["out_channels"])
    width = lanes(x.dtype)
    wide = width if out_channels <= width else 2 * width
    ldp = math.ceil(out_channels / wide) * wide
    inner = len(p.h_taps) * len(p.w_taps)
    channel_parts, rows = _channel_parts(channels, inner, len(p.outer), -(-TASKS // groups))
    block_parts = min(int(s["images"]) * p.blocks, max(1, TASKS // (channel_parts * groups)))
    tasks = block_parts * channel_parts * groups
    part = p.outer.size * rows * ldp
    parts = scratch("conv.parts", tasks * part, x.dtype)
    plane = int(s["plane"])
    pixels = math.ceil(ldp / wide) * int(s["tall"] * s["Ho"] * s["Wo"]) * wide
    shape_ = np.array([block_parts, channel_parts, rows, ldp], np.intp)

    def share(begin, end):
        xs = scratch("conv.planes", rows * plane + plane + 8 * width, x.dtype)
        gt = scratch("conv.pixels", pixels, x.dtype)
        weight_grad_parts(
            begin, end, x.reshape(-1), g.reshape(-1), parts, xs, gt, p.sizes, p.phases,
            p.h_taps, p.w_taps, p.outer, shape_,
        )  # fmt: skip

    pool.run(share, tasks, cost=p.cost * 1.3)
    pool.run(
        weight_grad_sum, shape[0], parts, gw.reshape(-1), p.weights, math.prod(shape[1:]), p.sizes,
        p.outer, inner, shape_, cost=gw.size * (block_parts + 1.0),
    )  # fmt: skip
    return gw


@functools.cache
def _channel_parts(channels: int, inner: int, outer: int, most: int) -> tuple[int, int]:
    """Into how many parts the channels are cut, and the rows of tiles of each.

    Parts of the channels are better than parts of the images, which have to be added up. But each
    transposes the output's gradient again, so it should have 64 rows; and of the rows, a whole
    number of tiles for each outer tap, at most a tenth may be empty.
    """
    for parts in range(min(channels, most), 0, -1):
        rows = math.ceil(math.ceil(channels / parts) * inner / TALL) * TALL
        if parts == 1 or (rows * outer >= 64 and parts * rows * 10 <= channels * inner * 11):
            break
    return parts, rows


def _correlate(p: Plan, x, w, bias, y, y_start, w_row, w_group):
    """Pack the weight, then run the tasks of a plan."""
    s = p.sizes[0]
    groups, out_channels = int(s["groups"]), int(s["out_channels"])
    K = p.offsets.size
    packed = scratch("conv.weights", groups * out_channels * K, x.dtype)
    pool.run(
        pack_weights, groups, w.reshape(-1), w_group, w_row, p.weights, bias, out_channels,
        p.heights, packed, cost=w.size * 1.0,
    )  # fmt: skip
    x, y = x.reshape(-1), y.reshape(-1)
    width = lanes(x.dtype)

    def share(begin, end):
        correlate(
            begin, end, x, packed, y, y_start, scratch("conv.planes", p.space, x.dtype),
            scratch("conv.block", 0 if s["in_place"] else p.buffer, x.dtype),
            scratch("conv.tile", 64 * width, x.dtype), p.sizes, p.phases, p.h_taps, p.w_taps,
            p.offsets, p.heights,
        )  # fmt: skip

    pool.run(share, p.tasks, cost=p.cost)


def _only_bias(y, bias):
    y[...] = 0
    if bias is not None:
        y += bias.reshape(-1, *[1] * (y.ndim - 2))
    return y


def _strides(shape: Ints) -> Ints:
    """C-order strides in elements."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


@functools.lru_cache(512)
def _forward_plan(x, w, itemsize, stride, padding, dilation, groups, bias):
    out = out_shape(x[2:], w[2:], stride, padding, dilation)
    axes = tuple(
        Axis(n, o, s, tuple(j * d - low for j in range(k)), tuple(range(k)))
        for n, o, k, s, (low, _), d in zip(
            x[2:], out, w[2:], stride, padding, dilation, strict=True
        )
    )
    y = (x[0], w[0], *out)
    return plan(
        x[0], groups, w[1], w[0] // groups, axes, _strides(x), _strides(y), w[2:],
        math.prod(w[2:]), itemsize, bias,
    )  # fmt: skip


@functools.lru_cache(512)
def _phase_plans(g, w, itemsize, size, stride, padding, dilation, groups):
    """Whether all of the input is written, and (plan, start) for each remainder modulo the stride.

    Input position s · t + r gets tap j from the output at t + (r + padding − j · dilation) / s,
    where that is whole.
    """
    x = (g[0], w[1] * groups, *size)
    strides = _strides(x)
    choices = [  # for each axis, the remainders that any tap leads to
        _phases(g[2 + i], size[i], w[2 + i], stride[i], padding[i][0], dilation[i])
        for i in range(len(size))
    ]
    covered = all(len(c) == min(n, s) for c, n, s in zip(choices, size, stride, strict=True))
    found = []
    ys = [n * s for n, s in zip(strides[2:], stride, strict=True)]
    for chosen in itertools.product(*choices):
        start = sum(r * n for (r, _), n in zip(chosen, strides[2:], strict=True))
        axes = [axis for _, axis in chosen]
        p = plan(
            g[0], groups, w[0] // groups, w[1], tuple(axes), _strides(g), (*strides[:2], *ys),
            w[2:], w[1] * math.prod(w[2:]), itemsize, False,
        )  # fmt: skip
        found.append((p, start))
    return covered, found


def _phases(
    out: int, size: int, kernel: int, step: int, low: int, gap: int
) -> list[tuple[int, Axis]]:
    """The remainders modulo the stride along one axis that taps lead to, each as an axis."""
    found = []
    for r in range(min(step, size)):
        taps = tuple(j for j in range(kernel) if (r + low - j * gap) % step == 0)
        if taps:
            offsets = tuple((r + low - j * gap) // step for j in taps)
            found.append((r, Axis(out, -(-(size - r) // step), 1, offsets, taps)))
    return found
