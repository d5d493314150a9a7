"""Small blocks of matrices on their way to a packed panel, or into a cache, as LLVM vector code.

Each function makes one that kernels call; flat arrays of one float dtype, steps in elements.
"""
# mypy: ignore-errors

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from autograd.machine.jit import PLAIN, plain
from autograd.machine.tile import register_bytes, transposed, vector_at, vector_of


def interleave(rows: int):
    """Make the function that packs rows x lanes elements column after column.

    ``f(x, x0, x_row, y, y0)`` sets y[y0 + c * rows + r] = x[x0 + r * x_row + c] for r < rows and
    c < lanes(dtype). As many as lanes(dtype) elements behind them may be overwritten: pack in
    order, and leave room for a vector at the end.
    """
    if PLAIN:
        bytes_ = register_bytes()

        def loops(x, x0, x_row, y, y0):
            for r in range(rows):
                for c in range(bytes_ // x.itemsize):
                    y[y0 + c * rows + r] = x[x0 + r * x_row + c]

        return plain(loops)

    def emit(context, builder, signature, args):
        x, x0, x_row, y, y0 = args
        vector = vector_of(signature.args[0].dtype)
        width, align = vector.count, signature.args[0].dtype.bitwidth // 8
        parts = []
        for first in range(0, rows, width):
            loaded = []
            for r in range(first, min(first + width, rows)):
                start = builder.add(x0, builder.mul(x_row, x_row.type(r)))
                place = vector_at(context, builder, signature.args[0], x, start, 0)
                loaded.append(builder.load(place, align=align))
            loaded += [ir.Constant(vector, ir.Undefined)] * (width - len(loaded))
            parts.append(transposed(builder, loaded))
        for c in range(width):
            for i, columns in enumerate(parts):
                start = builder.add(y0, y0.type(c * rows + i * width))
                place = vector_at(context, builder, signature.args[3], y, start, 0)
                builder.store(columns[c], place, align=align)
        return context.get_dummy_value()

    @intrinsic
    def emitted(typing, x, x0, x_row, y, y0):
        return types.void(x, types.intp, types.intp, y, types.intp), emit

    return emitted


def copy_elements(count: int):
    """Make the function that copies `count` elements: ``f(x, x0, y, y0)``."""
    if PLAIN:

        def loop(x, x0, y, y0):
            for i in range(count):
                y[y0 + i] = x[x0 + i]

        return plain(loop)

    def emit(context, builder, signature, args):
        x, x0, y, y0 = args
        dtype = signature.args[0].dtype
        vector = ir.VectorType(vector_of(dtype).element, count)
        places = []
        for kind, array, start in ((signature.args[0], x, x0), (signature.args[2], y, y0)):
            data = context.make_array(kind)(context, builder, array).data
            places.append(builder.bitcast(builder.gep(data, [start]), vector.as_pointer()))
        align = dtype.bitwidth // 8
        builder.store(builder.load(places[0], align=align), places[1], align=align)
        return context.get_dummy_value()

    @intrinsic
    def emitted(typing, x, x0, y, y0):
        return types.void(x, types.intp, y, types.intp), emit

    return emitted


def prefetch(rows: int):
    """Make the function that asks for a cache line of each row: ``f(x, x0, x_row)``.

    That is a hint: elements outside of the array do no harm.
    """
    if PLAIN:

        def nothing(x, x0, x_row):
            pass

        return plain(nothing)

    def emit(context, builder, signature, args):
        x, start, step = args
        data = context.make_array(signature.args[0])(context, builder, x).data
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read, everywhere, of_data = number(0), number(3), number(1)
        for _ in range(rows):
            place = builder.bitcast(builder.gep(data, [start]), pointer)
            builder.call(function, [place, to_read, everywhere, of_data])
            start = builder.add(start, step)
        return context.get_dummy_value()

    @intrinsic
    def emitted(typing, x, x0, x_row):
        return types.void(x, types.intp, types.intp), emit

    return emitted
