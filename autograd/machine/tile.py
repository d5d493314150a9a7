"""The register tile: a small block of C held in vector registers while A · B is summed into it.

`tile(rows, vectors)` makes a function that kernels call like any other; LLVM vector code is emitted
in its place. The vector width and the best shape follow the host's vector features. Where LLVM code
can't be emitted (Numba switched off, or GLASSGRAD_TILE=plain) plain loops stand in.
"""

from __future__ import annotations

import functools
import platform

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils, codegen
from numba.extending import intrinsic

from autograd.machine.jit import PLAIN


@functools.cache
def _features() -> frozenset[str]:
    """The vector features that Numba compiles for: by default the host's."""
    listed = numba.config.CPU_FEATURES
    if listed is None:
        listed = codegen.get_host_cpu_features()
    return frozenset(name[1:] for name in listed.split(",") if name.startswith("+"))


@functools.cache
def register_bytes() -> int:
    """The bytes of a vector register."""
    if "avx512f" in _features():
        return 64
    return 32 if "avx2" in _features() else 16


def has_fma() -> bool:
    """Whether a·b + c is one instruction; otherwise it is a product and a sum, rounded twice."""
    return "fma" in _features() or platform.machine() in ("aarch64", "arm64")


def lanes(dtype: np.dtype | type) -> int:
    """The elements of a vector register: 16, 8 or 4 of float32, half as many of float64."""
    return register_bytes() // np.dtype(dtype).itemsize


def shape() -> tuple[tuple[int, ...], int]:
    """The tile that keeps the multipliers busy: its heights, best first, and its width in vectors.

    Of 32 registers (AVX-512, NEON) 8 x 2 accumulators, of 16 (AVX2, SSE) 6 x 2; with the fewer rows
    the last rows of a matrix are covered.
    """
    if register_bytes() == 64 or platform.machine() in ("aarch64", "arm64"):
        return (8, 4, 2, 1), 2
    return (6, 4, 2, 1), 2


@functools.cache
def tile(rows: int, vectors: int, *, masked: bool = False, gather: bool = False):
    """Make the function that computes one tile of C (+)= A · B, all of one float dtype.

    The arrays are flat, C-contiguous; all steps and offsets count elements. With L = lanes(dtype),
    for r < rows and v < vectors · L the tile computes, k running in order over 0 ... K - 1,

        C[c0 + r * c_row + v] (+)= sum_k A[a0 + r * a_row + k * a_step] * B[b0 + k * b_step + v]

    by ``f(K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add)``: A in place has a_step 1 (or
    a_row 1, transposed); packed in strips of `rows` it has a_row 1 and a_step `rows`. B packed in
    strips has b_step vectors · L. `add` is whether C is added to, else written over. K may be 0.
    Nothing is checked: the caller answers for every index.

    Parameters
    ----------
    rows, vectors : int
        Height in rows and width in vectors.
    masked : bool
        The function takes one argument more at the end, the number of columns to read of B and to
        read and write of C: at least 1, at most all.
    gather : bool
        The function takes ``offsets, o0`` (an intp array and a start) instead of b_step: row k of B
        is at b0 + offsets[o0 + k].
    """
    if rows < 1 or vectors < 1:
        raise ValueError(f"tile: rows and vectors must be at least 1, got {rows} and {vectors}.")
    return (_plain if PLAIN else _emitted)(rows, vectors, masked, gather)


def _emitted(rows, vectors, masked, gather):
    """The tile as LLVM vector code."""

    def emit(context, builder, signature, args):
        dtype = signature.args[1].dtype
        vector = _vector(dtype)
        scalar, width = vector.element, vector.count
        size = context.get_value_type(types.intp)
        bytes_ = dtype.bitwidth // 8
        args = list(args)
        columns = args.pop() if masked else None
        depth, a, a0, a_row, a_step, b, b0, *where, c, c0, c_row, add = args

        def number(n):
            return ir.Constant(size, n)

        def data(i, value):
            return context.make_array(signature.args[i])(context, builder, value).data

        def vector_at(pointer, j):
            place = builder.gep(pointer, [number(j * width)])
            return builder.bitcast(place, vector.as_pointer())

        a_data = builder.gep(data(1, a), [a0])
        b_data = builder.gep(data(5, b), [b0])
        c_data = builder.gep(data(len(signature.args) - (5 if masked else 4), c), [c0])
        zero = ir.Constant(vector, [ir.Constant(scalar, 0.0)] * width)

        masks = []
        if masked:
            ids = ir.VectorType(ir.IntType(32), width)
            steps = ir.Constant(ids, [ir.Constant(ir.IntType(32), i) for i in range(width)])
            left = builder.trunc(columns, ir.IntType(32))
            for j in range(vectors):
                rest = builder.sub(left, ir.Constant(ir.IntType(32), j * width))
                masks.append(builder.icmp_signed("<", steps, _splat(builder, rest, ids)))

        def load(pointer, j):
            place = vector_at(pointer, j)
            if not masked:
                return builder.load(place, align=bytes_)
            kind = ir.FunctionType(vector, [place.type, ir.IntType(32), masks[j].type, vector])
            name = f"llvm.masked.load.v{width}f{dtype.bitwidth}.p0"
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            return builder.call(
                function, [place, ir.Constant(ir.IntType(32), bytes_), masks[j], zero]
            )

        def store(value, pointer, j):
            place = vector_at(pointer, j)
            if not masked:
                builder.store(value, place, align=bytes_)
                return
            kind = ir.FunctionType(
                ir.VoidType(), [vector, place.type, ir.IntType(32), masks[j].type]
            )
            name = f"llvm.masked.store.v{width}f{dtype.bitwidth}.p0"
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            builder.call(function, [value, place, ir.Constant(ir.IntType(32), bytes_), masks[j]])

        before = builder.basic_block
        reading = builder.append_basic_block("tile.read")
        start = builder.append_basic_block("tile.start")
        loop = builder.append_basic_block("tile.loop")
        end = builder.append_basic_block("tile.end")
        c_rows = [builder.gep(c_data, [builder.mul(c_row, number(r))]) for r in range(rows)]
        a_rows = [builder.gep(a_data, [builder.mul(a_row, number(r))]) for r in range(rows)]
        adding = builder.icmp_signed("!=", add, ir.Constant(add.type, 0))
        builder.cbranch(adding, reading, start)

        builder.position_at_end(reading)
        read = [[load(row, j) for j in range(vectors)] for row in c_rows]
        builder.branch(start)
        reading = builder.basic_block

        builder.position_at_end(start)
        first = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
        for r in range(rows):
            for j in range(vectors):
                first[r][j].add_incoming(zero, before)
                first[r][j].add_incoming(read[r][j], reading)
        builder.cbranch(builder.icmp_signed(">", depth, number(0)), loop, end)

        builder.position_at_end(loop)
        k = builder.phi(size)
        k.add_incoming(number(0), start)
        sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
        if gather:
            offsets, o0 = where
            place = builder.gep(data(7, offsets), [builder.add(o0, k)])
            b_row = builder.gep(b_data, [builder.load(place)])
        else:
            b_row = builder.gep(b_data, [builder.mul(k, where[0])])
        b_vectors = [load(b_row, j) for j in range(vectors)]
        a_here = builder.mul(k, a_step)
        new = []
        for r in range(rows):
            value = _splat(builder, builder.load(builder.gep(a_rows[r], [a_here])), vector)
            new.append(
                [multiply_add(builder, value, b_vectors[j], sums[r][j]) for j in range(vectors)]
            )
        following = builder.add(k, number(1))
        k.add_incoming(following, builder.basic_block)
        for r in range(rows):
            for j in range(vectors):
                sums[r][j].add_incoming(first[r][j], start)
                sums[r][j].add_incoming(new[r][j], builder.basic_block)
        looped = builder.basic_block
        again = builder.cbranch(builder.icmp_signed("<", following, depth), loop, end)
        _keep_rolled(builder.module, again)

        builder.position_at_end(end)
        for r in range(rows):
            for j in range(vectors):
                total = builder.phi(vector)
                total.add_incoming(first[r][j], start)
                total.add_incoming(new[r][j], looped)
                new[r][j] = total
        for r in range(rows):
            for j in range(vectors):
                store(new[r][j], c_rows[r], j)
        return context.get_dummy_value()

    integer = types.intp

    def signature(a, b, c, *rest):
        middle = (types.Array(types.intp, 1, "C"), integer) if gather else (integer,)
        return types.void(
            *(integer, a, integer, integer, integer, b, integer, *middle, c, integer, integer),
            types.boolean,
            *((integer,) if masked else ()),
        )

    # An intrinsic's parameters are counted by inspection, so each form is spelled out.
    if gather and masked:

        @intrinsic
        def emitted(
            typing, K, a, a0, a_row, a_step, b, b0, offsets, o0, c, c0, c_row, add, columns
        ):
            return signature(a, b, c), emit

    elif gather:

        @intrinsic
        def emitted(typing, K, a, a0, a_row, a_step, b, b0, offsets, o0, c, c0, c_row, add):
            return signature(a, b, c), emit

    elif masked:

        @intrinsic
        def emitted(typing, K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add, columns):
            return signature(a, b, c), emit

    else:

        @intrinsic
        def emitted(typing, K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add):
            return signature(a, b, c), emit

    return emitted


def _vector(dtype):
    """The LLVM type of a register of Numba's float32 or float64."""
    single = dtype == types.float32
    return ir.VectorType(
        ir.FloatType() if single else ir.DoubleType(), lanes(np.float32 if single else np.float64)
    )


def _vector_at(context, builder, kind, array, start, j):
    """The address of the j-th vector from an element of a flat array."""
    vector = _vector(kind.dtype)
    data = context.make_array(kind)(context, builder, array).data
    start = builder.add(start, ir.Constant(start.type, j * vector.count))
    return builder.bitcast(builder.gep(data, [start]), vector.as_pointer())


def _splat(builder, value, vector):
    """A vector of one value."""
    undefined = ir.Constant(vector, ir.Undefined)
    index = ir.VectorType(ir.IntType(32), vector.count)
    first = ir.Constant(index, [ir.Constant(ir.IntType(32), 0)] * vector.count)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, first)


def _keep_rolled(module, branch):
    """Tell LLVM not to unroll the loop that ends in this branch.

    A tile's loop is long as it is; unrolled it is no faster, and slower to compile.
    """
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = ir.MDValue(module, [disable], name=str(len(module.metadata)))
    loop.operands = (loop, disable)  # its first operand is itself: no two loops share one
    branch.set_metadata("llvm.loop", loop)


def multiply_add(builder, a, b, c):
    """LLVM's a·b + c on numbers or vectors, in one rounding where the host has it."""
    if not has_fma():
        return builder.fadd(builder.fmul(a, b), c)
    kind = a.type
    scalar = kind.element if isinstance(kind, ir.VectorType) else kind
    name = "f32" if isinstance(scalar, ir.FloatType) else "f64"
    if isinstance(kind, ir.VectorType):
        name = f"v{kind.count}{name}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), f"llvm.fma.{name}"
    )
    return builder.call(function, [a, b, c])


@njit(error_model="numpy")
def _loops(rows, K, a, a0, a_row, a_step, b, b0, offsets, o0, b_step, c, c0, c_row, add, columns):
    """The tile as loops; with offsets b_step is 0, without they are empty."""
    for r in range(rows):
        row = c[c0 + r * c_row : c0 + r * c_row + columns]
        if not add:
            row[:] = 0
        for k in range(K):
            place = b0 + k * b_step
            if offsets.size:
                place += offsets[o0 + k]
            factor, b_row = a[a0 + r * a_row + k * a_step], b[place : place + columns]
            for v in range(columns):
                row[v] += factor * b_row[v]


def _plain(rows, vectors, masked, gather):
    width = vectors * register_bytes()
    none = np.zeros(0, np.intp)
    if gather and masked:

        def plain(K, a, a0, a_row, a_step, b, b0, offsets, o0, c, c0, c_row, add, columns):
            place = (b, b0, offsets, o0, 0)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, columns)

    elif gather:

        def plain(K, a, a0, a_row, a_step, b, b0, offsets, o0, c, c0, c_row, add):
            place = (b, b0, offsets, o0, 0)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, width // a.itemsize)

    elif masked:

        def plain(K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add, columns):
            place = (b, b0, none, 0, b_step)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, columns)

    else:

        def plain(K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add):
            place = (b, b0, none, 0, b_step)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, width // a.itemsize)

    return njit(error_model="numpy")(plain)


def copy(vectors: int):
    """Make the function that copies `vectors` vectors: ``f(x, x0, y, y0)``, flat arrays.

    A loop over so few elements is not vectorised well: LLVM guards it against overlap.
    """
    if PLAIN:
        bytes_ = vectors * register_bytes()

        @njit(error_model="numpy")
        def plain(x, x0, y, y0):
            for i in range(bytes_ // x.itemsize):
                y[y0 + i] = x[x0 + i]

        return plain

    def emit(context, builder, signature, args):
        dtype = signature.args[0].dtype
        x, x0, y, y0 = args
        for j in range(vectors):
            source = _vector_at(context, builder, signature.args[0], x, x0, j)
            target = _vector_at(context, builder, signature.args[2], y, y0, j)
            align = dtype.bitwidth // 8
            builder.store(builder.load(source, align=align), target, align=align)
        return context.get_dummy_value()

    @intrinsic
    def emitted(typing, x, x0, y, y0):
        return types.void(x, types.intp, y, types.intp), emit

    return emitted


def transpose_block():
    """Make the function that transposes a block of lanes x lanes elements in registers.

    ``f(x, x0, x_row, y, y0, y_row)`` sets y[y0 + c * y_row + r] = x[x0 + r * x_row + c] for flat
    arrays of one float dtype, r and c < lanes(dtype).
    """
    if PLAIN:
        bytes_ = register_bytes()

        @njit(error_model="numpy")
        def plain(x, x0, x_row, y, y0, y_row):
            n = bytes_ // x.itemsize
            for r in range(n):
                for c in range(n):
                    y[y0 + c * y_row + r] = x[x0 + r * x_row + c]

        return plain

    def emit(context, builder, signature, args):
        dtype = signature.args[0].dtype
        width = _vector(dtype).count
        x, x0, x_row, y, y0, y_row = args

        def row(i, array, start, step, r):
            start = builder.add(start, builder.mul(step, ir.Constant(start.type, r)))
            return _vector_at(context, builder, signature.args[i], array, start, 0)

        def shuffle(a, b, picks):
            kind = ir.VectorType(ir.IntType(32), width)
            picks = [ir.Constant(ir.IntType(32), i) for i in picks]
            return builder.shuffle_vector(a, b, ir.Constant(kind, picks))

        align = dtype.bitwidth // 8
        rows = [builder.load(row(0, x, x0, x_row, r), align=align) for r in range(width)]
        half = 1
        while half < width:  # exchange the off-diagonal quarters of blocks of 2 · half
            low = [i if not i & half else width + i - half for i in range(width)]
            high = [i + half if not i & half else width + i for i in range(width)]
            for r in range(width):
                if not r & half:
                    a, b = rows[r], rows[r + half]
                    rows[r], rows[r + half] = shuffle(a, b, low), shuffle(a, b, high)
            half *= 2
        for r in range(width):
            builder.store(rows[r], row(3, y, y0, y_row, r), align=align)
        return context.get_dummy_value()

    @intrinsic
    def emitted(typing, x, x0, x_row, y, y0, y_row):
        integer = types.intp
        return types.void(x, integer, integer, y, integer, integer), emit

    return emitted
