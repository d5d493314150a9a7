"""What one step of an optimizer does to one parameter, each rule written once and read twice.

A rule is ``rule(c, p, g, *state)``: constants, elements of a parameter, of its gradient and of its
state. It returns the new elements of the parameter and of the state. Fed arrays it is NumPy code,
and `+=` writes in place; fed numbers it is the body of a compiled loop in `update_loops`. Both
round the same operations in the same order, so they give the same bits. To that end constants come
in the dtype of the elements, and no rule computes with a literal of its own.

The order of operations is PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.machine import pool
from autograd.machine.workspace import scratch

PIECE = 8_192  # elements that NumPy takes at a time: they and their state stay in L2
COST = 0.02  # ns a byte that a compiled loop reads, on one core
_FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})

Rule = Callable[..., tuple[Any, ...]]


def average(c, p, g):
    """p moves towards g by the share `rise`; `keep` is the other share."""
    keep, rise = c
    if rise < keep:
        p += rise * (g - p)
    else:
        p = g - keep * (g - p)
    return (p,)


def sgd(c, p, g):
    """Gradient descent."""
    climb, decay, lr = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    p -= lr * g
    return (p,)


def momentum(c, p, g, b):
    """Gradient descent along b, and `ahead` of it."""
    climb, decay, lr, keep, take, ahead = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    b *= keep
    b += take * g
    if ahead:
        p -= lr * (g + ahead * b)
    else:
        p -= lr * b
    return p, b


def adam(c, p, g, m, v):
    """The mean gradient over its root mean square; `shrink` is decoupled weight decay."""
    climb, decay, shrink, keep, rise, keep2, rise2, root, eps, lr = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    if shrink != 1:
        p *= shrink
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    v *= keep2
    v += rise2 * g * g
    p -= lr * m / (np.sqrt(v) / root + eps)
    return p, m, v


def amsgrad(c, p, g, m, v, top):
    """`adam` over the largest mean square so far."""
    climb, decay, shrink, keep, rise, keep2, rise2, root, eps, lr = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    if shrink != 1:
        p *= shrink
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    v *= keep2
    v += rise2 * g * g
    top = np.maximum(top, v)
    p -= lr * m / (np.sqrt(top) / root + eps)
    return p, m, v, top


def adamax(c, p, g, m, u):
    """The mean gradient over its decaying maximum."""
    climb, decay, keep, rise, keep2, eps, lr = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    u = np.maximum(keep2 * u, np.abs(g) + eps)
    p -= lr * m / u
    return p, m, u


def nadam(c, p, g, m, v):
    """`adam` with Nesterov's look ahead: a part along g, a part along m."""
    climb, decay, shrink, keep, rise, keep2, rise2, correction, eps, along_g, along_m = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    if shrink != 1:
        p *= shrink
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    v *= keep2
    v += rise2 * g * g
    d = np.sqrt(v / correction) + eps
    p -= along_g * g / d
    p -= along_m * m / d
    return p, m, v


def radam(c, p, g, m, v):
    """`adam`, rectified; without its denominator as long as `rectify` is 0."""
    climb, decay, shrink, keep, rise, keep2, rise2, correction, root, eps, lr, rectify = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    if shrink != 1:
        p *= shrink
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    v *= keep2
    v += rise2 * g * g
    if rectify:
        p -= m / correction * lr * (root / (np.sqrt(v) + eps)) * rectify
    else:
        p -= m / correction * lr
    return p, m, v


def rmsprop(c, p, g, v):
    """The gradient over its root mean square."""
    climb, decay, lr, keep, rise, eps, _ = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    v *= keep
    v += rise * g * g
    p -= lr * g / (np.sqrt(v) + eps)
    return p, v


def rmsprop_momentum(c, p, g, v, b):
    """`rmsprop`, its steps gathered in b."""
    climb, decay, lr, keep, rise, eps, carry = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    v *= keep
    v += rise * g * g
    b *= carry
    b += g / (np.sqrt(v) + eps)
    p -= lr * b
    return p, v, b


def rmsprop_centered(c, p, g, v, m):
    """The gradient over its standard deviation."""
    climb, decay, lr, keep, rise, eps, _ = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    v *= keep
    v += rise * g * g
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    p -= lr * g / (np.sqrt(v - m * m) + eps)
    return p, v, m


def rmsprop_centered_momentum(c, p, g, v, b, m):
    """`rmsprop_centered`, its steps gathered in b."""
    climb, decay, lr, keep, rise, eps, carry = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    v *= keep
    v += rise * g * g
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    b *= carry
    b += g / (np.sqrt(v - m * m) + eps)
    p -= lr * b
    return p, v, b, m


def adagrad(c, p, g, s):
    """The gradient over the root of the sum of all squares."""
    climb, decay, lr, eps = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    s += g * g
    p -= lr * g / (np.sqrt(s) + eps)
    return p, s


def adadelta(c, p, g, v, u):
    """The gradient times the root mean square of steps over that of gradients."""
    climb, decay, lr, keep, rise, eps = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    v *= keep
    v += rise * g * g
    d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    u *= keep
    u += rise * d * d
    p -= lr * d
    return p, v, u


def asgd(c, p, g, ax):
    """Gradient descent with a decay; ax is the mean of where it was, a copy while `share` is 1."""
    climb, decay, shrink, lr, share = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    p *= shrink
    p -= lr * g
    if share == 1:
        ax = p
    else:
        ax += (p - ax) * share
    return p, ax


def rprop(c, p, g, before, length):
    """Steps along the sign: longer while it stays, shorter, and not taken, where it turned."""
    climb, minus, plus, shortest, longest, one, zero = c
    if climb:
        g = -g
    s = g * before
    same, turned = (s > zero) * one, (s < zero) * one
    length = length * (same * plus + turned * minus + (one - same - turned))
    length = np.minimum(np.maximum(length, shortest), longest)
    stay = one - turned
    p -= ((g > zero) * one - (g < zero) * one) * stay * length
    return p, g * stay, length


def lion(c, p, g, m):
    """Steps along the sign of an interpolation of the mean and the gradient."""
    climb, shrink, lr, keep, rise, keep2, rise2, one, zero = c
    if climb:
        g = -g
    if shrink != 1:
        p *= shrink
    d = keep * m + rise * g
    p -= lr * ((d > zero) * one - (d < zero) * one)
    m *= keep2
    m += rise2 * g
    return p, m


def apply(
    rule: Rule,
    constants: Sequence[float],
    p: np.ndarray,
    g: np.ndarray,
    state: Sequence[np.ndarray],
    compiled: bool,
) -> None:
    """Update p and its state in place.

    Parameters
    ----------
    rule : one of this file, or another like them, which has no compiled loop.
    constants : its c.
    p, g : a parameter and its gradient, of any one shape and any strides.
    state : flat, contiguous, of p's size and dtype.
    compiled : whether to run the compiled loop, which float32 and float64 have; else NumPy.
    """
    kind = p.dtype.type
    c = tuple([kind(x) for x in constants])
    data = p.reshape(-1) if p.flags.c_contiguous else _flat(p, "updates.data", p.dtype)
    flags = g.flags
    if flags.c_contiguous and flags.behaved and g.dtype == p.dtype:
        grad = g.reshape(-1)
    else:
        grad = _flat(g, "updates.grad", p.dtype)
    if compiled and p.dtype in _FLOATS and rule.__module__ == __name__:
        from autograd.kernels import update_loops

        loop = getattr(update_loops, rule.__name__)
        cost = COST * p.nbytes * (2 + len(state))
        pool.run(loop, data.size, c, data, grad, *state, cost=cost)
    else:
        _by_numpy(rule, c, grad, (data, *state))
    if not p.flags.c_contiguous:
        p[...] = data.reshape(p.shape)


def _by_numpy(rule, c, g, arrays):
    """The rule on arrays, a piece at a time."""
    for start in range(0, g.size, PIECE):
        cut = slice(start, start + PIECE)
        p, *state = pieces = [a[cut] for a in arrays]
        for old, new in zip(pieces, rule(c, p, g[cut], *state), strict=True):
            if new is not old:
                old[...] = new


def _flat(x, name, dtype):
    """A contiguous copy in memory that is used again."""
    buffer = scratch(name, x.size, dtype)
    buffer.reshape(x.shape)[...] = x
    return buffer
