"""The register tile: a small block of C held in vector registers while A · B is summed into it.

`tile(rows, vectors)` makes a function that kernels call like any other; LLVM vector code is emitted
in its place. The vector width and the best shape follow the host's vector features. Where LLVM code
can't be emitted (Numba switched off, or GLASSGRAD_TILE=plain) plain loops stand in.
"""

from __future__ import annotations

import functools
import inspect
import platform

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from autograd.machine.jit import PLAIN, features, plain


@functools.cache
def register_bytes() -> int:
    """The bytes of a vector register."""
    if "avx512f" in features():
        return 64
    return 32 if "avx2" in features() else 16


def has_fma() -> bool:
    """Whether a·b + c is one instruction; otherwise it is a product and a sum, rounded twice."""
    return "fma" in features() or platform.machine() in ("aarch64", "arm64")


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
    return (_loops_of if PLAIN else _emitted)(rows, vectors, masked, gather)


def _emitted(rows, vectors, masked, gather):
    """The tile as LLVM vector code."""
    row_of_b = ("offsets", "o0") if gather else ("b_step",)
    names = ("K", "a", "a0", "a_row", "a_step", "b", "b0", *row_of_b, "c", "c0", "c_row", "add")
    names += ("columns",) * masked

    def typed(typing, *kinds):
        whole = [kind if isinstance(kind, types.Array) else types.intp for kind in kinds]
        whole[names.index("add")] = types.boolean
        return types.void(*whole), lambda *given: _Tile(rows, vectors, names, *given).emit()

    return intrinsic_of(typed, names)


def intrinsic_of(typed, names):
    """Make ``typed(typing, *kinds)`` an intrinsic whose parameters have these names.

    Numba counts an intrinsic's parameters by inspection, where a star stands for none.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    typed.__signature__ = inspect.Signature(
        [inspect.Parameter(name, kind) for name in ("typing", *names)]
    )
    return intrinsic(typed)


class _Tile:
    """The LLVM code of `tile`."""

    def __init__(self, rows, vectors, names, context, builder, signature, args):
        self.rows, self.vectors, self.context, self.builder = rows, vectors, context, builder
        self.given = dict(zip(names, args, strict=True))
        self.kinds = dict(zip(names, signature.args, strict=True))
        self.size = context.get_value_type(types.intp)
        dtype = self.kinds["a"].dtype
        self.bytes, self.bits = dtype.bitwidth // 8, dtype.bitwidth
        self.vector = vector_of(dtype)
        self.width = self.vector.count
        self.zero = ir.Constant(self.vector, [ir.Constant(self.vector.element, 0.0)] * self.width)

    def emit(self):
        """Zeros into registers, the sum over K, the registers into C or added to it.

        A sum that began with C would round every product of a long K to the total's last place.
        """
        b, given = self.builder, self.given
        a_data, b_data, c_data = (b.gep(self.data(x), [given[f"{x}0"]]) for x in "abc")
        self.masks = self.masks_of(given["columns"]) if "columns" in given else None
        start = b.basic_block
        loop, end, more, write = (
            b.append_basic_block(f"tile.{name}") for name in ("loop", "end", "more", "write")
        )
        c_rows = [b.gep(c_data, [b.mul(given["c_row"], self.number(r))]) for r in range(self.rows)]
        b.cbranch(b.icmp_signed(">", given["K"], self.number(0)), loop, end)

        b.position_at_end(loop)
        sums = self.sum_over_k(start, loop, end, a_data, b_data)
        looped = b.basic_block

        b.position_at_end(end)
        sums = self.either(sums, looped, [self.zero] * len(sums), start)
        adding = b.icmp_signed("!=", given["add"], ir.Constant(given["add"].type, 0))
        b.cbranch(adding, more, write)

        b.position_at_end(more)
        places = [(row, j) for row in c_rows for j in range(self.vectors)]
        added = [b.fadd(self.load(*p), total) for p, total in zip(places, sums, strict=True)]
        b.branch(write)
        more = b.basic_block

        b.position_at_end(write)
        for place, total in zip(places, self.either(added, more, sums, end), strict=True):
            self.store(total, *place)
        return self.context.get_dummy_value()

    def either(self, values, block, others, other_block):
        """The values when coming from one block, the others when coming from the other."""
        merged = [self.builder.phi(self.vector) for _ in values]
        for total, value, other in zip(merged, values, others, strict=True):
            total.add_incoming(value, block)
            total.add_incoming(other, other_block)
        return merged

    def sum_over_k(self, start, loop, end, a_data, b_data):
        """The loop: a row of B times a column of A, added to all registers; their last values."""
        b, given = self.builder, self.given
        k = b.phi(self.size)
        k.add_incoming(self.number(0), start)
        sums = [b.phi(self.vector) for _ in range(self.rows * self.vectors)]
        if "offsets" in given:
            place = b.gep(self.data("offsets"), [b.add(given["o0"], k)])
            b_row = b.gep(b_data, [b.load(place)])
        else:
            b_row = b.gep(b_data, [b.mul(k, given["b_step"])])
        b_vectors = [self.load(b_row, j) for j in range(self.vectors)]
        here = _opaque(b, b.gep(a_data, [b.mul(k, given["a_step"])]))
        new = []
        for r in range(self.rows):
            four, rest = divmod(r, 4)
            if not rest:
                step = b.mul(given["a_row"], self.number(r))
                rows = _opaque(b, b.gep(here, [step])) if four else here
            place = b.gep(rows, [b.mul(given["a_row"], self.number(rest))])
            value = _splat(b, b.load(place), self.vector)
            new += [
                multiply_add(b, value, row, sums[len(new) + j]) for j, row in enumerate(b_vectors)
            ]
        following = b.add(k, self.number(1))
        k.add_incoming(following, b.basic_block)
        for total, value in zip(sums, new, strict=True):
            total.add_incoming(self.zero, start)
            total.add_incoming(value, b.basic_block)
        again = b.cbranch(b.icmp_signed("<", following, given["K"]), loop, end)
        _keep_rolled(b.module, again)
        return new

    def number(self, n):
        return ir.Constant(self.size, n)

    def data(self, name):
        """The first element of an array."""
        array = self.context.make_array(self.kinds[name])
        return array(self.context, self.builder, self.given[name]).data

    def masks_of(self, columns):
        """For each vector, which of its lanes are among the columns."""
        b, i32 = self.builder, ir.IntType(32)
        ids = ir.VectorType(i32, self.width)
        steps = ir.Constant(ids, [ir.Constant(i32, i) for i in range(self.width)])
        left = b.trunc(columns, i32)
        rests = [b.sub(left, ir.Constant(i32, j * self.width)) for j in range(self.vectors)]
        return [b.icmp_signed("<", steps, _splat(b, rest, ids)) for rest in rests]

    def at(self, pointer, j):
        place = self.builder.gep(pointer, [self.number(j * self.width)])
        return self.builder.bitcast(place, self.vector.as_pointer())

    def load(self, pointer, j):
        """The j-th vector from a pointer on."""
        place = self.at(pointer, j)
        if self.masks is None:
            return self.builder.load(place, align=self.bytes)
        return self.masked("load", self.vector, place, j, self.zero)

    def store(self, value, pointer, j):
        """Write it."""
        place = self.at(pointer, j)
        if self.masks is None:
            self.builder.store(value, place, align=self.bytes)
        else:
            self.masked("store", ir.VoidType(), place, j, value)

    def masked(self, what, result, place, j, value):
        """Call LLVM's masked load, with zeros elsewhere, or its masked store."""
        align = ir.Constant(ir.IntType(32), self.bytes)
        args = [place, align, self.masks[j]]
        args = [*args, value] if what == "load" else [value, *args]
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(result, [a.type for a in args]),
            f"llvm.masked.{what}.v{self.width}f{self.bits}.p0",
        )
        return self.builder.call(function, args)


def vector_of(dtype):
    """The LLVM type of a register of Numba's float32 or float64."""
    single = dtype == types.float32
    return ir.VectorType(
        ir.FloatType() if single else ir.DoubleType(), lanes(np.float32 if single else np.float64)
    )


def vector_at(context, builder, kind, array, start, j):
    """The address of the j-th vector from an element of a flat array."""
    vector = vector_of(kind.dtype)
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


def _opaque(builder, pointer):
    """The same pointer, of which LLVM does not know how it came about.

    Otherwise LLVM goes from row to row of a tile by adding the step, each sum waiting for the one
    before: nine additions in a row while eight multiply-adds of two vectors take eight cycles.
    From a pointer that is given, four rows are addressed by registers that the loop leaves alone.
    """
    kind = ir.FunctionType(pointer.type, [pointer.type])
    return builder.asm(kind, "", "=r,0", [pointer], side_effect=False)


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


def _loops_of(rows, vectors, masked, gather):
    width = vectors * register_bytes()
    none = np.zeros(0, np.intp)
    if gather and masked:

        def loops(K, a, a0, a_row, a_step, b, b0, offsets, o0, c, c0, c_row, add, columns):
            place = (b, b0, offsets, o0, 0)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, columns)

    elif gather:

        def loops(K, a, a0, a_row, a_step, b, b0, offsets, o0, c, c0, c_row, add):
            place = (b, b0, offsets, o0, 0)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, width // a.itemsize)

    elif masked:

        def loops(K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add, columns):
            place = (b, b0, none, 0, b_step)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, columns)

    else:

        def loops(K, a, a0, a_row, a_step, b, b0, b_step, c, c0, c_row, add):
            place = (b, b0, none, 0, b_step)
            _loops(rows, K, a, a0, a_row, a_step, *place, c, c0, c_row, add, width // a.itemsize)

    return plain(loops)


def copy(vectors: int):
    """Make the function that copies `vectors` vectors: ``f(x, x0, y, y0)``, flat arrays.

    A loop over this few elements is not vectorized well: LLVM guards it against overlap.
    """
    if PLAIN:
        bytes_ = vectors * register_bytes()

        def loop(x, x0, y, y0):
            for i in range(bytes_ // x.itemsize):
                y[y0 + i] = x[x0 + i]

        return plain(loop)

    def emit(context, builder, signature, args):
        dtype = signature.args[0].dtype
        x, x0, y, y0 = args
        for j in range(vectors):
            source = vector_at(context, builder, signature.args[0], x, x0, j)
            target = vector_at(context, builder, signature.args[2], y, y0, j)
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

        def loops(x, x0, x_row, y, y0, y_row):
            n = bytes_ // x.itemsize
            for r in range(n):
                for c in range(n):
                    y[y0 + c * y_row + r] = x[x0 + r * x_row + c]

        return plain(loops)

    def emit(context, builder, signature, args):
        dtype = signature.args[0].dtype
        width = vector_of(dtype).count
        x, x0, x_row, y, y0, y_row = args

        def row(i, array, start, step, r):
            start = builder.add(start, builder.mul(step, ir.Constant(start.type, r)))
            return vector_at(context, builder, signature.args[i], array, start, 0)

        align = dtype.bitwidth // 8
        rows = [builder.load(row(0, x, x0, x_row, r), align=align) for r in range(width)]
        rows = transposed(builder, rows)
        for r in range(width):
            builder.store(rows[r], row(3, y, y0, y_row, r), align=align)
        return context.get_dummy_value()

    @intrinsic
    def emitted(typing, x, x0, x_row, y, y0, y_row):
        integer = types.intp
        return types.void(x, integer, integer, y, integer, integer), emit

    return emitted


def transposed(builder, rows):
    """The columns of a block of vectors, as many as a vector has lanes."""
    width, rows = len(rows), list(rows)
    kind = ir.VectorType(ir.IntType(32), width)

    def shuffle(a, b, picks):
        picks = [ir.Constant(ir.IntType(32), i) for i in picks]
        return builder.shuffle_vector(a, b, ir.Constant(kind, picks))

    half = 1
    while half < width:  # exchange the off-diagonal quarters of blocks of 2 · half
        low = [i if not i & half else width + i - half for i in range(width)]
        high = [i + half if not i & half else width + i for i in range(width)]
        for r in range(width):
            if not r & half:
                a, b = rows[r], rows[r + half]
                rows[r], rows[r + half] = shuffle(a, b, low), shuffle(a, b, high)
        half *= 2
    return rows
