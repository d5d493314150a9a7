"""Rows added into a table: the gradient of reading them."""

from __future__ import annotations

import numpy as np

from autograd.kernels import pool
from autograd.kernels.jit import jit

ELEMENT = 0.5  # ns for one number added, on one core
LOOK = 0.5  # ns for one index that another thread's rows are meant by


@jit
def add_rows(begin, end, g, indices, skip, out):
    """out[indices[n]] += g[n], in the order of n, for the rows begin to end but `skip`."""
    for r in range(begin, end):
        out[r] = 0
    for n in range(indices.size):
        r = indices[n]
        if begin <= r < end and r != skip:
            row, given = out[r], g[n]
            for i in range(given.size):
                row[i] += given[i]


def scatter_rows(g, indices, rows, skip):
    """A (rows, D) table of the sums of those rows of g (M, D) that have the same index.

    Each thread owns some rows of the table, and goes through all indices: no two write to one row,
    and each row is summed in the order of the indices.
    """
    out = np.empty((rows, g.shape[1]), g.dtype)
    cost = ELEMENT * (g.size + out.size)
    pool.run(add_rows, rows, g, indices, skip, out, cost=cost, grain=1, pieces=1)
    return out
