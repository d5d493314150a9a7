"""Softmax and its logarithm along an axis of x (P, C, S), the axis of C, and their gradients.

With S = 1 rows are normalized; else strips of WIDTH neighboring columns are, all of them at once.
What a thread computes it computes whole. NaN anywhere along the axis makes all of it NaN.
"""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from autograd.machine import pool
from autograd.machine.elementary import exp, larger
from autograd.machine.jit import inline, jit
from autograd.machine.sums import (
    greatest,
    index,
    inlined_reduction,
    product,
    sum_of_exponentials,
    total,
)
from autograd.machine.workspace import native

WIDTH = 128  # of a strip: with 64 rows of it in the L1 cache
COST = 0.5  # ns an element forward on one core; half of it backward
ROW = 40  # ns more that each row takes


@inlined_reduction
def _exponentials(x, start, n, m, y):
    """y = exp(x - m), and their sum."""
    inline()
    total = x.dtype.type(0)
    for i in range(n):
        e = exp(x[start + index(i)] - m)
        y[start + index(i)] = e
        total += e
    return total


@jit
def rows(begin, end, C, x, y, logarithm):
    """Rows of x and y, both flat: y = softmax(x), or its logarithm."""
    for n in range(begin, end):
        o = index(n * C)
        m = greatest(x, o, C)
        if logarithm:
            rest = x.dtype.type(math.log(sum_of_exponentials(x, o, C, m)))
            for i in range(C):
                y[o + index(i)] = (x[o + index(i)] - m) - rest
        else:
            share = 1 / _exponentials(x, o, C, m, y)
            for i in range(C):
                y[o + index(i)] *= share


@jit
def rows_grad(begin, end, C, g, y, gx, logarithm):
    """gx = y (g - Σ g y), or for the logarithm g - exp(y) Σ g."""
    for n in range(begin, end):
        o = index(n * C)
        if logarithm:
            mass = g.dtype.type(total(g, o, C))
            for i in range(C):
                gx[o + index(i)] = g[o + index(i)] - exp(y[o + index(i)]) * mass
        else:
            mass = g.dtype.type(product(g, y, o, C))
            for i in range(C):
                gx[o + index(i)] = y[o + index(i)] * (g[o + index(i)] - mass)


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
    cost = COST * out.size / len(arrays)
    if S == 1:
        run = rows if len(arrays) == 1 else rows_grad
        pool.run(run, P, C, *flat, logarithm, cost=cost + ROW * P / len(arrays))
    else:
        run = strips if len(arrays) == 1 else strips_grad
        pool.run(run, P * -(-S // WIDTH), C, S, *flat, logarithm, cost=cost)
    return out
