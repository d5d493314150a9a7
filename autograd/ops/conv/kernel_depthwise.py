"""The weight's gradient of a convolution of each channel by itself: long vectors, no tiles.

With one channel to a group there is nothing to multiply matrices of. A channel is packed into a
plane with its margins; then every tap is the whole plane, read from another place, and its gradient
the product with the output's, whose rows are spread as far apart, zeros between them.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from autograd.machine import pool
from autograd.machine.jit import jit
from autograd.machine.tile import lanes
from autograd.machine.workspace import scratch
from autograd.ops.conv.kernel_copy_rows import copy_rows

SUMS = 4096  # partial sums for all taps, so that they stay in the L1 cache
TAP = 0.06  # ns for one pixel and one tap, on one core
MOVE = 0.3  # ns for one pixel packed

_copy = copy_rows(1)


@jit
def depthwise_weight_grad(begin, end, x, g, gw, sizes, taps, xs, gs, sums):
    """gw of the output channels [begin, end), summed over the images in order."""
    channels, each, images, D, H, W, Ld, Lh, Lw, Qh, Qw, Do, Ho, Wo = sizes
    count, run = sums.shape
    length = gs.size // run * run
    xs[:] = 0
    gs[:] = 0
    for m in range(begin, end):
        sums[:] = 0
        for n in range(images):
            start = (n * channels + m // each) * D * H * W
            for d in range(D):
                at = ((d + Ld) * Qh + Lh) * Qw
                _copy(x, start - Lw, W, xs, at, Lw, Lw + W, Qw, H, 0, 0)
                start += H * W
            start = (n * channels * each + m) * Do * Ho * Wo
            for d in range(Do):
                _copy(g, start, Wo, gs, d * Qh * Qw, 0, Wo, Qw, Ho, 0, 0)
                start += Ho * Wo
            for i in range(0, length, run):
                given = gs[i : i + run]
                for t in range(count):
                    total, seen = sums[t], xs[taps[t] + i :]
                    for k in range(total.size):
                        total[k] += seen[k] * given[k]
        for t in range(count):
            whole = gw.dtype.type(0)
            for k in range(run):
                whole += sums[t, k]
            gw[m * count + t] = whole


@functools.lru_cache(512)
def _plan(images, channels, each, size, out, kernel, low, dilation, width):
    """The tables of the kernel; the lengths of planes, of the gradient and of a run; the cost."""
    more = 3 - len(size)
    size, out, kernel, dilation = (
        (*(1,) * more, *given) for given in (size, out, kernel, dilation)
    )
    low = (*(0,) * more, *low)
    extent = [o + (k - 1) * d for o, k, d in zip(out, kernel, dilation, strict=True)]
    taps = [
        (d * dilation[0] * extent[1] + h * dilation[1]) * extent[2] + w * dilation[2]
        for d, h, w in itertools.product(*map(range, kernel))
    ]
    length = ((out[0] - 1) * extent[1] + out[1]) * extent[2]
    chunks = math.ceil(length / max(width, SUMS // len(taps)))
    run = math.ceil(math.ceil(length / chunks) / width) * width
    sizes = channels, each, images, *size, *low, *extent[1:], *out
    planes = max(taps) + run * chunks + width
    cost = images * channels * each * (2 * MOVE * planes + TAP * run * chunks * len(taps))
    return *(np.array(a, np.intp) for a in (sizes, taps)), planes, run * chunks, run, cost


def weight_grad(x, g, gw, padding, dilation):
    """gw = the gradient of ⟨g, x ⋆ w⟩ with respect to w; stride 1, one channel to a group."""
    low = tuple(before for before, _ in padding)
    width = lanes(x.dtype)
    sizes, taps, planes, length, run, cost = _plan(
        *x.shape[:2], g.shape[1] // x.shape[1], x.shape[2:], g.shape[2:], gw.shape[2:], low,
        dilation, width,
    )  # fmt: skip
    flat = x.reshape(-1), g.reshape(-1), gw.reshape(-1)

    def share(begin, end):
        xs = scratch("depthwise.planes", planes, x.dtype)
        gs = scratch("depthwise.gradient", length + width, x.dtype)[: length + width - 1]
        sums = scratch("depthwise.sums", len(taps) * run, x.dtype).reshape(-1, run)
        depthwise_weight_grad(begin, end, *flat, sizes, taps, xs, gs, sums)

    pool.run(share, g.shape[1], cost=cost)
