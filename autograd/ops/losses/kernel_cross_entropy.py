"""Cross-entropy with class indices: the losses of rows of logits, and their gradient."""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from autograd.machine import pool
from autograd.machine.elementary import exp
from autograd.machine.jit import inline, jit
from autograd.machine.sums import greatest, index, inlined_reduction, sum_of_exponentials

COST = 0.5  # ns a logit on one core


@inlined_reduction
def _weighted(x, start, w, m):
    inline()
    total = x.dtype.type(0)
    for c in range(w.size):
        total += (x[start + index(c)] - m) * w[index(c)]
    return total


@jit
def forward(begin, end, C, x, t, w, smoothing, mass, top, share, kept, losses):
    """For rows of x, flat: the loss, and what the backward pass needs.

    Rows with t < 0 are ignored. `mass` is Σ w, `top` gets the greatest logit, `share` one
    over the sum of the exponentials less it, `kept` the weight of the target.
    """
    kind = x.dtype.type
    for n in range(begin, end):
        o = index(n * C)
        m = greatest(x, o, C)
        total = sum_of_exponentials(x, o, C, m)
        rest = kind(math.log(total))
        top[n], share[n] = m, 1 / total
        loss = factor = kind(0)
        if t[n] >= 0:
            factor = w[t[n]]
            loss = factor * (rest - (x[o + index(t[n])] - m))
            if smoothing:
                even = mass * rest - _weighted(x, o, w, m)
                loss = kind((1 - smoothing) * loss + smoothing / C * even)
        kept[n], losses[n] = factor, loss


@jit
def backward(begin, end, C, x, t, w, smoothing, mass, top, share, g, gx):
    """gx = (Σ q) softmax(x) - q for rows with q = (1 - s) w_t onehot(t) + s / C w, times g."""
    kind = x.dtype.type
    for n in range(begin, end):
        o = index(n * C)
        if t[n] < 0:
            for c in range(C):
                gx[o + index(c)] = 0
            continue
        given = g[n] if g.size > 1 else g[0]
        sharp = kind((1 - smoothing) * w[t[n]] * given)
        even = kind(smoothing / C * given)
        factor, m = (sharp + even * mass) * share[n], top[n]
        for c in range(C):
            gx[o + index(c)] = exp(x[o + index(c)] - m) * factor
        if smoothing:
            for c in range(C):
                gx[o + index(c)] -= even * w[index(c)]
        gx[o + index(t[n])] -= sharp


def cross_entropy(x, t, w, smoothing):
    """Losses and weights (N) of logits x (N, C); then what `cross_entropy_grad` wants back."""
    N, C = x.shape
    mass = np.add.reduce(w)
    top, share, kept, losses = np.empty((4, N), x.dtype)
    args = C, x.reshape(-1), t, w, smoothing, mass, top, share
    pool.run(forward, N, *args, kept, losses, cost=COST * x.size)
    return losses, kept, args


def cross_entropy_grad(g, args):
    """The gradient of x (N, C), where g (N) or (1) comes in at the losses."""
    C, x, t = args[:3]
    gx = np.empty((t.size, C), x.dtype)
    pool.run(backward, t.size, *args, g, gx.reshape(-1), cost=COST * x.size)
    return gx
