"""Convolution on packed planes: forward, input gradient and weight gradient.

`correlate` serves the forward pass and the input gradient (a strided one phase by phase);
`weight_grad_parts` sums products over pixels. kernel_plan.py says how the planes are laid out.
Both take tasks [begin, end). Each output of `correlate` is summed within one task, and the weight's
gradient is a sum of parts whose number follows from the shapes alone, so the bits do not depend on
the number of threads.
"""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit, part
from autograd.machine.tile import register_bytes, tile, transpose_block
from autograd.ops.conv.kernel_copy_rows import copy_rows

REGISTER = register_bytes()
CHUNK = 256  # pixels of the weight gradient at a time: 32 KiB of the packed output gradient
TALL = 8 if REGISTER == 64 else 6  # rows of the weight gradient's tile

_copy_1, _copy_2, _copy = copy_rows(1), copy_rows(2), copy_rows(None)
_t8x2, _t8x1 = tile(8, 2, gather=True), tile(8, 1, gather=True)
_t6x2, _t6x1 = tile(6, 2, gather=True), tile(6, 1, gather=True)
_t4x2, _t4x1 = tile(4, 2, gather=True), tile(4, 1, gather=True)
WIDTHS = (0, 8, 6 if REGISTER == 64 else 4)  # in vectors, of the tiles one and two rows tall
_t2xw, _t2x2 = tile(2, WIDTHS[2], gather=True), tile(2, 2, gather=True)
_t1x8, _t1x2 = tile(1, 8, gather=True), tile(1, 2, gather=True)
_wide, _narrow = tile(TALL, 2), tile(TALL, 1)
_transpose = transpose_block()


@part
def pack(x, start, xs, sizes, phases, h_taps, w_taps, c0, c1, d0, d1):
    """Copy channels [c0, c1) for outer rows [d0, d1) into planes, in order of address."""
    compact()
    s = sizes[0]
    xc, xd, xh, xw = s["xc"], s["xd"], s["xh"], s["xw"]
    D, Ho, Wo, Sd, Sh, Sw = s["D"], s["Ho"], s["Wo"], s["Sd"], s["Sh"], s["Sw"]
    lead, rows, plane = s["lead"], s["rows"], s["plane"]
    used = rows - s["tall"] + d1 - d0
    # without a middle axis, rows are taken up the outermost one; without an inner axis either,
    # that is one row
    flat = Ho == 1
    signal = flat and Wo == 1
    n = used if flat else Ho
    row = Sd * xd if flat else Sh * xh
    step, count = (row, used) if signal else (Sw, Wo)
    at = 0
    for c in range(c0, c1):
        for jh in range(h_taps.shape[0]):
            h_low, h_high = h_taps[jh, 1], h_taps[jh, 2]
            for jw in range(w_taps.shape[0]):
                low, high = w_taps[jw, 1], w_taps[jw, 2]
                for p in range(phases.size):
                    first = (d0 + lead) * Sd + phases[p]
                    place = at + p * rows * Ho * Wo
                    source = start + c * xc + first * xd + h_taps[jh, 0] * xh + w_taps[jw, 0] * xw
                    if Sd == 1:  # a division costs as much as several rows
                        d_low, d_high = -first, D - first
                    else:
                        d_low, d_high = (Sd - 1 - first) // Sd, (D - 1 - first) // Sd + 1
                    d_low = min(used, max(0, d_low))
                    d_high = max(d_low, min(used, d_high))
                    for e in range(1 if flat else used):
                        if signal:
                            begin, end, i0, i1 = d_low, d_high, 0, 1
                            if low >= high or h_low >= h_high:
                                end = begin
                        else:
                            begin, end, i0, i1 = low, high, h_low, h_high
                            if flat:
                                i0, i1 = d_low, d_high if h_low < h_high else d_low
                            elif e < d_low or e >= d_high:
                                i1 = i0
                        here = source + e * Sd * xd + i0 * row
                        m, z0, z1 = i1 - i0, i0 * count, n * Wo - i1 * count
                        if step == 1:
                            _copy_1(x, here, row, xs, place, begin, end, count, m, z0, z1)
                        elif step == 2:
                            _copy_2(x, here, row, xs, place, begin, end, count, m, z0, z1)
                        else:
                            _copy(x, here, row, xs, place, begin, end, count, m, z0, z1, step)
                        place += n * Wo
                at += plane


@jit
def pack_weights(begin, end, w, w_group, w_row, weights, bias, channels, heights, packed):
    """Cut the weight of groups [begin, end) into strips, side by side for each product."""
    compact()
    to = begin * channels * (weights.size + (1 if bias.size else 0))
    for g in range(begin, end):
        m0 = 0
        for i in range(heights.size):
            height = heights[i]
            for k in range(weights.size):
                at = g * w_group + m0 * w_row + weights[k]
                for m in range(height):
                    packed[to + m] = w[at + m * w_row]
                to += height
            if bias.size:
                for m in range(height):
                    packed[to + m] = bias[g * channels + m0 + m]
                to += height
            m0 += height


@part
def _product(w, w0, xs, offsets, heights, Q, y, y0, ldy, small):
    """y[m, q] = Σ_k w[k, m] xs[offsets[k] + q]; small holds what hangs over the end of a row."""
    compact()
    width = REGISTER // xs.itemsize
    K = offsets.size
    few = 2 * width  # pixels, so few that they stay in L1 for all strips
    for i in range(heights.size):
        if heights[i] <= 2:
            few = 8 * width
    for q in range(0, Q, few):
        end = min(Q, q + few)
        y_row = y0
        a = w0
        for i in range(heights.size):
            h = heights[i]
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
                given = K, w, a, 1, h, xs, p, offsets, 0, c, c0, ldc, False  # of any of the tiles
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
            y_row += h * ldy
            a += K * h


@jit
def correlate(
    begin, end, x, w, y, y_start, xs, buffer, small, sizes, phases, h_taps, w_taps,
    offsets, heights,
):  # fmt: skip
    """y[n, m, o] = Σ_k w[k, m] x[n, o · step + offset_k] for the tasks [begin, end)."""
    compact()
    s = sizes[0]
    groups, channels, out_channels = s["groups"], s["channels"], s["out_channels"]
    blocks, tall, K, ones = s["blocks"], s["tall"], s["terms"], s["ones"]
    xn, xc, Do, Ho, Wo = s["xn"], s["xc"], s["Do"], s["Ho"], s["Wo"]
    yn, yc, yd, yh, yw = s["yn"], s["yc"], s["yd"], s["yh"], s["yw"]
    in_place, ldy = s["in_place"], s["ldy"]
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
            x, n * xn + g * channels * xc, xs, sizes, phases, h_taps, w_taps,
            0, channels, d0, d1,
        )  # fmt: skip
        to = y_start + n * yn + g * out_channels * yc + d0 * yd
        w0 = g * out_channels * K
        Q = (d1 - d0) * Ho * Wo
        _product(
            w, w0, xs, offsets, heights, Q, y if in_place else buffer, to if in_place else 0,
            yc if in_place else ldy, small,
        )  # fmt: skip
        if in_place:
            continue
        for m in range(out_channels):
            at = m * ldy
            for e in range(d1 - d0):
                for oh in range(Ho):
                    row = to + m * yc + e * yd + oh * yh
                    if yw == 1:
                        for ow in range(Wo):
                            y[row + ow] = buffer[at + ow]
                    else:
                        for ow in range(Wo):
                            y[row + ow * yw] = buffer[at + ow]
                    at += Wo


@jit
def weight_grad_parts(
    begin, end, x, g, parts, xs, gt, sizes, phases, h_taps, w_taps, outer, shape
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
                w_taps, c0, c1, d0, d1,
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
                        for r in range(0, used, TALL):
                            a0 = r * plane + outer[jd] + q
                            p = base + (jd * rows + r) * ldp + m
                            if wide == width:
                                _narrow(K, xs, a0, plane, 1, gt, b0, wide, parts, p, ldp, add)
                            else:
                                _wide(K, xs, a0, plane, 1, gt, b0, wide, parts, p, ldp, add)


@jit
def weight_grad_sum(begin, end, parts, gw, weights, gw_row, sizes, outer, inner_taps, shape):
    """gw[m, c, tap] = the sum of its parts, for output channels [begin, end) of all groups."""
    compact()
    s = sizes[0]
    groups, channels, out_channels = s["groups"], s["channels"], s["out_channels"]
    block_parts, channel_parts, rows, ldp = shape
    size = outer.size * rows * ldp
    for row in range(begin, end):
        group, m = row // out_channels, row % out_channels
        k = 0
        for cpart in range(channel_parts):
            c0 = cpart * channels // channel_parts
            c1 = (cpart + 1) * channels // channel_parts
            for r in range((c1 - c0) * inner_taps):
                for jd in range(outer.size):
                    at = (cpart * groups + group) * size + (jd * rows + r) * ldp + m
                    total = parts[at]
                    for b in range(1, block_parts):
                        total += parts[b * channel_parts * groups * size + at]
                    gw[row * gw_row + weights[k]] = total
                    k += 1
