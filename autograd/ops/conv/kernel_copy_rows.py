"""Rows moved a vector at a time, with zeros where they leave the image."""
# mypy: ignore-errors

from __future__ import annotations

import functools

from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd.machine.jit import PLAIN, plain
from autograd.machine.tile import intrinsic_of
from autograd.ops.conv.kernel_copy_runs import Vectors


@functools.cache
def copy_rows(step: int | None):
    """Make the function that copies rows of pixels, every `step`-th of a row, between zeros.

    ``f(src, s, s_row, dst, d, low, high, n, rows, before, after)`` writes `before` zeros from
    dst[d] on, then for all r < rows and i < n ``src[s + r s_row + step i]`` where low <= i < high,
    and 0 elsewhere; then `after` zeros. It reads nothing else, so s may lie before the array; it
    writes whole vectors in order of address, so up to lanes(dtype) - 1 elements beyond the last.

    With step None the function takes the step as one argument more. Only 1 and 2 make vectors.

    An intrinsic and not a kernel: a call of a kernel costs 100 ns of counting references.
    """
    if step not in (1, 2, None):
        raise ValueError(f"copy_rows: step must be 1, 2 or None, got {step}.")
    return (_plain if PLAIN else _emitted)(step)


def _emitted(step):
    names = "src", "s", "s_row", "dst", "d", "low", "high", "n", "rows", "before", "after"

    def typed(typing, *kinds):
        kinds = [kind if isinstance(kind, types.Array) else types.intp for kind in kinds]
        return types.void(*kinds), lambda *given: _Copy(step, *given).emit()

    return intrinsic_of(typed, names if step else (*names, "step"))


class _Copy(Vectors):
    """The LLVM code of `copy_rows`."""

    def __init__(self, step, context, builder, signature, args):
        super().__init__(context, builder, signature.args[0].dtype)
        self.step = step
        if step is None:
            *args, self.step = args
        src, self.s, self.s_row, dst, self.d, self.low, self.high, self.n, self.rows = args[:9]
        self.before, self.after = args[9:]
        self.src, self.dst = (self.data(signature.args[i], a) for i, a in ((0, src), (3, dst)))
        self.ids = ir.VectorType(self.i32, self.width)

    def emit(self):
        """Zeros, the rows, zeros."""
        b = self.builder
        self.clear(self.d, self.before)
        self.d = b.add(self.d, self.before)
        if isinstance(self.step, int):
            self.copy_vectors()
        else:
            self.copy_numbers()
        self.clear(b.add(self.d, b.mul(self.n, self.rows)), self.after)
        return self.context.get_dummy_value()

    def clear(self, d, n):
        """Write zeros."""
        b = self.builder
        with cgutils.for_range_slice(b, self.number(0), n, self.number(self.width)) as (i, _):
            b.store(self.zero, self.at(self.dst, b.add(d, i)), align=self.size)

    def copy_numbers(self):
        """One by one, for any step: zeros, pixels, zeros."""
        b = self.builder
        zero = ir.Constant(self.vector.element, 0.0)
        with cgutils.for_range(b, self.rows) as row:
            s = b.add(self.s, b.mul(row.index, self.s_row))
            d = b.add(self.d, b.mul(row.index, self.n))
            for begin, end in ((self.number(0), self.low), (self.high, self.n)):
                with cgutils.for_range_slice(b, begin, end, self.number(1)) as (i, _):
                    b.store(zero, b.gep(self.dst, [b.add(d, i)]))
            with cgutils.for_range_slice(b, self.low, self.high, self.number(1)) as (i, _):
                pixel = b.load(b.gep(self.src, [b.add(s, b.mul(i, self.step))]))
                b.store(pixel, b.gep(self.dst, [b.add(d, i)]))

    def copy_vectors(self):
        """Rows of one or two vectors keep their masks; longer ones make them again."""
        b = self.builder
        short = b.icmp_signed("<=", self.n, self.number(self.width))
        with b.if_else(short) as (one, more):
            with one:
                self.copy_with([self.masks(self.number(0))])
            with more:
                middle = b.icmp_signed("<=", self.n, self.number(2 * self.width))
                with b.if_else(middle) as (two, many):
                    with two:
                        starts = self.number(0), self.number(self.width)
                        self.copy_with([self.masks(i) for i in starts])
                    with many:
                        self.copy_with(None)

    def copy_with(self, masks):
        b = self.builder
        with cgutils.for_range(b, self.rows) as row:
            s = b.add(self.s, b.mul(row.index, self.s_row))
            d = b.add(self.d, b.mul(row.index, self.n))
            if masks is None:
                zero, width = self.number(0), self.number(self.width)
                with cgutils.for_range_slice(b, zero, self.n, width) as (i, _):
                    self.move(s, d, i, self.masks(i))
            else:
                for j, m in enumerate(masks):
                    self.move(s, d, self.number(j * self.width), m)

    def masks(self, i):
        """Which of the `step` vectors read for outputs i ... i + width - 1 are inside."""
        b = self.builder
        low, high = (self.every(b.sub(end, i)) for end in (self.low, self.high))
        found = []
        for j in range(self.step):
            # pixel e of the row is number e / step of the copy; odd ones are not read
            pixels = range(j * self.width, (j + 1) * self.width)
            numbers = [e // self.step if e % self.step == 0 else -(1 << 30) for e in pixels]
            number = ir.Constant(self.ids, [self.i32(e) for e in numbers])
            asked = [ir.IntType(1)(e >= 0) for e in numbers]
            mask = b.and_(b.icmp_signed(">=", number, low), b.icmp_signed("<", number, high))
            kind = ir.VectorType(ir.IntType(1), self.width)
            found.append(b.and_(mask, ir.Constant(kind, asked)))
        return found

    def move(self, s, d, i, masks):
        b = self.builder
        start = b.add(s, b.mul(i, self.number(self.step)))
        places = (b.add(start, self.number(j * self.width)) for j in range(len(masks)))
        parts = [self.read(self.at(self.src, p), m) for p, m in zip(places, masks, strict=True)]
        row = parts[0]
        if self.step == 2:
            even = ir.Constant(self.ids, [self.i32(2 * k) for k in range(self.width)])
            row = b.shuffle_vector(parts[0], parts[1], even)
        b.store(row, self.at(self.dst, b.add(d, i)), align=self.size)

    def every(self, x):
        b = self.builder
        und = ir.Constant(self.ids, ir.Undefined)
        one = b.insert_element(und, b.trunc(x, self.i32), self.i32(0))
        return b.shuffle_vector(one, und, ir.Constant(self.ids, [self.i32(0)] * self.width))


def _plain(step):
    def loops(src, s, s_row, dst, d, low, high, n, rows, before, after, step):
        dst[d : d + before] = 0
        d += before
        for r in range(rows):
            for i in range(n):
                inside = low <= i < high
                dst[d + r * n + i] = src[s + r * s_row + step * i] if inside else 0
        dst[d + n * rows : d + n * rows + after] = 0

    loops = plain(loops)
    if step is None:
        return loops

    def copy(src, s, s_row, dst, d, low, high, n, rows, before, after):
        loops(src, s, s_row, dst, d, low, high, n, rows, before, after, step)

    return plain(copy)
