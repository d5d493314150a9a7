"""Sums and maxima over stretches of flat arrays, in vectors: n numbers from `start` on.

Blocks of BLOCK numbers are summed in their own dtype and their sums in float64, so that sums of
float32 are right to 1e-6 at any length. NaN and infinities stay, and so do the bits on one machine:
the order of a sum depends on its length only.
"""

from __future__ import annotations

import math

import numpy as np

from autograd.machine import pool
from autograd.machine.folds import fold
from autograd.machine.jit import apart, inline, jit, part

BLOCK = 1024
CACHED = 16_384
"""Bytes of an array that stay in the L1 cache, beside as many of another, from pass to pass.

A row's sum ends in a chain of instructions that wait for each other: kernels take each step for as
many rows as this, so that the next row's begins meanwhile.
"""
index = np.uintp  # of an element: LLVM knows that it does not wrap, and makes vectors of the loop

_total = fold(lambda exp, wide: lambda x: (x,), 1, folds="+")
_moments = fold(lambda exp, wide: lambda m, g, x: (g, g * (x - m)), 2, numbers=1, folds="++")
_product = fold(lambda exp, wide: lambda x, y: (x * y,), 2, folds="+")
_greatest = fold(lambda exp, wide: lambda x: (x,), 1, folds=">")
_exponentials = fold(lambda exp, wide: lambda m, x: (exp(x - m),), 1, numbers=1, folds="+")


def _squares(exp, wide):
    def cell(m, x):
        d = x - m
        return d, d * d

    return cell


def _wide_squares(exp, wide):
    def cell(m, x):
        d = wide(x) - wide(m)
        return d, d * d

    return cell


_deviations = fold(_squares, 1, numbers=1, folds="++")
_wide_deviations = fold(_wide_squares, 1, numbers=1, folds="++")


@part
def total(x, start, n):
    """Σ x."""
    inline()
    start = np.intp(start)
    y = 0.0
    for i in range(0, n, BLOCK):
        y += _total(1, min(n - i, BLOCK), x, start + i, 0)
    return y


@part
def rows_at_once(n):
    """How many rows of n numbers fit into a block; for the functions of rows below."""
    return BLOCK // n if 0 < n < BLOCK else 1


@part
def rows_cached(x, n):
    """How many rows of n numbers of x stay in the L1 cache."""
    return max(1, CACHED // max(1, n * x.itemsize))


@part
def total_of_rows(some, x, start, step, rows, n):
    """Σ x of rows of n numbers, `step` apart, `some` of them at once."""
    inline()
    y = 0.0
    for r in range(0, rows, some):
        for i in range(0, n, BLOCK):
            y += _total(min(rows - r, some), min(n - i, BLOCK), x, start + r * step + i, step)
    return y


@part
def deviations(some, x, start, step, rows, n, mean):
    """Σ (x - mean) and Σ (x - mean)² of rows, the squares of float32 beyond its range too."""
    inline()
    y = z = 0.0
    for r in range(0, rows, some):
        for i in range(0, n, BLOCK):
            R, N, o = min(rows - r, some), min(n - i, BLOCK), start + r * step + i
            a, b = _deviations(R, N, mean, x, o, step)
            y += a
            z += b
    if not z < math.inf:
        return _far_deviations(x, start, step, rows, n, mean)
    return y, z


@part
def _far_deviations(x, start, step, rows, n, mean):
    """The same in float64."""
    apart()
    y = z = 0.0
    for r in range(rows):
        for i in range(0, n, BLOCK):
            N, o = min(n - i, BLOCK), start + r * step + i
            a, b = _wide_deviations(1, N, mean, x, o, step)
            y += a
            z += b
    return y, z


@part
def moments(some, g, x, start, step, rows, n, mean):
    """Σ g and Σ g (x - mean) of rows."""
    inline()
    y = z = 0.0
    for r in range(0, rows, some):
        for i in range(0, n, BLOCK):
            R, N, o = min(rows - r, some), min(n - i, BLOCK), start + r * step + i
            a, b = _moments(R, N, mean, g, o, step, x, o, step)
            y += a
            z += b
    return y, z


@part
def product(x, y, start, n):
    """Σ x y."""
    inline()
    z = 0.0
    for i in range(0, n, BLOCK):
        z += _product(1, min(n - i, BLOCK), x, start + i, 0, y, start + i, 0)
    return z


@part
def greatest(x, start, n):
    """The maximum of n numbers of x from `start`, without those that are NaN."""
    inline()
    return _greatest(1, n, x, start, 0)


@part
def sum_of_exponentials(x, start, n, m):
    """Σ exp(x - m) of n numbers of x <= m from `start`, over `elementary.fell`."""
    inline()
    y = 0.0
    for i in range(0, n, BLOCK):
        y += _exponentials(1, min(n - i, BLOCK), m, x, start + i, 0)
    return y


PART = 16 * BLOCK
"""Numbers of a long row that one thread sums; the order of a sum depends on its length only."""


@jit
def _sums(begin, end, x, n, out):
    """out[k] = Σ of the n numbers from x[k n], fewer at the end of x."""
    for k in range(begin, end):
        out[k] = total(x, k * n, min(n, x.size - k * n))


def row_sums(x):
    """Σ along the last axis of a C-contiguous matrix of float32 or float64, in x's dtype."""
    m, n = x.shape
    cost = 0.01 * x.nbytes  # ns: it reads the memory once
    if n <= PART:
        y = np.empty(m, x.dtype)
        pool.run(_sums, m, x.reshape(-1), n, y, cost=cost)
        return y
    parts = np.empty((m, -(-n // PART)))
    for row, y in zip(x, parts, strict=True):
        pool.run(_sums, y.size, row, PART, y, cost=cost / m)
    return np.add.reduce(parts, axis=1).astype(x.dtype)
