"""Recurrences along rows, which NumPy can only step through one call at a time."""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import pool
from autograd.machine.jit import jit
from autograd.machine.sums import index
from autograd.machine.workspace import native

COST = 1.6  # ns a step: a product and a sum wait for the one before


@jit
def rows(begin, end, T, a, y):
    """y[t] += a[t] y[t-1] along rows of T numbers."""
    for row in range(begin, end):
        last = y[row * T]
        for t in range(row * T + 1, (row + 1) * T):
            last = y[index(t)] + a[index(t)] * last
            y[index(t)] = last


def recurrence(a, y):
    """Turn y along its last axis into y[t] + a[t] y[t-1], in place.

    Parameters
    ----------
    a : of y's dtype; broadcast to its shape.
    y : float32 or float64, contiguous, not empty.
    """
    T = y.shape[-1]
    a = native(a if a.shape == y.shape else np.broadcast_to(a, y.shape))
    pool.run(rows, y.size // T, T, a.reshape(-1), y.reshape(-1), cost=COST * y.size)
