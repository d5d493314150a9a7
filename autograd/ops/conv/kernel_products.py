"""The three products of a convolution on plain arrays: plans, memory and threads.

Shapes are (N, C, *axes) for images and (M, C / groups, *axes) for weights. `padding` is a pair for
each axis. Nothing is checked here: geometry.py does.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
import math

import numpy as np

from autograd.machine import pool
from autograd.machine.tile import lanes
from autograd.machine.workspace import native, scratch
from autograd.ops.conv import kernel_depthwise as depthwise
from autograd.ops.conv.kernel_conv import correlate
from autograd.ops.conv.kernel_layout import plan
from autograd.ops.conv.kernel_pack import pack_weights
from autograd.ops.conv.kernel_plan import TALL, TASKS, Axis, Phase, Plan
from autograd.ops.conv.kernel_weight_grad import weight_grad_parts, weight_grad_sum

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
    _correlate(p, x, w, b, y, math.prod(w.shape[1:]) * (w.shape[0] // groups))
    return y


def input_grad(g, w, size, stride, padding, dilation, groups):
    """The gradient of `convolve` with respect to its input, whose axes are `size`."""
    g, w = native(g), native(w)
    channels = w.shape[1] * groups
    shape = (g.shape[0], channels, *size)
    if not g.size or not w.size:
        return np.zeros(shape, g.dtype)
    gx = np.empty(shape, g.dtype)  # first, so that what is too large is refused at once
    covered, p = _input_plan(g.shape, w.shape, g.itemsize, size, stride, padding, dilation, groups)
    if not covered:
        gx[...] = 0
    if p is not None:
        w_group = w.shape[0] // groups * math.prod(w.shape[1:])
        _correlate(p, g, w, np.zeros(0, g.dtype), gx, w_group)
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
    if groups == x.shape[1] > 1 and max(stride) == 1:
        depthwise.weight_grad(x, g, gw, padding, dilation)
        if np.isfinite(gw).all():  # else it took inf · 0 where pixels meet the zeros between rows
            return gw
    p = _forward_plan(x.shape, shape, x.itemsize, stride, padding, dilation, groups, False, True)
    s = p.sizes[0]
    channels, out_channels = int(s["channels"]), int(s["out_channels"])
    width = lanes(x.dtype)
    wide = width if out_channels <= width else 2 * width
    ldp = math.ceil(out_channels / wide) * wide
    inner = len(p.h_taps) * len(p.w_taps)
    units = int(s["images"]) * p.blocks
    pixels = int(s["tall"] * s["Ho"] * s["Wo"])
    block_parts, channel_parts, rows = _parts(
        channels, out_channels, inner, len(p.outer), units, pixels, -(-TASKS // groups)
    )
    tasks = block_parts * channel_parts * groups
    part = p.outer.size * rows * ldp
    parts = scratch("conv.parts", tasks * part, x.dtype)
    plane = int(s["plane"])
    turned = math.ceil(ldp / wide) * pixels * wide
    shape_ = np.array([block_parts, channel_parts, rows, ldp], np.intp)

    def share(begin, end):
        xs = scratch("conv.planes", rows * plane + plane + 8 * width, x.dtype)
        gt = scratch("conv.pixels", turned, x.dtype)
        weight_grad_parts(
            begin, end, x.reshape(-1), g.reshape(-1), parts, xs, gt, p.sizes, p.phases,
            p.h_taps, p.w_taps, p.inside, p.outer, shape_,
        )  # fmt: skip

    pool.run(share, tasks, cost=p.cost * 1.3)

    def add_up(begin, end):
        block = scratch("conv.tile", 64 * width, x.dtype)
        ones = np.ones(1, x.dtype)
        weight_grad_sum(
            begin, end, parts, gw.reshape(-1), ones, block, p.sizes, p.outer, inner, shape_
        )

    pool.run(
        add_up, groups * math.ceil(out_channels / width), cost=gw.size * (0.3 + 0.1 * block_parts)
    )
    return gw


@functools.cache
def _parts(channels, out_channels, inner, outer, units, pixels, most):
    """Into how many parts the blocks of pixels and the channels are cut, and the rows of tiles.

    Each part of the channels transposes the output's gradient again, and of its rows, a whole
    number of tiles for each outer tap, at most a tenth may be empty; parts of the pixels have to be
    added up. Both counted in cycles.
    """
    best = None
    for parts in range(1, min(channels, most) + 1):
        rows = math.ceil(math.ceil(channels / parts) * inner / TALL) * TALL
        if parts > 1 and parts * rows * 10 > channels * inner * 11:
            continue
        blocks = min(units, max(1, most // parts))
        cost = parts * units * pixels * out_channels * 0.4
        cost += (blocks - 1) * channels * inner * outer * out_channels * 0.3
        cost *= 1 + 0.25 * (most / (blocks * parts) - 1)
        if best is None or cost < best[0]:
            best = cost, blocks, parts, rows
    return best[1:]


def _correlate(p: Plan, x, w, bias, y, w_group):
    """Pack the weight, then run the tasks of a plan."""
    s = p.sizes[0]
    groups = int(s["groups"])
    width = lanes(x.dtype)
    packed = scratch("conv.weights", groups * int(s["packed"]) + width, x.dtype)
    w = w.reshape(-1)

    def pack(begin, end):
        block = scratch("conv.tile", 64 * width, x.dtype)
        pack_weights(
            begin, end, w, w_group, p.weights, p.order, bias, p.strips, p.rows, p.sizes, block,
            packed,
        )  # fmt: skip

    pool.run(pack, groups * len(p.strips), cost=packed.size * 0.25)
    x, y = x.reshape(-1), y.reshape(-1)

    def share(begin, end):
        correlate(
            begin, end, x, packed, bias, y, scratch("conv.planes", p.space, x.dtype),
            scratch("conv.block", p.buffer, x.dtype), scratch("conv.tile", 64 * width, x.dtype),
            p.sizes, p.phases, p.h_taps, p.w_taps, p.inside, p.outer, p.offsets, p.strips, p.rows,
            p.lines,
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
def _forward_plan(x, w, itemsize, stride, padding, dilation, groups, bias, grad=False):
    out = out_shape(x[2:], w[2:], stride, padding, dilation)
    axes = tuple(
        Axis(n, s, (Phase(0, o, tuple((j * d - low, j) for j in range(k))),))
        for n, o, k, s, (low, _), d in zip(
            x[2:], out, w[2:], stride, padding, dilation, strict=True
        )
    )
    taps = math.prod(w[2:])
    return plan(
        x[0], groups, w[1], w[0] // groups, axes, _strides(x), _strides((x[0], w[0], *out)), w[2:],
        (w[1] * taps, taps), itemsize, bias, grad,
    )  # fmt: skip


@functools.lru_cache(512)
def _input_plan(g, w, itemsize, size, stride, padding, dilation, groups):
    """Whether all of the input is written; and the plan, None where no tap leads to it.

    Input position s · t + r gets tap j from the output at t + (r + padding − j · dilation) / s,
    where that is whole.
    """
    x = (g[0], w[1] * groups, *size)
    phases = [  # for each axis, the remainders that any tap leads to
        _phases(size[i], w[2 + i], stride[i], padding[i][0], dilation[i]) for i in range(len(size))
    ]
    covered = all(len(p) == min(n, s) for p, n, s in zip(phases, size, stride, strict=True))
    if not all(phases):
        return covered, None
    axes = tuple(Axis(n, 1, p, s) for n, p, s in zip(g[2:], phases, stride, strict=True))
    taps = math.prod(w[2:])
    return covered, plan(
        g[0], groups, w[0] // groups, w[1], axes, _strides(g), _strides(x), w[2:],
        (taps, w[1] * taps), itemsize, False,
    )  # fmt: skip


def _phases(size: int, kernel: int, step: int, low: int, gap: int) -> tuple[Phase, ...]:
    """The remainders modulo the stride along one axis that taps lead to."""
    found = []
    for r in range(min(step, size)):
        taps = tuple(
            ((r + low - j * gap) // step, j)
            for j in range(kernel)
            if (r + low - j * gap) % step == 0
        )
        if taps:
            found.append(Phase(r, -(-(size - r) // step), taps))
    return tuple(found)
