"""Matrix products on the register tile, shared out over the pool.

C is computed in strips as wide as the tile. For each block of K a strip of B is packed into the L1
cache, and the rows of A pass along it; A is read where it is, B too where few rows would use it. An
element of C is summed over K in order, in blocks of DEPTH, whichever thread computes it.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from autograd.machine import pool
from autograd.machine.caches import caches
from autograd.machine.jit import apart, compact, jit, part
from autograd.machine.tile import copy, lanes, shape, tile, transpose_block
from autograd.machine.uninterrupted import load
from autograd.machine.workspace import scratch

DEPTH = 256  # of K at most: a strip of B takes 32 KiB with AVX-512, else 16, and stays in L1
ROOM = 4  # a block of A leaves L2 to others if it fits in so often
FEW_ROWS = 16  # up to here B is read in place where its rows are contiguous
FLOPS = 12.0  # of one core in a nanosecond, roughly, for each lane of a vector

_HEIGHTS, _VECTORS = shape()
_TALL, _MIDDLE, _LOW = _HEIGHTS[:3]
_tall, _middle, _low, _single = (tile(rows, _VECTORS) for rows in _HEIGHTS)
_tall_edge, _middle_edge, _low_edge, _single_edge = (
    tile(rows, _VECTORS, masked=True) for rows in _HEIGHTS
)
_transpose, _copy = transpose_block(), copy(_VECTORS)
_BYTES = _VECTORS * lanes(np.int8)  # of a strip's row


@part
def pack(depth, columns, width, b, b0, b_step, b_column, alpha, panel):
    """panel[k, j] = alpha · B[k, j], with zeros in the columns from `columns` to `width`."""
    compact()
    if b_column == 1:
        for k in range(depth):
            here, there = b0 + k * b_step, k * width
            if columns == width:
                _copy(b, here, panel, there)
                continue
            for j in range(columns):  # a slice assigned to a slice takes 1.5 s to compile
                panel[there + j] = b[here + j]
            for j in range(columns, width):
                panel[there + j] = 0
    else:
        side = _BYTES // _VECTORS // b.itemsize
        blocks = depth // side if b_step == 1 else 0
        whole = columns // side
        for j in range(whole):
            for k in range(blocks):
                here = b0 + k * side + j * side * b_column
                _transpose(b, here, b_column, panel, k * side * width + j * side, width)
        for j in range(columns):
            for k in range(blocks * side if j < whole * side else 0, depth):
                panel[k * width + j] = b[b0 + k * b_step + j * b_column]
        for j in range(columns, width):
            for k in range(depth):
                panel[k * width + j] = 0
    if alpha != 1:
        for i in range(depth * width):
            panel[i] *= alpha


@part
def rows_times_strip(
    begin, end, K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add, columns, width
):
    """C[begin:end] (+)= A[begin:end] · B for one strip of at most `width` columns."""
    compact()
    m, ma, mc = begin, a0 + begin * a_row, c0 + begin * c_row
    if columns == width:
        while m + _TALL <= end:
            _tall(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add)
            m, ma, mc = m + _TALL, ma + _TALL * a_row, mc + _TALL * c_row
        while m + _MIDDLE <= end:
            _middle(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add)
            m, ma, mc = m + _MIDDLE, ma + _MIDDLE * a_row, mc + _MIDDLE * c_row
        while m + _LOW <= end:
            _low(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add)
            m, ma, mc = m + _LOW, ma + _LOW * a_row, mc + _LOW * c_row
        if m < end:
            _single(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add)
    else:
        while m + _TALL <= end:
            _tall_edge(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add, columns)
            m, ma, mc = m + _TALL, ma + _TALL * a_row, mc + _TALL * c_row
        while m + _MIDDLE <= end:
            _middle_edge(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add, columns)
            m, ma, mc = m + _MIDDLE, ma + _MIDDLE * a_row, mc + _MIDDLE * c_row
        while m + _LOW <= end:
            _low_edge(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add, columns)
            m, ma, mc = m + _LOW, ma + _LOW * a_row, mc + _LOW * c_row
        if m < end:
            _single_edge(K, a, ma, a_row, a_step, b, b0, b_step, c, mc, c_row, add, columns)


@jit
def product(
    begin, end, M, N, K, a, a_start, a_row, a_step, b, b_start, b_step, b_column, c, alpha, add,
    by_rows, panel,
):  # fmt: skip
    """C[i] (+)= alpha · A[i] · B[i] for a stack of C-contiguous C[i] of shape (M, N).

    A[i] begins at a[a_start[i]], B[i] at b[b_start[i]]. Begin to end counts strips of columns,
    through the whole stack; or, by rows, rows of a stack of one.
    """
    apart()
    compact()
    width = _BYTES // c.itemsize
    strips = (N + width - 1) // width
    low, high = 0, M
    if by_rows:
        low, high, begin, end = begin, end, 0, strips
    packs = b_column != 1 or high - low > FEW_ROWS or alpha != 1
    for i in range(begin // strips, (end + strips - 1) // strips):
        a0, b0, c0 = a_start[i], b_start[i], i * M * N
        first, last = max(begin - i * strips, 0), min(end - i * strips, strips)
        steps = (K + DEPTH - 1) // DEPTH
        for step in range(steps):
            k = step * K // steps
            depth = (step + 1) * K // steps - k
            adds = add or k > 0
            origin = a0 + k * a_step
            for strip in range(first, last):
                j = strip * width
                columns = min(N - j, width)
                here = b0 + k * b_step + j * b_column
                if packs:
                    pack(depth, columns, width, b, here, b_step, b_column, alpha, panel)
                    rows_times_strip(
                        low, high, depth, a, origin, a_row, a_step,
                        panel, 0, width, c, c0 + j, N, adds, columns, width
                    )  # fmt: skip
                else:
                    rows_times_strip(
                        low, high, depth, a, origin, a_row, a_step,
                        b, here, b_step, c, c0 + j, N, adds, columns, width
                    )  # fmt: skip


def _share(begin, end, *args):
    """A share of a product, with memory of the thread's own."""
    product(begin, end, *args, _panel(args[3].dtype))


_panels = threading.local()


def _panel(dtype):
    """A strip of B for the calling thread."""
    try:
        return _panels.__dict__[dtype]
    except KeyError:
        panel = _panels.__dict__[dtype] = scratch(f"matmul.{dtype}", DEPTH * _WIDTH[dtype], dtype)
        return panel


def _flat(x):
    """The memory of a stack of matrices from its first element, and x or else a copy of it."""
    if not x.flags.behaved:  # read-only, as broadcast_to leaves it: Numba would compile anew
        x = np.array(x)
    if x.flags.forc:
        return x.ravel("K"), x
    span, size = 1, x.itemsize
    for n, step in zip(x.shape, x.strides, strict=True):
        if step < 0 or step % size:
            x = np.ascontiguousarray(x)
            return x.ravel(), x
        span += (n - 1) * (step // size)
    return np.lib.stride_tricks.as_strided(x, (span,), (size,)), x


_WIDTH = {np.dtype(kind): _BYTES // np.dtype(kind).itemsize for kind in (np.float32, np.float64)}
_ONE = {dtype: dtype.type(1) for dtype in _WIDTH}
_FLOPS = {dtype: FLOPS * lanes(dtype) for dtype in _WIDTH}
_ZERO = np.zeros(1, np.intp)


def matmul(a, b, out=None, *, alpha=1.0, add=False):
    """alpha · A · B of matrices or of stacks of them, on the tile; + out where `add` is set.

    Parameters
    ----------
    a, b : ndarray
        Of shapes (..., M, K) and (..., K, N), both float32 or both float64, in any layout; the
        leading axes broadcast.
    out : ndarray, optional
        C-contiguous, of the result's shape, without memory in common with a and b.
    alpha : float
        Scales the product.
    add : bool
        Whether the product is added to `out` instead of written over it.

    Returns
    -------
    ndarray
        Of shape (..., M, N); `out` where it is given.

    Raises
    ------
    TypeError, ValueError
        For other dtypes and for shapes that don't go together.

    Examples
    --------
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> matmul(a, a.T)
    array([[ 5., 14.],
           [14., 50.]])
    """
    dtype = a.dtype
    width = _WIDTH.get(dtype)
    if width is None or dtype != b.dtype:
        raise TypeError(f"matmul: a and b must both be float32 or float64, got {dtype}, {b.dtype}.")
    left, right = a.shape, b.shape
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise ValueError(
            f"matmul: a (..., M, K) and b (..., K, N) must share K, got {left} and {right}."
        )
    M, K, N = left[-2], left[-1], right[-1]
    stack, count, a_start, b_start = (), 1, _ZERO, _ZERO
    if len(left) > 2 or len(right) > 2:
        stack = np.broadcast_shapes(left[:-2], right[:-2])
        count = math.prod(stack)
    if out is None:
        if add:
            raise ValueError("matmul: add needs an out to add to.")
        out = np.empty((*stack, M, N), dtype)
    elif out.shape != (*stack, M, N) or out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(
            f"matmul: out must be C-contiguous {dtype} of shape {(*stack, M, N)}, "
            f"got {out.dtype} of shape {out.shape} and strides {out.strides}."
        )
    if out.size == 0:
        return out
    if K == 0:
        if not add:
            out[...] = 0
        return out
    a_flat, a = _flat(a)
    b_flat, b = _flat(b)
    if stack:
        a_start, b_start = _starts(a, stack), _starts(b, stack)
    size = dtype.itemsize
    strips = -(-N // width)
    args = (
        *(M, N, K, a_flat, a_start, a.strides[-2] // size, a.strides[-1] // size),
        *(b_flat, b_start, b.strides[-2] // size, b.strides[-1] // size),
        *(out.ravel(), _ONE[dtype] if alpha == 1 else dtype.type(alpha), add),
    )
    cost = 2.0 * count * M * N * K / _FLOPS[dtype]
    if strips > 1 and _outgrows_cache(M, N, K, size):
        load("autograd.machine.blocked_product").in_blocks(count, *args, cost=cost)
    elif cost < pool.LEAST * pool.PIECE:
        product(0, count * strips, *args, False, _panel(dtype))
    elif count == 1 and strips < 2 * pool.get_num_threads() and M > 2 * FEW_ROWS:
        pool.run(_share, M, *args, True, cost=cost, grain=FEW_ROWS, pieces=1)
    else:
        pool.run(_share, count * strips, *args, False, cost=cost)
    return out


def _outgrows_cache(M, N, K, size):
    """Whether A, for a block of K, would come from beyond the L2 cache for every strip of B."""
    level2 = caches().level2
    return (M * K + K * N + M * N) * size > level2 <= ROOM * M * min(K, DEPTH) * size


def _starts(x, stack):
    """Where each matrix of the stack, broadcast, begins in the flat memory of x."""
    x = np.broadcast_to(x, stack + x.shape[-2:])
    start = np.zeros((), np.intp)
    for n, step in zip(x.shape[:-2], x.strides[:-2], strict=True):
        start = start[..., None] + np.arange(n, dtype=np.intp) * (step // x.itemsize)
    return start.ravel()
