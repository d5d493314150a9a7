"""Runs of elements moved a vector at a time: into planes under a mask, and out of a block."""
# mypy: ignore-errors

from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd.machine.jit import PLAIN, plain
from autograd.machine.tile import intrinsic_of, lanes


@functools.cache
def copy_inside():
    """Make the function that copies a run of elements, with zeros where a mask is 0.

    ``f(src, s, dst, d, inside, m, n)`` writes ``src[s + i] if inside[m + i] else 0`` to dst[d + i]
    for i < n; `inside` is an int8 array. It reads only elements inside, so s may lie before the
    array; it takes and writes whole vectors, so up to lanes(dtype) - 1 elements beyond the last.
    """
    if PLAIN:

        def loop(src, s, dst, d, inside, m, n):
            for i in range(n):
                dst[d + i] = src[s + i] if inside[m + i] else 0

        return plain(loop)

    def typed(typing, src, s, dst, d, inside, m, n):
        integer = types.intp
        kinds = src, integer, dst, integer, inside, integer, integer
        return types.void(*kinds), lambda *given: _CopyInside(*given).emit()

    return intrinsic_of(typed, ("src", "s", "dst", "d", "inside", "m", "n"))


@functools.cache
def write_run(step: int):
    """Make the function that writes a run of elements and nothing beyond it.

    With step 1, ``f(src, a, dst, d, n)`` sets dst[d + i] = src[a + i] for i < n. With step 2,
    ``f(src, a, b, dst, d, n)`` takes them alternately from src[a], src[b], src[a + 1] and so on. It
    reads whole vectors.
    """
    if step not in (1, 2):
        raise ValueError(f"write_run: step must be 1 or 2, got {step}.")
    if PLAIN:

        def run(src, a, dst, d, n):
            for i in range(n):
                dst[d + i] = src[a + i]

        def alternate(src, a, b, dst, d, n):
            for i in range(n):
                dst[d + i] = src[b + i // 2] if i % 2 else src[a + i // 2]

        return plain(run if step == 1 else alternate)

    names = "src", *("a", "b")[:step], "dst", "d", "n"

    def typed(typing, *kinds):
        kinds = [kind if isinstance(kind, types.Array) else types.intp for kind in kinds]
        return types.void(*kinds), lambda *given: _WriteRun(step, *given).emit()

    return intrinsic_of(typed, names)


class Vectors:
    """What the code of all copies shares."""

    def __init__(self, context, builder, dtype):
        self.context, self.builder = context, builder
        self.size = dtype.bitwidth // 8
        self.width = lanes(np.float32 if dtype == types.float32 else np.float64)
        self.name = f"v{self.width}f{dtype.bitwidth}"
        self.vector = ir.VectorType(context.get_value_type(dtype), self.width)
        self.zero = ir.Constant(self.vector, [ir.Constant(self.vector.element, 0.0)] * self.width)
        self.i32 = ir.IntType(32)
        self.integer = context.get_value_type(types.intp)

    def number(self, n):
        """An integer constant of the width of a pointer."""
        return ir.Constant(self.integer, n)

    def data(self, kind, array):
        """The first element of an array."""
        return self.context.make_array(kind)(self.context, self.builder, array).data

    def at(self, data, offset):
        """The address of the vector that begins at an element."""
        b = self.builder
        return b.bitcast(b.gep(data, [offset]), self.vector.as_pointer())

    def read(self, place, mask):
        """The elements of a vector that the mask names, zeros elsewhere."""
        b = self.builder
        kind = ir.FunctionType(self.vector, [place.type, self.i32, mask.type, self.vector])
        load = cgutils.get_or_insert_function(b.module, kind, f"llvm.masked.load.{self.name}.p0")
        return b.call(load, [place, self.i32(self.size), mask, self.zero])


class _CopyInside(Vectors):
    """The LLVM code of `copy_inside`."""

    def __init__(self, context, builder, signature, args):
        super().__init__(context, builder, signature.args[0].dtype)
        src, self.s, dst, self.d, inside, self.m, self.n = args
        self.src, self.dst, self.inside = (
            self.data(signature.args[i], a) for i, a in ((0, src), (2, dst), (4, inside))
        )

    def emit(self):
        b = self.builder
        bytes_ = ir.VectorType(ir.IntType(8), self.width)
        none = ir.Constant(bytes_, [0] * self.width)
        with cgutils.for_range_slice(b, self.number(0), self.n, self.number(self.width)) as (i, _):
            place = b.gep(self.inside, [b.add(self.m, i)])
            mask = b.load(b.bitcast(place, bytes_.as_pointer()), align=1)
            row = self.read(self.at(self.src, b.add(self.s, i)), b.icmp_unsigned("!=", mask, none))
            b.store(row, self.at(self.dst, b.add(self.d, i)), align=self.size)
        return self.context.get_dummy_value()


class _WriteRun(Vectors):
    """The LLVM code of `write_run`."""

    def __init__(self, step, context, builder, signature, args):
        super().__init__(context, builder, signature.args[0].dtype)
        src, *self.starts, dst, self.d, self.n = args
        self.src = self.data(signature.args[0], src)
        self.dst = self.data(signature.args[step + 1], dst)

    def emit(self):
        """Whole vectors, then the rest under a mask."""
        b, step = self.builder, self.number(len(self.starts) * self.width)
        rest = b.srem(self.n, step)
        whole = b.sub(self.n, rest)
        with cgutils.for_range_slice(b, self.number(0), whole, step) as (i, _):
            for j, row in enumerate(self.rows(i)):
                b.store(row, self.at(self.dst, self.place(i, j)), align=self.size)
        with b.if_then(b.icmp_signed(">", rest, self.number(0))):
            for j, row in enumerate(self.rows(whole)):
                self.write(row, self.at(self.dst, self.place(whole, j)), b.trunc(rest, self.i32), j)
        return self.context.get_dummy_value()

    def place(self, i, j):
        """Where the j-th vector from element i on goes."""
        return self.builder.add(self.d, self.builder.add(i, self.number(j * self.width)))

    def rows(self, i):
        """The vectors of the next elements."""
        b, n = self.builder, self.width
        if len(self.starts) == 2:
            i = b.lshr(i, self.number(1))
        read = [b.load(self.at(self.src, b.add(a, i)), align=self.size) for a in self.starts]
        if len(read) == 1:
            return read
        orders = [[k // 2 + half + k % 2 * n for k in range(n)] for half in (0, n // 2)]
        ids = ir.VectorType(self.i32, n)
        return [b.shuffle_vector(*read, ir.Constant(ids, [self.i32(k) for k in o])) for o in orders]

    def write(self, row, place, rest, j):
        """Store the lanes of the j-th vector that are among the rest."""
        b = self.builder
        ids = ir.VectorType(self.i32, self.width)
        undefined = ir.Constant(ids, ir.Undefined)
        count = b.insert_element(undefined, rest, self.i32(0))
        count = b.shuffle_vector(count, undefined, ir.Constant(ids, [self.i32(0)] * self.width))
        numbers = ir.Constant(ids, [self.i32(j * self.width + k) for k in range(self.width)])
        mask = b.icmp_signed("<", numbers, count)
        kind = ir.FunctionType(ir.VoidType(), [row.type, place.type, self.i32, mask.type])
        store = cgutils.get_or_insert_function(b.module, kind, f"llvm.masked.store.{self.name}.p0")
        b.call(store, [row, place, self.i32(self.size), mask])
