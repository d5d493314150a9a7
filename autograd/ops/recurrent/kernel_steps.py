"""What the loops of all recurrent cells are made of: packed weights, and products with them.

A recurrence is independent across the batch, so a thread takes its rows and runs alone, through all
time steps; nothing is shared but the packed weights. All arrays are flat. At step s rows 0 ...
counts[s] - 1 still run. Their inputs and gates lie at rows x_rows[s] of x and of the gates, the
states that enter the step at rows h_rows[s], those that leave it at h_rows[s + 1]. So a reversed
sequence, and a packed one of varying lengths, are the same loop with other tables.

x · W is computed for some steps at a time, while they are in cache. A formula of a cell is a
function of numbers, made from the functions that `rowwise` hands it, which turns it into vector
code for a row.
"""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit, part
from autograd.machine.tile import copy, register_bytes, shape, tile, transpose_block

STRIP = 2  # vectors: the width of a strip of packed weights
WIDE = 4  # vectors, for one or two rows: the sums of a narrow tile would wait for each other
CHUNK = 64  # rows of x · W at a time
DEPTH = 256  # of a product at once: that much of a strip stays in L1 for all rows

_H0, _H1, _H2, _H3 = shape()[0]
_TALL = 12 if register_bytes() == 64 else _H0  # 24 of 32 registers are sums: W is read less often
_tall, _tall_edge = tile(_TALL, STRIP), tile(_TALL, STRIP, masked=True)
_t0 = tile(_H0, STRIP)
_e0, _e1, _e2, _e3 = (tile(rows, STRIP, masked=True) for rows in shape()[0])
_narrow = tile(_H0, 1, masked=True)
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
def _takes_tall(rows):
    """Whether the next tile is a tall one: not where two of the next height reach as far."""
    return rows >= _TALL and (_TALL == _H0 or rows < 2 * _H0 or rows >= _TALL + _H0)


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
            while _takes_tall(rows - m) and n > strip // STRIP:
                p, q = x + m * a_row, y + m * c_row
                if n == strip:
                    _tall(d, a, p, a_row, 1, b, w, strip, c, q, c_row, plus)
                else:
                    _tall_edge(d, a, p, a_row, 1, b, w, strip, c, q, c_row, plus, n)
                m += _TALL
            while m + _H0 <= rows:
                p, q = x + m * a_row, y + m * c_row
                if n == strip:
                    _t0(d, a, p, a_row, 1, b, w, strip, c, q, c_row, plus)
                elif n > strip // STRIP:
                    _e0(d, a, p, a_row, 1, b, w, strip, c, q, c_row, plus, n)
                else:
                    _narrow(d, a, p, a_row, 1, b, w, strip, c, q, c_row, plus, n)
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
