"""Rows added into a table: the gradient of reading them."""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import pool
from autograd.machine.jit import jit
from autograd.machine.scatter_sum import repeats
from autograd.machine.sums import index

ELEMENT = 0.2  # ns for one number added, on one core


@jit
def add_rows(begin, end, g, indices, skip, slots, wide, out):
    """out[indices[n]] += g[n], in the order of n, for the rows begin to end but `skip`.

    A row with a slot, >= 0, is added up in that row of `wide`.
    """
    D = out.shape[1]
    g, out, wide = (
        g.reshape(-1),
        out.reshape(-1),
        wide.reshape(-1),
    )  # flat: a slice of a row costs 50 ns
    out[begin * D : end * D] = 0
    for n in range(indices.size):
        r = indices[n]
        if begin <= r < end and r != skip:
            to, start = index(r * D), index(n * D)
            if slots[r] >= 0:
                to = index(slots[r] * D)
                for i in range(D):
                    wide[to + index(i)] += g[start + index(i)]
            else:
                for i in range(D):
                    out[to + index(i)] += g[start + index(i)]


def scatter_rows(g, indices, rows, skip):
    """A (rows, D) table of the sums of those rows of g (M, D) that have the same index.

    Each thread owns some rows of the table, and goes through all indices: no two write to one row,
    and each row is summed in the order of the indices, in float64 where it has many.
    """
    out = np.empty((rows, g.shape[1]), g.dtype)
    many = repeats(indices, g.dtype)
    slots = np.full(rows, -1)
    slots[many] = np.arange(many.size)
    wide = np.zeros((many.size, g.shape[1]))
    cost = ELEMENT * (g.size + out.size)
    pool.run(add_rows, rows, g, indices, skip, slots, wide, out, cost=cost, grain=1, pieces=1)
    many = many[many != skip]
    out[many] = wide[slots[many]]
    return out
