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

import math

import numpy as np

from autograd.machine import pool
from autograd.machine.folds import fold
from autograd.machine.jit import PLAIN, compact, inline, jit, part, plain
from autograd.machine.sums import (
    BLOCK,
    deviations,
    moments,
    rows_at_once,
    rows_cached,
    total,
    total_of_rows,
)

COST = 0.2  # ns an element forward on one core, out of its caches; half as much again backward
WIDTH = 256  # columns at once: their sums stay in the L1 cache
BLOCKS = 32  # at most, of rows whose weight gradients are added up apart


TOGETHER = 4  # rows whose part of the weights' gradients is added in pairs before float64


def _row_grad(exp, wide):
    """gx of a row, and what it adds to the gradients of weight and bias."""

    def cell(m, s, shift, slope, rest, g, x, w, gw, gb):
        d = x - m
        return (g * w - shift - d * slope) * s, gw + wide(g * (d * s + rest)), gb + wide(g)

    return cell


def _four_row_grads(exp, wide):
    """The same of four rows."""

    def one(m, s, shift, slope, rest, g, x, w):
        d = x - m
        return (g * w - shift - d * slope) * s, g * (d * s + rest)

    if PLAIN:
        one = plain(one)

    def cell(
        m0, s0, a0, b0, r0, m1, s1, a1, b1, r1, m2, s2, a2, b2, r2, m3, s3, a3, b3, r3,
        g0, x0, g1, x1, g2, x2, g3, x3, w, gw, gb,
    ):  # fmt: skip
        y0, z0 = one(m0, s0, a0, b0, r0, g0, x0, w)
        y1, z1 = one(m1, s1, a1, b1, r1, g1, x1, w)
        y2, z2 = one(m2, s2, a2, b2, r2, g2, x2, w)
        y3, z3 = one(m3, s3, a3, b3, r3, g3, x3, w)
        z, h = (z0 + z1) + (z2 + z3), (g0 + g1) + (g2 + g3)
        return y0, y1, y2, y3, gw + wide(z), gb + wide(h)

    return cell


def _four_sums(exp, wide):
    return lambda a, b, c, d, y: (y + wide((a + b) + (c + d)),)


def _four_squares(exp, wide):
    def cell(a, b, c, d, m, y, z):
        a, b, c, d = a - m, b - m, c - m, d - m
        return y + wide((a + b) + (c + d)), z + wide((a * a + b * b) + (c * c + d * d))

    return cell


def _square(exp, wide):
    def cell(a, m, y, z):
        a = wide(a - m)
        return y + a, z + a * a

    return cell


def _four_moments(exp, wide):
    def cell(a, p, b, q, c, r, d, s, m, y, z):
        p, q, r, s = a * (p - m), b * (q - m), c * (r - m), d * (s - m)
        return y + wide((a + b) + (c + d)), z + wide((p + q) + (r + s))

    return cell


_affine = fold(
    lambda exp, wide: lambda m, slope, bias, x: ((x - m) * slope + bias,), 1, writes=1, numbers=3
)
_row_affine = fold(
    lambda exp, wide: lambda m, s, rest, x, w, b: (((x - m) * s + rest) * w + b,),
    3, writes=1, numbers=3,
)  # fmt: skip
_weighted = fold(
    lambda exp, wide: lambda m, g, w, x: (g * w, g * w * (x - m)), 3, numbers=1, folds="++"
)
_rows_grad = fold(_row_grad, 5, writes=3, numbers=5)
_four_rows_grad = fold(_four_row_grads, 11, writes=6, numbers=20)
_strip_grad = fold(
    lambda exp, wide: lambda m, w, a, b, s, g, x: ((g * w - (a + (x - m) * b)) * s,),
    2, writes=1, numbers=5,
)  # fmt: skip
_times = fold(lambda exp, wide: lambda w, s, g: (g * w * s,), 1, writes=1, numbers=2)
_add_rows = fold(_four_sums, 5, writes=1)
_add_parts = fold(lambda exp, wide: lambda a, y: (y + a,), 2, writes=1)
_add_row = fold(lambda exp, wide: lambda a, y: (y + wide(a),), 2, writes=1)
_add_squares = fold(_four_squares, 7, writes=2)
_add_square = fold(_square, 4, writes=2)
_add_moments = fold(_four_moments, 11, writes=2)
_add_moment = fold(
    lambda exp, wide: lambda g, x, m, y, z: (y + wide(g), z + wide(g * (x - m))), 5, writes=2
)
_column_affine = fold(
    lambda exp, wide: lambda x, m, slope, bias: ((x - m) * slope + bias,), 4, writes=1
)
_column_grad = fold(
    lambda exp, wide: lambda g, x, m, w, s, a, b: ((g * w - (a + (x - m) * b)) * s,), 7, writes=1
)
_column_times = fold(lambda exp, wide: lambda g, w, s: (g * w * s,), 3, writes=1)


@part
def _settled(mean, y, z, share):
    """Mean and variance, given Σ (x - mean), Σ (x - mean)² and one over the count of numbers."""
    rest = y * share
    var = z * share - rest * rest
    return mean + rest, 0.0 if var < 0 else var


# Flat arrays, no slices of short rows: each costs atomic operations that count its owners, 50 ns.


@jit
def rows_forward(begin, end, K, x, w, b, eps, centered, mean, scale, y):
    """Rows of K numbers of x to mean 0 and variance 1, then the affine map of (G, K)."""
    compact()
    kind, groups, share = x.dtype.type, w.size // max(K, 1), 1 / max(K, 1)
    some = rows_cached(x, K)
    for first in range(begin, end, some):
        last = min(first + some, end)
        for q in range(first, last):
            mean[q] = kind(total(x, q * K, K) * share) if centered else 0.0
        for q in range(first, last):
            about = kind(mean[q])
            moved, spread = deviations(1, x, q * K, 0, 1, K, about)
            if centered:
                mean[q], spread = _settled(about, moved, spread, share)
            else:
                spread *= share
            scale[q] = 1 / math.sqrt(spread + eps)
        for q in range(first, last):
            o, v = q * K, q % groups * K if groups > 1 else 0
            m, s = kind(mean[q]), scale[q]
            rest = kind((m - mean[q]) * s)
            _row_affine(1, K, m, s, rest, x, o, 0, w, v, 0, b, v, 0, y, o, 0)


@part
def _slopes(g, w, x, v, K, q, mean, scale, share, centered):
    """What the gradient of row q is made of: its mean in x's dtype, s, shift, slope, rest."""
    inline()
    kind, s = x.dtype.type, scale[q]
    m = kind(mean[q])
    rest = mean[q] - m  # of the mean, beyond the digits of x
    mass = moment = 0.0
    for i in range(0, K, BLOCK):
        n, j = min(K - i, BLOCK), q * K + i
        a, b = _weighted(1, n, m, g, j, 0, w, v + i, 0, x, j, 0)
        mass += a
        moment += b
    lean = (moment - rest * mass) * s * s * share
    shift = (mass * share if centered else 0.0) - rest * lean
    return m, s, kind(shift), kind(lean), kind(-rest * s)


@jit
def rows_backward(begin, end, K, g, x, w, mean, scale, centered, block, gx, gw, gb):
    """Blocks of rows: gx, and each block's part of the gradients of weight and bias."""
    compact()
    groups, share = w.size // max(K, 1), 1 / max(K, 1)
    for number in range(begin, end):
        to = number * w.size
        gw[to : to + w.size] = 0
        gb[to : to + w.size] = 0
        q, last = number * block, min((number + 1) * block, mean.size)
        while q < last:
            o, v = q * K, q % groups * K if groups > 1 else 0
            m0, s0, a0, b0, r0 = _slopes(g, w, x, v, K, q, mean, scale, share, centered)
            if groups == 1 and q + TOGETHER <= last:
                o1, o2, o3 = o + K, o + 2 * K, o + 3 * K
                m1, s1, a1, b1, r1 = _slopes(g, w, x, v, K, q + 1, mean, scale, share, centered)
                m2, s2, a2, b2, r2 = _slopes(g, w, x, v, K, q + 2, mean, scale, share, centered)
                m3, s3, a3, b3, r3 = _slopes(g, w, x, v, K, q + 3, mean, scale, share, centered)
                _four_rows_grad(
                    1, K,
                    m0, s0, a0, b0, r0, m1, s1, a1, b1, r1, m2, s2, a2, b2, r2, m3, s3, a3, b3, r3,
                    g, o, 0, x, o, 0, g, o1, 0, x, o1, 0, g, o2, 0, x, o2, 0, g, o3, 0, x, o3, 0,
                    w, v, 0, gw, to, 0, gb, to, 0,
                    gx, o, 0, gx, o1, 0, gx, o2, 0, gx, o3, 0, gw, to, 0, gb, to, 0,
                )  # fmt: skip
                q += TOGETHER
            else:
                _rows_grad(
                    1, K, m0, s0, a0, b0, r0, g, o, 0, x, o, 0, w, v, 0, gw, to + v, 0,
                    gb, to + v, 0, gx, o, 0, gw, to + v, 0, gb, to + v, 0,
                )  # fmt: skip
                q += 1


@jit
def strips_forward(begin, end, K, S, x, w, b, eps, fixed, mean, var, scale, y):
    """(x - mean) · scale · w + b for x (P, Q, K, S), w and b (G, K).

    Mean and variance are those of x over P, K and S and are written, unless they are `fixed`.
    """
    compact()
    kind = x.dtype.type
    n, Q = K * S, mean.size
    P, some = x.size // (n * Q), rows_at_once(n)
    share = 1 / max(P * n, 1)
    together = rows_cached(x, P * n)
    for first in range(begin, end, together):
        last = min(first + together, end)
        if not fixed:
            for q in range(first, last):
                mean[q] = kind(total_of_rows(some, x, q * n, Q * n, P, n) * share)
            for q in range(first, last):
                about = kind(mean[q])
                moved, spread = deviations(some, x, q * n, Q * n, P, n, about)
                mean[q], var[q] = _settled(about, moved, spread, share)
        for q in range(first, last):
            m, s = kind(mean[q]), kind(1 / math.sqrt(var[q] + eps))
            rest = kind((m - mean[q]) * s)
            scale[q] = s
            v = q * K % w.size
            for k in range(K):
                o, a = q * n + k * S, w[v + k]
                _affine(P, S, m, s * a, rest * a + b[v + k], x, o, Q * n, y, o, Q * n)


@jit
def strips_backward(begin, end, K, S, g, x, w, mean, scale, fixed, gx, gw, gb):
    """The gx of `strips_forward`, with gw and gb (Q, K) summed over P and S.

    The last factor s is left to the end: s³ may be below the range of float32.
    """
    compact()
    kind = x.dtype.type
    n, Q = K * S, mean.size
    P, some = x.size // (n * Q), rows_at_once(S)
    share = 1 / max(P * n, 1)
    together = max(1, rows_cached(x, P * n) // 2)  # of three arrays
    for first in range(begin, end, together):
        last = min(first + together, end)
        for q in range(first, last):
            for k in range(K):
                o = q * n + k * S
                gb[q * K + k], gw[q * K + k] = moments(some, g, x, o, Q * n, P, S, kind(mean[q]))
        for q in range(first, last):
            v, m, s = q * K % w.size, kind(mean[q]), scale[q]
            rest = mean[q] - m  # of the mean, beyond the digits of x
            shift = slope = 0.0
            for k in range(K):
                mass = gb[q * K + k]
                moment = (gw[q * K + k] - rest * mass) * s
                gw[q * K + k] = moment
                shift += mass * w[v + k]
                slope += moment * s * w[v + k]
            slope *= share
            a, b = kind(shift * share - rest * slope), kind(slope)
            for k in range(K):
                o = q * n + k * S
                if fixed:
                    _times(P, S, w[v + k], s, g, o, Q * n, gx, o, Q * n)
                else:
                    _strip_grad(P, S, m, w[v + k], a, b, s, g, o, Q * n, x, o, Q * n, gx, o, Q * n)


@jit
def columns_forward(begin, end, C, x, w, b, eps, fixed, mean, var, scale, y):
    """As `strips_forward` of x (P, C), for blocks of WIDTH columns."""
    P, kind = x.size // C, x.dtype.type
    share = 1 / max(P, 1)
    fours, two, three, four = P // 4, 2 * C, 3 * C, 4 * C
    mass, moved = np.empty(WIDTH), np.empty(WIDTH)
    about, slope, bias = (
        np.empty(WIDTH, x.dtype), np.empty(WIDTH, x.dtype), np.empty(WIDTH, x.dtype)
    )  # fmt: skip
    for block in range(begin, end):
        o = block * WIDTH
        n, rest = min(WIDTH, C - o), fours * four + o
        if not fixed:
            mass[:] = 0
            _add_rows(
                fours, n, x, o, four, x, o + C, four, x, o + two, four, x, o + three, four,
                mass, 0, 0, mass, 0, 0,
            )  # fmt: skip
            _add_row(P - 4 * fours, n, x, rest, C, mass, 0, 0, mass, 0, 0)
            for i in range(n):
                about[i] = mass[i] * share
            mass[:] = 0
            moved[:] = 0
            _add_squares(
                fours, n, x, o, four, x, o + C, four, x, o + two, four, x, o + three, four,
                about, 0, 0, moved, 0, 0, mass, 0, 0, moved, 0, 0, mass, 0, 0,
            )  # fmt: skip
            _add_square(
                P - 4 * fours, n, x, rest, C, about, 0, 0, moved, 0, 0, mass, 0, 0,
                moved, 0, 0, mass, 0, 0,
            )  # fmt: skip
            finite = True
            for i in range(n):
                finite &= mass[i] < math.inf
            if not finite:  # squares beyond the range of float32
                mass[:] = 0
                moved[:] = 0
                _add_square(
                    P, n, x, o, C, about, 0, 0, moved, 0, 0, mass, 0, 0, moved, 0, 0, mass, 0, 0
                )
            for i in range(n):
                mean[o + i], var[o + i] = _settled(about[i], moved[i], mass[i], share)
        for i in range(n):
            m = about[i] = mean[o + i]
            s = scale[o + i] = 1 / math.sqrt(var[o + i] + eps)
            slope[i] = kind(s) * w[o + i]
            bias[i] = b[o + i] + kind((kind(m) - mean[o + i]) * slope[i])
        _column_affine(P, n, x, o, C, about, 0, 0, slope, 0, 0, bias, 0, 0, y, o, C)


@jit
def columns_backward(begin, end, C, g, x, w, mean, scale, fixed, gx, gw, gb):
    """As `strips_backward` of x (P, C), for blocks of WIDTH columns."""
    P = x.size // C
    fours, two, three, four = P // 4, 2 * C, 3 * C, 4 * C
    mass, moment = np.empty(WIDTH), np.empty(WIDTH)
    about, shift, lean = (
        np.empty(WIDTH, x.dtype), np.empty(WIDTH, x.dtype), np.empty(WIDTH, x.dtype)
    )  # fmt: skip
    for block in range(begin, end):
        o = block * WIDTH
        n, rest = min(WIDTH, C - o), fours * four + o
        for i in range(n):
            about[i] = mean[o + i]
        mass[:] = 0
        moment[:] = 0
        _add_moments(
            fours, n, g, o, four, x, o, four, g, o + C, four, x, o + C, four,
            g, o + two, four, x, o + two, four, g, o + three, four, x, o + three, four,
            about, 0, 0, mass, 0, 0, moment, 0, 0, mass, 0, 0, moment, 0, 0,
        )  # fmt: skip
        _add_moment(
            P - 4 * fours, n, g, rest, C, x, rest, C, about, 0, 0, mass, 0, 0, moment, 0, 0,
            mass, 0, 0, moment, 0, 0,
        )  # fmt: skip
        for i in range(n):
            s, left = scale[o + i], mean[o + i] - about[i]
            moment[i] -= left * mass[i]
            gb[o + i] = mass[i]
            gw[o + i] = moment[i] * s
            slope = w[o + i] * moment[i] * s * s / P
            shift[i] = w[o + i] * mass[i] / P - left * slope
            lean[i] = slope
        if fixed:
            _column_times(P, n, g, o, C, w, o, 0, scale, o, 0, gx, o, C)
        else:
            _column_grad(
                P, n, g, o, C, x, o, C, about, 0, 0, w, o, 0, scale, o, 0, shift, 0, 0, lean, 0, 0,
                gx, o, C,
            )  # fmt: skip


@jit
def add_parts(begin, end, n, parts, gw, gb):
    """Sum the parts of the weights' gradients, (2, parts, n) in float64, into gw and gb."""
    size = parts.size // 2
    if size == 0:
        gw[:] = 0
        gb[:] = 0
        return
    more = size // n - 1
    _add_parts(more, n, parts, n, n, parts, 0, 0, parts, 0, 0)
    _add_parts(more, n, parts, size + n, n, parts, size, 0, parts, size, 0)
    for i in range(n):
        gw[i] = parts[i]
        gb[i] = parts[size + i]


def normalize(x, w, b, shape, eps, centered, statistics=None, fixed=False):
    """x (P, N, G, K, S) normalized; then the mean, in float64, and 1/σ, each (N·G).

    `statistics` are a mean and a variance: to be used if they are `fixed`, else to be written to.
    Only rows (P = S = 1) may be not centered.
    """
    P, N, G, K, S = shape
    Q, cost = N * G, COST * x.size
    y = np.empty(x.shape, x.dtype)
    flat, out, scale = x.reshape(-1), y.reshape(-1), np.empty(Q, x.dtype)
    w, b = w.reshape(-1), b.reshape(-1)
    if P == S == 1 and statistics is None:
        mean = np.empty(Q)
        pool.run(rows_forward, Q, K, flat, w, b, eps, centered, mean, scale, out, cost=cost)
        return y, mean, scale
    mean, var = np.empty((2, Q))
    if fixed:
        mean[:], var[:] = statistics
    state = w, b, eps, fixed, mean, var, scale, out
    if K == S == 1 and N == 1:
        pool.run(columns_forward, -(-G // WIDTH), G, flat, *state, cost=cost)
    else:
        pool.run(strips_forward, Q, K, S, flat, *state, cost=cost)
    if statistics is not None and not fixed:
        statistics[0][...], statistics[1][...] = mean, var
    return y, mean, scale


def normalize_grad(g, x, w, shape, mean, scale, centered, fixed, gx, gw, gb):
    """Write the gradients of x, of the weight and of the bias into gx, gw and gb, all flat."""
    P, N, G, K, S = shape
    Q, n, cost = N * G, G * K, 1.5 * COST * x.size
    state = g.reshape(-1), x.reshape(-1), w.reshape(-1), mean, scale
    if P == S == 1 and not fixed:
        block = max(8, -(-Q // BLOCKS))
        count = -(-Q // block)
        parts = np.empty(2 * count * n)  # float64: sums of many rows
        halves = parts[: count * n], parts[count * n :]
        pool.run(rows_backward, count, K, *state, centered, block, gx, *halves, cost=cost)
    elif K == S == 1 and N == 1:
        pool.run(columns_backward, -(-G // WIDTH), G, *state, fixed, gx, gw, gb, cost=cost)
        return
    else:
        parts = np.empty(2 * N * n)  # float64: sums of many samples
        halves = parts[: N * n], parts[N * n :]
        pool.run(strips_backward, Q, K, S, *state, fixed, gx, *halves, cost=cost)
    add_parts(0, 1, n, parts, gw, gb)
