"""Weighted sums of a few pixels: along one axis by a table, or anywhere by one for each image."""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import pool
from autograd.machine.jit import jit

TAP = 1.0  # ns for one pixel times its weight, on one core
FEW = 64  # pixels that are added up in their own dtype, more in float64
LOOK = 2.0  # ns where the pixel lies anywhere


@jit
def sum_along(begin, end, x, y, starts, places, weights):
    """y[o, i] = Σ weights[k] x[o, places[k]] over starts[i] <= k < starts[i + 1]; of rows."""
    inner = x.shape[2]
    wide = np.empty(inner)
    for o in range(begin, end):
        for i in range(y.shape[1]):
            if inner == 1:
                total = 0.0
                for k in range(starts[i], starts[i + 1]):
                    total += weights[k] * x[o, places[k], 0]
                y[o, i, 0] = total
                continue
            row = y[o, i]
            row[:] = 0
            if starts[i + 1] - starts[i] > FEW:
                wide[:] = 0
                for k in range(starts[i], starts[i + 1]):
                    weight, given = weights[k], x[o, places[k]]
                    for j in range(row.size):
                        wide[j] += weight * given[j]
                row[:] = wide
                continue
            for k in range(starts[i], starts[i + 1]):
                weight, given = weights[k], x[o, places[k]]
                for j in range(row.size):
                    row[j] += weight * given[j]


@jit
def gather_planes(begin, end, x, weights, places, y):
    """y[p, q] = Σ_k weights[n, q, k] x[p, places[n, q, k]], p in image n; below 0 is nowhere."""
    channels = x.shape[0] // weights.shape[0]
    for p in range(begin, end):
        n = p // channels
        for q in range(y.shape[1]):
            total = y.dtype.type(0)
            for k in range(weights.shape[2]):
                i = places[n, q, k]
                if i >= 0:
                    total += weights[n, q, k] * x[p, i]
            y[p, q] = total


@jit
def scatter_planes(begin, end, g, weights, places, gx):
    """The transposed map of `gather_planes`: gx[p, places[n, q, k]] += weights[n, q, k] g[p, q]."""
    channels = g.shape[0] // weights.shape[0]
    total = np.empty(gx.shape[1])  # float64: a pixel may be read millions of times
    for p in range(begin, end):
        n = p // channels
        total[:] = 0
        for q in range(g.shape[1]):
            for k in range(weights.shape[2]):
                i = places[n, q, k]
                if i >= 0:
                    total[i] += weights[n, q, k] * g[p, q]
        for i in range(total.size):
            gx[p, i] = total[i]


@jit
def weigh_places(begin, end, x, g, places, gw):
    """gw[n, q, k] = Σ over the planes p of image n of g[p, q] x[p, places[n, q, k]]."""
    points = places.shape[1]
    channels = x.shape[0] // places.shape[0]
    for task in range(begin, end):
        n, q = task // points, task % points
        for k in range(places.shape[2]):
            i = places[n, q, k]
            total = gw.dtype.type(0)
            if i >= 0:
                for p in range(n * channels, (n + 1) * channels):
                    total += g[p, q] * x[p, i]
            gw[n, q, k] = total


def run_along(x, y, starts, places, weights):
    """`sum_along` in the pool."""
    taps = places.size * x.shape[0] * x.shape[2]
    pool.run(sum_along, len(x), x, y, starts, places, weights, cost=taps * TAP)


def run_gather(x, weights, places, y):
    """`gather_planes` in the pool."""
    pool.run(gather_planes, len(x), x, weights, places, y, cost=LOOK * y.size * weights.shape[2])


def run_scatter(g, weights, places, gx):
    """`scatter_planes` in the pool."""
    pool.run(scatter_planes, len(g), g, weights, places, gx, cost=LOOK * g.size * weights.shape[2])


def run_weigh(x, g, places, gw):
    """`weigh_places` in the pool."""
    points = places.shape[0] * places.shape[1]
    pool.run(weigh_places, points, x, g, places, gw, cost=LOOK * g.size * places.shape[2])
