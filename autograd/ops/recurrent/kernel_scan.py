"""What the kernels of all recurrent cells have around their loops over the steps, on plain arrays.

A `Scan` orders the rows, packs the weights, and computes by one product over all steps what the
weights' gradients are. A cell is a subclass in a file of its own, `LSTM` in kernel_lstm.py say,
with its formulas and its loops.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import pool
from autograd.machine.matmul import FEW_ROWS, matmul
from autograd.machine.tile import lanes
from autograd.machine.workspace import LINE, scratch
from autograd.ops.recurrent import kernel_steps as steps
from autograd.ops.recurrent.kernel_rows import Rows, dense

FLOP = 0.01  # ns on one core
CELL = 2.0  # ns for the gates of one unit at one step
PACK = 0.2  # ns for one weight


class Scan:
    """One layer run in one direction over whole sequences: what its backward pass needs.

    H units; the states are R wide, which is H unless w_hr projects them. A cell says how many
    numbers its gates have for each unit at a step, whether the backward pass needs them, runs its
    loops, and overrides what it does otherwise than most.

    Parameters
    ----------
    x : ndarray, (T, B, D), C-contiguous like all others and of one dtype.
    states : sequence of ndarray, (B, R) or (B, H), or None for zeros. The first states.
    w : checks.Weights.
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
        kept = rows.count * self.gates * self.H if self.keeps_gates else 0
        self.activations = np.empty(kept, self.dtype)
        tables = rows.counts, rows.x_rows, rows.h_rows
        args = (*tables, self.x.reshape(-1), self.D, *self._packed(True))
        args += (self.strip, self.wide, self._bias())
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

    def _state_weight_grad(self, d, h):
        """The gradient of w_hh, of the gates' d and the states that enter each step."""
        return matmul(d.T, h)

    def _state_bias_grad(self, total):
        """The gradient of b_hh, of d's sum over all steps."""
        return total

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
        args = (strip, self.strip // steps.STRIP, K, N, w.reshape(-1), transposed, packed)
        pool.run(steps.pack, count, *args, cost=K * N * PACK, pieces=1)
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
        line = LINE // dtype.itemsize
        d_row = G + line * (1 + G // line % 2)  # odd in lines: no two rows in one cache set
        d = scratch("recurrent.d", r.count * d_row, dtype)
        db = np.zeros((r.B, G), dtype)
        D = self.D if needs[0] else 0
        gx = r.empty(D, dtype)
        need_states = needs[1 : 1 + len(ds)]
        need_w, need_u, need_b, need_c, *need_own = needs[1 + len(ds) :]
        args = (r.counts, r.x_rows, r.h_rows, gy, gy_row, *self._packed(False))
        args += (self.strip, self.wide)
        rest = (*(s.reshape(-1) for s in (*ds, d)), d_row, db.reshape(-1))
        own = self._backward(args, rest, (gx.reshape(-1), D), self._cost(self.H + D), need_own)
        d, total, rows = d.reshape(r.count, d_row)[:, :G], db.sum(axis=0), self.w.w_ih.shape[0]
        gw = self._input_weight_grad(d[:, :rows]) if need_w else None
        gu = self._state_weight_grad(d, self.states[0][r.entering]) if need_u else None
        gb = total[:rows].copy() if need_b else None
        gc = self._state_bias_grad(total) if need_c else None
        gs = [r.unsorted(s) if n else None for s, n in zip(ds, need_states, strict=True)]
        return (r.unpacked(gx), *gs, gw, gu, gb, gc, *own)

    def _input_weight_grad(self, d):
        if self.D > FEW_ROWS:
            return matmul(d.T, self.x)
        # few columns leave most of a tile's width idle; turned round they are few rows
        return np.ascontiguousarray(matmul(self.x.T, d).T)
