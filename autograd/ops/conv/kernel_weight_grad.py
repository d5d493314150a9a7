"""The weight's gradient on packed planes: sums over pixels of products.

Tasks [begin, end) are parts of the sum, whose number follows from the shapes alone; they are added
up in order afterwards.
"""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit
from autograd.machine.tile import register_bytes, tile, transpose_block
from autograd.ops.conv.kernel_pack import pack
from autograd.ops.conv.kernel_plan import TALL

REGISTER = register_bytes()
CHUNK = 256  # pixels at a time: 32 KiB of the packed output gradient

_wide, _narrow, _tall = tile(TALL, 2), tile(TALL, 1), tile(2 * TALL, 1)
_sum, _transpose = tile(1, 1), transpose_block()


@jit
def weight_grad_parts(
    begin, end, x, g, parts, xs, gt, sizes, phases, h_taps, w_taps, inside, outer, shape
):  # fmt: skip
    """parts[task][jd, (c, jh, jw), m] = Σ over the task's blocks and pixels of x[…] g[m, pixel].

    A task is a part of the blocks of rows (of all images), a part of the channels, and a group.
    """
    compact()
    s = sizes[0]
    images, groups = s["images"], s["groups"]
    channels, out_channels = s["channels"], s["out_channels"]
    blocks, tall, plane = s["blocks"], s["tall"], s["plane"]
    xn, xc, Do, Ho, Wo = s["xn"], s["xc"], s["Do"], s["Ho"], s["Wo"]
    gn, gc, gd = s["yn"], s["yc"], s["yd"]
    block_parts, channel_parts, rows, ldp = shape
    width = REGISTER // xs.itemsize
    wide = width if out_channels <= width else 2 * width
    inner = Ho * Wo
    tall_q = tall * inner
    for task in range(begin, end):
        group = task % groups
        cpart = task // groups % channel_parts
        bpart = task // groups // channel_parts
        c0 = cpart * channels // channel_parts
        c1 = (cpart + 1) * channels // channel_parts
        used = (c1 - c0) * h_taps.shape[0] * w_taps.shape[0]
        base = task * outer.size * rows * ldp
        units = images * blocks
        first = bpart * units // block_parts
        for unit in range(first, (bpart + 1) * units // block_parts):
            n = unit // blocks
            d0 = unit % blocks * tall
            d1 = min(d0 + tall, Do)
            Q = (d1 - d0) * inner
            pack(
                x, n * xn + group * channels * xc, xs, sizes, phases, h_taps,
                w_taps, inside, c0, c1, d0, d1,
            )  # fmt: skip
            source = n * gn + group * out_channels * gc + d0 * gd
            runs = 1 if gd == inner else d1 - d0  # of pixels that lie side by side in g
            length = Q // runs
            whole = length // width * width
            for m0 in range(0, out_channels, width):
                to = (m0 // wide) * tall_q * wide + m0 % wide
                at = source + m0 * gc
                channels_left = min(width, out_channels - m0)
                for _ in range(runs):
                    done = 0
                    if channels_left == width:
                        for q in range(0, whole, width):
                            _transpose(g, at + q, gc, gt, to + q * wide, wide)
                        done = whole
                    for m in range(channels_left):
                        for q in range(done, length):
                            gt[to + q * wide + m] = g[at + m * gc + q]
                    to += length * wide
                    at += gd
            for q in range(0, Q, CHUNK):
                K = min(CHUNK, Q - q)
                add = unit > first or q > 0
                for m in range(0, ldp, wide):
                    b0 = m * tall_q + q * wide
                    for jd in range(outer.size):
                        r = 0
                        while r < used:
                            a0 = r * plane + outer[jd] + q
                            p = base + (jd * rows + r) * ldp + m
                            given = K, xs, a0, plane, 1, gt, b0, wide, parts, p, ldp, add
                            if wide > width:
                                _wide(*given)
                            elif r + TALL < used:
                                _tall(*given)
                                r += TALL
                            else:
                                _narrow(*given)
                            r += TALL


@jit
def weight_grad_sum(begin, end, parts, gw, ones, block, sizes, outer, inner_taps, shape):
    """gw[m, c, tap] = the sum of its parts, for vectors of output channels [begin, end)."""
    compact()
    s = sizes[0]
    groups, channels, out_channels = s["groups"], s["channels"], s["out_channels"]
    block_parts, channel_parts, rows, ldp = shape
    size = outer.size * rows * ldp
    step = channel_parts * groups * size
    width = REGISTER // parts.itemsize
    each = (out_channels + width - 1) // width
    K = channels * outer.size * inner_taps
    for task in range(begin, end):
        group, m0 = task // each, task % each * width
        used = min(width, out_channels - m0)
        to = (group * out_channels + m0) * K
        cpart, c, jd, j = 0, 0, 0, 0
        c1 = channels // channel_parts
        for k in range(0, K, width):
            n = min(width, K - k)
            for i in range(n):
                r = jd * rows + c * inner_taps + j
                at = (cpart * groups + group) * size + r * ldp + m0
                _sum(block_parts, ones, 0, 0, 0, parts, at, step, block, i * width, width, False)
                j += 1
                if j == inner_taps:
                    j, jd = 0, jd + 1
                if jd == outer.size:
                    jd, c = 0, c + 1
                if c == c1:
                    cpart, c = cpart + 1, 0
                    c1 = (cpart + 1) * channels // channel_parts - cpart * channels // channel_parts
            if n == width and used == width:
                _transpose(block, 0, width, gw, to + k, K)
            else:
                for m in range(used):
                    for i in range(n):
                        gw[to + m * K + k + i] = block[i * width + m]
