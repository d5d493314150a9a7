"""Pooling over windows of three axes, each window a range of pixels along each axis.

`windows[axis, o]` is the begin and the end of window o; the kernels know nothing of strides and
padding, so ordinary and adaptive pooling are the same thing. Along the last axis, windows are taken
tap by tap instead: tap j of all windows at once is a row of pixels `stride` apart, and the compiler
makes vectors of it. `taps[j]` is its first pixel, and the range of windows that have it. Adaptive
windows are irregular: their stride is 0, and they are taken window by window.

Tasks are planes, an image's channel.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np
from numba import njit

from autograd.machine.jit import jit
from autograd.machine.sums import total as sum_of

# The rows below are sliced off and indexed from 0, or the compiler would guard every index against
# being negative, and make no vectors.


@njit(inline="always", error_model="numpy")
def _larger(x, step, best, places, place):
    """Take over what is larger than the best so far, noting its place; first of equals, or NaN."""
    for o in range(best.size):
        v = x[o * step]
        b = best[o]
        # NaN is larger than all but an earlier NaN; | and & so that there is no branch to predict
        new = (v > b) | (places[o] < 0) | ((v != v) & (b == b))
        best[o] = v if new else b
        places[o] = places.dtype.type(place + o * step) if new else places[o]


@njit(inline="always", error_model="numpy")
def _add(x, step, y):
    """y[o] += x[o step]."""
    for o in range(y.size):
        y[o] += x[o * step]


@njit(inline="always", error_model="numpy")
def _spread(part, step, gx):
    """gx[o step] += part[o]."""
    for o in range(part.size):
        gx[o * step] += part[o]


@jit
def max_windows(begin, end, x, y, indices, windows, steps, stride, taps):
    """y[p, o] = the largest x in the window, indices where in the plane.

    Pixels of a window are `steps` apart. An empty window gives -inf and -1.
    """
    _, Do, Ho, Wo = y.shape
    _, D, H, W = x.shape
    x, y, indices = x.reshape(-1), y.reshape(-1), indices.reshape(-1)
    row = begin * Do * Ho * Wo
    for p in range(begin, end):
        for od in range(Do):
            for oh in range(Ho):
                for o in range(row, row + Wo):
                    y[o] = -np.inf
                    indices[o] = -1
                for d in range(windows[0, od, 0], windows[0, od, 1], steps[0]):
                    for h in range(windows[1, oh, 0], windows[1, oh, 1], steps[1]):
                        line = (d * H + h) * W
                        if stride == 0:
                            for o in range(Wo):
                                for w in range(windows[2, o, 0], windows[2, o, 1]):
                                    v, b = x[p * D * H * W + line + w], y[row + o]
                                    new = (v > b) | (indices[row + o] < 0)
                                    if new | ((v != v) & (b == b)):
                                        y[row + o], indices[row + o] = v, line + w
                            continue
                        for j in range(taps.shape[0]):
                            low, high = taps[j, 1], taps[j, 2]
                            place = line + taps[j, 0]
                            at = p * D * H * W + place
                            xs = x[at + low * stride :]
                            best = y[row + low : row + high]
                            places = indices[row + low : row + high]
                            place += low * stride
                            if stride == 1:
                                _larger(xs, 1, best, places, place)
                            elif stride == 2:
                                _larger(xs, 2, best, places, place)
                            else:
                                _larger(xs, stride, best, places, place)
                row += Wo


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
def mean_windows(begin, end, x, y, windows, scales, stride, taps):
    """y[p, o] = the sum of x over the window, times the scales of its three places.

    The lines of a window are added up first, in vectors, then the pixels of that line.
    """
    _, Do, Ho, Wo = y.shape
    _, D, H, W = x.shape
    x, y = x.reshape(-1), y.reshape(-1)
    line = np.empty(W, y.dtype)
    row = begin * Do * Ho * Wo
    for p in range(begin, end):
        for od in range(Do):
            for oh in range(Ho):
                scale = scales[0, od] * scales[1, oh]
                line[:] = 0
                for d in range(windows[0, od, 0], windows[0, od, 1]):
                    for h in range(windows[1, oh, 0], windows[1, oh, 1]):
                        at = ((p * D + d) * H + h) * W
                        _add(x[at : at + W], 1, line)
                ys = y[row : row + Wo]
                ys[:] = 0
                if stride == 0:
                    for o in range(Wo):
                        total = line.dtype.type(0)
                        for w in range(windows[2, o, 0], windows[2, o, 1]):
                            total += line[w]
                        ys[o] = total
                for j in range(taps.shape[0]):
                    low, high = taps[j, 1], taps[j, 2]
                    xs = line[taps[j, 0] + low * stride :]
                    if stride == 1:
                        _add(xs, 1, ys[low:high])
                    elif stride == 2:
                        _add(xs, 2, ys[low:high])
                    else:
                        _add(xs, stride, ys[low:high])
                for o in range(Wo):
                    ys[o] *= scale * scales[2, o]
                row += Wo


@njit(error_model="numpy")
def _covered(windows, axis, count, size):
    """Whether each of `size` places along an axis is in one of its windows, and in no more."""
    end = 0
    for o in range(count):
        if windows[axis, o, 0] != end:
            return False
        end = windows[axis, o, 1]
    return end == size


@jit
def spread_windows(begin, end, g, gx, windows, scales, stride, taps):
    """The transposed map of `mean_windows`: gx = the sum of scaled g over the windows around it."""
    _, Do, Ho, Wo = g.shape
    _, D, H, W = gx.shape
    g, gx = g.reshape(-1), gx.reshape(-1)
    part, line = np.empty(Wo, g.dtype), np.empty(W, g.dtype)
    once = _covered(windows, 0, Do, D) & _covered(windows, 1, Ho, H)
    row = begin * Do * Ho * Wo
    for p in range(begin, end):
        if not once:
            gx[p * D * H * W : (p + 1) * D * H * W] = 0
        for od in range(Do):
            for oh in range(Ho):
                scale = scales[0, od] * scales[1, oh]
                line[:] = 0
                for o in range(Wo):
                    part[o] = g[row + o] * (scale * scales[2, o])
                if stride == 0:
                    for o in range(Wo):
                        for w in range(windows[2, o, 0], windows[2, o, 1]):
                            line[w] += part[o]
                for j in range(taps.shape[0]):
                    low, high = taps[j, 1], taps[j, 2]
                    gs = line[taps[j, 0] + low * stride :]
                    if stride == 1:
                        _spread(part[low:high], 1, gs)
                    elif stride == 2:
                        _spread(part[low:high], 2, gs)
                    else:
                        _spread(part[low:high], stride, gs)
                for d in range(windows[0, od, 0], windows[0, od, 1]):
                    for h in range(windows[1, oh, 0], windows[1, oh, 1]):
                        at = ((p * D + d) * H + h) * W
                        if once:
                            gx[at : at + W] = line
                        else:
                            _add(line, 1, gx[at : at + W])
                row += Wo


@jit
def mean_planes(begin, end, x, y, n, scale):
    """y[p] = the scaled sum of a whole plane of n pixels."""
    for p in range(begin, end):
        y[p] = sum_of(x, p * n, n) * scale


@jit
def spread_planes(begin, end, g, gx, n, scale):
    """The transposed map of `mean_planes`: gx = the scaled g, all over the plane."""
    for p in range(begin, end):
        part = gx.dtype.type(g[p] * scale)
        row = gx[p * n : (p + 1) * n]
        for i in range(n):
            row[i] = part


@jit
def mean_pairs(begin, end, x, y, scale):
    """`mean_windows` for windows of 2 × 2 pixels side by side."""
    _, _, Ho, Wo = y.shape
    for p in range(begin, end):
        for oh in range(Ho):
            for ow in range(Wo):
                top = x[p, 0, 2 * oh, 2 * ow] + x[p, 0, 2 * oh, 2 * ow + 1]
                total = top + x[p, 0, 2 * oh + 1, 2 * ow] + x[p, 0, 2 * oh + 1, 2 * ow + 1]
                y[p, 0, oh, ow] = total * scale[0]


@jit
def spread_pairs(begin, end, g, gx, scale):
    """`spread_windows` for windows of 2 × 2 pixels side by side."""
    _, _, H, W = gx.shape
    _, _, Ho, Wo = g.shape
    for p in range(begin, end):
        for oh in range(Ho):
            for ow in range(Wo):
                part = g[p, 0, oh, ow] * scale[0]
                gx[p, 0, 2 * oh, 2 * ow] = part
                gx[p, 0, 2 * oh, 2 * ow + 1] = part
                gx[p, 0, 2 * oh + 1, 2 * ow] = part
                gx[p, 0, 2 * oh + 1, 2 * ow + 1] = part
        for h in range(H):  # an odd pixel at the end is in no window
            for w in range(2 * Wo if h < 2 * Ho else 0, W):
                gx[p, 0, h, w] = 0
