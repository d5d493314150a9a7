"""Pooling over windows of three axes, each window a range of pixels along each axis.

`windows` holds for each axis the begin and the end of every window, one array after the other;
`sizes` says how many there are. Both axes tables and kernels know nothing of strides and padding,
so that ordinary and adaptive pooling are the same thing. Tasks are planes (an image's channel).
"""

from __future__ import annotations

import numpy as np

from autograd.kernels.jit import jit


@jit
def max_windows(begin, end, x, y, indices, windows, steps):
    """y[p, o] = the largest x in the window, indices where in the plane; first of equals, or NaN.

    windows[axis, o] = begin, end; pixels are `steps` apart. An empty window gives -inf and -1.
    """
    _, Do, Ho, Wo = y.shape
    H, W = x.shape[2:]
    for p in range(begin, end):
        for od in range(Do):
            for oh in range(Ho):
                h0, h1 = windows[1, oh, 0], windows[1, oh, 1]
                for ow in range(Wo):
                    w0, w1 = windows[2, ow, 0], windows[2, ow, 1]
                    best = x.dtype.type(-np.inf)
                    place = -1
                    for d in range(windows[0, od, 0], windows[0, od, 1], steps[0]):
                        for h in range(h0, h1, steps[1]):
                            for w in range(w0, w1, steps[2]):
                                v = x[p, d, h, w]
                                # NaN is larger than all but an earlier NaN; | and & so that
                                # there is no branch to predict
                                new = (v > best) | (place < 0) | ((v != v) & (best == best))
                                best = v if new else best
                                place = (d * H + h) * W + w if new else place
                    y[p, od, oh, ow] = best
                    indices[p, od, oh, ow] = place


@jit
def max_pairs(begin, end, x, y, indices):
    """`max_windows` for windows of 2 × 2 pixels side by side."""
    _, _, Ho, Wo = y.shape
    W = x.shape[3]
    for p in range(begin, end):
        for oh in range(Ho):
            for ow in range(Wo):
                at = 2 * oh * W + 2 * ow
                a, b = x[p, 0, 2 * oh, 2 * ow], x[p, 0, 2 * oh, 2 * ow + 1]
                c, d = x[p, 0, 2 * oh + 1, 2 * ow], x[p, 0, 2 * oh + 1, 2 * ow + 1]
                right = (b > a) | ((b != b) & (a == a))
                top, i = (b, at + 1) if right else (a, at)
                right = (d > c) | ((d != d) & (c == c))
                low, j = (d, at + W + 1) if right else (c, at + W)
                below = (low > top) | ((low != low) & (top == top))
                y[p, 0, oh, ow] = low if below else top
                indices[p, 0, oh, ow] = j if below else i


@jit
def scatter_windows(begin, end, g, indices, gx):
    """gx[p, indices[p, o]] += g[p, o] into zeros; a negative index is nowhere."""
    for p in range(begin, end):
        for i in range(gx.shape[1]):
            gx[p, i] = 0
        for o in range(g.shape[1]):
            i = indices[p, o]
            if i >= 0:
                gx[p, i] += g[p, o]


@jit
def mean_windows(begin, end, x, y, windows, scales):
    """y[p, o] = the sum of x over the window, times the scales of its three places."""
    _, Do, Ho, Wo = y.shape
    for p in range(begin, end):
        for od in range(Do):
            for oh in range(Ho):
                scale = scales[0, od] * scales[1, oh]
                for ow in range(Wo):
                    total = x.dtype.type(0)
                    for d in range(windows[0, od, 0], windows[0, od, 1]):
                        for h in range(windows[1, oh, 0], windows[1, oh, 1]):
                            for w in range(windows[2, ow, 0], windows[2, ow, 1]):
                                total += x[p, d, h, w]
                    y[p, od, oh, ow] = total * (scale * scales[2, ow])


@jit
def spread_windows(begin, end, g, gx, windows, scales):
    """The transposed map of `mean_windows`: gx = the sum of scaled g over the windows around it."""
    _, Do, Ho, Wo = g.shape
    _, D, H, W = gx.shape
    for p in range(begin, end):
        for d in range(D):
            for h in range(H):
                for w in range(W):
                    gx[p, d, h, w] = 0
        for od in range(Do):
            for oh in range(Ho):
                scale = scales[0, od] * scales[1, oh]
                for ow in range(Wo):
                    part = g[p, od, oh, ow] * (scale * scales[2, ow])
                    for d in range(windows[0, od, 0], windows[0, od, 1]):
                        for h in range(windows[1, oh, 0], windows[1, oh, 1]):
                            for w in range(windows[2, ow, 0], windows[2, ow, 1]):
                                gx[p, d, h, w] += part
