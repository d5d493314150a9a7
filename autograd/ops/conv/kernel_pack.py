"""Packing for the products of a convolution: images into planes, weights into strips."""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit, part
from autograd.machine.tile import register_bytes, transpose_block
from autograd.ops.conv.kernel_copy_rows import copy_rows
from autograd.ops.conv.kernel_copy_runs import copy_inside, write_run

REGISTER = register_bytes()

_transpose, _write = transpose_block(), write_run(1)
_copy_1, _copy_2, _copy, _copy_inside = copy_rows(1), copy_rows(2), copy_rows(None), copy_inside()


@part
def pack(x, start, xs, sizes, phases, h_taps, w_taps, inside, c0, c1, d0, d1):
    """Copy channels [c0, c1) for outer rows [d0, d1) into planes, in order of address."""
    compact()
    s = sizes[0]
    xc, xd, xh, xw = s["xc"], s["xd"], s["xh"], s["xw"]
    D, Ho, Wo, Sd, Sh, Sw = s["D"], s["Ho"], s["Wo"], s["Sd"], s["Sh"], s["Sw"]
    lead, rows, plane = s["lead"], s["rows"], s["plane"]
    used = rows - s["tall"] + d1 - d0
    if inside.size:
        n, margin, together = Ho * Wo, s["margin"], s["together"]
        at = 0
        for c in range(c0, c1):
            m = d0 * n if together else 0
            for jh in range(h_taps.shape[0]):
                for jw in range(w_taps.shape[0]):
                    source = start + c * xc + h_taps[jh, 0] * xh + w_taps[jw, 0] * xw
                    source += (d0 + lead) * xd
                    if together:
                        _copy_inside(x, source, xs, at, inside, m, used * n)
                    else:
                        for e in range(used):
                            _copy_inside(x, source + e * xd, xs, at + e * n, inside, m, n)
                    m += margin
                    at += plane
        return
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
def pack_weights(
    begin, end, w, w_group, weights, order, bias, strips, rows, sizes, block, packed
):  # fmt: skip
    """Cut the weight into strips [begin, end) of all groups, side by side for each product.

    Products are visited in `order`, that of their weights in memory: a run of them is transposed in
    registers where the rows are evenly spaced.
    """
    compact()
    s = sizes[0]
    width = REGISTER // w.itemsize
    count, biased = strips.shape[0], s["ones"] >= 0
    for task in range(begin, end):
        g, i = task // count, task % count
        first, height, to = strips[i, 0], strips[i, 1], g * s["packed"] + strips[i, 4]
        k, last = strips[i, 2], strips[i, 3] - (1 if biased else 0)
        used = min(height, rows.shape[0] - first)
        start = g * w_group + rows[first, 0]
        row = rows[first + 1, 0] - rows[first, 0] if used > 1 else 0
        even = used > 2
        for m in range(used):
            even &= rows[first + m, 0] == rows[first, 0] + m * row
        while k < last:
            at = start + weights[order[k]]
            n = 1
            while n < width and k + n < last and start + weights[order[k + n]] == at + n:
                n += 1
            for m0 in range(0, height, width):
                size = min(width, height - m0)
                here = at + m0 * row
                if even and n > 2 and here + (width - 1) * (row + 1) < w.size:
                    _transpose(w, here, row, block, 0, width)
                    for m in range(max(0, used - m0), size):
                        for j in range(n):
                            block[j * width + m] = 0
                    for j in range(n):
                        place = to + (order[k + j] - strips[i, 2]) * height + m0
                        _write(block, j * width, packed, place, size)
                else:
                    for j in range(n):
                        place = to + (order[k + j] - strips[i, 2]) * height + m0
                        source = g * w_group + weights[order[k + j]]
                        for m in range(size):
                            inside = m0 + m < used
                            packed[place + m] = w[source + rows[first + m0 + m, 0]] if inside else 0
            k += n
        if biased:
            for m in range(height):
                place = to + (strips[i, 3] - 1 - strips[i, 2]) * height + m
                packed[place] = bias[g * s["out_channels"] + first + m]
