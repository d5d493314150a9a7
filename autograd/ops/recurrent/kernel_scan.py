"""What the kernels of all recurrent cells have around their loops over the steps, on plain arrays.

`Rows` say where the steps of sequences lie in memory and share out their batch to threads. A `Scan`
packs the weights, and computes by one product over all steps what the weights' gradients are. A
cell is a subclass in a file of its own, `LSTM` in kernel_lstm.py say, with its formulas and its
loops.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
import math

import numpy as np

from autograd.machine import pool
from autograd.machine.matmul import FEW_ROWS, matmul
from autograd.machine.sum_axes import sum_axes
from autograd.machine.tile import lanes
from autograd.machine.workspace import LINE, aligned, scratch
from autograd.ops.recurrent import kernel_steps as steps

FLOP = 0.01  # ns on one core
CELL = 2.0  # ns for the gates of one unit at one step
TILE = 8  # rows
STEPS = 64  # whose gradients of a bias are added up one after another, at least
SMALL = 500.0  # ns for one sequence at one step
SHARES = 64  # of the weights' gradients, at most


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
        s = aligned((self.B + self.count) * H, dtype).reshape(-1, H)
        s[self.first] = 0 if initial is None else self.sorted(initial)
        return s

    def run(self, kernel, cost):
        """Share out the batch, each share through all steps; shares of equal work."""
        if self.work is None:
            # cheap steps are mostly latency: fewer rows than a tile's take as long as a tile's
            grain = TILE if cost < SMALL * self.count else 1
            pool.run(kernel, self.B, cost=cost, grain=grain, pieces=1)
            return

        def share(begin, end):
            first, last = np.searchsorted(self.work[:-1], (begin, end))
            if last > first:
                kernel(int(first), int(last))

        pool.run(share, self.count, cost=cost, pieces=1)


@functools.lru_cache(64)
def dense(T, B, reverse):
    """The tables of full sequences, which don't change from call to call."""
    return Rows(T, B, None, reverse)


class Scan:
    """One layer run in one direction over whole sequences: what its backward pass needs.

    H units; the states are R wide, which is H unless w_hr projects them. A cell says how many
    numbers its gates have for each unit at a step, whether the backward pass needs them, runs its
    loops, and overrides what it does otherwise than most.

    A row of gates, or of their gradients d, takes an odd number of cache lines, `g_row` numbers:
    of a power of two, as 4 H often is, many rows would share a set of the cache.

    Parameters
    ----------
    x : ndarray, (T, B, D), C-contiguous like all others and of one dtype.
    states : sequence of ndarray, (B, R) or (B, H), or None for zeros. The first states.
    w : fused.Weights.
    lengths : ndarray of B integers or None.
    reverse : bool.
    """

    gates: int
    keeps_gates = True

    def __init__(self, x, states, w, lengths, reverse):
        T, B, self.D = x.shape
        self.w, self.dtype = w, x.dtype
        self.R = w.w_hh.shape[1]
        self.H = self.R if w.w_hr is None else w.w_hr.shape[1]
        self.rows = rows = dense(T, B, reverse) if lengths is None else Rows(T, B, lengths, reverse)
        self.x = rows.packed(x)
        self.strip = steps.STRIP * lanes(self.dtype)
        self.wide = steps.WIDE * lanes(self.dtype) if B <= 2 else 0
        self.states = [
            rows.states(s, width, self.dtype)
            for s, width in zip(states, (self.R, self.H), strict=False)
        ]
        lines = -(-self.gates * self.H * self.dtype.itemsize // LINE)
        self.g_row = (lines | 1) * LINE // self.dtype.itemsize
        kept = rows.count * self.g_row if self.keeps_gates else 0
        self.activations = aligned(kept, self.dtype)
        tables = rows.counts, rows.x_rows, rows.h_rows
        args = (*tables, self.x.reshape(-1), self.D, self.strip, self.wide, self._bias())
        self.forward(args, self._cost(self.D + self.R))

    def forward(self, args, cost):
        """Run the loops; `args` is what those of all cells take, `cost` their ns on one core."""
        raise NotImplementedError

    def _backward(self, args, rest, inputs, cost, needs):
        """Run the loops back; the gradients of those weights that only this cell has."""
        raise NotImplementedError

    def _bias(self):
        """What the gates add: the sum of both biases."""
        bias = np.zeros(self.gates * self.H, self.dtype)
        for b in (self.w.b_ih, self.w.b_hh):
            if b is not None:
                bias += b
        return bias

    def _state_weights(self, transposed):
        """The weights for h, packed; more than one array where they are multiplied apart."""
        return (self._pack("w_h", self.w.w_hh, transposed, self.wide),)

    def _state_gates(self):
        """Which of the gates' d belong to which rows of w_hh: both as slices."""
        whole = slice(self.gates * self.H)
        return ((whole, whole),)

    def _state_bias_grad(self, total):
        """The gradient of b_hh, of d's sum over all steps."""
        return total

    def _run(self, kernel, transposed, *args, cost):
        """Run a kernel on packed weights, which each thread packs for itself.

        They stay in its own L2 cache; packed by one thread they would be fetched from its cache
        by the others, and taken back for the next packing, which costs more.
        """

        def share(begin, end):
            kernel(begin, end, *self._packed(transposed), *args)

        self.rows.run(share, cost=cost)

    def _packed(self, transposed):
        """The weights for x and those for h."""
        return self._pack("w_x", self.w.w_ih, transposed), *self._state_weights(transposed)

    def _pack(self, name, w, transposed, wide=0):
        """W or its transpose as (K, N), in strips; where one strip is all, as it is."""
        K, N = w.shape[::-1] if transposed else w.shape
        strip = min(wide, N) or self.strip
        if strip == N and not transposed:
            return w.reshape(-1)
        count = -(-N // strip)
        packed = scratch(f"recurrent.{name}", count * strip * K, self.dtype)
        lanes = self.strip // steps.STRIP
        steps.pack(0, count, strip, lanes, K, N, w.reshape(-1), transposed, packed)
        return packed

    def _cost(self, products):
        size = self.rows.count * self.w.w_hh.shape[0]
        return size * (FLOP * 2 * products + CELL / 2)

    def outputs(self):
        """The outputs of all steps, and each state after the last one."""
        r = self.rows
        y = r.unpacked(self.states[0][r.leaving])
        return (y, *(r.unsorted(np.array(s[r.last])) for s in self.states))

    def backward(self, g, needs):
        """The gradients of x, the first states, w_ih, w_hh, b_ih, b_hh and w_hr."""
        r, R, dtype = self.rows, self.R, self.dtype
        G = self.gates * self.H
        gy, *g_last = g
        if gy is None:
            gy, gy_row = np.zeros(R, dtype), 0
        else:
            gy, gy_row = r.packed(gy).reshape(-1), R
        ds = [
            np.zeros((r.B, width), dtype) if part is None else np.array(r.sorted(part))
            for part, width in zip(g_last, (R, self.H), strict=False)
        ]
        d = scratch("recurrent.d", r.count * self.g_row, dtype)
        # of a bias: long sums lose digits, so there is one for each block of steps
        block = max(STEPS, math.isqrt(r.T))
        db = np.zeros((-(-r.T // block) * r.B, G), dtype)
        D = self.D if needs[0] else 0
        gx = r.empty(D, dtype)
        need_states = needs[1 : 1 + len(ds)]
        need_w, need_u, need_b, need_c, *need_own = needs[1 + len(ds) :]
        args = (r.counts, r.x_rows, r.h_rows, gy, gy_row, self.strip, self.wide)
        rest = (*(s.reshape(-1) for s in (*ds, d)), db.reshape(-1), block, r.B * G)
        own = self._backward(args, rest, (gx.reshape(-1), D), self._cost(self.H + D), need_own)
        d, rows = d.reshape(r.count, self.g_row)[:, :G], self.w.w_ih.shape[0]
        total = sum_axes(db, (0,)) if need_b or need_c else None
        gw, gu = self._weight_grads(d, need_w, need_u)
        gb = total[:rows].copy() if need_b else None
        gc = self._state_bias_grad(total) if need_c else None
        gs = [r.unsorted(s) if n else None for s, n in zip(ds, need_states, strict=True)]
        return (r.unpacked(gx), *gs, gw, gu, gb, gc, *own)

    def _weight_grads(self, d, need_w, need_u):
        """The gradients of w_ih and w_hh: d.T times what the gates were computed from.

        A thread takes some gates, so that it reads their d alone, and once for both.
        """
        gw, gu = (
            np.empty(w.shape, self.dtype) if need else None
            for w, need in ((self.w.w_ih, need_w), (self.w.w_hh, need_u))
        )
        products = []
        if need_w:
            products.append((d[:, : gw.shape[0]], self.x, gw))
        if need_u:
            h = self.states[0][self.rows.entering]
            products += [(d[:, gates], h, gu[rows]) for gates, rows in self._state_gates()]

        def share(begin, end):
            for d, entered, out in products:
                cuts = (-(-i * len(out) // SHARES // TILE) * TILE for i in (begin, end))
                rows = slice(*cuts)
                _product(d[:, rows], entered, out[rows])

        size = self.D * need_w + self.R * need_u
        cost = 2 * FLOP * d.size * size
        pool.run(share, SHARES, cost=cost, pieces=1)
        return gw, gu


def _product(d, entered, out):
    """out = d.T · entered; few columns leave most of a tile's width idle, few rows don't."""
    if entered.shape[1] > FEW_ROWS:
        matmul(d.T, entered, out=out)
    else:
        out[...] = matmul(entered.T, d).T
