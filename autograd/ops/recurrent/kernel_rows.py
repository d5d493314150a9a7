"""Where the steps of sequences lie in memory, and how their batch is shared out to threads."""
# mypy: ignore-errors

from __future__ import annotations

import functools

import numpy as np

from autograd.machine import pool

TILE = 8  # rows
SMALL = 500.0  # ns for one sequence at one step


class Rows:
    """Where each step of each sequence lies, in the tables that kernel_steps.py describes.

    Without lengths x stays as it is. With them only valid steps are kept, packed step by step, the
    longest sequence first, in the order in which they are visited.
    """

    def __init__(self, T, B, lengths, reverse):
        self.T, self.B = T, B
        self.order = None
        if lengths is None:
            self.count = T * B
            self.counts = np.full(T, B, np.intp)
            self.x_rows = np.arange(T, dtype=np.intp) * B
            self.h_rows = np.arange(T + 1, dtype=np.intp) * B
            if reverse:
                self.x_rows, self.h_rows = self.x_rows[::-1].copy(), self.h_rows[::-1].copy()
            self.entering = slice(B, None) if reverse else slice(0, T * B)
            self.leaving = slice(0, T * B) if reverse else slice(B, None)
            self.last = slice(0, B) if reverse else slice(T * B, None)
            self.first = slice(T * B, None) if reverse else slice(0, B)
            self.work = None
            return
        self.order = order = np.argsort(-lengths, kind="stable")
        n = lengths[order]
        runs = np.arange(T)[:, None] < n  # (T, B)
        self.counts = runs.sum(axis=1)
        self.count = int(self.counts.sum())
        starts = np.concatenate(([0], np.cumsum(self.counts)))
        self.x_rows = starts[:-1]
        self.h_rows = np.concatenate(([0], B + starts[:-1]))
        step, row = np.nonzero(runs)
        self.places = (n[row] - 1 - step if reverse else step) * B + order[row]  # in (T·B, ...)
        self.entering = self.h_rows[step] + row
        self.leaving = slice(B, None)
        self.last = self.h_rows[n] + np.arange(B)
        self.first = slice(0, B)
        self.work = np.concatenate(([0], np.cumsum(n)))

    def packed(self, x):
        """The valid rows of (T, B, ...), in order."""
        flat = x.reshape(self.T * self.B, x.shape[2])
        return flat if self.order is None else flat.take(self.places, axis=0)

    def unpacked(self, rows):
        """(T, B, ...) of the valid rows, 0 in the padding."""
        if self.order is None:
            return rows if rows.ndim == 3 else rows.reshape(self.T, self.B, rows.shape[1])
        out = np.zeros((self.T * self.B, rows.shape[1]), rows.dtype)
        out[self.places] = rows
        return out.reshape(self.T, self.B, rows.shape[1])

    def empty(self, width, dtype):
        """Memory for what `unpacked` takes."""
        shape = (self.T, self.B) if self.order is None else (self.count,)
        return np.empty((*shape, width), dtype)

    def sorted(self, state):
        """The rows of (B, H), longest sequence first."""
        return state if self.order is None else state[self.order]

    def unsorted(self, rows):
        """The reverse."""
        if self.order is None:
            return rows
        out = np.empty_like(rows)
        out[self.order] = rows
        return out

    def states(self, initial, H, dtype):
        """Memory for the states before and after each step, the first ones filled in."""
        s = np.empty((self.B + self.count, H), dtype)
        s[self.first] = 0 if initial is None else self.sorted(initial)
        return s

    def run(self, kernel, *args, cost):
        """Share out the batch, each share through all steps; shares of equal work."""
        if self.work is None:
            # cheap steps are mostly latency: fewer rows than a tile's take as long as a tile's
            grain = TILE if cost < SMALL * self.count else 1
            pool.run(kernel, self.B, *args, cost=cost, grain=grain, pieces=1)
            return

        def share(begin, end):
            first, last = np.searchsorted(self.work[:-1], (begin, end))
            if last > first:
                kernel(int(first), int(last), *args)

        pool.run(share, self.count, cost=cost, pieces=1)


@functools.lru_cache(64)
def dense(T, B, reverse):
    """The tables of full sequences, which don't change from call to call."""
    return Rows(T, B, None, reverse)
