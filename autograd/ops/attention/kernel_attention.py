"""Scaled dot-product attention in blocks, forward and backward, without the matrix of weights.

Scores are computed transposed, keys down and queries across the lanes of a strip, so that maxima
and sums over the keys are plain vector arithmetic, and K and V are read where they are. The softmax
is renormalized block after block; two numbers a query are kept for the backward pass (together
they are the log-sum-exp, apart they lose no digits), which computes the weights again. What a
causal mask forbids is neither read nor computed, to the grain of a strip.

References
----------
Milakov & Gimelshein, Online normalizer calculation for softmax, 2018; Dao et al., FlashAttention,
2022. The hash behind dropout: C. Wellons, "lowbias32", 2018.
"""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types

from autograd.machine import pool
from autograd.machine.jit import PLAIN, jit, part, plain
from autograd.machine.lanes import Lanes
from autograd.machine.matmul import rows_times_strip
from autograd.machine.tile import intrinsic_of, lanes, shape, transpose_block
from autograd.machine.workspace import scratch

KEYS = 64  # at once: with their values they stay in the L1 cache
STRIPS = 4  # of queries that pass along a block of keys in the backward pass
FLOPS = 6.0  # of one core in a nanosecond, roughly, for each lane of a vector

_VECTORS = shape()[1]
_BYTES = _VECTORS * lanes(np.int8)  # of a strip's row
_transpose = transpose_block()


def _exp(x):
    """exp(x) for x <= 0, or a little more; below the normal numbers it is 0."""
    low = -87.0 if isinstance(x.kind.element, ir.FloatType) else -708.0
    power, q = x.where("<", low, low).exp_parts()
    return q.times_plus(power, power).gated(x - low)


def _on_strip(make, reads, writes):
    """Make the function that runs a cell on one strip, all lanes at once.

    ``make(exp, larger, finite, masked)`` gives the cell, which takes one number from each of
    `reads` places and returns `writes` numbers. The function is ``f(a0, o0, a1, o1, ...)``: first
    what is read, then what is written, flat arrays of one float dtype and where to begin in them.
    """
    count = reads + writes
    names = [name for k in range(count) for name in (f"a{k}", f"o{k}")]
    if PLAIN:
        places = [f"a{k}[o{k} + j]" for k in range(count)]
        source = (
            f"def loop({', '.join(names)}):\n"
            f"    for j in range(width // a0.itemsize):\n"
            f"        {', '.join(places[reads:])}, = cell({', '.join(places[:reads])})\n"
        )
        cell = make(*(plain(f, k) for k, f in enumerate(_ON_NUMBERS)))
        scope = {"cell": plain(cell), "width": _BYTES}
        exec(source, scope)
        return plain(scope["loop"], make.__code__.co_firstlineno)
    cell = make(
        _exp,
        lambda a, b: a.where("<", b, b),
        lambda a: a.where("==", -math.inf, 0.0),
        _masked,
    )

    def emit(context, builder, signature, args):
        single = signature.args[0].dtype == types.float32
        width = lanes(np.float32 if single else np.float64)
        vector = ir.VectorType(ir.FloatType() if single else ir.DoubleType(), width)
        rows = []
        for k in range(count):
            array = context.make_array(signature.args[2 * k])(context, builder, args[2 * k])
            rows.append(builder.gep(array.data, [args[2 * k + 1]]))
        for j in range(_VECTORS):
            step = ir.Constant(context.get_value_type(types.intp), j * width)
            places = [builder.bitcast(builder.gep(r, [step]), vector.as_pointer()) for r in rows]
            read = [Lanes(builder, builder.load(p, align=4)) for p in places[:reads]]
            for p, y in zip(places[reads:], cell(*read), strict=True):
                builder.store(y.value, p, align=4)
        return context.get_dummy_value()

    def typed(typing, *args):
        return types.void(*(types.intp if k % 2 else a for k, a in enumerate(args))), emit

    return intrinsic_of(typed, names)


def _masked(s, m):
    """s + m, and -inf where m is, whatever s is."""
    b = s.builder
    none = b.fcmp_ordered("==", m.value, m.of(-math.inf).value)
    return Lanes(b, b.select(none, m.value, (s + m).value))


_ON_NUMBERS = (
    lambda x: np.exp(x),
    lambda a, b: b if a < b else a,
    lambda a: a if a != -math.inf else 0.0,
    lambda s, m: m if m == -math.inf else s + m,
)

# (score, greatest so far) -> greatest
_greatest = _on_strip(lambda exp, larger, finite, masked: lambda s, m: (larger(m, s),), 2, 1)
# (greatest before, greatest now) -> (what to subtract, factor for what was summed before)
_rebase = _on_strip(
    lambda exp, larger, finite, masked: lambda old, m: (finite(m), exp(old - finite(m))), 2, 2
)
# (score, what to subtract, sum so far) -> (weight, sum)
_weigh = _on_strip(
    lambda exp, larger, finite, masked: lambda s, m, t: (exp(s - m), t + exp(s - m)), 3, 2
)
_times = _on_strip(lambda exp, larger, finite, masked: lambda a, b: (a * b,), 2, 1)
_add_product = _on_strip(lambda exp, larger, finite, masked: lambda y, a, b: (y + a * b,), 3, 1)
_mask = _on_strip(lambda exp, larger, finite, masked: lambda s, m: (masked(s, m),), 2, 1)
# (score, its gradient before the softmax's, subtracted, 1 / sum, Σ weight · gradient)
#   -> (weight, gradient)
_weigh_again = _on_strip(
    lambda exp, larger, finite, masked: (
        lambda s, d, m, i, c: (exp(s - m) * i, exp(s - m) * i * (d - c))
    ), 5, 2,
)  # fmt: skip
# the same with a factor z of dropout -> (weight · z, gradient)
_weigh_dropped = _on_strip(
    lambda exp, larger, finite, masked: (
        lambda s, d, m, i, c, z: (exp(s - m) * i * z, exp(s - m) * i * (d * z - c))
    ), 6, 2,
)  # fmt: skip


@part
def _turn(n, depth, x, x0, x_row, alpha, room, panel, width):
    """room[panel + e * width + j] = alpha · x[j, e] for a strip of n rows; 0 where j >= n."""
    side = width // _VECTORS
    rows, columns = n // side * side, depth // side * side
    for j in range(0, rows, side):
        for e in range(0, columns, side):
            _transpose(x, x0 + j * x_row + e, x_row, room, panel + e * width + j, width)
    for j in range(n):
        for e in range(columns if j < rows else 0, depth):
            room[panel + e * width + j] = x[x0 + j * x_row + e]
    for e in range(depth):
        for j in range(n, width):
            room[panel + e * width + j] = 0
    if alpha != 1:
        for i in range(panel, panel + depth * width):
            room[i] *= alpha


@part
def _scores(
    rows, E, k, k0, k_row, panel, panel0, c, c0, c_row, masking, mask0, diagonal, room, spare, width
):
    """c[r, j] = K[r] · Q[j] for a strip of queries, masked; causal allows r <= j + diagonal."""
    mask, _, mask_row, mask_column, masked, causal = masking
    zero, one, new = rows - rows, rows - rows + 1, rows < rows
    rows_times_strip(
        zero, rows, E, k, k0, k_row, one, panel, panel0, width, c, c0, c_row, new, width, width
    )
    if masked:
        for r in range(rows):
            if mask_column:
                _mask(c, c0 + r * c_row, mask, mask0 + r * mask_row, c, c0 + r * c_row)
            else:
                m = mask[mask0 + r * mask_row]
                for j in range(width):
                    room[spare + j] = m
                _mask(c, c0 + r * c_row, room, spare, c, c0 + r * c_row)
    if causal:
        for r in range(max(diagonal + 1, 0), rows):
            for j in range(min(r - diagonal, width)):
                c[c0 + r * c_row + j] = -math.inf


@part
def _kept(column, first, second, threshold, lift, room, z, width):
    """room[z + j] = lift where weight (row j, column) is kept, else 0; the rows' keys are given."""
    for j in range(width):
        x = (column * 0x9E3779B9 + int(first[j])) & 0xFFFFFFFF
        x = ((x ^ (x >> 16)) * 0x21F0AAAD + int(second[j])) & 0xFFFFFFFF
        x = ((x ^ (x >> 15)) * 0x735A2D97) & 0xFFFFFFFF
        room[z + j] = lift if (x ^ (x >> 15)) >= threshold else room.dtype.type(0)


@jit
def attend(begin, end, sizes, scale, q_rows, k_rows, v_rows, y_rows, sums, masking, dropping, room):
    """y = softmax(scale · Q Kᵀ) V; begin to end counts blocks of queries, through all heads.

    For each query `peaks` gets what was subtracted, `shares` one over the sum of exponentials.
    """
    L, S, E, V, side = sizes
    (q, q_start, q_row), (k, k_start, k_row), (v, v_start, v_row) = q_rows, k_rows, v_rows
    y, y_start, y_row = y_rows
    peaks, shares = sums
    mask_start, mask_row, mask_column, causal = masking[1], masking[2], masking[3], masking[5]
    first, second, threshold, lift, drops = dropping
    # Not literals: Numba would compile what is called once for each.
    zero, one = begin - begin, begin - begin + 1
    width = _BYTES // q.itemsize
    padded = (L + width - 1) // width * width
    blocks = (L + side - 1) // side
    high, total, now, factor, spare = 0, width, 2 * width, 3 * width, 4 * width
    scores = 5 * width
    panel = scores + KEYS * width
    for i in range(begin, end):
        h = i // blocks
        q0 = (i - h * blocks) * side
        n = min(L - q0, side)
        q_here, k_here, v_here = q_start[h] + q0 * q_row, k_start[h], v_start[h]
        y_here = y_start[h] + q0 * y_row
        for s0 in range(0, n, width):
            ns = min(n - s0, width)
            _turn(ns, E, q, q_here + s0 * q_row, q_row, scale, room, panel, width)
            for j in range(width):
                room[high + j] = -math.inf
                room[total + j] = 0
            reach = min(S, q0 + s0 + ns) if causal else S
            for k0 in range(0, reach, KEYS):
                rows = min(reach - k0, KEYS)
                _scores(
                    rows, E, k, k_here + k0 * k_row, k_row, room, panel, room, scores, width,
                    masking, mask_start[h] + k0 * mask_row + (q0 + s0) * mask_column,
                    q0 + s0 - k0, room, spare, width,
                )  # fmt: skip
                for j in range(width):
                    room[now + j] = room[high + j]
                for r in range(rows):
                    _greatest(room, scores + r * width, room, now, room, now)
                for j in range(width):
                    room[spare + j] = room[now + j]
                _rebase(room, high, room, now, room, now, room, factor)
                for j in range(width):
                    room[high + j] = room[spare + j]
                _times(room, total, room, factor, room, total)
                for r in range(rows):
                    here = scores + r * width
                    _weigh(room, here, room, now, room, total, room, here, room, total)
                if drops:
                    place = h * padded + q0 + s0
                    for r in range(rows):
                        here = scores + r * width
                        _kept(
                            k0 + r, first[place:], second[place:], threshold, lift, room, spare,
                            width,
                        )  # fmt: skip
                        _times(room, here, room, spare, room, here)
                if k0 > 0:
                    for j in range(ns):
                        by = room[factor + j]
                        for e in range(y_here + (s0 + j) * y_row, y_here + (s0 + j) * y_row + V):
                            y[e] *= by
                for e in range(0, V, width):
                    rows_times_strip(
                        zero, ns, rows, room, scores, one, width, v, v_here + k0 * v_row + e,
                        v_row, y, y_here + s0 * y_row + e, y_row, k0 > 0, min(V - e, width), width,
                    )  # fmt: skip
            for j in range(ns):
                t = room[total + j]
                share = 1 / t if t != 0 else t
                shares[h * padded + q0 + s0 + j] = share
                peaks[h * padded + q0 + s0 + j] = room[now + j]
                for e in range(y_here + (s0 + j) * y_row, y_here + (s0 + j) * y_row + V):
                    y[e] *= share


@jit
def attend_grad(
    begin, end, sizes, scale, q_rows, k_rows, v_rows, y_rows, g_rows, sums, found, wanted, masking,
    dropping, room,
):  # fmt: skip
    """The gradients of `attend` for the heads from begin to end; all of `room` is scratch."""
    L, S, E, V, side = sizes
    (q, q_start, q_row), (k, k_start, k_row), (v, v_start, v_row) = q_rows, k_rows, v_rows
    (y, y_start, y_row), (g, g_start, g_row) = y_rows, g_rows
    (gq, gq_start, gq_row), (gk, gk_start, gk_row), (gv, gv_start, gv_row) = found
    wants_q, wants_k, wants_v = wanted
    peaks, shares = sums
    mask_start, mask_row, mask_column, causal = masking[1], masking[2], masking[3], masking[5]
    first, second, threshold, lift, drops = dropping
    # Not literals: Numba would compile what is called once for each.
    zero, one, new, old = begin - begin, begin - begin + 1, begin < begin, begin == begin
    width = _BYTES // q.itemsize
    padded = (L + width - 1) // width * width
    common, spare = 0, side
    scores = spare + width
    slopes = scores + KEYS * side
    panel = slopes + KEYS * side
    g_panel = panel + E * side
    y_panel = g_panel + V * side
    for h in range(begin, end):
        k_here, v_here = k_start[h], v_start[h]
        for r in range(S):
            if wants_k:
                for e in range(gk_start[h] + r * gk_row, gk_start[h] + r * gk_row + E):
                    gk[e] = 0
            if wants_v:
                for e in range(gv_start[h] + r * gv_row, gv_start[h] + r * gv_row + V):
                    gv[e] = 0
        for q0 in range(0, L, side):
            n = min(L - q0, side)
            q_here, g_here = q_start[h] + q0 * q_row, g_start[h] + q0 * g_row
            y_here, gq_here = y_start[h] + q0 * y_row, gq_start[h] + q0 * gq_row
            place = h * padded + q0
            for s0 in range(0, n, width):
                ns = min(n - s0, width)
                _turn(ns, E, q, q_here + s0 * q_row, q_row, scale, room, panel + E * s0, width)
                _turn(ns, V, g, g_here + s0 * g_row, g_row, scale, room, g_panel + V * s0, width)
                _turn(ns, V, y, y_here + s0 * y_row, y_row, y.dtype.type(1), room, y_panel, width)
                for j in range(width):
                    room[common + s0 + j] = 0
                for e in range(V):
                    here = g_panel + V * s0 + e * width
                    _add_product(
                        room, common + s0, room, here, room, y_panel + e * width, room, common + s0
                    )
            reach = min(S, q0 + n) if causal else S
            for k0 in range(0, reach, KEYS):
                rows = min(reach - k0, KEYS)
                for s0 in range(0, n, width):
                    ns = min(n - s0, width)
                    seen = max(min(rows, q0 + s0 + ns - k0), 0) if causal else rows
                    _scores(
                        seen, E, k, k_here + k0 * k_row, k_row, room, panel + E * s0, room,
                        scores + s0, side, masking,
                        mask_start[h] + k0 * mask_row + (q0 + s0) * mask_column, q0 + s0 - k0,
                        room, spare, width,
                    )  # fmt: skip
                    rows_times_strip(
                        zero, seen, V, v, v_here + k0 * v_row, v_row, one, room, g_panel + V * s0,
                        width, room, slopes + s0, side, new, width, width,
                    )  # fmt: skip
                    at, c = place + s0, common + s0
                    for r in range(seen):
                        p, d = scores + r * side + s0, slopes + r * side + s0
                        if drops:
                            _kept(
                                k0 + r, first[at:], second[at:], threshold, lift, room, spare, width
                            )
                            _weigh_dropped(
                                room, p, room, d, peaks, at, shares, at, room, c, room, spare,
                                room, p, room, d,
                            )  # fmt: skip
                        else:
                            _weigh_again(
                                room, p, room, d, peaks, at, shares, at, room, c, room, p, room, d
                            )
                    for r in range(seen, rows):
                        for j in range(s0, s0 + width):
                            room[scores + r * side + j] = 0
                            room[slopes + r * side + j] = 0
                    if wants_q and seen > 0:
                        for e in range(0, E, width):
                            rows_times_strip(
                                zero, ns, seen, room, slopes + s0, one, side, k,
                                k_here + k0 * k_row + e, k_row, gq, gq_here + s0 * gq_row + e,
                                gq_row, k0 > 0, min(E - e, width), width,
                            )  # fmt: skip
                # Past the diagonal a group of keys is seen by later strips only.
                group = width if causal and k0 + rows > q0 else rows
                for r in range(0, rows, group):
                    late = max(k0 + r - q0, 0) // width * width if causal else 0
                    if late >= n:
                        continue
                    last = min(r + group, rows)
                    if wants_k:
                        for e in range(0, E, width):
                            rows_times_strip(
                                r, last, n - late, room, slopes + late, side, one, q,
                                q_here + late * q_row + e, q_row, gk, gk_start[h] + k0 * gk_row + e,
                                gk_row, old, min(E - e, width), width,
                            )  # fmt: skip
                    if wants_v:
                        for e in range(0, V, width):
                            rows_times_strip(
                                r, last, n - late, room, scores + late, side, one, g,
                                g_here + late * g_row + e, g_row, gv, gv_start[h] + k0 * gv_row + e,
                                gv_row, old, min(V - e, width), width,
                            )  # fmt: skip


def keep(shape, first, second, threshold):
    """Which weights dropout keeps, as booleans of this shape (..., L, S): what `_kept` says."""
    L, S = shape[-2:]
    x = np.arange(S) * 0x9E3779B9 + first[:, :L, None] & 0xFFFFFFFF
    x = (x ^ x >> 16) * 0x21F0AAAD + second[:, :L, None] & 0xFFFFFFFF
    x = (x ^ x >> 15) * 0x735A2D97 & 0xFFFFFFFF
    return ((x ^ x >> 15) >= threshold).reshape(shape)


def streams(seed, heads, L):
    """Two keys in 32 bits for each row of each head, (heads, L): splitmix64 of their number."""
    x = np.arange(1, heads * L + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64(seed)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    x = (x ^ x >> np.uint64(31)).reshape(heads, L)
    return (x >> np.uint64(32)).astype(np.int64), (x & np.uint64(0xFFFFFFFF)).astype(np.int64)


def threshold(dropout):
    """The hashes below it are dropped."""
    return round(dropout * 2**32)


class _Stack:
    """Matrices of rows in one flat array: where each head's begins, and the step between rows.

    It is the memory of x itself, never a copy, so that what is written into it arrives in x.
    """

    def __init__(self, x, stack, heads):
        size = x.itemsize
        self.array, self.row = x, x.strides[-2] // size
        if x.flags.c_contiguous and x.shape[:-2] == stack:
            self.flat = x.ravel()
            self.start = np.arange(heads, dtype=np.intp) * (x.shape[-2] * x.shape[-1])
            return
        span = 1 + sum((n - 1) * (step // size) for n, step in zip(x.shape, x.strides, strict=True))
        self.flat = np.lib.stride_tricks.as_strided(x, (span,), (size,))
        start = np.zeros((), np.intp)
        seen = np.broadcast_to(x, stack + x.shape[-2:])
        for n, step in zip(stack, seen.strides[:-2], strict=True):
            start = start[..., None] + np.arange(n, dtype=np.intp) * (step // size)
        self.start = start.reshape(heads)

    @property
    def parts(self):
        return self.flat, self.start, self.row


def _readable(x):
    """X where kernels can read rows from it in place, else a copy."""
    steps = x.strides
    if (
        steps[-1] == x.itemsize
        and all(step >= 0 and step % x.itemsize == 0 for step in steps)
        and x.flags.writeable  # another type to Numba, that it would compile for
        and x.flags.aligned
        and x.dtype.isnative
    ):
        return x
    return np.array(x, x.dtype.newbyteorder("="), order="C")


def _empty(x, shape):
    """An array of this shape, its rows contiguous, in x's order of axes where x has that shape.

    `np.empty_like` would not do: in its order an axis of length 1 may come behind the rows.
    """
    if x.shape != shape:
        return np.empty(shape, x.dtype)
    order = sorted(range(x.ndim - 1), key=lambda axis: -x.strides[axis])
    y = np.empty([shape[axis] for axis in order] + [shape[-1]], x.dtype)
    return y.transpose([*np.argsort(order), x.ndim - 1])


class Attention:
    """One call: what the forward pass keeps for the backward one.

    Parameters
    ----------
    q, k, v : ndarray
        Of shapes (..., L, E), (..., S, E), (..., S, V), of one float dtype; L, S, E, V >= 1 and at
        least one head.
    mask : ndarray of the same dtype or None
        Added to the scores; broadcasts to (..., L, S).
    """

    def __init__(self, q, k, v, mask, causal, scale, dropout, seed):
        stack = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
        heads = math.prod(stack)
        dtype = q.dtype.newbyteorder("=")
        self.stack, self.heads = stack, heads
        self.q, self.k, self.v = (_Stack(_readable(x), stack, heads) for x in (q, k, v))
        self.L, self.E, self.S, self.V = *q.shape[-2:], *v.shape[-2:]
        self.width = _BYTES // dtype.itemsize
        self.strips = -(-self.L // self.width)
        self.scale = dtype.type(scale)
        self.masking = (*self._masking(mask, dtype), causal)
        padded = self.strips * self.width
        keys = np.zeros((2, heads if dropout else 1, padded if dropout else 1), np.int64)
        if dropout:
            keys[..., : self.L] = streams(seed, heads, self.L)
        lift = dtype.type(1 / (1 - dropout) if dropout < 1 else 0)
        self.dropping = *keys.reshape(2, -1), threshold(dropout), lift, dropout > 0
        self.sums = tuple(np.zeros((2, heads * padded), dtype))
        self.dtype = dtype

    def _masking(self, mask, dtype):
        """The mask with queries in rows, and how to read it."""
        if mask is None:
            return np.zeros(self.width, dtype), np.zeros(self.heads, np.intp), 0, 0, False
        if mask.ndim < 2:
            mask = mask.reshape((1,) * (2 - mask.ndim) + mask.shape)
        L, S = mask.shape[-2:]
        columns = self.strips * self.width if L > 1 else 1
        turned = np.zeros((*mask.shape[:-2], S, columns), dtype)
        turned[..., :L] = np.swapaxes(mask, -1, -2)
        flat, start, row = _Stack(turned, self.stack, self.heads).parts
        return flat, start, row if S > 1 else 0, int(L > 1), True

    def cost(self, products):
        """About how many ns this number of products with the matrix of weights takes."""
        work = products * self.heads * self.L * self.S * (self.E + self.V)
        return work / (FLOPS * lanes(self.dtype)) / (2 if self.masking[-1] else 1)

    def forward(self):
        """The result, (..., L, V)."""
        y = _empty(self.q.array, (*self.stack, self.L, self.V))
        self.y = _Stack(y, self.stack, self.heads)
        sizes = self.L, self.S, self.E, self.V, self.width
        args = (sizes, self.scale, self.q.parts, self.k.parts, self.v.parts, self.y.parts)
        args += (self.sums, self.masking, self.dropping)
        size = (5 + KEYS + self.E) * self.width
        pool.run(_attend, self.heads * self.strips, size, args, cost=self.cost(2))
        return y

    def backward(self, g, needs):
        """The gradients with respect to q, k and v, broadcast; None where not needed."""
        shapes = [
            (*self.stack, *x.array.shape[-2:]) if need else None
            for x, need in zip((self.q, self.k, self.v), needs, strict=True)
        ]
        found = [
            _empty(x.array, shape) if shape else None
            for x, shape in zip((self.q, self.k, self.v), shapes, strict=True)
        ]
        none = np.zeros(1, self.dtype), np.zeros(self.heads, np.intp), 0
        places = [none if x is None else _Stack(x, self.stack, self.heads).parts for x in found]
        side = min(STRIPS, self.strips) * self.width
        sizes = self.L, self.S, self.E, self.V, side
        args = (sizes, self.scale, self.q.parts, self.k.parts, self.v.parts, self.y.parts)
        args += (_Stack(_readable(g), self.stack, self.heads).parts, self.sums, tuple(places))
        args += (tuple(bool(need) for need in needs), self.masking, self.dropping)
        size = self.width + side * (1 + 2 * KEYS + self.E + self.V) + self.V * self.width
        pool.run(_attend_grad, self.heads, size, args, cost=self.cost(5))
        return found


def _attend(begin, end, size, args):
    attend(begin, end, *args, scratch("attention", size, args[1].dtype))


def _attend_grad(begin, end, size, args):
    attend_grad(begin, end, *args, scratch("attention", size, args[1].dtype))
