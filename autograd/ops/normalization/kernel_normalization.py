"""Normalization on plain arrays: statistics, the map, and its gradients.

Every normalization is one of arrays x of shape (P, N, G, K, S): mean and variance are taken over
the axes P, K and S, and the affine map that follows has a weight and a bias for each (G, K).

    layer, RMS   (1, rows, 1, features, 1)        group  (1, N, groups, channels each, pixels)
    batch        (N, 1, channels, 1, pixels)

With P = S = 1 weights run along the rows that are normalized (`rows_*`); with S = 1 each column has
its own (`columns_*`); else they are constant over a stretch of S elements (`strips_*`). Variances
sum the squared deviations from the mean, in two passes, and the mean of the deviations is added to
the mean, in float64: a large mean costs no digits, and equal numbers come out as 0. Each group is
summed whole by one thread; the sums of the weights' gradients over rows are cut into blocks that
depend on the shape only.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
import math

import numpy as np
from numba import njit

from autograd.machine import pool
from autograd.machine.jit import jit
from autograd.machine.sums import BLOCK, deviations, index, moments, reduction, total

COST = 0.2  # ns an element forward on one core, in cache; about half as much again backward
WIDTH = 128  # columns at once: their sums stay in the L1 cache
BLOCKS = 32  # at most, of rows whose weight gradients are added up apart


@reduction
def _weighted_block(g, w, x, start, first, n, mean):
    y, z = x.dtype.type(0), x.dtype.type(0)
    for i in range(n):
        gw = g[start + index(i)] * w[first + index(i)]
        y += gw
        z += gw * (x[start + index(i)] - mean)
    return y, z


@njit(error_model="numpy")
def _weighted(g, w, x, start, first, n, mean):
    """Σ g w and Σ g w (x - mean), w from `first` on."""
    y = z = 0.0
    for i in range(0, n, BLOCK):
        j = index(i)
        a, b = _weighted_block(g, w, x, start + j, first + j, min(n - i, BLOCK), mean)
        y += a
        z += b
    return y, z


@njit(error_model="numpy")
def _settled(mean, y, z, n):
    """Mean and variance, given Σ (x - mean) and Σ (x - mean)² for about the mean of n numbers."""
    if n == 0:
        return 0.0, 0.0
    rest = y / n
    var = z / n - rest * rest
    return mean + rest, 0.0 if var < 0 else var


# Flat arrays, no slices of short rows: each costs atomic operations that count its owners, 50 ns.


@jit
def rows_forward(begin, end, K, x, w, b, eps, centered, mean, scale, y):
    """Rows of K numbers of x to mean 0 and variance 1, then the affine map of (G, K)."""
    kind = x.dtype.type
    for q in range(begin, end):
        o, v = index(q * K), index(q * K % w.size)
        about = kind(total(x, o, K) / K) if centered else kind(0)
        moved, spread = deviations(x, o, K, about)
        if centered:
            mean[q], spread = _settled(about, moved, spread, K)
        else:
            mean[q], spread = 0, spread / K
        m, s = kind(mean[q]), kind(1 / math.sqrt(spread + eps))
        rest = kind((m - mean[q]) * s)
        scale[q] = s
        for i in range(K):
            j = index(i)
            y[o + j] = ((x[o + j] - m) * s + rest) * w[v + j] + b[v + j]


@jit
def rows_backward(begin, end, K, g, x, w, mean, scale, centered, block, gx, gw, gb):
    """Blocks of rows: gx, and each block's part of the gradients of weight and bias."""
    kind = x.dtype.type
    for part in range(begin, end):
        base = part * w.size
        for i in range(w.size):
            gw[index(base + i)] = 0
            gb[index(base + i)] = 0
        for q in range(part * block, min((part + 1) * block, mean.size)):
            o, v = index(q * K), index(q * K % w.size)
            to = index(base) + v
            m, s = kind(mean[q]), scale[q]
            rest = mean[q] - m  # of the mean, beyond the digits of x
            mass, moment = _weighted(g, w, x, o, v, K, m)
            lean = (moment - rest * mass) * s * s / K
            shift, slope = kind((mass / K if centered else 0.0) - rest * lean), kind(lean)
            for i in range(K):
                j = index(i)
                gx[o + j] = (g[o + j] * w[v + j] - shift - (x[o + j] - m) * slope) * s
            rest = kind(-rest * s)
            for i in range(K):
                j = index(i)
                gw[to + j] += g[o + j] * ((x[o + j] - m) * s + rest)
            for i in range(K):
                gb[to + index(i)] += g[o + index(i)]


@jit
def strips_forward(begin, end, K, S, x, w, b, eps, fixed, mean, var, scale, y):
    """(x - mean) · scale · w + b for x (P, Q, K, S), w and b (G, K).

    Mean and variance are those of x over P, K and S and are written, unless they are `fixed`.
    """
    kind = x.dtype.type
    n, Q = K * S, mean.size
    P = x.size // (n * Q)
    for q in range(begin, end):
        if not fixed:
            y0 = 0.0
            for p in range(P):
                y0 += total(x, index((p * Q + q) * n), n)
            about = kind(y0 / (P * n))
            moved = spread = 0.0
            for p in range(P):
                y0, z0 = deviations(x, index((p * Q + q) * n), n, about)
                moved += y0
                spread += z0
            mean[q], var[q] = _settled(about, moved, spread, P * n)
        m, s = kind(mean[q]), kind(1 / math.sqrt(var[q] + eps))
        rest = kind((m - mean[q]) * s)
        scale[q] = s
        for p in range(P):
            for k in range(K):
                v = q * K % w.size + k
                slope, bias = s * w[v], rest * w[v] + b[v]
                o = index((p * Q + q) * n + k * S)
                for i in range(S):
                    y[o + index(i)] = (x[o + index(i)] - m) * slope + bias


@jit
def strips_backward(begin, end, K, S, g, x, w, mean, scale, fixed, gx, gw, gb):
    """The gx of `strips_forward`, with gw and gb (Q, K) summed over P and S.

    The last factor s is left to the end: s³ may be below the range of float32.
    """
    kind = x.dtype.type
    n, Q = K * S, mean.size
    P = x.size // (n * Q)
    for q in range(begin, end):
        v, m, s = q * K % w.size, kind(mean[q]), scale[q]
        rest = mean[q] - m  # of the mean, beyond the digits of x
        shift = slope = 0.0
        for k in range(K):
            mass = moment = 0.0
            for p in range(P):
                a, b = moments(g, x, index((p * Q + q) * n + k * S), S, m)
                mass += a
                moment += b
            moment -= rest * mass
            gb[q * K + k], gw[q * K + k] = mass, moment * s
            shift += mass * w[v + k]
            slope += moment * s * s * w[v + k]
        slope /= P * n
        a, b = kind(shift / (P * n) - rest * slope), kind(slope)
        for p in range(P):
            for k in range(K):
                wk, o = w[v + k], index((p * Q + q) * n + k * S)
                if fixed:
                    for i in range(S):
                        gx[o + index(i)] = g[o + index(i)] * wk * s
                else:
                    for i in range(S):
                        j = o + index(i)
                        gx[j] = (g[j] * wk - (a + (x[j] - m) * b)) * s


@jit
def columns_forward(begin, end, x, w, b, eps, fixed, mean, var, scale, y):
    """As `strips_forward` of x (P, C), for blocks of WIDTH columns."""
    P, C = x.shape
    kind = x.dtype.type
    mass, moved = np.empty(WIDTH), np.empty(WIDTH)
    about = np.empty(WIDTH, x.dtype)
    for block in range(begin, end):
        first, last = block * WIDTH, min((block + 1) * WIDTH, C)
        n = last - first
        m, v, s = mean[first:last], var[first:last], scale[first:last]
        if not fixed:
            mass[:] = 0
            for p in range(P):
                row = x[p, first:last]
                for i in range(n):
                    mass[i] += row[i]
            for i in range(n):
                about[i] = mass[i] / P
            mass[:] = 0
            moved[:] = 0
            for p in range(P):
                row = x[p, first:last]
                for i in range(n):
                    d = np.float64(row[i] - about[i])
                    moved[i] += d
                    mass[i] += d * d
            for i in range(n):
                m[i], v[i] = _settled(about[i], moved[i], mass[i], P)
        for i in range(n):
            about[i] = m[i]
            s[i] = 1 / math.sqrt(v[i] + eps)
        slope, bias = s * w[first:last], b[first:last].copy()
        for i in range(n):
            bias[i] += kind((about[i] - m[i]) * slope[i])
        for p in range(P):
            row, out = x[p, first:last], y[p, first:last]
            for i in range(n):
                out[i] = (row[i] - about[i]) * slope[i] + bias[i]


@jit
def columns_backward(begin, end, g, x, w, mean, scale, fixed, gx, gw, gb):
    """As `strips_backward` of x (P, C), for blocks of WIDTH columns."""
    P, C = x.shape
    mass, moment = np.empty(WIDTH), np.empty(WIDTH)
    about = np.empty(WIDTH, x.dtype)
    for block in range(begin, end):
        first, last = block * WIDTH, min((block + 1) * WIDTH, C)
        n = last - first
        m, s = mean[first:last], scale[first:last]
        for i in range(n):
            about[i] = m[i]
        mass[:] = 0
        moment[:] = 0
        for p in range(P):
            row, given = x[p, first:last], g[p, first:last]
            for i in range(n):
                mass[i] += given[i]
            for i in range(n):
                moment[i] += given[i] * (row[i] - about[i])
        for i in range(n):
            moment[i] -= (m[i] - about[i]) * mass[i]
            gb[first + i] = mass[i]
            gw[first + i] = moment[i] * s[i]
        slope = w[first:last]
        shift, lean = np.empty_like(s), np.empty_like(s)
        for i in range(n):
            a = slope[i] * moment[i] * s[i] * s[i] / P
            shift[i] = slope[i] * mass[i] / P - (m[i] - about[i]) * a
            lean[i] = a
        for p in range(P):
            row, given, out = x[p, first:last], g[p, first:last], gx[p, first:last]
            if fixed:
                for i in range(n):
                    out[i] = given[i] * slope[i] * s[i]
            else:
                for i in range(n):
                    part = given[i] * slope[i] - (shift[i] + (row[i] - about[i]) * lean[i])
                    out[i] = part * s[i]


def normalize(x, w, b, eps, centered, statistics=None, fixed=False):
    """x (P, N, G, K, S) normalized; then the mean, in float64, and 1/σ, each (N·G).

    `statistics` are a mean and a variance: to be used if they are `fixed`, else to be written to.
    Only rows (P = S = 1) may be not centered.
    """
    P, N, G, K, S = x.shape
    Q = N * G
    y = np.empty_like(x)
    run = functools.partial(pool.run, cost=COST * x.size)
    weights = w.ravel(), b.ravel(), eps
    if P == S == 1 and statistics is None:
        mean, scale = np.empty(Q), np.empty(Q, x.dtype)
        run(rows_forward, Q, K, x.ravel(), *weights, centered, mean, scale, y.ravel())
        return y, mean, scale
    mean, var = np.empty((2, Q))
    if fixed:
        mean[:], var[:] = statistics
    scale = np.empty(Q, x.dtype)
    state = *weights, fixed, mean, var, scale
    if K == S == 1 and N == 1:
        flat = (P, G)
        run(columns_forward, -(-G // WIDTH), x.reshape(flat), *state, y.reshape(flat))
    else:
        run(strips_forward, Q, K, S, x.ravel(), *state, y.ravel())
    if statistics is not None and not fixed:
        statistics[0][...], statistics[1][...] = mean, var
    return y, mean, scale


def normalize_grad(g, x, w, mean, scale, centered, fixed, gx):
    """The gradients of the weight and of the bias; that of x is written into gx."""
    P, N, G, K, S = x.shape
    Q = N * G
    run = functools.partial(pool.run, cost=1.5 * COST * x.size)
    state = w.ravel(), mean, scale
    if P == S == 1 and not fixed:
        block = max(8, -(-Q // BLOCKS))
        count = -(-Q // block)
        parts = np.empty((2, count, G, K))  # float64: sums of many rows
        args = *state, centered, block, gx.ravel(), parts[0].ravel(), parts[1].ravel()
        run(rows_backward, count, K, g.ravel(), x.ravel(), *args)
        return np.add.reduce(parts, axis=1).astype(x.dtype)
    if K == S == 1 and N == 1:
        flat = (P, G)
        gw, gb = np.empty((2, G), x.dtype)
        args = *state, fixed, gx.reshape(flat), gw, gb
        run(columns_backward, -(-G // WIDTH), g.reshape(flat), x.reshape(flat), *args)
        return gw, gb
    parts = np.empty((2, N, G, K))  # float64: sums of many samples
    args = *state, fixed, gx.ravel(), parts[0].ravel(), parts[1].ravel()
    run(strips_backward, Q, K, S, g.ravel(), x.ravel(), *args)
    return np.add.reduce(parts, axis=1).astype(x.dtype)
