"""Convolution on packed planes: the forward pass and the input gradient.

Either pixels stand side by side in a tile, or output channels do: that wastes no part of a vector
where a map has few pixels. kernel_plan.py says how the planes are laid out. Each output is summed
within one task, so the bits do not depend on the number of threads.
"""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit, part
from autograd.machine.tile import register_bytes, tile, transpose_block
from autograd.ops.conv.kernel_copy_runs import write_run
from autograd.ops.conv.kernel_pack import pack
from autograd.ops.conv.kernel_plan import DEPTH, TALL

REGISTER = register_bytes()

_t8x2, _t8x1 = tile(8, 2, gather=True), tile(8, 1, gather=True)
_t6x2, _t6x1 = tile(6, 2, gather=True), tile(6, 1, gather=True)
_t4x2, _t4x1 = tile(4, 2, gather=True), tile(4, 1, gather=True)
WIDTHS = (0, 8, 6 if REGISTER == 64 else 4)  # in vectors, of the tiles one and two rows tall
_t2xw, _t2x2 = tile(2, WIDTHS[2], gather=True), tile(2, 2, gather=True)
_t1x8, _t1x2 = tile(1, 8, gather=True), tile(1, 2, gather=True)
_high, _middle, _low = tile(TALL, 2), tile(TALL - 1, 2), tile(TALL - 2, 2)
_narrow = tile(TALL, 1)
_transpose, _write, _alternate = transpose_block(), write_run(1), write_run(2)


@part
def _product(w, w0, xs, offsets, strips, Q, y, y0, ldy, small):
    """y[m, q] = Σ_k w[k, m] xs[offsets[k] + q]; small holds what hangs over the end of a row."""
    compact()
    width = REGISTER // xs.itemsize
    few = 2 * width  # pixels, so few that they stay in L1 for all strips
    for i in range(strips.shape[0]):
        if strips[i, 1] <= 2:
            few = 8 * width
    for q in range(0, Q, few):
        end = min(Q, q + few)
        for i in range(strips.shape[0]):
            h, k0, a = strips[i, 1], strips[i, 2], w0 + strips[i, 4]
            K, y_row = strips[i, 3] - k0, y0 + strips[i, 0] * ldy
            p = q
            while p < end:
                left = end - p
                vectors = 2
                if h <= 2 and left >= WIDTHS[h] * width:
                    vectors = WIDTHS[h]
                elif h > 2 and left <= width:
                    vectors = 1
                over = left < vectors * width
                c = small if over else y
                c0 = 0 if over else y_row + p
                ldc = vectors * width if over else ldy
                given = K, w, a, 1, h, xs, p, offsets, k0, c, c0, ldc, False  # of any of the tiles
                if h == 8:
                    if vectors == 1:
                        _t8x1(*given)
                    else:
                        _t8x2(*given)
                elif h == 6:
                    if vectors == 1:
                        _t6x1(*given)
                    else:
                        _t6x2(*given)
                elif h == 4:
                    if vectors == 1:
                        _t4x1(*given)
                    else:
                        _t4x2(*given)
                elif h == 2:
                    if vectors == 2:
                        _t2x2(*given)
                    else:
                        _t2xw(*given)
                elif vectors == 2:
                    _t1x2(*given)
                else:
                    _t1x8(*given)
                if over:
                    for r in range(h):
                        for o in range(left):
                            y[y_row + r * ldy + p + o] = small[r * ldc + o]
                p += vectors * width


@part
def _place(buffer, ldy, y, y0, sizes, rows, lines, d0, d1):
    """Write the outputs of rows [d0, d1) of a block to where they belong."""
    compact()
    s = sizes[0]
    yd, yh, yw, Hy, Wy = s["yd"], s["yh"], s["yw"], s["Hy"], s["Wy"]
    signal = s["signal"]
    for line in range(lines.shape[0]):
        row = lines[line, 0]
        pair = lines[line, lines.shape[1] - 1]
        step = yd if signal else yw
        high = min(d1, rows[row, 2])
        for d in range(d0, min(high, d0 + 1) if signal else high):
            for h in range(rows[row, 3]):
                place = y0 + rows[row, 1] + d * yd + h * yh
                at = ((d - d0) * Hy + h) * Wy
                n, more = rows[row, 4], rows[pair, 4]
                if signal:
                    n, more = high - d0, max(0, min(d1, rows[pair, 2]) - d0)
                if lines.shape[1] == 2:
                    _alternate(buffer, row * ldy + at, pair * ldy + at, y, place, n + more)
                elif step == 1:
                    _write(buffer, row * ldy + at, y, place, n)
                else:
                    for i in range(n):
                        y[place + i * step] = buffer[row * ldy + at + i]


@part
def _channels(w, w0, xs, outer, planes, plane, Q, strips, rows, sizes, bias, b0, block, y, y0, run):
    """y[m, q] = Σ_k w[k, m] xs[k, q] with channels side by side; pixels lie in runs in y."""
    compact()
    s = sizes[0]
    wide, high, yc, yd = s["wide"], s["high"], s["yc"], s["yd"]
    width = REGISTER // xs.itemsize
    size = (Q + high - 1) // high * high
    for i in range(strips.shape[0]):
        m0 = strips[i, 0]
        used = min(wide, rows.shape[0] - m0)
        if bias.size:
            for m in range(wide):
                block[m] = bias[b0 + m0 + m] if m < used else 0
            for m in range(wide, size * wide):
                block[m] = block[m - wide]
        b = w0 + strips[i, 4]
        for jd in range(outer.size):
            for k in range(0, planes, DEPTH):
                K = min(planes - k, DEPTH)
                add = bias.size > 0 or jd > 0 or k > 0
                for q in range(0, size, high):
                    a = outer[jd] + k * plane + q
                    given = K, xs, a, 1, plane, w, b, wide, block, q * wide, wide, add
                    if wide == width:
                        _narrow(*given)
                    elif high == TALL:
                        _high(*given)
                    elif high == TALL - 1:
                        _middle(*given)
                    else:
                        _low(*given)
                b += K * wide
        for start in range(0, Q, run):
            to = y0 + m0 * yc + start // run * yd
            whole = run // width * width
            for m in range(0, used, width):
                done = 0
                if m + width <= used:
                    for q in range(0, whole, width):
                        _transpose(block, (start + q) * wide + m, wide, y, to + m * yc + q, yc)
                    done = whole
                for r in range(m, min(m + width, used)):
                    for q in range(done, run):
                        y[to + r * yc + q] = block[(start + q) * wide + r]


@jit
def correlate(
    begin, end, x, w, bias, y, xs, buffer, small, sizes, phases, h_taps, w_taps, inside, outer,
    offsets, strips, rows, lines,
):  # fmt: skip
    """y[n, m, o] = Σ_k w[k, m] x[n, o · step + offset_k] for the tasks [begin, end)."""
    compact()
    s = sizes[0]
    groups, channels = s["groups"], s["channels"]
    blocks, tall, plane, ones = s["blocks"], s["tall"], s["plane"], s["ones"]
    xn, xc, Do, inner = s["xn"], s["xc"], s["Do"], s["Ho"] * s["Wo"]
    yd, ldy = s["yd"], s["ldy"]
    planes = channels * h_taps.shape[0] * w_taps.shape[0]
    if ones >= 0:
        for i in range(ones, xs.size):
            xs[i] = 1
    for task in range(begin, end):
        g = task % groups
        block = task // groups % blocks
        n = task // groups // blocks
        d0 = block * tall
        d1 = min(d0 + tall, Do)
        pack(
            x, n * xn + g * channels * xc, xs, sizes, phases, h_taps, w_taps, inside, 0, channels,
            d0, d1,
        )  # fmt: skip
        to = n * s["yn"] + g * s["yg"]
        w0 = g * s["packed"]
        Q = (d1 - d0) * inner
        if s["wide"]:
            run = Q if yd == inner else inner
            _channels(
                w, w0, xs, outer, planes, plane, Q, strips, rows, sizes, bias,
                g * s["out_channels"], buffer, y, to + d0 * yd, run,
            )  # fmt: skip
        elif s["in_place"]:
            _product(w, w0, xs, offsets, strips, Q, y, to + d0 * yd, s["yc"], small)
        else:
            _product(w, w0, xs, offsets, strips, Q, buffer, 0, ldy, small)
            _place(buffer, ldy, y, to, sizes, rows, lines, d0, d1)
