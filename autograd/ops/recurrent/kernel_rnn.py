"""An Elman layer: its formulas, its loops over the steps, and the gradients of its weights."""
# mypy: ignore-errors

from __future__ import annotations

from autograd.machine.jit import compact, jit
from autograd.machine.lanes import rowwise
from autograd.ops.recurrent.kernel_scan import Scan
from autograd.ops.recurrent.kernel_steps import CHUNK, multiply, project


def _tanh_cell(sigmoid, tanh, relu, gated):
    return lambda p, b: (tanh(p + b),)


def _relu_cell(sigmoid, tanh, relu, gated):
    return lambda p, b: (relu(p + b),)


def _tanh_cell_grad(sigmoid, tanh, relu, gated):
    def cell(h, dh, gy, db):
        d = (dh + gy) * (1.0 - h * h)
        return d, db + d

    return cell


def _relu_cell_grad(sigmoid, tanh, relu, gated):
    def cell(h, dh, gy, db):
        d = gated(dh + gy, h)
        return d, db + d

    return cell


tanh_row = rowwise(_tanh_cell, 2, 1)
relu_row = rowwise(_relu_cell, 2, 1)
tanh_row_grad = rowwise(_tanh_cell_grad, 4, 2)
relu_row_grad = rowwise(_relu_cell_grad, 4, 2)


@jit
def rnn_forward(
    begin, end, w_x, w_h, relu, counts, x_rows, h_rows, x, D, strip, wide, bias, hs, H
):  # fmt: skip
    """All steps of rows begin to end; x · W and the states take the same places in hs."""
    compact()
    steps = counts.size
    shift = h_rows[steps] - x_rows[steps - 1]
    chunk = max(1, CHUNK // max(1, end - begin))
    for s0 in range(0, steps, chunk):
        if counts[s0] <= begin:
            break
        s1 = min(steps, s0 + chunk)
        project(
            begin, end, s0, s1, counts, x_rows, D, x, D, w_x, strip, H, hs[shift * H :], H, False
        )
        for s in range(s0, s1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                break
            old, new = (h_rows[s] + begin) * H, (h_rows[s + 1] + begin) * H
            multiply(rows, H, hs, old, H, w_h, 0, strip, wide, H, hs, new, H, True)
            if relu:
                for r in range(rows):
                    y = new + r * H
                    relu_row(H, hs, y, bias, 0, hs, y)
            else:
                for r in range(rows):
                    y = new + r * H
                    tanh_row(H, hs, y, bias, 0, hs, y)


@jit
def rnn_backward(
    begin, end, w_x, w_h, relu, counts, x_rows, h_rows, gy, gy_row, strip, wide, g_row, hs, dh, d,
    db, block, db_step, H, gx, D
):  # fmt: skip
    """All steps of rows begin to end, last first: d of the sums before φ, then of x and h."""
    compact()
    steps = counts.size
    chunk = max(1, CHUNK // max(1, end - begin))
    for s1 in range(steps, 0, -chunk):
        s0 = max(0, s1 - chunk)
        for s in range(s1 - 1, s0 - 1, -1):
            rows = min(counts[s], end) - begin
            if rows <= 0:
                continue
            at, new = x_rows[s] + begin, h_rows[s + 1] + begin
            for r in range(rows):
                y, g, h = (new + r) * H, (at + r) * gy_row, (begin + r) * H
                to, b = (at + r) * g_row, s // block * db_step + h
                if relu:
                    relu_row_grad(H, hs, y, dh, h, gy, g, db, b, d, to, db, b)
                else:
                    tanh_row_grad(H, hs, y, dh, h, gy, g, db, b, d, to, db, b)
            multiply(rows, H, d, at * g_row, g_row, w_h, 0, strip, wide, H, dh, begin * H, H, False)
        if D and counts[s0] > begin:
            project(begin, end, s0, s1, counts, x_rows, H, d, g_row, w_x, strip, D, gx, D, False)


class RNN(Scan):
    """An Elman layer, of tanh or of relu; its only gate is the state itself."""

    gates, keeps_gates = 1, False

    def __init__(self, x, states, w, lengths, reverse, relu):
        self.relu = relu
        super().__init__(x, states, w, lengths, reverse)

    def forward(self, args, cost):
        hs = self.states[0].reshape(-1)
        self._run(rnn_forward, True, self.relu, *args, hs, self.H, cost=cost)

    def _backward(self, args, rest, inputs, cost, needs):
        cells = self.g_row, self.states[0].reshape(-1)
        self._run(rnn_backward, False, self.relu, *args, *cells, *rest, self.H, *inputs, cost=cost)
        return ()
