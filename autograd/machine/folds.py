"""Cells along rows that also add up: a formula, sums and maxima in one pass of vector registers.

LLVM sums floats in the order of the source, one after another, unless it may reorder as it likes.
Here the order is written: ACCUMULATORS registers take the vectors of a row in turn, then they are
added in pairs, and so are their lanes. It depends on the row's length and the processor only, and
the last vector of a row is masked, so that a row of 10 numbers takes one step.

As in machine/lanes.py a cell is an ordinary function of numbers, run once on stand-ins that emit
LLVM instructions; here these are `Real`s. Where LLVM code can't be emitted the same function is
compiled as a plain loop.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd.machine.elementary import exp, lifted_exp
from autograd.machine.jit import PLAIN, plain
from autograd.machine.lanes import first_lanes, load, store
from autograd.machine.real import Real, constant
from autograd.machine.tile import intrinsic_of, lanes

ACCUMULATORS = 4  # of each fold: as many additions are under way as a processor can begin


def fold(make, reads, writes=0, numbers=0, folds=""):
    """Make the function that runs a cell along rows and folds what it returns besides.

    Parameters
    ----------
    make : callable
        ``make(exp, wide) -> cell``; the cell takes `numbers` numbers and one element from each of
        `reads` places, and returns a tuple: `writes` elements, then one number for each fold.
        exp is `elementary.lifted_exp`; ``wide(x)`` is x as a float64.
    reads, writes, numbers : int
    folds : str
        "+" for each sum, ">" for each maximum, which passes over NaN.

    Returns
    -------
    ``f(rows, n, s0, ..., a0, o0, step0, a1, o1, step1, ...)``: for r < rows and j < n the cell on
    the numbers and a0[o0 + r * step0 + j] ... first what it reads, then what it writes, with the
    folds over all r and j as its result. All arrays are flat, of float32 or float64; a place may be
    written that the same call reads at the same r and j. Nothing is checked.
    """
    count = reads + writes
    names = [f"s{k}" for k in range(numbers)]
    names += [name for k in range(count) for name in (f"a{k}", f"o{k}", f"t{k}")]
    if PLAIN:
        return _plain(make, reads, writes, numbers, folds, names)
    cell = make(lifted_exp, Real.wide)

    def emit(context, builder, signature, args):
        found = _Fold(cell, reads, folds, context, builder, signature, args, numbers).emit()
        if not folds:
            return context.get_dummy_value()
        if len(folds) == 1:
            return found[0]
        return context.make_tuple(builder, signature.return_type, found)

    def typed(typing, rows, n, *rest):
        own = rest[numbers].dtype
        places = [types.intp if k % 3 else a for k, a in enumerate(rest[numbers:])]
        # What a fold's numbers are is known once the cell has run: float64 if it widens them.
        kinds = _kinds(cell, numbers, [a.dtype for a in places[::3]], reads, writes)
        result = types.void
        if folds:
            result = kinds[0] if len(folds) == 1 else types.Tuple(kinds)
        return result(types.intp, types.intp, *[own] * numbers, *places), emit

    return intrinsic_of(typed, ("rows", "n", *names))


def _kinds(cell, numbers, dtypes, reads, writes):
    """The types of what a cell gives to its folds, found by running it on nothing."""
    module = ir.Module()
    start = ir.Function(module, ir.FunctionType(ir.VoidType(), []), "start").append_basic_block()
    builder = ir.IRBuilder(start)
    given = [
        Real(builder, ir.Constant(_scalar(kind), 0.0))
        for kind in (*[dtypes[0]] * numbers, *dtypes[:reads])
    ]
    results = cell(*given)[writes:]
    return [types.float32 if y.single else types.float64 for y in results]


def _scalar(dtype):
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


class _Fold:
    """The LLVM code of `fold`."""

    def __init__(self, cell, reads, folds, context, builder, signature, args, numbers):
        self.cell, self.reads, self.folds, self.builder = cell, reads, folds, builder
        self.size = context.get_value_type(types.intp)
        kinds = signature.args[2 + numbers :: 3]
        single = kinds[0].dtype == types.float32
        self.width = lanes(np.float32 if single else np.float64)
        self.rows, self.n, *rest = args
        self.vectors = [ir.VectorType(_scalar(kind.dtype), self.width) for kind in kinds]
        self.numbers = [self._spread(x) for x in rest[:numbers]]
        places = rest[numbers:]
        self.starts = [
            builder.gep(context.make_array(kind)(context, builder, a).data, [o])
            for kind, a, o in zip(kinds, places[::3], places[1::3], strict=True)
        ]
        self.steps = places[2::3]
        self.results = signature.return_type
        self.held = [self._accumulators(k) for k in range(len(folds))]

    def _spread(self, x):
        """A number in all lanes."""
        b, vector = self.builder, ir.VectorType(x.type, self.width)
        nothing = ir.Constant(vector, ir.Undefined)
        one = b.insert_element(nothing, x, ir.Constant(ir.IntType(32), 0))
        first = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return Real(b, b.shuffle_vector(one, nothing, first))

    def _accumulators(self, k):
        """Registers for one fold, as variables that LLVM keeps in registers."""
        kind = self.results if len(self.folds) == 1 else self.results[k]
        vector = ir.VectorType(_scalar(kind), self.width)
        empty = constant(vector, 0.0 if self.folds[k] == "+" else -math.inf)
        places = [cgutils.alloca_once(self.builder, vector) for _ in range(ACCUMULATORS)]
        for place in places:
            self.builder.store(empty, place)
        return places

    def _count(self, n):
        return ir.Constant(self.size, n)

    def emit(self):
        """The loops, and what was folded."""
        b, width = self.builder, self._count(self.width)
        together = ACCUMULATORS if self.folds else 1
        block = self._count(together * self.width)
        blocks = b.and_(self.n, self._count(-together * self.width))  # powers of two
        whole = b.and_(self.n, self._count(-self.width))
        rest = b.sub(self.n, whole)
        mask = first_lanes(b, rest, self.width)
        with cgutils.for_range(b, self.rows, intp=self.size) as loop:
            rows = [
                b.gep(start, [b.mul(loop.index, step)])
                for start, step in zip(self.starts, self.steps, strict=True)
            ]
            zero = self._count(0)
            with cgutils.for_range_slice(b, zero, blocks, block, intp=self.size) as (j, _):
                for u in range(together):
                    self._step(rows, b.add(j, self._count(u * self.width)), None, u)
            if together > 1:
                with cgutils.for_range_slice(b, blocks, whole, width, intp=self.size) as (j, _):
                    self._step(rows, j, None, 0)
            with b.if_then(b.icmp_signed(">", rest, zero)):
                self._step(rows, whole, mask, together - 1)
        return [self._folded(k) for k in range(len(self.folds))]

    def _step(self, rows, j, mask, u):
        """The cell on one vector from each place; its folds go to register u."""
        b = self.builder
        pointers = [
            b.bitcast(b.gep(row, [j]), vector.as_pointer())
            for row, vector in zip(rows, self.vectors, strict=True)
        ]
        read = zip(pointers[: self.reads], self.vectors, strict=False)
        values = [Real(b, load(b, p, vector, mask)) for p, vector in read]
        results = self.cell(*self.numbers, *values)
        written = pointers[self.reads :]
        for p, y in zip(written, results, strict=False):
            store(b, y.value, p, mask)
        for k, y in enumerate(results[len(written) :]):
            place = self.held[k][u]
            old = b.load(place)
            new = self._combined(k, old, y.value)
            b.store(new if mask is None else b.select(mask, new, old), place)

    def _combined(self, k, a, c):
        if self.folds[k] == "+":
            return self.builder.fadd(a, c)
        return self.builder.select(self.builder.fcmp_ordered(">", c, a), c, a)

    def _folded(self, k):
        """The registers of one fold into one, and its lanes into one number, in pairs."""
        b = self.builder
        values = [b.load(place) for place in self.held[k]]
        while len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=True)
            values = [self._combined(k, x, y) for x, y in pairs]
        (y,) = values
        half = self.width // 2
        while half:
            indices = ir.VectorType(ir.IntType(32), half)
            low, high = (
                b.shuffle_vector(y, y, ir.Constant(indices, list(range(start, start + half))))
                for start in (0, half)
            )
            y = self._combined(k, low, high)
            half //= 2
        return b.extract_element(y, ir.Constant(ir.IntType(32), 0))


def _plain(make, reads, writes, numbers, folds, names):
    """The same as loops, in the order of the elements; sums in float64."""
    given, places = names[:numbers], names[numbers:]
    elements = [
        f"{a}[{o} + r * {t} + j]"
        for a, o, t in zip(places[::3], places[1::3], places[2::3], strict=True)
    ]
    ends = [f"c{k}" for k in range(len(folds))]
    lines = [f"def loop(rows, n, {', '.join(names)}):"]
    for k, what in enumerate(folds):
        lines.append(f"    y{k} = {'0.0' if what == '+' else f'{places[0]}.dtype.type(-inf)'}")
    lines.append("    for r in range(rows):")
    lines.append("        for j in range(n):")
    results = ", ".join([*elements[reads:], *ends])
    lines.append(f"            {results}, = cell({', '.join([*given, *elements[:reads]])})")
    for k, what in enumerate(folds):
        condition = f"if c{k} > y{k}: y{k} = c{k}" if what == ">" else f"y{k} += c{k}"
        lines.append(f"            {condition}")
    if folds:
        lines.append("    return " + ", ".join(f"y{k}" for k in range(len(folds))))
    scope = {"cell": plain(make(exp, plain(_wide))), "inf": math.inf}
    exec("\n".join(lines), scope)
    return plain(scope["loop"], make.__code__.co_firstlineno, make.__module__)


def _wide(x):
    return np.float64(x)
