"""An LSTM layer: its formulas, its loops over the steps, and the gradients of its weights.

The gates lie side by side in a row: i f g o.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine.jit import compact, jit
from autograd.machine.lanes import rowwise
from autograd.machine.matmul import matmul
from autograd.machine.workspace import scratch
from autograd.ops.recurrent.kernel_scan import Scan
from autograd.ops.recurrent.kernel_steps import CHUNK, multiply, project


def _lstm_cell(sigmoid, tanh, relu, gated):
    def cell(i, f, g, o, bi, bf, bg, bo, c):
        i = sigmoid(i + bi)
        f = sigmoid(f + bf)
        g = tanh(g + bg)
        o = sigmoid(o + bo)
        c = f * c + i * g
        return i, f, g, o, c, o * tanh(c)

    return cell


def _lstm_cell_grad(sigmoid, tanh, relu, gated):
    def cell(i, f, g, o, old, c, dh, gy, dc, bi, bf, bg, bo):
        d = dh + gy
        t = tanh(c)
        dc = dc + d * o * (1.0 - t * t)
        di = dc * g * i * (1.0 - i)
        df = dc * old * f * (1.0 - f)
        dg = dc * i * (1.0 - g * g)
        do = d * t * o * (1.0 - o)
        return di, df, dg, do, dc * f, bi + di, bf + df, bg + dg, bo + do

    return cell


lstm_row = rowwise(_lstm_cell, 9, 6)
lstm_row_grad = rowwise(_lstm_cell_grad, 13, 9)


@jit
def lstm_forward(
    begin, end, w_x, w_h, w_r, counts, x_rows, h_rows, x, D, strip, wide, bias, gates, g_row, cs,
    ms, H, hs, R
):  # fmt: skip
    """All steps of rows begin to end; the states hs are R wide, projected from ms unless empty."""
    compact()
    steps, G, projected = counts.size, 4 * H, ms.size > 0
    chunk = max(1, CHUNK // max(1, end - begin))
    for s0 in range(0, steps, chunk):
        if counts[s0] <= begin:
            break
        s1 = min(steps, s0 + chunk)
        project(begin, end, s0, s1, counts, x_rows, D, x, D, w_x, strip, G, gates, g_row, False)
        for s in range(s0, s1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                break
            at, old, new = x_rows[s] + begin, h_rows[s] + begin, h_rows[s + 1] + begin
            i = at * g_row
            multiply(rows, R, hs, old * R, R, w_h, 0, strip, wide, G, gates, i, g_row, True)
            ys, y = (ms, at * H) if projected else (hs, new * H)
            for r in range(rows):
                i = (at + r) * g_row
                f, g, o = i + H, i + 2 * H, i + 3 * H
                lstm_row(
                    H, gates, i, gates, f, gates, g, gates, o,
                    bias, 0, bias, H, bias, 2 * H, bias, 3 * H, cs, (old + r) * H,
                    gates, i, gates, f, gates, g, gates, o, cs, (new + r) * H, ys, y + r * H,
                )  # fmt: skip
            if projected:
                multiply(rows, H, ms, at * H, H, w_r, 0, strip, wide, R, hs, new * R, R, False)


@jit
def lstm_backward(
    begin, end, w_x, w_h, w_r, counts, x_rows, h_rows, gy, gy_row, strip, wide, gates, g_row, cs,
    dm, dp, dh, dc, d, db, block, db_step, H, R, gx, D
):  # fmt: skip
    """All steps of rows begin to end, last first: d of the gates, then of x and h.

    With a projection: dp of its outputs and, for each row of the batch, dm of its inputs; the row
    of dm after the last holds zeros.
    """
    compact()
    steps, G, projected = counts.size, 4 * H, dm.size > 0
    up, over, over_row, over_0 = dh, gy, gy_row, 0
    if projected:
        up, over, over_row, over_0 = dm, dm, 0, dm.size - H
    chunk = max(1, CHUNK // max(1, end - begin))
    for s1 in range(steps, 0, -chunk):
        s0 = max(0, s1 - chunk)
        for s in range(s1 - 1, s0 - 1, -1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                continue
            at = x_rows[s] + begin
            old, new = (h_rows[s] + begin) * H, (h_rows[s + 1] + begin) * H
            db_0 = s // block * db_step
            if projected:
                for r in range(rows):
                    for j in range(R):
                        dp[(at + r) * R + j] = dh[(begin + r) * R + j] + gy[(at + r) * gy_row + j]
                multiply(rows, R, dp, at * R, R, w_r, 0, strip, wide, H, dm, begin * H, H, False)
            for r in range(rows):
                i, h, b = (at + r) * g_row, (begin + r) * H, db_0 + (begin + r) * G
                g = over_0 + (at + r) * over_row
                lstm_row_grad(
                    H, gates, i, gates, i + H, gates, i + 2 * H, gates, i + 3 * H,
                    cs, old + r * H, cs, new + r * H, up, h, over, g, dc, h,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                    d, i, d, i + H, d, i + 2 * H, d, i + 3 * H, dc, h,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                )  # fmt: skip
            i = at * g_row
            multiply(rows, G, d, i, g_row, w_h, 0, strip, wide, R, dh, begin * R, R, False)
        if D and counts[s0] > begin:
            project(begin, end, s0, s1, counts, x_rows, G, d, g_row, w_x, strip, D, gx, D, False)


class LSTM(Scan):
    """An LSTM layer, its outputs projected by w_hr unless that is None."""

    gates = 4

    def _state_weights(self, transposed):
        (w_h,) = super()._state_weights(transposed)
        if self.w.w_hr is None:
            return w_h, w_h[:0]
        return w_h, self._pack("w_r", self.w.w_hr, transposed, self.wide)

    def forward(self, args, cost):
        r, projected = self.rows, self.w.w_hr is not None
        self.unprojected = np.empty((r.count if projected else 0, self.H), self.dtype)
        hs, cs = (s.reshape(-1) for s in self.states)
        cells = self.activations, self.g_row, cs, self.unprojected.reshape(-1), self.H
        self._run(lstm_forward, True, *args, *cells, hs, self.R, cost=cost)

    def _backward(self, args, rest, inputs, cost, needs):
        r, H, R, projected = self.rows, self.H, self.R, self.w.w_hr is not None
        dm = np.zeros((r.B + 1 if projected else 0) * H, self.dtype)
        dp = scratch("recurrent.dp", r.count * R if projected else 0, self.dtype)
        cells = self.activations, self.g_row, self.states[1].reshape(-1), dm, dp
        self._run(lstm_backward, False, *args, *cells, *rest, H, R, *inputs, cost=cost)
        return [matmul(dp.reshape(-1, R).T, self.unprojected) if n else None for n in needs]
