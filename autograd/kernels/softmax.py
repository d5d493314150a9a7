"""Exponentials of rows, less each row's maximum: the heart of softmax and of cross-entropy."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from autograd.kernels import pool
from autograd.kernels.elementary import exp
from autograd.kernels.jit import jit

LANES = 32  # running maxima; independent, so that LLVM makes vectors of them
COST = 1.0  # ns an element on one core


@njit(error_model="numpy", fastmath={"reassoc", "nsz"})  # sums in vectors; NaN and inf stay
def _sum(x):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i]
    return total


@jit
def exponentials(begin, end, x, e, top, total):
    """e = exp(x - top), top the rows' maxima and total the rows' sums of e. NaN make total NaN."""
    lanes = np.empty(LANES, x.dtype)
    C = x.shape[1]
    for n in range(begin, end):
        row, out = x[n], e[n]
        lanes[:] = -math.inf
        whole = C - C % LANES
        for i in range(0, whole, LANES):
            for j in range(LANES):
                lanes[j] = row[i + j] if row[i + j] > lanes[j] else lanes[j]
        m = lanes[0]
        for j in range(1, LANES):
            m = lanes[j] if lanes[j] > m else m
        for i in range(whole, C):
            m = row[i] if row[i] > m else m
        top[n] = m
        for i in range(C):
            out[i] = exp(row[i] - m)
        total[n] = _sum(out)


def softmax_parts(x):
    """For x (N, C): exp(x - top), top (N) and the sums (N) of the exponentials."""
    e = np.empty_like(x)
    top, total = np.empty((2, x.shape[0]), x.dtype)
    pool.run(exponentials, x.shape[0], x, e, top, total, cost=COST * x.size)
    return e, top, total
