"""A GRU layer: its formulas, its loops over the steps, and the gradients of its weights.

The gates lie side by side in a row: r z and both parts of n, from x and from h.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine.jit import compact, jit
from autograd.machine.lanes import rowwise
from autograd.ops.recurrent.kernel_scan import Scan
from autograd.ops.recurrent.kernel_steps import CHUNK, multiply, project


def _gru_cell(sigmoid, tanh, relu, gated):
    def cell(r, z, x, h, br, bz, bx, bh, old):
        r = sigmoid(r + br)
        z = sigmoid(z + bz)
        h = h + bh
        n = tanh(x + bx + r * h)
        return r, z, n, h, n + z * (old - n)

    return cell


def _gru_cell_grad(sigmoid, tanh, relu, gated):
    def cell(r, z, n, h, old, dh, gy, br, bz, bx, bh):
        d = dh + gy
        dx = d * (1.0 - z) * (1.0 - n * n)
        dz = d * (old - n) * z * (1.0 - z)
        dr = dx * h * r * (1.0 - r)
        dn = dx * r
        return dr, dz, dx, dn, d * z, br + dr, bz + dz, bx + dx, bh + dn

    return cell


gru_row = rowwise(_gru_cell, 9, 5)
gru_row_grad = rowwise(_gru_cell_grad, 11, 9)


@jit
def gru_forward(
    begin, end, w_x, w_h, w_n, counts, x_rows, h_rows, x, D, strip, wide, bias, gates, g_row, hs, H
):  # fmt: skip
    """All steps of rows begin to end."""
    compact()
    steps = counts.size
    chunk = max(1, CHUNK // max(1, end - begin))
    for s0 in range(0, steps, chunk):
        if counts[s0] <= begin:
            break
        s1 = min(steps, s0 + chunk)
        project(begin, end, s0, s1, counts, x_rows, D, x, D, w_x, strip, 3 * H, gates, g_row, False)
        for s in range(s0, s1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                break
            r, old, new = (
                (x_rows[s] + begin) * g_row,
                (h_rows[s] + begin) * H,
                (h_rows[s + 1] + begin) * H,
            )
            multiply(rows, H, hs, old, H, w_h, 0, strip, wide, 2 * H, gates, r, g_row, True)
            n = r + 3 * H
            multiply(rows, H, hs, old, H, w_n, 0, strip, wide, H, gates, n, g_row, False)
            for _ in range(rows):
                z, n, h = r + H, r + 2 * H, r + 3 * H
                gru_row(
                    H, gates, r, gates, z, gates, n, gates, h,
                    bias, 0, bias, H, bias, 2 * H, bias, 3 * H, hs, old,
                    gates, r, gates, z, gates, n, gates, h, hs, new,
                )  # fmt: skip
                r, old, new = r + g_row, old + H, new + H


@jit
def gru_backward(
    begin, end, w_x, w_h, w_n, counts, x_rows, h_rows, gy, gy_row, strip, wide, gates, g_row, hs,
    dh, d, db, block, db_step, H, gx, D
):  # fmt: skip
    """All steps of rows begin to end, last first: d of the gates, then of x and h."""
    compact()
    steps, G = counts.size, 4 * H
    chunk = max(1, CHUNK // max(1, end - begin))
    for s1 in range(steps, 0, -chunk):
        s0 = max(0, s1 - chunk)
        for s in range(s1 - 1, s0 - 1, -1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                continue
            at, old = x_rows[s] + begin, (h_rows[s] + begin) * H
            for m in range(rows):
                r, g, h = (at + m) * g_row, (at + m) * gy_row, (begin + m) * H
                b = s // block * db_step + (begin + m) * G
                gru_row_grad(
                    H, gates, r, gates, r + H, gates, r + 2 * H, gates, r + 3 * H,
                    hs, old + m * H, dh, h, gy, g,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                    d, r, d, r + H, d, r + 2 * H, d, r + 3 * H, dh, h,
                    db, b, db, b + H, db, b + 2 * H, db, b + 3 * H,
                )  # fmt: skip
            h, r = begin * H, at * g_row
            multiply(rows, 2 * H, d, r, g_row, w_h, 0, strip, wide, H, dh, h, H, True)
            multiply(rows, H, d, r + 3 * H, g_row, w_n, 0, strip, wide, H, dh, h, H, True)
        if D and counts[s0] > begin:
            project(
                begin, end, s0, s1, counts, x_rows, 3 * H, d, g_row, w_x, strip, D, gx, D, False
            )


class GRU(Scan):
    """A GRU layer. The two parts of n are kept apart: the reset gate is between them."""

    gates = 4

    def _bias(self):
        H, b, c = self.H, self.w.b_ih, self.w.b_hh
        bias = np.zeros(4 * H, self.dtype)
        if b is not None:
            bias[: 3 * H] = b
        if c is not None:
            bias[: 2 * H] += c[: 2 * H]
            bias[3 * H :] = c[2 * H :]
        return bias

    def _state_weights(self, transposed):
        w, H = self.w.w_hh, self.H
        return (
            self._pack("w_h", w[: 2 * H], transposed, self.wide),
            self._pack("w_n", w[2 * H :], transposed, self.wide),
        )

    def _state_gates(self):
        H = self.H
        return (slice(2 * H), slice(2 * H)), (slice(3 * H, 4 * H), slice(2 * H, 3 * H))

    def _state_bias_grad(self, total):
        return np.concatenate((total[: 2 * self.H], total[3 * self.H :]))

    def forward(self, args, cost):
        hs = self.states[0].reshape(-1)
        self._run(gru_forward, True, *args, self.activations, self.g_row, hs, self.H, cost=cost)

    def _backward(self, args, rest, inputs, cost, needs):
        cells = self.activations, self.g_row, self.states[0].reshape(-1)
        self._run(gru_backward, False, *args, *cells, *rest, self.H, *inputs, cost=cost)
        return ()
