"""Rows moved a vector at a time, with zeros where they leave the image."""

from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from autograd.kernels.jit import PLAIN
from autograd.kernels.tile import lanes


@functools.cache
def copy_row(step: int):
    """Make the function that copies a row, every element of it or every second one.

    ``f(src, s, dst, d, low, high, n)`` sets ``dst[d + i] = src[s + step i]`` where low <= i < high,
    and 0 elsewhere, for all i < n. It reads nothing outside of that range, so s may lie before the
    array; it writes whole vectors, so up to lanes(dtype) - 1 elements beyond n.

    An intrinsic and not a kernel: a call of a kernel costs 100 ns of counting references.
    """
    if step not in (1, 2):
        raise ValueError(f"copy_row: step must be 1 or 2, got {step}.")
    return (_plain if PLAIN else _emitted)(step)


def _emitted(step):
    @intrinsic
    def copy(typing, src, s, dst, d, low, high, n):
        signature = types.void(src, types.intp, dst, *[types.intp] * 4)

        def codegen(context, builder, sig, args):
            dtype = sig.args[0].dtype
            width = lanes(np.float32 if dtype == types.float32 else np.float64)
            scalar = context.get_value_type(dtype)
            vector = ir.VectorType(scalar, width)
            i1, i32 = ir.IntType(1), ir.IntType(32)
            ids = ir.VectorType(i32, width)
            src_, s_, dst_, d_, low_, high_, n_ = args
            size = dtype.bitwidth // 8
            src_, dst_ = (
                context.make_array(sig.args[i])(context, builder, a).data
                for i, a in ((0, src_), (2, dst_))
            )

            def every(x):
                x = builder.trunc(x, i32)
                one = builder.insert_element(ir.Constant(ids, ir.Undefined), x, i32(0))
                return builder.shuffle_vector(
                    one, ir.Constant(ids, ir.Undefined), ir.Constant(ids, [i32(0)] * width)
                )

            def at(array, start, j):
                offset = builder.add(start, ir.Constant(start.type, j * width))
                return builder.bitcast(builder.gep(array, [offset]), vector.as_pointer())

            zero = ir.Constant(vector, [ir.Constant(scalar, 0.0)] * width)
            with cgutils.for_range_slice(builder, n_.type(0), n_, n_.type(width)) as (i, _):
                low, high = every(builder.sub(low_, i)), every(builder.sub(high_, i))
                start = builder.add(s_, builder.mul(i, i.type(step)))
                parts = []
                for j in range(step):
                    # element e of the row is number e / step of the copy; odd ones are not read
                    numbers = [
                        e // step if e % step == 0 else -(1 << 30)
                        for e in range(j * width, (j + 1) * width)
                    ]
                    number = ir.Constant(ids, [i32(e) for e in numbers])
                    asked = [i1(e >= 0) for e in numbers]
                    mask = builder.and_(
                        builder.icmp_signed(">=", number, low),
                        builder.icmp_signed("<", number, high),
                    )
                    mask = builder.and_(mask, ir.Constant(ir.VectorType(i1, width), asked))
                    address = at(src_, start, j)
                    kind = ir.FunctionType(vector, [address.type, i32, mask.type, vector])
                    load = cgutils.get_or_insert_function(
                        builder.module, kind, f"llvm.masked.load.v{width}f{dtype.bitwidth}.p0"
                    )
                    parts.append(builder.call(load, [address, i32(size), mask, zero]))
                row = parts[0]
                if step == 2:
                    even = ir.Constant(ids, [i32(2 * i) for i in range(width)])
                    row = builder.shuffle_vector(parts[0], parts[1], even)
                builder.store(row, at(dst_, builder.add(d_, i), 0), align=size)
            return context.get_dummy_value()

        return signature, codegen

    return copy


def _plain(step):
    @njit(error_model="numpy")
    def copy(src, s, dst, d, low, high, n):
        for i in range(n):
            dst[d + i] = src[s + step * i] if low <= i < high else 0

    return copy
