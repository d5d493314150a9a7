"""Recurrent layers over whole sequences, forward and backward, on plain arrays.

Each function returns its outputs and a `Scan`, which keeps what the way back needs. Steps are run
by recurrent_steps; here is what surrounds them: the order of the rows, packed weights, and the
products over all steps at once that give the gradients of the weights.
"""

from __future__ import annotations

import functools

import numpy as np

from autograd.kernels import pool
from autograd.kernels import recurrent_steps as steps
from autograd.kernels.matmul import matmul
from autograd.kernels.tile import lanes
from autograd.kernels.workspace import LINE, scratch

FLOP = 0.01  # ns on one core
CELL = 2.0  # ns for the gates of one unit at one step
PACK = 0.2  # ns for one weight
TILE = 8  # rows
SMALL = 500.0  # ns for one sequence at one step


class Rows:
    """Where each step of each sequence lies, in the tables that recurrent_steps describes.

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
def _dense(T, B, reverse):
    """The tables of full sequences, which don't change from call to call."""
    return Rows(T, B, None, reverse)


class Scan:
    """One layer run in one direction: what the way back needs."""

    def __init__(self, kind, x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, states, relu=False):
        T, B, self.D = x.shape
        self.kind, self.w_ih, self.w_hh, self.relu = kind, w_ih, w_hh, relu
        self.gates = 4 if kind == "gru" else w_ih.shape[0] // w_hh.shape[1]
        self.H, self.dtype = w_hh.shape[1], x.dtype
        self.rows = rows = (
            _dense(T, B, reverse) if lengths is None else Rows(T, B, lengths, reverse)
        )
        self.x = rows.packed(x)
        self.strip = steps.STRIP * lanes(self.dtype)
        self.wide = steps.WIDE * lanes(self.dtype) if B <= 2 else 0
        self.states = [rows.states(s, self.H, self.dtype) for s in states]
        self.activations = np.empty(
            0 if kind == "rnn" else rows.count * self.gates * self.H, x.dtype
        )
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
        """The weights for x and those for h; the GRU's for h in two parts."""
        H = self.H
        w_x = self._pack("w_x", self.w_ih, transposed)
        if self.kind != "gru":
            return w_x, self._pack("w_h", self.w_hh, transposed, self.wide)
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
        cost = self._cost(self.D + self.H)
        if self.kind == "rnn":
            r.run(steps.rnn_forward, self.relu, *args, hs, self.H, cost=cost)
        elif self.kind == "lstm":
            cs = self.states[1].reshape(-1)
            r.run(steps.lstm_forward, *args, self.activations, hs, cs, self.H, cost=cost)
        else:
            r.run(steps.gru_forward, *args, self.activations, hs, self.H, cost=cost)

    def outputs(self):
        """The outputs of all steps, and each state after the last one."""
        r = self.rows
        y = r.unpacked(self.states[0][r.leaving])
        return (y, *(r.unsorted(np.array(s[r.last])) for s in self.states))

    def backward(self, g, needs):
        """The gradients of x, the first states, w_ih, w_hh, b_ih and b_hh."""
        r, H, dtype = self.rows, self.H, self.dtype
        G = self.gates * H
        gy, *g_last = g
        if gy is None:
            gy, gy_row = np.zeros(H, dtype), 0
        else:
            gy, gy_row = r.packed(gy).reshape(-1), H
        ds = [
            np.zeros((r.B, H), dtype) if part is None else np.array(r.sorted(part))
            for part in g_last
        ]
        line = LINE // dtype.itemsize
        d_row = G + line * (
            1 + G // line % 2
        )  # an odd number of lines: no two rows in one cache set
        d = scratch("recurrent.d", r.count * d_row, dtype)
        db = np.zeros((r.B, G), dtype)
        wanted = needs[0]
        gx = r.empty(self.D if wanted else 0, dtype)
        w_x, *w_h = self._packed(False)
        args = (r.counts, r.x_rows, r.h_rows, gy, gy_row, w_x, *w_h, self.strip, self.wide)
        rest = (
            *(s.reshape(-1) for s in (*ds, d)),
            d_row,
            db.reshape(-1),
            H,
            gx.reshape(-1),
            self.D if wanted else 0,
        )
        cost = self._cost(H + (self.D if wanted else 0))
        hs = self.states[0]
        if self.kind == "rnn":
            r.run(steps.rnn_backward, self.relu, *args, hs.reshape(-1), *rest, cost=cost)
        elif self.kind == "lstm":
            cs = self.states[1].reshape(-1)
            r.run(steps.lstm_backward, *args, self.activations, cs, *rest, cost=cost)
        else:
            r.run(steps.gru_backward, *args, self.activations, hs.reshape(-1), *rest, cost=cost)
        _, *need_states, need_w, need_u, need_b, need_c = needs
        d = d.reshape(r.count, d_row)[:, :G]
        gw = matmul(d[:, : self.w_ih.shape[0]].T, self.x) if need_w else None
        gu = self._recurrent_weight_grad(d, hs[r.entering]) if need_u else None
        total = db.sum(axis=0)
        gc = gb = None
        if need_b:
            gb = total[: self.w_ih.shape[0]].copy()
        if need_c:
            gc = np.concatenate((total[: 2 * H], total[3 * H :])) if self.kind == "gru" else total
        gs = [r.unsorted(s) if n else None for s, n in zip(ds, need_states, strict=True)]
        return (r.unpacked(gx), *gs, gw, gu, gb, gc)

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


def lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, reverse):
    """(y, h, c) and the scan."""
    scan = Scan("lstm", x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, (h0, c0))
    return scan.outputs(), scan


def gru(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, reverse):
    """(y, h) and the scan."""
    scan = Scan("gru", x, w_ih, w_hh, b_ih, b_hh, lengths, reverse, (h0,))
    return scan.outputs(), scan
