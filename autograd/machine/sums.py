"""Sums and maxima over stretches of flat arrays, in vectors: n numbers from `start` on.

Blocks of BLOCK numbers are summed in their own dtype and their sums in float64, so that sums of
float32 are right to 1e-6 at any length. NaN and infinities stay, and so do the bits on one machine:
the order of a sum depends on its length only.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from autograd.machine.elementary import exp, larger
from autograd.machine.jit import inline, loops, part

BLOCK = 1024
index = np.uintp  # of an element: LLVM knows that it does not wrap, and makes vectors of the loop

reduction = loops(fastmath={"reassoc", "nsz"})  # which lets LLVM sum in vectors

inlined_reduction = functools.partial(part, fastmath={"reassoc", "nsz"})
"""The same, for a part that calls `inline`.

Of a function that is compiled by itself too there are two copies, each summed in an order of LLVM's
choice, and the linker takes the first: one after compiling, another from disk.
"""


@reduction
def _total(x, start, n):
    y = x.dtype.type(0)
    for i in range(n):
        y += x[start + index(i)]
    return y


@reduction
def _product(x, y, start, n):
    z = x.dtype.type(0)
    for i in range(n):
        z += x[start + index(i)] * y[start + index(i)]
    return z


@reduction
def _deviations(x, start, n, mean):
    y, z = x.dtype.type(0), x.dtype.type(0)
    for i in range(n):
        d = x[start + index(i)] - mean
        y += d
        z += d * d
    return y, z


@reduction
def _wide_deviations(x, start, n, mean):
    y, z = 0.0, 0.0
    for i in range(n):
        d = np.float64(x[start + index(i)]) - mean
        y += d
        z += d * d
    return y, z


@reduction
def _moments(g, x, start, n, mean):
    y, z = x.dtype.type(0), x.dtype.type(0)
    for i in range(n):
        y += g[start + index(i)]
        z += g[start + index(i)] * (x[start + index(i)] - mean)
    return y, z


@loops
def total(x, start, n):
    """Σ x."""
    y = 0.0
    for i in range(0, n, BLOCK):
        y += _total(x, start + index(i), min(n - i, BLOCK))
    return y


@loops
def product(x, y, start, n):
    """Σ x y."""
    z = 0.0
    for i in range(0, n, BLOCK):
        z += _product(x, y, start + index(i), min(n - i, BLOCK))
    return z


@loops
def deviations(x, start, n, mean):
    """Σ (x - mean) and Σ (x - mean)², the squares of float32 beyond its range too."""
    y = z = 0.0
    for i in range(0, n, BLOCK):
        a, b = _deviations(x, start + index(i), min(n - i, BLOCK), mean)
        if not b < math.inf:
            a, b = _wide_deviations(x, start + index(i), min(n - i, BLOCK), mean)
        y += a
        z += b
    return y, z


@loops
def moments(g, x, start, n, mean):
    """Σ g and Σ g (x - mean)."""
    y = z = 0.0
    for i in range(0, n, BLOCK):
        a, b = _moments(g, x, start + index(i), min(n - i, BLOCK), mean)
        y += a
        z += b
    return y, z


@loops
def greatest(x, start, n):
    """The maximum of n numbers of x from `start`, NaN where one is."""
    m = x.dtype.type(-math.inf)
    for i in range(n):
        m = larger(m, x[start + index(i)])
    return m


@inlined_reduction
def sum_of_exponentials(x, start, n, m):
    """Σ exp(x - m) of n numbers of x from `start`."""
    inline()
    total = x.dtype.type(0)
    for i in range(n):
        total += exp(x[start + index(i)] - m)
    return total
