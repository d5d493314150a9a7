"""The sums over all alignments of a label sequence with an input: CTC, in log space and float64.

One sample is one piece of work: its steps follow each other, the states of a step are one vector
loop. Labels are extended with blanks, so a sample of S labels has 2 S + 1 states.

References
----------
Graves, Fernández, Gomez & Schmidhuber, Connectionist temporal classification, 2006.
"""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from autograd.machine import pool
from autograd.machine.elementary import exp, log
from autograd.machine.jit import jit, part
from autograd.machine.workspace import scratch

PAD = 2  # states of probability 0 beside a row, so that its ends need no care
CELL = 25.0  # ns for a state of a step, roughly


@part
def _sum_of_three(n, x, x0, step, skips, skips0, y, y0):
    """y[s] = log(exp x[s] + exp x[s + step] + exp(x[s + 2 step] + skips[s])) for s < n."""
    for s in range(n):
        a, b, c = x[x0 + s], x[x0 + s + step], x[x0 + s + 2 * step] + skips[skips0 + s]
        m = b if a < b else a
        m = c if m < c else m
        m = 0.0 if m == -math.inf else m
        y[y0 + s] = m + log(exp(a - m) + exp(b - m) + exp(c - m))


@jit
def forward(begin, end, sizes, x, labels, skips, steps, states, alphas, totals):
    """For samples begin to end the log-probabilities of all beginnings, and of the whole.

    alphas[n, t, s] is that of being in state s at step t, the step's own emission included.
    """
    T, N, C, W = sizes
    for n in range(begin, end):
        k, extended = states[n], n * W
        row = n * T * (W + PAD) + PAD
        for t in range(steps[n]):
            emitted = (t * N + n) * C
            alphas[row - 1] = alphas[row - 2] = -math.inf
            if t == 0:
                for s in range(k):
                    alphas[row + s] = 0.0 if s < 2 else -math.inf
            else:
                _sum_of_three(k, alphas, row - W - PAD, -1, skips, extended, alphas, row)
            for s in range(k):
                alphas[row + s] += x[emitted + labels[extended + s]]
            row += W + PAD
        if steps[n] == 0:
            totals[n] = 0.0 if k == 1 else -math.inf
        else:
            a, b = alphas[row - W - PAD + k - 1], alphas[row - W - PAD + k - 2]
            m = b if a < b else a
            m = 0.0 if m == -math.inf else m
            totals[n] = m + log(exp(a - m) + exp(b - m))


@jit
def backward(begin, end, sizes, x, labels, skips, steps, states, alphas, totals, scales, gx, room):
    """gx[t, n, c] -= scales[n] · the probability that sample n, whole, has label c at step t."""
    T, N, C, W = sizes
    betas, later = 0, W + PAD
    for n in range(begin, end):
        k, extended = states[n], n * W
        if scales[n] == 0:
            continue
        for t in range(steps[n] - 1, -1, -1):
            emitted = (t * N + n) * C
            if totals[n] == -math.inf:
                for c in range(C):
                    gx[emitted + c] = math.nan
                continue
            if t == steps[n] - 1:
                for s in range(k):
                    room[betas + s] = 0.0 if s >= k - 2 else -math.inf
            else:
                for s in range(k):
                    room[later + s] = room[betas + s] + x[emitted + N * C + labels[extended + s]]
                room[later + k] = room[later + k + 1] = -math.inf
                _sum_of_three(k, room, later, 1, skips, extended + 2, room, betas)
            row = (n * T + t) * (W + PAD) + PAD
            for s in range(k):
                room[later + s] = exp(alphas[row + s] + room[betas + s] - totals[n])
            for s in range(k):
                gx[emitted + labels[extended + s]] -= scales[n] * room[later + s]


class Alignment:
    """One call: what the forward pass keeps for the backward one.

    Parameters
    ----------
    x : ndarray (T, N, C), C-contiguous float32 or float64.
    labels : intp (N, W)
        With blanks between, in front and behind; all of 0 ... C - 1.
    skips : float64 (N · W + 2,)
        0 where a state may be entered from the one before the last, else -inf.
    steps, states : intp (N,)
        At most T and at most W.
    """

    def __init__(self, x, labels, skips, steps, states):
        self.shape, self.dtype = x.shape, x.dtype
        T, N, W = *x.shape[:2], labels.shape[1]
        self.cost = CELL * float((steps * states).sum())
        alphas, self.totals = np.empty(T * N * (W + PAD)), np.empty(N)
        self.args = (
            *((*x.shape, W), x.ravel(), labels.ravel(), skips, steps, states),
            *(alphas, self.totals),
        )

    def forward(self):
        """The log-probability of each sample, (N,), in float64."""
        with np.errstate(all="ignore"):
            pool.run(forward, self.shape[1], *self.args, cost=self.cost)
        return self.totals

    def backward(self, scales):
        """The gradient of -Σ scales · log-probability, (T, N, C)."""
        gx = np.zeros(self.shape, self.dtype)
        args = (*self.args, scales, gx.ravel())
        with np.errstate(all="ignore"):
            pool.run(_backward, self.shape[1], args, cost=self.cost)
        return gx


def _backward(begin, end, args):
    backward(begin, end, *args, scratch("ctc", 2 * (args[0][3] + PAD), np.float64))
