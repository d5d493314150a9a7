"""Source: the steps of a plan as a Python file: loops that Numba compiles, and what calls them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.op import Backward, Op
from autograd.plan.schedule import Loop, Schedule, Step
from autograd.plan.terms import (
    Call,
    Fold,
    Map,
    Number,
    Part,
    Product,
    Source,
    Term,
    View,
    contiguous_strides,
    same_order,
    terms_in,
    whole,
)

LARGE = 65_536
"""Elements from which a loop is shared out over the pool."""

LARGE_PRODUCT = 4e6
"""Multiplications from which a product is."""

PACE = 0.15
"""ns that an element of an expression takes, roughly."""

LONGEST = 300
"""Lines of a function from which the next steps go into another: compilers take longer than in
proportion to its length."""

HEADER = '''"""A compiled plan, written by glassgrad; safe to delete.

{summary}
"""

import numpy as np

from autograd.machine.elementary import (
    erf, exp, gelu, gelu_slope, gelu_tanh, gelu_tanh_slope, larger, log, sigmoid, silu, silu_slope,
    softplus, tanh,
)
from autograd.machine.jit import jit
from autograd.machine.matmul import product
from autograd.machine.sums import total

b1, i4, i8, f4, f8, U = np.bool_, np.int32, np.int64, np.float32, np.float64, np.uintp
'''

_NAMES = {"?": "b1", "i": "i4", "l": "i8", "q": "i8", "f": "f4", "d": "f8"}
_BOOL: Any = np.dtype(bool)
_CONSTANT = re.compile(r"\bk\(")


class Written:
    """A plan as source.

    Parameters
    ----------
    schedule : its steps.
    sources : the names of arguments, parameters and constants, in order.
    outputs : the terms that it returns.
    summary : what the file says of itself.
    apart : whether each step is a function of its own, after which the driver calls ``m.after``
        with the step's number and results.

    Attributes
    ----------
    text : the file.
    lines : for each step the first of its lines in the text, from 1, and the last.
    calls : what the steps call from Python, by the number in their names.
    views : (dtype, shape, strides, offset) of the arrays in shared memory that calls are given.
    """

    def __init__(
        self,
        schedule: Schedule,
        sources: Sequence[str],
        outputs: Sequence[Term],
        summary: str,
        apart: bool = False,
    ) -> None:
        self.schedule = schedule
        self.calls: list[Any] = []
        self.views: list[tuple[str, tuple[int, ...], tuple[int, ...], int]] = []
        self._functions: list[str] = []
        self._driver: list[str] = []
        self._lines: list[str] = []  # of the function that is being written
        self._used: dict[str, None] = {}  # names that it reads
        self._numbers: dict[int, int] = {}  # id of a call -> its number
        spans: list[tuple[int, int, int]] = []  # function, -1 for the driver; first, end
        for i, step in enumerate(schedule.steps):
            spans.append(self._step(step))
            if apart or len(self._lines) > LONGEST:
                self._flush()
            if apart:
                made = ", ".join(map(self._array, schedule.results(i)))
                self._driver.append(f"m.after({i}, [{made}])")
        self._flush()
        results = ", ".join(f"{self._array(term)}.copy()" for term in outputs)
        names = ", ".join(["m", "c", *sources])
        driver = [f"def run({names}):", *(f"    {line}" for line in self._driver)]
        driver.append(f"    return ({results},)" if outputs else "    return ()")
        parts = [HEADER.format(summary=summary), *self._functions, "\n".join(driver) + "\n"]
        self.text = "\n\n".join(parts)
        starts = [1]
        for part in parts:
            starts.append(starts[-1] + part.count("\n") + 2)
        self.lines = []
        for function, first, end in spans:
            # above the lines of a function are its decorator and its head, in the driver a head
            above = starts[-2] + 1 if function < 0 else starts[function + 1] + 2
            self.lines.append((above + first, above + end - 1))

    # -- steps

    def _step(self, step: Step) -> tuple[int, int, int]:
        """Write a step; return its function, -1 for the driver, with first line and end."""
        large = step if isinstance(step, Product) and _work(step) > LARGE_PRODUCT else None
        shared = step if isinstance(step, Loop) and math.prod(step.shape) >= LARGE else None
        if large or shared or isinstance(step, Call):
            self._flush()
        if large or isinstance(step, Call):
            first = len(self._driver)
            if isinstance(step, Call):
                self._call(step)
            elif large:
                a, b = (self._array(x) for x in large.args)
                self._driver.append(f"m.matmul({a}, {b}, out={self._array(large)})")
            return -1, first, len(self._driver)
        function, first, rows = len(self._functions), len(self._lines), 0
        if isinstance(step, Product):
            self._product(step)
        elif isinstance(step, Fold):
            self._fold(step)
        else:
            rows = self._loop(step, shared is not None)
        end = len(self._lines)
        if shared:
            weight = sum(_weight(term) for term in shared.maps)
            self._flush((rows, PACE * math.prod(shared.shape) * weight))
        return function, first, end

    def _flush(self, shared: tuple[int, float] | None = None) -> None:
        """End the function that is being written, and call it in the driver."""
        if not self._lines:
            return
        name = f"part{len(self._functions)}"
        names = ", ".join(self._used)
        given = ", ".join(self._flat(name) for name in self._used)
        if shared is None:
            self._driver.append(f"{name}({given})")
            head = f"def {name}({names}):"
        else:
            self._driver.append(f"m.share({name}, {shared[0]}, {given}, cost={shared[1]:.0f})")
            head = f"def {name}(begin, end, {names}):"
        self._functions.append("\n".join(["@jit", head, *self._lines]))
        self._lines, self._used = [], {}

    @staticmethod
    def _flat(name: str) -> str:
        """A name of the functions in the driver."""
        if name[:2] == "m_" or name.startswith(("panel_", "origin")):
            return f"m.{name}"
        result = re.fullmatch(r"(s\d+)(?:_(\d+))?", name)
        if result is None:
            return name
        return f"m.flat({result[1]}{f'[{result[2]}]' if result[2] else ''})"

    def _memory(self, term: Term) -> tuple[str, int]:
        """The name of the flat array that holds a term, and where it begins."""
        if isinstance(term, Part):
            number = self._numbers[id(term.call)]
            name = f"s{number}" if term.i is None else f"s{number}_{term.i}"
            self._used[name] = None
            return name, 0
        name, offset = term.place
        if not isinstance(term, Source):
            name = "m_" + _NAMES[name]
        self._used[name] = None
        return name, offset

    # -- loops

    def _loop(self, loop: Loop, shared: bool = False) -> int:
        """Write a loop; return how often its outermost axis goes round."""
        inside = {id(term) for term in loop.maps}
        operands: dict[Any, tuple[View, tuple[int, ...]]] = {}
        for term in loop.maps:
            for arg in term.args:
                if not isinstance(arg, Number) and id(arg) not in inside:
                    operands[_key(arg)] = whole(arg), whole(arg).strides
        own = contiguous_strides(loop.shape)
        axes = _merged(loop.shape, [*(strides for _, strides in operands.values()), own])
        label = ", ".join(term.label for term in loop.maps[:12])
        more = " ..." if len(loop.maps) > 12 else ""
        self._lines.append(f"    # {len(loop.maps)} over {loop.shape}: {label}{more}")
        names: dict[Any, str] = {}
        pad = "    "
        at = list(operands)
        for j, key in enumerate(at):
            view = operands[key][0]
            if all(steps[j] == 0 for _, steps in axes):
                names[key] = f"h{len(names)}_{loop.maps[0].step}"
                array, start = self._memory(view.of)
                self._lines.append(f"{pad}{names[key]} = {array}[U({start + view.offset})]")
        for d, (n, _) in enumerate(axes):
            over = "begin, end" if shared and d == 0 else str(n)
            self._lines.append(f"{pad * (d + 1)}for i{d} in range({over}):")
        inner = pad * (len(axes) + 1)
        values: dict[int, str] = {}
        for term in loop.maps:
            for arg in term.args:
                if isinstance(arg, Number) or id(arg) in inside:
                    continue
                key = _key(arg)
                if key not in names:
                    view = operands[key][0]
                    array, start = self._memory(view.of)
                    steps = [steps[at.index(key)] for _, steps in axes]
                    names[key] = f"x{len(names)}"
                    place = _address(start + view.offset, steps)
                    self._lines.append(f"{inner}{names[key]} = {array}[{place}]")
                values[id(arg)] = names[key]
            text = expression(term, values)
            values[id(term)] = f"v{len(names) + len(values)}"
            self._lines.append(f"{inner}{values[id(term)]} = {text}")
            if term.stored:
                array, start = self._memory(term)
                place = _address(start, [steps[-1] for _, steps in axes])
                self._lines.append(f"{inner}{array}[{place}] = {values[id(term)]}")
        return axes[0][0]

    # -- sums and products

    def _fold(self, fold: Fold) -> None:
        of = whole(fold.args[0])
        array, start = self._memory(of.of)
        start += of.offset
        out, to = self._memory(fold)
        self._lines.append(f"    # {fold.label} of {of.shape} over {fold.axes}")
        kind = _NAMES[fold.dtype.char]
        groups: list[list[Any]] = []  # neighbouring axes that are kept, or that go
        for i, n in enumerate(of.shape):
            gone = i in fold.axes
            if n == 1:
                continue
            if groups and groups[-1][1] is gone:
                groups[-1][0] *= n
            else:
                groups.append([n, gone])
        inner = groups.pop()[0] if groups and groups[-1][1] else 1
        pad = "    "
        if not any(gone for _, gone in groups):  # only the last axes go
            rows = math.prod(n for n, _ in groups)
            row = f"{array}, U({start}) + U(i) * U({inner}), {inner}"
            self._lines.append(f"{pad}for i in range({rows}):")
            if fold.kind == "sum":
                self._lines.append(f"{pad * 2}{out}[U({to}) + U(i)] = total({row})")
                return
            self._lines.append(f"{pad * 2}t = {array}[U({start}) + U(i) * U({inner})]")
            self._lines.append(f"{pad * 2}for j in range(1, {inner}):")
            at = f"{array}[U({start}) + U(i) * U({inner}) + U(j)]"
            self._lines.append(f"{pad * 3}t = {_extreme(fold.kind, 't', at)}")
            self._lines.append(f"{pad * 2}{out}[U({to}) + U(i)] = t")
            return
        groups.append([inner, True])
        wide = "f8" if fold.kind == "sum" else kind
        first = {"sum": "0", "max": "-np.inf", "min": "np.inf"}[fold.kind]
        self._lines.append(f"{pad}t = np.full({max(fold.size, 1)}, {wide}({first}))")
        steps = contiguous_strides([n for n, _ in groups])
        kept = contiguous_strides([1 if gone else n for n, gone in groups])
        for d, (n, _) in enumerate(groups):
            self._lines.append(f"{pad * (d + 1)}for i{d} in range({n}):")
        inside = pad * (len(groups) + 1)
        there = _address(0, [0 if gone else s for (_, gone), s in zip(groups, kept, strict=True)])
        at = f"{array}[{_address(start, steps)}]"
        value = f"t[{there}] + {wide}({at})"
        if fold.kind != "sum":
            value = _extreme(fold.kind, f"t[{there}]", at)
        self._lines.append(f"{inside}t[{there}] = {value}")
        self._lines.append(f"{pad}for i in range({max(fold.size, 1)}):")
        self._lines.append(f"{pad * 2}{out}[U({to}) + U(i)] = {kind}(t[U(i)])")

    def _product(self, step: Product) -> None:
        a, b = (whole(x) for x in step.args)
        rows, columns = step.shape
        char = step.dtype.char
        kind = _NAMES[char]
        parts = []
        for x in (a, b):
            array, start = self._memory(x.of)
            parts.append((f"{array}[{start + x.offset}:]", x.strides))
        (left, (row, inner)), (right, (down, along)) = parts
        out, to = self._memory(step)
        strips = -(-columns // strip_width(step.dtype))
        for name in (f"panel_{char}", "origin"):
            self._used[name] = None
        self._lines += [
            f"    # {step.label}: {a.shape} @ {b.shape}",
            f"    product(0, {strips}, {rows}, {columns}, {a.shape[1]},",
            f"            {left}, origin, {row}, {inner}, {right}, origin, {down}, {along},",
            f"            {out}[{to}:{to + step.size}], {kind}(1), False, False, panel_{char})",
        ]

    # -- calls

    def _call(self, call: Call) -> None:
        number = self._numbers[id(call)] = len(self.calls)
        self.calls.append(call.op)  # replaced below; arguments may take the numbers after it
        inputs = [self._argument(x) for x in call.inputs]
        static = self._literal(call.static)
        op = call.op
        if isinstance(op, Backward):
            y, saved = inputs[0], "None"
            forward = call.inputs[0]
            made = forward.call if isinstance(forward, Part) else forward
            if isinstance(made, Call) and made.op is op.of:
                of = self._numbers[id(made)]
                y, saved = f"s{of}", f"w{of}"
            parts = len(inputs) - 1 - len(op.needs)
            self.calls[number] = op.computed
            line = (
                f"s{number} = c[{number}]({y}, {saved}, {_tuple(inputs[1 : 1 + parts])}, "
                f"{_tuple(inputs[1 + parts :])}, {static})"
            )
        elif isinstance(op, Op):
            self.calls[number] = op._run
            line = f"s{number}, w{number} = c[{number}]({_tuple(inputs)}, {static})"
        else:
            self.calls[number] = op.forward
            keywords = f"**{static}[0]" if call.static else ""
            line = (
                f"s{number} = c[{number}]({', '.join([*inputs, keywords] if keywords else inputs)})"
            )
        self._driver.append(f"{line}  # {call.label}")
        for source, leaf in call.rewritten:
            self.calls.append(leaf)
            at = len(self.calls) - 1
            self._driver.append(f"{source.place[0]} = m.flat(c[{at}]._data)")

    def _argument(self, x: Any) -> str:
        if isinstance(x, Call):
            return f"s{self._numbers[id(x)]}"
        if isinstance(x, Term):
            return self._array(x)
        if isinstance(x, (list, tuple)):
            return _tuple([self._argument(part) for part in x])
        return repr(x)

    def _literal(self, x: Any) -> str:
        """Another argument, with arrays by their terms and objects by their number."""
        if isinstance(x, Term):
            return self._array(x)
        if type(x) is tuple:
            return _tuple([self._literal(part) for part in x])
        if type(x) is list:
            return f"[{', '.join(self._literal(part) for part in x)}]"
        if type(x) is dict and terms_in(x):
            return "{" + ", ".join(f"{k!r}: {self._literal(part)}" for k, part in x.items()) + "}"
        if type(x) in (int, bool, str, type(None)) or (type(x) is float and math.isfinite(x)):
            return repr(x)
        self.calls.append(x)
        return f"c[{len(self.calls) - 1}]"

    def _array(self, term: Term) -> str:
        """An expression for a term as an array of its shape, in the driver."""
        view = whole(term)
        of = view.of
        itemsize = of.dtype.itemsize
        if isinstance(of, Part):
            number = self._numbers[id(of.call)]
            text = f"s{number}" if of.i is None else f"s{number}[{of.i}]"
            if view.shape == of.shape and same_order(
                view.strides, contiguous_strides(of.shape), of.shape
            ):
                return f"m.plain({text})"
            text = f"m.flat({text})"
        elif isinstance(of, Source):
            text = of.place[0]
        else:
            key = (of.dtype.char, view.shape, view.strides, of.place[1] + view.offset)
            if key not in self.views:
                self.views.append(key)
            return f"m.v[{self.views.index(key)}]"
        if view.contiguous and not view.offset and view.size == of.size:
            return f"{text}.reshape({view.shape})"
        strides = tuple(s * itemsize for s in view.strides)
        return (
            f"np.ndarray({view.shape}, {text}.dtype, {text}, {view.offset * itemsize}, {strides})"
        )


def strip_width(dtype: np.dtype[Any]) -> int:
    """Columns of a product that the register tile computes at once."""
    machine: Any = load("autograd.machine.matmul")
    return int(machine._WIDTH[dtype])


def expression(term: Map, names: Mapping[int, str]) -> str:
    """What a map computes of single elements, with the names of those of its arguments, by id."""
    codes = []
    for i, arg in enumerate(term.args):
        kind = _kind(term, i, arg)
        if isinstance(arg, Number):
            codes.append(_number(arg.value, kind))
        else:
            code = names[id(arg)]
            codes.append(code if kind == arg.dtype else _cast(code, kind))
    text = _CONSTANT.sub(f"{_NAMES[term.kind.char]}(", term.template).format(*codes)
    truth = term.dtype == _BOOL and term.template != "{}"  # True + True is 2 in Python
    if truth or term.dtype != term.kind or "np." in text or "**" in text:
        text = _cast(text, term.dtype)
    return text


def _key(arg: Term) -> Any:
    view = whole(arg)
    return id(view.of), view.strides, view.offset


def _kind(term: Map, i: int, arg: Term) -> Any:
    """The dtype in which a map takes an argument: its own, but for conditions."""
    if term.label == "where" and i == 0:
        return _BOOL
    return term.kind


def _cast(code: str, kind: np.dtype[Any]) -> str:
    return f"({code} != 0)" if kind == _BOOL else f"{_NAMES[kind.char]}({code})"


def _number(x: Any, kind: np.dtype[Any]) -> str:
    if kind == _BOOL:
        return repr(bool(x))
    if kind.kind == "i":
        return f"{_NAMES[kind.char]}({int(x)})"
    x = float(x)
    if math.isnan(x):
        return f"{_NAMES[kind.char]}(np.nan)"
    if math.isinf(x):
        return f"{_NAMES[kind.char]}({'-' if x < 0 else ''}np.inf)"
    return f"{_NAMES[kind.char]}({x!r})"


def _extreme(kind: str, a: str, b: str) -> str:
    return f"larger({a}, {b})" if kind == "max" else f"-larger(-{a}, -{b})"


def _work(product: Product) -> int:
    """Multiplications of a product."""
    return product.size * product.args[0].shape[1]


def _weight(term: Map) -> int:
    heavy = ("exp(", "tanh(", "gelu", "sigmoid", "log", "erf(", "silu", "softplus", "np.", "**")
    return 8 if any(word in term.template for word in heavy) else 1


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _address(start: int, steps: Sequence[int]) -> str:
    """The index of an element, from the indices i0, i1, ... of loops."""
    if any(step < 0 for step in steps):
        return " + ".join([str(start), *(f"i{d} * {s}" for d, s in enumerate(steps) if s)])
    terms = [f"U({start})"] if start else []
    for d, step in enumerate(steps):
        if step:
            terms.append(f"U(i{d})" if step == 1 else f"U(i{d}) * U({step})")
    return " + ".join(terms) or "U(0)"


def _merged(
    shape: tuple[int, ...], patterns: Sequence[tuple[int, ...]]
) -> list[tuple[int, list[int]]]:
    """Axes as (size, step of each pattern), neighbours joined where all step evenly through."""
    axes: list[tuple[int, list[int]]] = []
    for i, n in enumerate(shape):
        if n == 1:
            continue
        steps = [pattern[i] for pattern in patterns]
        if axes and all(a == n * b for a, b in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * n, steps)
        else:
            axes.append((n, steps))
    return axes or [(1, [0] * len(patterns))]
