"""Cross-entropy with class indices: the losses of rows of logits, and their gradient."""
# mypy: ignore-errors

from __future__ import annotations

import functools
import math

import numpy as np

from autograd.machine import pool
from autograd.machine.elementary import fell
from autograd.machine.folds import fold
from autograd.machine.jit import compact, jit
from autograd.machine.sums import greatest, rows_cached, sum_of_exponentials

COST = 0.25  # ns a logit on one core


_weighted = fold(lambda exp, wide: lambda m, x, w: ((x - m) * w,), 2, numbers=1, folds="+")
_grad = fold(lambda exp, wide: lambda m, c, a, x: (exp(x - m) * c * a,), 1, writes=1, numbers=3)
_less = fold(lambda exp, wide: lambda a, y, w: (y - a * w,), 2, writes=1, numbers=1)


@jit
def forward(begin, end, C, x, t, w, smoothing, mass, fell, top, share, kept, losses):
    """For rows of x, flat: the loss, and what the backward pass needs.

    Rows with t < 0 are ignored. `mass` is Σ w, `top` gets the greatest logit, `share` one
    over the sum of the exponentials less it, `kept` the weight of the target.
    """
    compact()
    kind = x.dtype.type
    some = rows_cached(x, C)
    for first in range(begin, end, some):
        last = min(first + some, end)
        for n in range(first, last):
            top[n] = greatest(x, n * C, C)
        for n in range(first, last):
            share[n] = sum_of_exponentials(x, n * C, C, top[n]) * fell
        for n in range(first, last):
            o, m = n * C, top[n]
            rest = kind(math.log(share[n]))
            share[n] = 1 / share[n]
            loss = factor = kind(0)
            if t[n] >= 0:
                factor = w[t[n]]
                loss = factor * (rest - (x[o + t[n]] - m))
                if smoothing:
                    even = mass * rest - _weighted(1, C, m, x, o, 0, w, 0, 0)
                    loss = kind((1 - smoothing) * loss + smoothing / C * even)
            kept[n], losses[n] = factor, loss


@jit
def backward(begin, end, C, x, t, w, smoothing, mass, fell, top, share, g, gx):
    """gx = (Σ q) softmax(x) - q for rows with q = (1 - s) w_t onehot(t) + s / C w, times g."""
    compact()
    kind = x.dtype.type
    for n in range(begin, end):
        o = n * C
        if t[n] < 0:
            gx[o : o + C] = 0
            continue
        given = g[n] if g.size > 1 else g[0]
        sharp = kind((1 - smoothing) * w[t[n]] * given)
        even = kind(smoothing / C * given)
        factor, m = (sharp + even * mass) * share[n], top[n]
        _grad(1, C, m, kind(fell), factor, x, o, 0, gx, o, 0)
        if smoothing:
            _less(1, C, even, gx, o, 0, w, 0, 0, gx, o, 0)
        gx[o + t[n]] -= sharp


@functools.lru_cache(maxsize=8)
def _ones(classes, dtype):
    """The weights of classes that have none."""
    return np.ones(classes, dtype)


def cross_entropy(x, t, w, smoothing):
    """Losses and weights (N) of logits x (N, C); then what `cross_entropy_grad` wants back.

    Parameters
    ----------
    w : (C,), or None where all weights are 1.
    """
    N, C = x.shape
    mass = x.dtype.type(C) if w is None else np.add.reduce(w)
    top, share, kept, losses = np.empty((4, N), x.dtype)
    args = C, x.reshape(-1), t, _ones(C, x.dtype) if w is None else w, smoothing, mass
    args += (fell(x.dtype), top, share)
    pool.run(forward, N, *args, kept, losses, cost=COST * x.size)
    return losses, kept, args


def cross_entropy_grad(g, args):
    """The gradient of x (N, C), where g (N) or (1) comes in at the losses."""
    C, x, t = args[:3]
    gx = np.empty((t.size, C), x.dtype)
    pool.run(backward, t.size, *args, g, gx.reshape(-1), cost=COST * x.size)
    return gx
