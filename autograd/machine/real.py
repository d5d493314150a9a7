"""Plain arithmetic on float32 or float64 written once, emitted as LLVM code that vectorizes.

A function of `Real`s is ordinary Python that runs while a kernel is compiled: each operation on a
`Real` emits one LLVM instruction. Numba's own scalar functions are calls into the C library, which
no loop vectorizes, and typing this much arithmetic would take it longer than LLVM takes. There are
no branches, only `where`, and nothing is reordered: NaN and infinities stay what IEEE 754 says.

A Real is a number of a loop that LLVM makes vectors of, or a vector register of numbers already
(machine/folds.py): the instructions are the same, and so are the bits.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd.machine.tile import intrinsic_of, multiply_add

_COMPARISONS = ("<", "<=", ">", ">=", "==")


def _element(kind: ir.Type) -> ir.Type:
    """The type of a number, or of those in a vector."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def _like(kind: ir.Type, element: ir.Type) -> ir.Type:
    """A number's type, or that of a vector as long as one of `kind`."""
    return ir.VectorType(element, kind.count) if isinstance(kind, ir.VectorType) else element


def constant(kind: ir.Type, x: float) -> ir.Constant:
    """A number as a constant, or a vector of it."""
    return ir.Constant(kind, [x] * kind.count if isinstance(kind, ir.VectorType) else x)


class Real:
    """A number, or a vector of numbers, of the kernel that is being compiled."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value):
        self.builder, self.value = builder, value
        self.single = isinstance(_element(value.type), ir.FloatType)

    def pick(self, single, double):
        """What belongs to this number's precision."""
        return single if self.single else double

    def _lift(self, x):
        return x.value if isinstance(x, Real) else constant(self.value.type, float(x))

    def _new(self, value):
        return Real(self.builder, value)

    def __add__(self, x):
        return self._new(self.builder.fadd(self.value, self._lift(x)))

    def __radd__(self, x):
        return self._new(self.builder.fadd(self._lift(x), self.value))

    def __sub__(self, x):
        return self._new(self.builder.fsub(self.value, self._lift(x)))

    def __rsub__(self, x):
        return self._new(self.builder.fsub(self._lift(x), self.value))

    def __mul__(self, x):
        return self._new(self.builder.fmul(self.value, self._lift(x)))

    __rmul__ = __mul__

    def __truediv__(self, x):
        return self._new(self.builder.fdiv(self.value, self._lift(x)))

    def __rtruediv__(self, x):
        return self._new(self.builder.fdiv(self._lift(x), self.value))

    def __neg__(self):
        return self._new(self.builder.fneg(self.value))

    def __abs__(self):
        return self._call("fabs", self.value)

    def _call(self, name, *args):
        kind = self.value.type
        suffix = "f32" if self.single else "f64"
        if isinstance(kind, ir.VectorType):
            suffix = f"v{kind.count}{suffix}"
        function = cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(kind, [kind] * len(args)), f"llvm.{name}.{suffix}"
        )
        return self._new(self.builder.call(function, args))

    def signed(self, x):
        """The number with the sign of x."""
        return self._call("copysign", self.value, self._lift(x))

    def larger(self, x):
        """The larger of the two numbers; NaN where one is."""
        return self._call("maximum", self.value, self._lift(x))

    def fma(self, x, y):
        """The number times x, plus y; rounded once where the host can."""
        args = (self.value, self._lift(x), self._lift(y))
        return self._new(multiply_add(self.builder, *args))

    def polynomial(self, coefficients: Sequence[float]):
        """c0 + c1 x + c2 x² + ..., by Horner's rule."""
        *rest, total = coefficients
        y = self._new(self._lift(total))
        for c in reversed(rest):
            y = y.fma(self, c)
        return y

    def where(self, comparison: str, x, yes, no):
        """`yes` where this number compares so with x, else `no`; with NaN never."""
        if comparison not in _COMPARISONS:
            raise ValueError(f"where: unknown comparison {comparison!r}.")
        met = self.builder.fcmp_ordered(comparison, self.value, self._lift(x))
        return self._new(self.builder.select(met, self._lift(yes), self._lift(no)))

    def bits(self) -> Bits:
        """The integer of the same bits."""
        kind = _like(self.value.type, ir.IntType(32 if self.single else 64))
        return Bits(self.builder, self.builder.bitcast(self.value, kind))

    def wide(self) -> Real:
        """The number as a float64."""
        kind = _like(self.value.type, ir.DoubleType())
        return self._new(self.builder.fpext(self.value, kind)) if self.single else self


class Bits:
    """The bits of a number, as a signed integer."""

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def _lift(self, x):
        return x.value if isinstance(x, Bits) else constant(self.value.type, int(x))

    def __add__(self, x):
        return Bits(self.builder, self.builder.add(self.value, self._lift(x)))

    def __sub__(self, x):
        return Bits(self.builder, self.builder.sub(self.value, self._lift(x)))

    def __lshift__(self, n):
        return Bits(self.builder, self.builder.shl(self.value, self._lift(n)))

    def __rshift__(self, n):
        return Bits(self.builder, self.builder.ashr(self.value, self._lift(n)))

    def real(self) -> Real:
        """The number of the same bits."""
        return Real(self.builder, self.builder.bitcast(self.value, self._kind))

    def number(self) -> Real:
        """The integer as a number."""
        return Real(self.builder, self.builder.sitofp(self.value, self._kind))

    @property
    def _kind(self) -> ir.Type:
        single = _element(self.value.type).width == 32
        return _like(self.value.type, ir.FloatType() if single else ir.DoubleType())


def inlined(function: Callable[..., Real]):
    """Make a function of Reals into one that kernels call; its instructions are put in place."""

    def emit(context, builder, signature, args):
        return function(*[Real(builder, x) for x in args]).value

    def typed(typing, *kinds):
        if kinds[0] in (types.float32, types.float64) and len(set(kinds)) == 1:
            return kinds[0](*kinds), emit
        return None

    return intrinsic_of(typed, inspect.signature(function).parameters)
