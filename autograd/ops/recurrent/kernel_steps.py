"""The loops of recurrent layers: rows begin to end of the batch through all time steps.

A recurrence is independent across the batch, so a thread takes its rows and runs alone; nothing is
shared but the packed weights. All arrays are flat. At step s rows 0 ... counts[s] - 1 still run.
Their inputs and gates lie at rows x_rows[s] of x and of the gates, the states that enter the step
at rows h_rows[s], those that leave it at h_rows[s + 1]. So a reversed sequence, and a packed one of
varying lengths, are this loop too with other tables.

Gates lie side by side in a row: i f g o in the LSTM; r z and both parts of n, from x and from h, in
the GRU. x · W is computed for some steps at a time, while they are in cache.
"""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit, part
from autograd.machine.tile import copy, shape, tile, transpose_block
from autograd.ops.recurrent.kernel_gates import (
    gru_row,
    gru_row_grad,
    lstm_row,
    lstm_row_grad,
    relu_row,
    relu_row_grad,
    tanh_row,
    tanh_row_grad,
)

STRIP = 2  # vectors: the width of a strip of packed weights
WIDE = 4  # vectors, for one or two rows: the sums of a narrow tile would wait for each other
CHUNK = 64  # rows of x · W at a time
DEPTH = 256  # of a product at once: that much of a strip stays in L1 for all rows

_H0, _H1, _H2, _H3 = shape()[0]
_t0 = tile(_H0, STRIP)
_e0, _e1, _e2, _e3 = (tile(rows, STRIP, masked=True) for rows in shape()[0])
_wide, _wide_edge = tile(1, WIDE), tile(1, WIDE, masked=True)
_copy, _transpose = copy(STRIP), transpose_block()


@jit
def pack(begin, end, strip, lanes, depth, columns, w, transposed, packed):
    """Strips begin to end of w (K, N), or of its transpose: one strip after the other."""
    compact()
    for p in range(begin, end):
        first = p * strip
        width = min(strip, columns - first)
        to = first * depth
        if not transposed:
            for k in range(depth):
                if width == STRIP * lanes:
                    _copy(w, k * columns + first, packed, to + k * strip)
                    continue
                for j in range(width):
                    packed[to + k * strip + j] = w[k * columns + first + j]
            continue
        j_blocks, k_blocks = width // lanes * lanes, depth // lanes * lanes
        for j in range(0, j_blocks, lanes):
            for k in range(0, k_blocks, lanes):
                at = (first + j) * depth + k
                _transpose(w, at, depth, packed, to + k * strip + j, strip)
        for j in range(width):
            for k in range(k_blocks if j < j_blocks else 0, depth):
                packed[to + k * strip + j] = w[(first + j) * depth + k]


@part
def multiply(rows, K, a, a0, a_row, b, b0, strip, wide, columns, c, c0, c_row, add):
    """C (+)= A · W for some rows of A and C; W packed in strips, of width `wide` unless 0."""
    compact()
    # fmt: off
    if wide:
        strip = min(wide, columns)
        for first in range(0, columns, strip):
            n, w = min(strip, columns - first), b0 + first * K
            for m in range(rows):
                x, y = a0 + m * a_row, c0 + m * c_row + first
                if n == wide:
                    _wide(K, a, x, a_row, 1, b, w, strip, c, y, c_row, add)
                else:
                    _wide_edge(K, a, x, a_row, 1, b, w, strip, c, y, c_row, add, n)
        return
    block = DEPTH if rows > _H0 else max(K, 1)
    for first in range(0, columns, strip):
        n = min(strip, columns - first)
        y = c0 + first
        for k in range(0, max(K, 1), block):  # once for K = 0, which may set C to 0
            d = min(block, K - k)
            x, w, plus, m = a0 + k, b0 + first * K + k * strip, add or k > 0, 0
            if n == strip:
                while m + _H0 <= rows:
                    _t0(d, a, x + m * a_row, a_row, 1, b, w, strip, c, y + m * c_row, c_row, plus)
                    m += _H0
            while m + _H0 <= rows:
                _e0(d, a, x + m * a_row, a_row, 1, b, w, strip, c, y + m * c_row, c_row, plus, n)
                m += _H0
            while m + _H1 <= rows:
                _e1(d, a, x + m * a_row, a_row, 1, b, w, strip, c, y + m * c_row, c_row, plus, n)
                m += _H1
            while m + _H2 <= rows:
                _e2(d, a, x + m * a_row, a_row, 1, b, w, strip, c, y + m * c_row, c_row, plus, n)
                m += _H2
            while m < rows:
                _e3(d, a, x + m * a_row, a_row, 1, b, w, strip, c, y + m * c_row, c_row, plus, n)
                m += _H3
    # fmt: on


@part
def project(begin, end, s0, s1, counts, x_rows, K, a, a_row, b, strip, columns, c, c_row, add):
    """C = A · W for the rows of steps s0 to s1; `add` is False."""
    compact()
    # all rows of all these steps lie one after the other: then they are one product
    whole = begin == 0 and counts[s0] <= end and counts[s1 - 1] == counts[s0]
    for first in range(0, columns, strip):  # a strip of W stays in L1 for all steps
        n = min(strip, columns - first)
        for s in range(s0, s0 + 1 if whole else s1):
            rows, row = min(counts[s], end) - begin, x_rows[s] + begin
            if whole:
                rows, row = rows * (s1 - s0), min(row, x_rows[s1 - 1])
            if rows <= 0:
                break
            multiply(
                rows, K, a, row * a_row, a_row, b, first * K, strip, 0, n, c,
                row * c_row + first, c_row, add,
            )  # fmt: skip


@jit
def rnn_forward(
    begin, end, relu, counts, x_rows, h_rows, x, D, w_x, w_h, strip, wide, bias, hs, H
):  # fmt: skip
    """All steps of rows begin to end; x · W and the states take the same places in hs."""
    compact()
    steps = counts.size
    shift = h_rows[steps] - x_rows[steps - 1]
    chunk = max(1, CHUNK // max(1, end - begin))
    for s0 in range(0, steps, chunk):
        if counts[s0] <= begin:
            break
        s1 = min(steps, s0 + chunk)
        project(
            begin, end, s0, s1, counts, x_rows, D, x, D, w_x, strip, H, hs[shift * H :], H, False
        )
        for s in range(s0, s1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                break
            old, new = (h_rows[s] + begin) * H, (h_rows[s + 1] + begin) * H
            multiply(rows, H, hs, old, H, w_h, 0, strip, wide, H, hs, new, H, True)
            if relu:
                for r in range(rows):
                    y = new + r * H
                    relu_row(H, hs, y, bias, 0, hs, y)
            else:
                for r in range(rows):
                    y = new + r * H
                    tanh_row(H, hs, y, bias, 0, hs, y)


@jit
def rnn_backward(
    begin, end, relu, counts, x_rows, h_rows, gy, gy_row, w_x, w_h, strip, wide, hs, dh, d, d_row,
    db, H, gx, D
):  # fmt: skip
    """All steps of rows begin to end, last first: d of the sums before φ, then of x and h."""
    compact()
    steps = counts.size
    chunk = max(1, CHUNK // max(1, end - begin))
    for s1 in range(steps, 0, -chunk):
        s0 = max(0, s1 - chunk)
        for s in range(s1 - 1, s0 - 1, -1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                continue
            at, new = x_rows[s] + begin, h_rows[s + 1] + begin
            for r in range(rows):
                y, g, h = (new + r) * H, (at + r) * gy_row, (begin + r) * H
                to = (at + r) * d_row
                if relu:
                    relu_row_grad(H, hs, y, dh, h, gy, g, db, h, d, to, db, h)
                else:
                    tanh_row_grad(H, hs, y, dh, h, gy, g, db, h, d, to, db, h)
            multiply(rows, H, d, at * d_row, d_row, w_h, 0, strip, wide, H, dh, begin * H, H, False)
        if D and counts[s0] > begin:
            project(begin, end, s0, s1, counts, x_rows, H, d, d_row, w_x, strip, D, gx, D, False)


@jit
def lstm_forward(
    begin, end, counts, x_rows, h_rows, x, D, w_x, w_h, w_r, strip, wide, bias, gates, cs, ms, H,
    hs, R
):  # fmt: skip
    """All steps of rows begin to end; the states hs are R wide, projected from ms unless empty."""
    compact()
    steps, G, projected = counts.size, 4 * H, ms.size > 0
    chunk = max(1, CHUNK // max(1, end - begin))
    for s0 in range(0, steps, chunk):
        if counts[s0] <= begin:
            break
        s1 = min(steps, s0 + chunk)
        project(begin, end, s0, s1, counts, x_rows, D, x, D, w_x, strip, G, gates, G, False)
        for s in range(s0, s1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                break
            at, old, new = x_rows[s] + begin, h_rows[s] + begin, h_rows[s + 1] + begin
            multiply(rows, R, hs, old * R, R, w_h, 0, strip, wide, G, gates, at * G, G, True)
            ys, y = (ms, at * H) if projected else (hs, new * H)
            for r in range(rows):
                i = (at + r) * G
                f, g, o = i + H, i + 2 * H, i + 3 * H
                lstm_row(
                    H, gates, i, gates, f, gates, g, gates, o,
                    bias, 0, bias, H, bias, 2 * H, bias, 3 * H, cs, (old + r) * H,
                    gates, i, gates, f, gates, g, gates, o, cs, (new + r) * H, ys, y + r * H,
                )  # fmt: skip
            if projected:
                multiply(rows, H, ms, at * H, H, w_r, 0, strip, wide, R, hs, new * R, R, False)


@jit
def lstm_backward(
    begin, end, counts, x_rows, h_rows, gy, gy_row, w_x, w_h, w_r, strip, wide, gates, cs, dm, dp,
    dh, dc, d, d_row, db, H, R, gx, D
):  # fmt: skip
    """All steps of rows begin to end, last first: d of the gates, then of x and h.

    With a projection: dp of its outputs and, for each row of the batch, dm of its inputs; the row
    of dm after the last holds zeros.
    """
    compact()
    steps, G, projected = counts.size, 4 * H, dm.size > 0
    up, over, over_row, over_0 = dh, gy, gy_row, 0
    if projected:
        up, over, over_row, over_0 = dm, dm, 0, dm.size - H
    chunk = max(1, CHUNK // max(1, end - begin))
    for s1 in range(steps, 0, -chunk):
        s0 = max(0, s1 - chunk)
        for s in range(s1 - 1, s0 - 1, -1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                continue
            at = x_rows[s] + begin
            old, new = (h_rows[s] + begin) * H, (h_rows[s + 1] + begin) * H
            if projected:
                for r in range(rows):
                    for j in range(R):
                        dp[(at + r) * R + j] = dh[(begin + r) * R + j] + gy[(at + r) * gy_row + j]
                multiply(rows, R, dp, at * R, R, w_r, 0, strip, wide, H, dm, begin * H, H, False)
            for r in range(rows):
                i, h, b = (at + r) * G, (begin + r) * H, (begin + r) * G
                g, to = over_0 + (at + r) * over_row, (at + r) * d_row
                lstm_row_grad(
                    H, gates, i, gates, i + H, gates, i + 2 * H, gates, i + 3 * H,
                    cs, old + r * H, cs, new + r * H, up, h, over, g, dc, h,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                    d, to, d, to + H, d, to + 2 * H, d, to + 3 * H, dc, h,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                )  # fmt: skip
            multiply(rows, G, d, at * d_row, d_row, w_h, 0, strip, wide, R, dh, begin * R, R, False)
        if D and counts[s0] > begin:
            project(begin, end, s0, s1, counts, x_rows, G, d, d_row, w_x, strip, D, gx, D, False)


@jit
def gru_forward(
    begin, end, counts, x_rows, h_rows, x, D, w_x, w_h, w_n, strip, wide, bias, gates, hs, H
):  # fmt: skip
    """All steps of rows begin to end."""
    compact()
    steps, G = counts.size, 4 * H
    chunk = max(1, CHUNK // max(1, end - begin))
    for s0 in range(0, steps, chunk):
        if counts[s0] <= begin:
            break
        s1 = min(steps, s0 + chunk)
        project(begin, end, s0, s1, counts, x_rows, D, x, D, w_x, strip, 3 * H, gates, G, False)
        for s in range(s0, s1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                break
            r, old, new = (
                (x_rows[s] + begin) * G,
                (h_rows[s] + begin) * H,
                (h_rows[s + 1] + begin) * H,
            )
            multiply(rows, H, hs, old, H, w_h, 0, strip, wide, 2 * H, gates, r, G, True)
            n = r + 3 * H
            multiply(rows, H, hs, old, H, w_n, 0, strip, wide, H, gates, n, G, False)
            for _ in range(rows):
                z, n, h = r + H, r + 2 * H, r + 3 * H
                gru_row(
                    H, gates, r, gates, z, gates, n, gates, h,
                    bias, 0, bias, H, bias, 2 * H, bias, 3 * H, hs, old,
                    gates, r, gates, z, gates, n, gates, h, hs, new,
                )  # fmt: skip
                r, old, new = r + G, old + H, new + H


@jit
def gru_backward(
    begin, end, counts, x_rows, h_rows, gy, gy_row, w_x, w_h, w_n, strip, wide, gates, hs, dh, d,
    d_row, db, H, gx, D
):  # fmt: skip
    """All steps of rows begin to end, last first: d of the gates, then of x and h."""
    compact()
    steps, G = counts.size, 4 * H
    chunk = max(1, CHUNK // max(1, end - begin))
    for s1 in range(steps, 0, -chunk):
        s0 = max(0, s1 - chunk)
        for s in range(s1 - 1, s0 - 1, -1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                continue
            at, old = x_rows[s] + begin, (h_rows[s] + begin) * H
            for m in range(rows):
                r, g, h, b = (at + m) * G, (at + m) * gy_row, (begin + m) * H, (begin + m) * G
                to = (at + m) * d_row
                gru_row_grad(
                    H, gates, r, gates, r + H, gates, r + 2 * H, gates, r + 3 * H,
                    hs, old + m * H, dh, h, gy, g,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                    d, to, d, to + H, d, to + 2 * H, d, to + 3 * H, dh, h,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                )  # fmt: skip
            h, to = begin * H, at * d_row
            multiply(rows, 2 * H, d, to, d_row, w_h, 0, strip, wide, H, dh, h, H, True)
            multiply(rows, H, d, to + 3 * H, d_row, w_n, 0, strip, wide, H, dh, h, H, True)
        if D and counts[s0] > begin:
            project(
                begin, end, s0, s1, counts, x_rows, 3 * H, d, d_row, w_x, strip, D, gx, D, False
            )
