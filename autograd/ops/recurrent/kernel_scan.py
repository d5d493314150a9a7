"""Recurrent layers over whole sequences, forward and backward, on plain arrays.

Each function returns its outputs and a `Scan`, which keeps what the way back needs. Steps are run
by recurrent_steps; here is what surrounds them: the order of the rows, packed weights, and the
products over all steps at once that give the gradients of the weights.
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
    """One layer run in one direction: what the way back needs.

    H units with `gates` gates; the states are R wide, which is H unless w_hr projects an LSTM's.
    """

    def __init__(
        self, kind, x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, states, relu=False, w_hr=None
    ):
        T, B, self.D = x.shape
        self.kind, self.w_ih, self.w_hh, self.w_hr, self.relu = kind, w_ih, w_hh, w_hr, relu
        self.H, self.R = (w_hr if w_hr is not None else w_hh[: w_hh.shape[1]]).shape[::-1]
        self.gates, self.dtype = {"rnn": 1, "lstm": 4, "gru": 4}[kind], x.dtype
        self.rows = rows = dense(T, B, reverse) if lengths is None else Rows(T, B, lengths, reverse)
        self.x = rows.packed(x)
        self.strip = steps.STRIP * lanes(self.dtype)
        self.wide = steps.WIDE * lanes(self.dtype) if B <= 2 else 0
        self.states = [
            rows.states(s, width, self.dtype)
            for s, width in zip(states, (self.R, self.H), strict=False)
        ]
        self.activations = np.empty(
            0 if kind == "rnn" else rows.count * self.gates * self.H, x.dtype
        )
        self.unprojected = np.empty((rows.count if w_hr is not None else 0, self.H), x.dtype)
        self._forward(self._bias(b_ih, b_hh))

    def _bias(self, b_ih, b_hh):
        """What the gates add: both biases, apart where the GRU keeps them apart."""
        H = self.H
        bias = np.zeros(self.gates * H, self.dtype)
        if self.kind != "gru":
            for b in (b_ih, b_hh):
                if b is not None:
                    bias += b
            return bias
        if b_ih is not None:
            bias[: 3 * H] = b_ih
        if b_hh is not None:
            bias[: 2 * H] += b_hh[: 2 * H]
            bias[3 * H :] = b_hh[2 * H :]
        return bias

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

    def _packed(self, transposed):
        """The weights for x, those for h (the GRU's in two parts), and the LSTM's projection."""
        H = self.H
        w_x = self._pack("w_x", self.w_ih, transposed)
        if self.kind != "gru":
            w_h = self._pack("w_h", self.w_hh, transposed, self.wide)
            if self.kind == "rnn":
                return w_x, w_h
            if self.w_hr is None:
                return w_x, w_h, w_h[:0]
            return w_x, w_h, self._pack("w_r", self.w_hr, transposed, self.wide)
        w_h = self._pack("w_h", self.w_hh[: 2 * H], transposed, self.wide)
        return w_x, w_h, self._pack("w_n", self.w_hh[2 * H :], transposed, self.wide)

    def _cost(self, products):
        size = self.rows.count * self.w_hh.shape[0]
        return size * (FLOP * 2 * products + CELL / 2)

    def _forward(self, bias):
        r = self.rows
        hs = self.states[0].reshape(-1)
        args = (r.counts, r.x_rows, r.h_rows, self.x.reshape(-1), self.D, *self._packed(True))
        args += (self.strip, self.wide, bias)
        cost = self._cost(self.D + self.R)
        if self.kind == "rnn":
            r.run(steps.rnn_forward, self.relu, *args, hs, self.H, cost=cost)
        elif self.kind == "lstm":
            cells = (self.states[1].reshape(-1), self.unprojected.reshape(-1), self.H)
            r.run(steps.lstm_forward, *args, self.activations, *cells, hs, self.R, cost=cost)
        else:
            r.run(steps.gru_forward, *args, self.activations, hs, self.H, cost=cost)

    def outputs(self):
        """The outputs of all steps, and each state after the last one."""
        r = self.rows
        y = r.unpacked(self.states[0][r.leaving])
        return (y, *(r.unsorted(np.array(s[r.last])) for s in self.states))

    def backward(self, g, needs):
        """The gradients of x, the first states, w_ih, w_hh, b_ih, b_hh and w_hr."""
        r, H, R, dtype = self.rows, self.H, self.R, self.dtype
        G = self.gates * H
        gy, *g_last = g
        if gy is None:
            gy, gy_row = np.zeros(R, dtype), 0
        else:
            gy, gy_row = r.packed(gy).reshape(-1), R
        ds = [
            np.zeros((r.B, width), dtype) if part is None else np.array(r.sorted(part))
            for part, width in zip(g_last, (R, H), strict=False)
        ]
        line = LINE // dtype.itemsize
        d_row = G + line * (1 + G // line % 2)  # odd in lines: no two rows in one cache set
        d = scratch("recurrent.d", r.count * d_row, dtype)
        db = np.zeros((r.B, G), dtype)
        wanted = needs[0]
        gx = r.empty(self.D if wanted else 0, dtype)
        w_x, *w_h = self._packed(False)
        args = (r.counts, r.x_rows, r.h_rows, gy, gy_row, w_x, *w_h, self.strip, self.wide)
        rest = (*(s.reshape(-1) for s in (*ds, d)), d_row, db.reshape(-1))
        inputs = (gx.reshape(-1), self.D if wanted else 0)
        cost = self._cost(H + inputs[1])
        hs = self.states[0]
        if self.kind == "rnn":
            r.run(
                steps.rnn_backward, self.relu, *args, hs.reshape(-1), *rest, H, *inputs, cost=cost
            )
        elif self.kind == "lstm":
            projected = self.w_hr is not None
            dm = np.zeros((r.B + 1 if projected else 0) * H, dtype)
            dp = scratch("recurrent.dp", r.count * R if projected else 0, dtype)
            cells = (self.activations, self.states[1].reshape(-1), dm, dp)
            r.run(steps.lstm_backward, *args, *cells, *rest, H, R, *inputs, cost=cost)
        else:
            cells = (self.activations, hs.reshape(-1))
            r.run(steps.gru_backward, *args, *cells, *rest, H, *inputs, cost=cost)
        need_states = needs[1 : 1 + len(ds)]
        need_w, need_u, need_b, need_c, *need_r = needs[1 + len(ds) :]
        d = d.reshape(r.count, d_row)[:, :G]
        gw = self._input_weight_grad(d[:, : self.w_ih.shape[0]]) if need_w else None
        gu = self._recurrent_weight_grad(d, hs[r.entering]) if need_u else None
        total = db.sum(axis=0)
        gc = gb = None
        if need_b:
            gb = total[: self.w_ih.shape[0]].copy()
        if need_c:
            gc = np.concatenate((total[: 2 * H], total[3 * H :])) if self.kind == "gru" else total
        gs = [r.unsorted(s) if n else None for s, n in zip(ds, need_states, strict=True)]
        gr = [matmul(dp.reshape(-1, R).T, self.unprojected) if n else None for n in need_r]
        return (r.unpacked(gx), *gs, gw, gu, gb, gc, *gr)

    def _input_weight_grad(self, d):
        if self.D > FEW_ROWS:
            return matmul(d.T, self.x)
        # few columns leave most of a tile's width idle; turned round they are few rows
        return np.ascontiguousarray(matmul(self.x.T, d).T)

    def _recurrent_weight_grad(self, d, h):
        H = self.H
        if self.kind != "gru":
            return matmul(d.T, h)
        out = np.empty(self.w_hh.shape, self.dtype)
        matmul(d[:, : 2 * H].T, h, out=out[: 2 * H])
        matmul(d[:, 3 * H :].T, h, out=out[2 * H :])
        return out


def rnn(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, reverse, relu):
    """(y, h) and the scan; x (T, B, I) and all others C-contiguous and of one dtype."""
    scan = Scan("rnn", x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, (h0,), relu)
    return scan.outputs(), scan


def lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, lengths, reverse):
    """(y, h, c) and the scan; h projected by w_hr unless it is None."""
    scan = Scan("lstm", x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, (h0, c0), w_hr=w_hr)
    return scan.outputs(), scan


def gru(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, reverse):
    """(y, h) and the scan."""
    scan = Scan("gru", x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, (h0,))
    return scan.outputs(), scan
