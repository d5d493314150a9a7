"""Cells on vector registers: one formula over a row, all its arrays in one loop.

LLVM's vectorizer gives up on a loop over ten arrays (it can't prove that they don't overlap), and
split into small loops a cell pays for each. `rowwise` turns a cell, an ordinary function of
numbers, into vector code by running it once on stand-ins that emit LLVM instructions. Where LLVM
code can't be emitted the same function is compiled as a plain loop.

`Lanes` looks like `real.Real` and is not: a Real is one number, and LLVM must vectorize its loop;
Lanes are a register already, masked in the rest of a row. Nor does a gate need what `elementary`
does for the last half ulp, for subnormals and for large arguments: exp here scales by one power
of two instead of two.

exp is 2^n times a polynomial in the rest r, |r| <= ln(2) / 2: Cephes' in float32, Taylor's to
degree 13 in float64. tanh is m / (m + 2) with m = exp(2 |x|) - 1 got without cancellation, which
keeps its relative accuracy at 0. Both stay within 3 ulp; NaN comes out as NaN.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from autograd.machine.jit import PLAIN, plain
from autograd.machine.tile import intrinsic_of, lanes, multiply_add

# (exp(r) - 1 - r) / r^2, highest power first
_EXP32 = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
_EXP64 = tuple(1 / math.factorial(k) for k in range(13, 1, -1))


class Lanes:
    """A vector register in code that is being emitted; arithmetic on it emits instructions."""

    def __init__(self, builder, value):
        self.builder, self.value = builder, value
        self.kind = value.type

    def of(self, x):
        """x as Lanes: a number becomes a constant vector."""
        if isinstance(x, Lanes):
            return x
        return Lanes(self.builder, ir.Constant(self.kind, [x] * self.kind.count))

    def _emit(self, name, a, b):
        return Lanes(self.builder, getattr(self.builder, name)(self.of(a).value, self.of(b).value))

    def __add__(self, b):
        return self._emit("fadd", self, b)

    def __sub__(self, b):
        return self._emit("fsub", self, b)

    def __mul__(self, b):
        return self._emit("fmul", self, b)

    def __truediv__(self, b):
        return self._emit("fdiv", self, b)

    def __radd__(self, a):
        return self._emit("fadd", a, self)

    def __rsub__(self, a):
        return self._emit("fsub", a, self)

    def __rmul__(self, a):
        return self._emit("fmul", a, self)

    def __rtruediv__(self, a):
        return self._emit("fdiv", a, self)

    def __neg__(self):
        return 0.0 - self

    def times_plus(self, b, c):
        """self · b + c in one instruction."""
        return Lanes(
            self.builder, multiply_add(self.builder, self.value, self.of(b).value, self.of(c).value)
        )

    def where(self, comparison, limit, a):
        """A where self compares so with the limit, else self; a NaN never does."""
        holds = self.builder.fcmp_ordered(comparison, self.value, self.of(limit).value)
        return Lanes(self.builder, self.builder.select(holds, self.of(a).value, self.value))

    def gated(self, x):
        """Self where x > 0 or x is NaN, else 0."""
        b = self.builder
        holds = b.fcmp_unordered(">", x.value, x.of(0.0).value)
        return Lanes(b, b.select(holds, self.value, self.of(0.0).value))

    def _bits(self, f):
        """f of the bits as integers, as numbers again."""
        whole = ir.VectorType(ir.IntType(self._width), self.kind.count)
        bits = f(
            self.builder.bitcast(self.value, whole), lambda n: ir.Constant(whole, [n] * whole.count)
        )
        return Lanes(self.builder, self.builder.bitcast(bits, self.kind))

    @property
    def _width(self):
        return 32 if isinstance(self.kind.element, ir.FloatType) else 64

    def absolute(self):
        """|self|."""
        mask = (1 << (self._width - 1)) - 1
        return self._bits(lambda bits, of: self.builder.and_(bits, of(mask)))

    def with_sign_of(self, x):
        """Self, not negative, with x's sign."""
        b = self.builder
        whole = ir.VectorType(ir.IntType(self._width), self.kind.count)
        top = ir.Constant(whole, [1 << (self._width - 1)] * whole.count)
        sign = b.and_(b.bitcast(x.value, whole), top)
        return self._bits(lambda bits, of: b.or_(bits, sign))

    def exp_parts(self):
        """2^n and exp(r) - 1, where self = n ln 2 + r; self must not over- or underflow exp."""
        narrow = self._width == 32
        mantissa, bias = (23, 127) if narrow else (52, 1023)
        magic = 1.5 * 2.0**mantissa  # to round: adds n to the lowest bits
        high, low = (
            (0.693359375, -2.12194440e-4)
            if narrow
            else (0.693145751953125, 1.42860682030941723212e-6)
        )
        shifted = self.times_plus(1 / math.log(2), magic)
        n = shifted - magic
        r = n.times_plus(-low, n.times_plus(-high, self))
        p, *rest = _EXP32 if narrow else _EXP64
        p = self.of(p)
        for c in rest:
            p = p.times_plus(r, c)
        q = (p * r).times_plus(r, r)
        b = self.builder
        power = shifted._bits(lambda bits, of: b.shl(b.add(bits, of(bias)), of(mantissa)))
        return power, q

    def sigmoid(self):
        """1 / (1 + exp(-self))."""
        limit = 87.0 if self._width == 32 else 708.0
        power, q = (-self).where(">", limit, limit).where("<", -limit, -limit).exp_parts()
        return 1.0 / q.times_plus(power, power + 1.0)

    def tanh(self):
        """The hyperbolic tangent."""
        power, q = (self.absolute() * 2.0).where(">", 44.0, 44.0).exp_parts()
        m = q.times_plus(power, power - 1.0)
        return (m / (m + 2.0)).with_sign_of(self)


def _sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 or x != x else 0.0


def _relu(x):
    return x if not x <= 0.0 else 0.0 * 0.0


def _gated(g, x):
    return g if not x <= 0.0 else 0.0


def rowwise(make, reads, writes):
    """Make the function that runs a cell along a row.

    Parameters
    ----------
    make : callable
        ``make(sigmoid, tanh, relu, gated) -> cell``; the cell takes one number from each of
        `reads` places and returns a tuple of `writes` numbers.
    reads, writes : int

    Returns
    -------
    ``f(n, a0, o0, a1, o1, ...)``: for j < n the cell on a0[o0 + j], a1[o1 + j] ... first what it
    reads, then what it writes. All arrays are flat and of one float dtype; a place may be written
    that the same call reads at the same j. Nothing is checked.
    """
    count = reads + writes
    names = [name for k in range(count) for name in (f"a{k}", f"o{k}")]
    if PLAIN:
        return _plain(make, reads, names)
    cell = make(Lanes.sigmoid, Lanes.tanh, lambda x: x.where("<", 0.0, 0.0), Lanes.gated)

    def codegen(context, builder, signature, args):
        dtype = signature.args[1].dtype
        narrow = dtype == types.float32
        width = lanes(np.float32 if narrow else np.float64)
        vector = ir.VectorType(ir.FloatType() if narrow else ir.DoubleType(), width)
        size = context.get_value_type(types.intp)
        n, *places = args
        rows = []
        for k in range(count):
            array = context.make_array(signature.args[1 + 2 * k])(context, builder, places[2 * k])
            rows.append(builder.gep(array.data, [places[2 * k + 1]]))

        def body(j, mask):
            pointers = [builder.bitcast(builder.gep(row, [j]), vector.as_pointer()) for row in rows]
            values = [Lanes(builder, load(builder, p, vector, mask)) for p in pointers[:reads]]
            for p, y in zip(pointers[reads:], cell(*values), strict=True):
                store(builder, y.value, p, mask)

        whole = builder.sub(n, builder.srem(n, ir.Constant(size, width)))
        with cgutils.for_range_slice(
            builder, ir.Constant(size, 0), whole, ir.Constant(size, width), intp=size
        ) as (j, _):
            body(j, None)
        rest = builder.sub(n, whole)
        with builder.if_then(builder.icmp_signed(">", rest, ir.Constant(size, 0)), likely=False):
            body(whole, first_lanes(builder, rest, width))
        return context.get_dummy_value()

    def typed(typing, n, *rest):
        return types.void(
            types.intp, *(types.intp if k % 2 else a for k, a in enumerate(rest))
        ), codegen

    return intrinsic_of(typed, ("n", *names))


def _masked(builder, what, vector):
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    return f"llvm.masked.{what}.v{vector.count}f{bits}.p0", bits // 8


def first_lanes(builder, count, width):
    """The mask of the first `count` lanes of a vector."""
    ids = ir.VectorType(ir.IntType(32), width)
    one = builder.insert_element(
        ir.Constant(ids, ir.Undefined),
        builder.trunc(count, ir.IntType(32)),
        ir.Constant(ir.IntType(32), 0),
    )
    ends = builder.shuffle_vector(
        one, ir.Constant(ids, ir.Undefined), ir.Constant(ids, [0] * width)
    )
    return builder.icmp_signed("<", ir.Constant(ids, list(range(width))), ends)


def load(builder, pointer, vector, mask):
    """A vector from memory; of a masked one the lanes of the mask, zeros in the others."""
    name, size = _masked(builder, "load", vector)
    if mask is None:
        return builder.load(pointer, align=size)
    zero = ir.Constant(vector, [0.0] * vector.count)
    kind = ir.FunctionType(vector, [pointer.type, ir.IntType(32), mask.type, vector])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [pointer, ir.Constant(ir.IntType(32), size), mask, zero])


def store(builder, value, pointer, mask):
    """A vector into memory, or its lanes of the mask."""
    name, size = _masked(builder, "store", value.type)
    if mask is None:
        builder.store(value, pointer, align=size)
        return
    kind = ir.FunctionType(ir.VoidType(), [value.type, pointer.type, ir.IntType(32), mask.type])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [value, pointer, ir.Constant(ir.IntType(32), size), mask])


def _plain(make, reads, names):
    """The cell as a loop; written out, since Numba can't pass on a varying number of arrays."""
    arrays, offsets = names[::2], names[1::2]
    places = [f"{a}[{o} + j]" for a, o in zip(arrays, offsets, strict=True)]
    source = (
        f"def loop(n, {', '.join(names)}):\n"
        f"    for j in range(n):\n"
        f"        {', '.join(places[reads:])}, = cell({', '.join(places[:reads])})\n"
    )
    cell = make(njit(_sigmoid), njit(math_tanh), njit(_relu), njit(_gated))
    scope = {"cell": plain(cell)}
    exec(source, scope)
    return plain(scope["loop"], make.__name__, make.__code__.co_firstlineno)


def math_tanh(x):
    """The C library's."""
    return math.tanh(x)
