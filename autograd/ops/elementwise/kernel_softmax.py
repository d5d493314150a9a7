"""Softmax and its logarithm along an axis of x (P, C, S), the axis of C, and their gradients.

With S = 1 rows are normalized; else strips of WIDTH neighboring columns are, all of them at once.
What a thread computes it computes whole. NaN anywhere along the axis makes all of it NaN.
"""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from autograd.machine import pool
from autograd.machine.elementary import exp, fell, larger
from autograd.machine.folds import fold
from autograd.machine.jit import compact, jit
from autograd.machine.sums import (
    BLOCK,
    greatest,
    index,
    product,
    rows_cached,
    sum_of_exponentials,
    total,
)
from autograd.machine.workspace import native

WIDTH = 128  # of a strip: with 64 rows of it in the L1 cache
COST = 0.5  # ns an element of columns forward on one core; half of it backward
ROWS, ROW = 0.2, 15  # ns an element of rows, and ns more that each row takes


def _exponential(exp, wide):
    def cell(m, x):
        e = exp(x - m)
        return e, e

    return cell


# One pass of vectors along a row each.
_exponentials = fold(_exponential, 1, writes=1, numbers=1, folds="+")
_times = fold(lambda exp, wide: lambda a, y: (y * a,), 1, writes=1, numbers=1)
_less = fold(lambda exp, wide: lambda m, a, x: ((x - m) - a,), 1, writes=1, numbers=2)
_grad = fold(lambda exp, wide: lambda a, g, y: (y * (g - a),), 2, writes=1, numbers=1)
_log_grad = fold(lambda exp, wide: lambda c, a, g, y: (g - exp(y) * c * a,), 2, writes=1, numbers=2)


@jit
def rows(begin, end, C, x, y, fell, logarithm):
    """Rows of x and y, both flat: y = softmax(x), or its logarithm."""
    compact()
    kind = x.dtype.type
    some = rows_cached(x, C)
    top, rest = np.empty(some, x.dtype), np.empty(some, x.dtype)
    for first in range(begin, end, some):
        last = min(first + some, end)
        for n in range(first, last):
            top[n - first] = greatest(x, n * C, C)
        for n in range(first, last):
            o, m = n * C, top[n - first]
            mass = 0.0
            if logarithm:
                mass = sum_of_exponentials(x, o, C, m)
            else:
                for i in range(o, o + C, BLOCK):
                    mass += _exponentials(1, min(o + C - i, BLOCK), m, x, i, 0, y, i, 0)
            rest[n - first] = kind(mass * fell if logarithm else 1 / mass)
        for n in range(first, last):
            o, m, a = n * C, top[n - first], rest[n - first]
            if logarithm:
                _less(1, C, m, kind(math.log(a)), x, o, 0, y, o, 0)
            else:
                _times(1, C, a, y, o, 0, y, o, 0)


@jit
def rows_grad(begin, end, C, g, y, gx, fell, logarithm):
    """gx = y (g - Σ g y), or for the logarithm g - exp(y) Σ g."""
    compact()
    kind = g.dtype.type
    for n in range(begin, end):
        o = n * C
        if logarithm:
            _log_grad(1, C, kind(fell), kind(total(g, o, C)), g, o, 0, y, o, 0, gx, o, 0)
        else:
            _grad(1, C, kind(product(g, y, o, C)), g, o, 0, y, o, 0, gx, o, 0)


@jit
def strips(begin, end, C, S, x, y, logarithm):
    """As `rows`, of columns: strip number p ⌈S / WIDTH⌉ + s."""
    top, mass = np.empty(WIDTH, x.dtype), np.empty(WIDTH, x.dtype)
    count = (S + WIDTH - 1) // WIDTH
    for strip in range(begin, end):
        first = strip % count * WIDTH
        n = min(WIDTH, S - first)
        start = strip // count * C * S + first
        for j in range(n):
            top[index(j)] = -math.inf
            mass[index(j)] = 0
        for c in range(C):
            o = index(start + c * S)
            for j in range(n):
                top[index(j)] = larger(top[index(j)], x[o + index(j)])
        for c in range(C):
            o = index(start + c * S)
            if logarithm:
                for j in range(n):
                    mass[index(j)] += exp(x[o + index(j)] - top[index(j)])
            else:
                for j in range(n):
                    y[o + index(j)] = exp(x[o + index(j)] - top[index(j)])
                for j in range(n):
                    mass[index(j)] += y[o + index(j)]
        for j in range(n):
            mass[index(j)] = math.log(mass[index(j)]) if logarithm else 1 / mass[index(j)]
        for c in range(C):
            o = index(start + c * S)
            if logarithm:
                for j in range(n):
                    y[o + index(j)] = (x[o + index(j)] - top[index(j)]) - mass[index(j)]
            else:
                for j in range(n):
                    y[o + index(j)] *= mass[index(j)]


@jit
def strips_grad(begin, end, C, S, g, y, gx, logarithm):
    """As `rows_grad`, of columns."""
    mass = np.empty(WIDTH, g.dtype)
    count = (S + WIDTH - 1) // WIDTH
    for strip in range(begin, end):
        first = strip % count * WIDTH
        n = min(WIDTH, S - first)
        start = strip // count * C * S + first
        mass[:] = 0
        for c in range(C):
            o = index(start + c * S)
            if logarithm:
                for j in range(n):
                    mass[index(j)] += g[o + index(j)]
            else:
                for j in range(n):
                    mass[index(j)] += g[o + index(j)] * y[o + index(j)]
        for c in range(C):
            o = index(start + c * S)
            if logarithm:
                for j in range(n):
                    a = exp(y[o + index(j)]) * mass[index(j)]
                    gx[o + index(j)] = g[o + index(j)] - a
            else:
                for j in range(n):
                    gx[o + index(j)] = y[o + index(j)] * (g[o + index(j)] - mass[index(j)])


def along(axis, logarithm, *arrays):
    """Forward of x, or backward of g and y: arrays of one shape and float dtype."""
    shape = arrays[0].shape
    arrays = [native(x) for x in arrays]
    axis %= len(shape)
    P, C, S = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    out = np.empty(shape, arrays[0].dtype)
    flat = [x.reshape(-1) for x in (*arrays, out)]
    if S == 1:
        cost = (ROWS * out.size + ROW * P) / len(arrays)
        run = rows if len(arrays) == 1 else rows_grad
        size = fell(out.dtype)
        pool.run(run, P, C, *flat, size, logarithm, cost=cost)
    else:
        cost = COST * out.size / len(arrays)
        run = strips if len(arrays) == 1 else strips_grad
        pool.run(run, P * -(-S // WIDTH), C, S, *flat, logarithm, cost=cost)
    return out
