"""Normalisation on plain arrays: statistics, the map, and its gradients.

Every normalisation is one of arrays x of shape (P, N, G, K, S): mean and variance are taken over
the axes P, K and S, and the affine map that follows has a weight and a bias for each (G, K).

    layer, RMS   (1, rows, 1, features, 1)        group  (1, N, groups, channels each, pixels)
    batch        (N, 1, channels, 1, pixels)

With P = S = 1 weights run along the rows that are normalised (`rows_*`); else they are constant
over a stretch of S elements. Variances sum the squared deviations from the mean, in two passes: a
large mean costs no digits. Each group is summed whole by one thread; the sums of the weights'
gradients over rows are cut into blocks that depend on the shape only.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from autograd.kernels import pool
from autograd.kernels.jit import jit

ROW = 0.6  # ns an element forward on one core, in cache; about twice that backward
BLOCKS = 32  # at most, of rows whose weight gradients are added up apart

# Reassociation lets LLVM sum in vectors. NaN and infinities stay, and so do the bits on one
# machine: the order of a sum depends on its length only.
_reduction = njit(error_model="numpy", fastmath={"reassoc", "nsz"})


@_reduction
def _sum(x, p, q):
    total = x.dtype.type(0)
    for i in range(x.shape[2]):
        total += x[p, q, i]
    return total


@_reduction
def _squares(x, p, q, mean):
    total = x.dtype.type(0)
    for i in range(x.shape[2]):
        d = x[p, q, i] - mean
        total += d * d
    return total


@_reduction
def _sums(g, x, mean):
    """Σ g and Σ g (x - mean)."""
    total, moment = x.dtype.type(0), x.dtype.type(0)
    for i in range(x.size):
        total += g[i]
        moment += g[i] * (x[i] - mean)
    return total, moment


@_reduction
def _weighted_sums(g, w, x, q, group, mean):
    """Σ g w and Σ g w (x - mean)."""
    total, moment = x.dtype.type(0), x.dtype.type(0)
    for i in range(x.shape[2]):
        gw = g[0, q, i] * w[group, i]
        total += gw
        moment += gw * (x[0, q, i] - mean)
    return total, moment


# No slices of short rows: each costs atomic operations that count its owners, 50 ns a row in all.


@jit
def rows_forward(begin, end, x, w, b, eps, centred, mean, scale, y):
    """Rows of x (1, N·G, K) to mean 0 and variance 1, then the affine map of (G, K)."""
    kind = x.dtype.type
    G, K = w.shape
    for q in range(begin, end):
        group = q % G
        m = kind(_sum(x, 0, q) / K) if centred else kind(0)
        s = kind(1 / math.sqrt(_squares(x, 0, q, m) / K + eps))
        mean[q], scale[q] = m, s
        for i in range(K):
            y[0, q, i] = (x[0, q, i] - m) * s * w[group, i] + b[group, i]


@jit
def rows_backward(begin, end, g, x, w, mean, scale, centred, block, gx, gw, gb):
    """Blocks of rows: gx, and each block's part of the gradients of weight and bias."""
    kind = x.dtype.type
    G, K = w.shape
    for part in range(begin, end):
        gw[part] = 0
        gb[part] = 0
        for q in range(part * block, min((part + 1) * block, x.shape[1])):
            group = q % G
            m, s = mean[q], scale[q]
            total, moment = _weighted_sums(g, w, x, q, group, m)
            shift = kind(total / K) if centred else kind(0)
            slope = kind(moment * s * s / K)
            for i in range(K):
                gx[0, q, i] = (g[0, q, i] * w[group, i] - shift - (x[0, q, i] - m) * slope) * s
            for i in range(K):
                gw[part, group, i] += g[0, q, i] * ((x[0, q, i] - m) * s)
            for i in range(K):
                gb[part, group, i] += g[0, q, i]


@jit
def statistics(begin, end, x, mean, var):
    """Mean and variance of x (P, Q, L) over the first and last axes."""
    P, _, L = x.shape
    for q in range(begin, end):
        total = 0.0
        for p in range(P):
            total += _sum(x, p, q)
        mean[q] = total / (P * L)
        total = 0.0
        for p in range(P):
            total += _squares(x, p, q, mean[q])
        var[q] = total / (P * L)


@jit
def affine(begin, end, x, w, b, mean, scale, y):
    """(x - mean) · scale · w + b for x (P, Q, K, S), w and b (G, K)."""
    G, K = w.shape
    for q in range(begin, end):
        m, group = mean[q], q % G
        for p in range(x.shape[0]):
            for k in range(K):
                slope, bias = scale[q] * w[group, k], b[group, k]
                for i in range(x.shape[3]):
                    y[p, q, k, i] = (x[p, q, k, i] - m) * slope + bias


@jit
def affine_backward(begin, end, g, x, w, mean, scale, fixed, gx, gw, gb):
    """Its gx, with gw and gb (Q, K) summed over P and S; `fixed` statistics are constants."""
    kind = x.dtype.type
    P, _, K, S = x.shape
    for q in range(begin, end):
        weight, m, s = w[q % w.shape[0]], mean[q], scale[q]
        shift = slope = 0.0
        for k in range(K):
            total = moment = 0.0
            for p in range(P):
                a, b = _sums(g[p, q, k], x[p, q, k], m)
                total += a
                moment += b
            gb[q, k], gw[q, k] = total, moment * s
            shift += total * weight[k]
            slope += moment * s * s * weight[k]
        a, b = kind(shift / (P * K * S)), kind(slope / (P * K * S))
        for p in range(P):
            for k in range(K):
                wk, given, row, out = weight[k] * s, g[p, q, k], x[p, q, k], gx[p, q, k]
                if fixed:
                    for i in range(S):
                        out[i] = given[i] * wk
                else:
                    for i in range(S):
                        out[i] = given[i] * wk - (a + (row[i] - m) * b) * s


def moments(x):
    """Mean and variance (N·G) of x (P, N, G, K, S)."""
    P, N, G, K, S = x.shape
    mean, var = np.empty((2, N * G), x.dtype)
    pool.run(statistics, N * G, x.reshape(P, N * G, K * S), mean, var, cost=ROW * x.size)
    return mean, var


def normalize(x, w, b, eps, centred, fixed=None):
    """x (P, N, G, K, S) normalised; then mean and 1/σ, each (N·G).

    `fixed` is a mean and a variance to be used instead of those of x.
    """
    P, N, G, K, S = x.shape
    y = np.empty_like(x)
    if P == S == 1 and fixed is None:
        mean, scale = np.empty((2, N * G), x.dtype)
        flat = (1, N * G, K)
        args = x.reshape(flat), w, b, eps, centred, mean, scale, y.reshape(flat)
        pool.run(rows_forward, N * G, *args, cost=ROW * x.size)
        return y, mean, scale
    mean, var = moments(x) if fixed is None else fixed
    scale = (1 / np.sqrt(var + x.dtype.type(eps))).astype(x.dtype)
    flat = (P, N * G, K, S)
    args = x.reshape(flat), w, b, mean, scale, y.reshape(flat)
    pool.run(affine, N * G, *args, cost=ROW * x.size)
    return y, mean, scale


def normalize_grad(g, x, w, mean, scale, centred, fixed, gx):
    """The gradients of the weight and of the bias; that of x is written into gx."""
    P, N, G, K, S = x.shape
    if P == S == 1 and not fixed:
        flat = (1, N * G, K)
        block = max(8, -(-N * G // BLOCKS))
        count = -(-N * G // block)
        gw, gb = np.empty((2, count, G, K), x.dtype)
        args = g.reshape(flat), x.reshape(flat), w, mean, scale, centred, block
        args = *args, gx.reshape(flat), gw, gb
        pool.run(rows_backward, count, *args, cost=2 * ROW * x.size)
        return gw.sum(axis=0), gb.sum(axis=0)
    gw, gb = np.empty((2, N * G, K), x.dtype)
    flat = (P, N * G, K, S)
    args = g.reshape(flat), x.reshape(flat), w, mean, scale, fixed, gx.reshape(flat), gw, gb
    pool.run(affine_backward, N * G, *args, cost=2 * ROW * x.size)
    return gw.reshape(N, G, K).sum(axis=0), gb.reshape(N, G, K).sum(axis=0)
