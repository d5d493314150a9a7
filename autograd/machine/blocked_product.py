"""Matrix products that outgrow the L2 cache, in blocks, as in BLIS.

C is cut into blocks, each computed by one thread. For a block of K, strips of B that fill half of
the L2 cache are packed; then a few rows of A at a time, which stay in L1, pass along all of them.
So A comes from far away once for all these strips, and its next rows are fetched meanwhile. A is
read where it is, unless its rows or steps lie a multiple of a page apart: they would meet in a few
sets of the caches, and are packed where enough strips share the cost.

An element of C is summed as `product` does it, in the same order and blocks of K, to the same bits.

References
----------
Goto & van de Geijn, Anatomy of high-performance matrix multiplication, 2008; Van Zee & van de
Geijn, BLIS: a framework for rapidly instantiating BLAS functionality, 2015.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import pool
from autograd.machine.blocks import copy_elements, interleave, prefetch
from autograd.machine.caches import caches
from autograd.machine.jit import compact, jit, part
from autograd.machine.matmul import DEPTH, pack, rows_times_strip
from autograd.machine.tile import copy, lanes, register_bytes, shape, tile
from autograd.machine.workspace import scratch

PAGE = 4096
# Strips that share A before packing it pays: rows of which more meet in a set of L1 than it holds
# are read from L2 at every step.
STRIPS, STRIPS_IN_CONFLICT = 16, 4
GROUP = 8  # panels of a transposed A that are packed together, along the rows of its memory
AHEAD = 8  # steps of a transposed A that are fetched together
PIECES = 2  # blocks per thread

_VECTORS = shape()[1]
ROWS = 12 if register_bytes() == 64 else shape()[0][0]  # of a tile: 24 of 32 registers are sums
_tile, _edge = tile(ROWS, _VECTORS), tile(ROWS, _VECTORS, masked=True)
_narrow = tile(ROWS, 1, masked=True)
_fetch_rows, _fetch_steps = prefetch(ROWS), prefetch(AHEAD)
_interleave, _copy_rows, _copy_strip = interleave(ROWS), copy_elements(ROWS), copy(_VECTORS)
_BYTES = _VECTORS * lanes(np.int8)  # of a strip's row


@part
def pack_rows(panels, depth, a, a0, a_row, a_step, panel):
    """panel[(p * depth + k) * ROWS + r] = A[p * ROWS + r, k] for p < panels and r < ROWS."""
    compact()
    if a_row == 1:
        for k in range(depth):
            for p in range(panels):
                _copy_rows(a, a0 + k * a_step + p * ROWS, panel, (p * depth + k) * ROWS)
        return
    side = _BYTES // _VECTORS // a.itemsize
    for p in range(panels):
        here, there, done = a0 + p * ROWS * a_row, p * depth * ROWS, 0
        if a_step == 1:
            while done + side <= depth:
                _interleave(a, here + done, a_row, panel, there + done * ROWS)
                done += side
        for k in range(done, depth):
            for r in range(ROWS):
                panel[there + k * ROWS + r] = a[here + k * a_step + r * a_row]


@part
def pack_strips(depth, columns, width, b, b0, b_step, b_column, alpha, panel):
    """The columns of alpha · B in strips one after the other, the last filled up with zeros."""
    compact()
    whole, size = 0, depth * width
    if b_column == 1 and alpha == 1:
        whole = columns // width
        for k in range(depth):
            for s in range(whole):
                _copy_strip(b, b0 + k * b_step + s * width, panel, s * size + k * width)
    for j in range(whole * width, columns, width):
        pack(
            depth, min(columns - j, width), width, b, b0 + j * b_column, b_step, b_column, alpha,
            panel[j * depth :],
        )  # fmt: skip


@part
def fetch(begin, end, a, a0, a_row, a_step):
    """Ask for columns begin to end of some rows of A."""
    compact()
    if a_row == 1:
        for k in range(begin, end, AHEAD):
            _fetch_steps(a, a0 + k * a_step + ROWS - 1, a_step)
    else:
        for k in range(begin, end, _BYTES // _VECTORS // a.itemsize):
            _fetch_rows(a, a0 + k * a_step, a_row)


@jit
def blocked_product(
    begin, end, rows, strips, most, packs, fetches, M, N, K, a, a_start, a_row, a_step, b, b_start,
    b_step, b_column, c, alpha, add, panel, a_panel,
):  # fmt: skip
    """C[i] (+)= alpha · A[i] · B[i] for a stack of C-contiguous C[i] of shape (M, N).

    Begin to end counts blocks of C, of `rows` rows and `strips` strips of columns each, row after
    row and through the whole stack. At most `most` strips are packed at once.
    """
    compact()
    width = _BYTES // c.itemsize
    down, across = (M + rows - 1) // rows, (N + strips * width - 1) // (strips * width)
    steps = (K + DEPTH - 1) // DEPTH
    group = GROUP * ROWS if a_row == 1 else ROWS
    for block in range(begin, end):
        i, place = block // (down * across), block % (down * across)
        low, first = place // across * rows, place % across * strips
        high, last = min(low + rows, M), min(first + strips, (N + width - 1) // width)
        parts = (last - first + most - 1) // most
        for turn in range(steps * parts):
            step, p = turn // parts, turn % parts
            k = step * K // steps
            depth = (step + 1) * K // steps - k
            adds = add or k > 0
            left = first + p * (last - first) // parts
            right = first + (p + 1) * (last - first) // parts
            a0, c0 = a_start[i] + k * a_step, i * M * N
            b0 = b_start[i] + k * b_step + left * width * b_column
            columns = min(N, right * width) - left * width
            pack_strips(depth, columns, width, b, b0, b_step, b_column, alpha, panel)
            share = (depth + right - left - 1) // (right - left)
            for m in range(low, high - ROWS + 1, ROWS):
                x, x0, x_row, x_step = a, a0 + m * a_row, a_row, a_step
                following = m + ROWS
                if packs:
                    x, x0, x_row, x_step = a_panel, (m - low) % group * depth, 1, ROWS
                    following = m + group
                    if (m - low) % group == 0:
                        panels = min(high - m, group) // ROWS
                        pack_rows(panels, depth, a, a0 + m * a_row, a_row, a_step, a_panel)
                for strip in range(left, right):
                    j, s = strip * width, (strip - left) * depth * width
                    y = c0 + m * N + j
                    if fetches and following + ROWS <= high:
                        k0 = (strip - left) * share
                        k1 = min(k0 + share, depth)
                        fetch(k0, k1, a, a0 + following * a_row, a_row, a_step)
                    if fetches and adds:
                        for v in range(_VECTORS):
                            _fetch_rows(c, y + v * width // _VECTORS, N)
                    left_over = N - j
                    if left_over >= width:
                        _tile(depth, x, x0, x_row, x_step, panel, s, width, c, y, N, adds)
                    elif left_over <= width // _VECTORS:
                        _narrow(
                            depth, x, x0, x_row, x_step, panel, s, width, c, y, N, adds, left_over
                        )
                    else:
                        _edge(
                            depth, x, x0, x_row, x_step, panel, s, width, c, y, N, adds, left_over
                        )
            m = high - (high - low) % ROWS
            for strip in range(left, right if m < high else left):
                j, s = strip * width, (strip - left) * depth * width
                rows_times_strip(
                    m, high, depth, a, a0, a_row, a_step, panel, s, width, c, c0 + j, N, adds,
                    min(N - j, width), width,
                )  # fmt: skip


def most_strips():
    """Strips of B, of DEPTH each, that take half of the L2 cache."""
    return max(4, caches().level2 // 2 // (DEPTH * _BYTES))


def in_blocks(count, M, N, K, a, a_start, a_row, a_step, *rest, cost):
    """Compute a product on the pool; the arguments are those of `blocked_product`."""
    size, level2 = a.itemsize, caches().level2
    width = _BYTES // size
    strips = -(-N // width)
    rows, strips, blocks = _cut(count, M, strips, cost)
    most = most_strips()
    apart = (a_row if a_step == 1 else a_step) * size
    enough = STRIPS_IN_CONFLICT if a_step == 1 and caches().ways < ROWS else STRIPS
    packs = apart % PAGE == 0 and K > 1 and min(strips, most) >= enough
    fetches = max(M * K, M * N) * size > level2
    pool.run(
        _share, blocks, rows, strips, most, packs, fetches, M, N, K, a, a_start, a_row, a_step,
        *rest, cost=cost, pieces=PIECES,
    )  # fmt: skip


def _cut(count, M, strips, cost):
    """The rows and strips of the blocks, and how many there are: PIECES for each thread.

    Columns are cut first, as B is packed in every block, down to so many that share a row of A.
    """
    wanted = -(-pool.get_num_threads() * PIECES // count)
    if wanted <= PIECES or cost < pool.LEAST * pool.PIECE:
        return M, strips, count
    across = max(n for n in range(1, wanted + 1) if wanted % n == 0 and n <= max(1, strips // 4))
    width = -(-strips // across)
    rows = -(-M // (wanted // across * ROWS)) * ROWS
    rows = max(rows, 4 * ROWS)
    return rows, width, count * -(-M // rows) * -(-strips // width)


def _share(begin, end, rows, strips, most, *args):
    """A share of the blocks, with memory of the thread's own."""
    dtype = args[5].dtype
    strip = DEPTH * _BYTES // dtype.itemsize
    panel = scratch(f"blocked_product.b.{dtype.char}", min(strips, most) * strip, dtype)
    room = GROUP * ROWS * DEPTH + lanes(dtype)
    a_panel = scratch(f"blocked_product.a.{dtype.char}", room, dtype)
    blocked_product(begin, end, rows, strips, most, *args, panel, a_panel)
