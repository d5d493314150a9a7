"""Lowering: the nodes of a tape as terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from autograd.contribution import leads_to_steep
from autograd.machine import choice
from autograd.node import Node
from autograd.op import SELECT, Backward, Op
from autograd.parts import is_basic
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
    whole,
)
from autograd.recording import no_grad
from autograd.tape import Effect, EscapeError, Tape, taped, untaped
from autograd.value import Value

_BOOL = np.dtype(bool)

KINDS = frozenset(map(np.dtype, ("bool", "int32", "int64", "float32", "float64")))
"""The dtypes that loops are written for; others are left to calls."""

VIEWS = frozenset(
    {
        *("reshape", "transpose", "broadcast_to", "swapaxes", "moveaxis", "expand_dims"),
        *("squeeze", "flip", "rot90", "diagonal", "getitem"),
    }
)
"""Ops that NumPy may do without computing anything."""

FOLDS = {"sum": "sum", "mean": "sum", "max": "max", "min": "min"}

LONG = 4_096
"""Elements that are added up in a plain loop; longer sums are left to the kernel for them."""

_BITWISE = {"bitwise_and": "({a} and {b})", "bitwise_or": "({a} or {b})", "invert": "(not {a})"}
_BITWISE["bitwise_xor"] = "({a} != {b})"

_UNFIXED = frozenset(["nonzero", "flatnonzero", "argwhere"])


UNREADABLE = (EscapeError, TypeError, ValueError, AttributeError, LookupError, RecursionError)
"""Exceptions of a forward that needs the numbers of its arrays, so that it is called as a whole."""


class RefusalError(TypeError):
    """What was recorded cannot be compiled; the message says why, and what to do."""


class Lowering:
    """Turns nodes into terms, each once.

    Parameters
    ----------
    tape : on which they were recorded.
    source : called with a leaf or a constant array; returns its term, None for a leaf that is made
        within the computation.
    live : ids of arrays that others may write to; they are read in each call.
    """

    def __init__(
        self, tape: Tape, source: Callable[[Any], Source | None], live: Collection[int] = ()
    ) -> None:
        self.tapes, self.source, self.live = [tape], source, live
        self._effects: list[tuple[Effect, int, Call]] = []  # so far, with their time
        self._time = 0  # of the node whose inputs are looked up
        self._terms: dict[int, Term] = {}
        self._leaves: dict[tuple[int, int], Term] = {}
        self._kept: list[Any] = []  # whose ids are keys
        self._equal: dict[Any, Term] = {}
        self.ops: set[Any] = set()  # of the nodes that have a term
        self.eager: dict[int, Any] = {}  # id of a term -> the same of the eager call
        self.steep = False  # whether an op that selects lies between the result and a steep one

    # -- reading nodes

    def owner(self, x: Any) -> Node | None:
        """The node behind an input or an argument of an op."""
        if isinstance(x, Node):
            return x
        if isinstance(x, np.ndarray):
            for tape in self.tapes:
                if (found := tape.owner(x)) is not None:
                    return found
        return None

    def behind(self, v: Node) -> list[Node]:
        """The nodes that v was computed from."""
        found: list[Node] = []

        def visit(x: Any) -> None:
            owner = self.owner(x)
            if owner is not None:
                if owner.op is not None:
                    found.append(owner)
            elif isinstance(x, (tuple, list)):
                for part in x:
                    visit(part)
            elif isinstance(x, dict):
                visit(tuple(x.values()))

        visit(v.inputs)
        visit(v.static)
        return found

    def term(self, x: Any) -> Term:
        """The term of a Value, an array or a number."""
        node = self.owner(x)
        if node is None:
            return self._constant(x)
        if node.op is None:
            return self._terms.get(id(node)) or self._leaf(node)
        stack = [node]
        while stack:  # no recursion: chains are long
            v = stack[-1]
            if id(v) in self._terms:
                stack.pop()
                continue
            missing = [u for u in self.behind(v) if id(u) not in self._terms]
            if missing:
                stack += missing
                continue
            around, self._time = self._time, v.birth
            term = self._terms[id(v)] = self._lowered(v)
            self.eager.setdefault(id(term), v._data)
            self._time = around
            self._kept.append(v)
            stack.pop()
        return self._terms[id(node)]

    def all(self, outputs: Sequence[Any]) -> tuple[list[Term], list[Term]]:
        """The terms of the outputs, and all that must be computed, in order.

        Before an effect that writes to leaves everything is computed that sees them as they were.
        """
        effects = self.tapes[0].effects
        needed: dict[int, Node] = {}
        stack = [node for x in (*outputs, *effects) if (node := self.owner(x)) is not None]
        while stack:
            v = stack.pop()
            if id(v) not in needed and v.op is not None:
                needed[id(v)] = v
                stack += self.behind(v)
        self.steep = any(_meets_steep(v) for v in needed.values())
        order: list[Term] = []
        for v in effects:
            if v.op.writes:
                before = (u for u in needed.values() if u.birth <= v.birth and u is not v)
                order += map(self.term, before)
            order.append(self.term(v))
        self._time = max((v.birth for v in needed.values()), default=0) + 1
        terms = [self.array(x) for x in outputs]
        return terms, [*order, *terms]

    def of_backward(self, x: Any) -> bool:
        """Whether something is computed from the nodes of a backward pass, as far as is known."""
        tape = self.tapes[0]
        seen: set[int] = set()
        stack = [v for v in (self.owner(x),) if v is not None]
        while stack:
            v = stack.pop()
            if tape.again or id(v) in tape.passed:
                return True
            if id(v) not in seen and v.op is not None:
                seen.add(id(v))
                stack += self.behind(v)
        return False

    def _leaf(self, v: Node) -> Term:
        """A leaf, as it is after the last effect that wrote to it before the node at hand."""
        by = [call for op, born, call in self._effects if op.changes(v) and born < self._time]
        key = id(v), len(by)
        if key not in self._leaves:
            source = self.source(v)
            if source is None:
                return self._constant(v._data)
            if by:
                source = Source(f"{source.place[0]}_{len(by)}", source.shape, source.dtype, "")
                source.args = [by[-1]]
                by[-1].rewritten.append((source, v))
            self._leaves[key] = source
        return self._leaves[key]

    def _constant(self, x: Any) -> Term:
        a = np.asarray(x)
        fixed = id(x) not in self.live
        if fixed and a.dtype in KINDS and a.size and (a == a.flat[0]).all():
            return Number(a.flat[0].item(), a.dtype)
        if id(x) not in self._terms:
            term = self.source(a)
            assert term is not None
            self._terms[id(x)] = term
            self._kept.append(x)
        return self._terms[id(x)]

    def array(self, x: Any) -> Term:
        """The term of an input as one that holds memory, or a view of one."""
        term = self.term(x)
        if not isinstance(term, Number):
            return term
        shape = np.shape(_bare(x))
        return self._map("{}", [term], shape, term.dtype, term.dtype, "fill")

    # -- terms

    def _map(
        self, template: str, args: Sequence[Term], shape: Any, dtype: Any, kind: Any, label: str
    ) -> Term:
        given: list[Term] = []
        shape = tuple(shape)
        for arg in args:
            if isinstance(arg, Number) or (isinstance(arg, Map) and arg.shape == shape):
                given.append(arg)
            else:
                given.append(stretched(arg, shape))
        key = (template, tuple(map(_identity, given)), shape, np.dtype(dtype), np.dtype(kind))
        if key not in self._equal:
            self._equal[key] = Map(template, given, shape, dtype, kind, label)
        return self._equal[key]

    def _copied(self, term: Term) -> Term:
        return self._map("{}", [term], term.shape, term.dtype, term.dtype, "copy")

    def _view(self, term: Term, look: Callable[[Any], Any]) -> Term | None:
        """What `look`, such as a transpose, makes of a term, as a view; None if that is a copy."""
        old = whole(term)
        memory = np.empty(max(old.of.size, 1), np.int8)
        end = old.offset + sum((n - 1) * s for n, s in zip(old.shape, old.strides, strict=True))
        if not (0 <= old.offset < memory.size and 0 <= end < memory.size) and old.size:
            return None
        start = memory[old.offset :]
        new = look(np.lib.stride_tricks.as_strided(start, old.shape, old.strides))
        if not (isinstance(new, np.ndarray) and np.may_share_memory(new, memory)):
            return None
        offset = new.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
        return View(old.of, new.shape, new.strides, offset)

    def _lowered(self, v: Node) -> Term:
        """The term of a node whose inputs have theirs."""
        op = v.op
        self.ops.add(op)
        if op is SELECT:
            call = self._terms[id(v.inputs[0])]
            return Part(call, v.static[0], v._data.shape, v._data.dtype)  # type: ignore[arg-type]
        if isinstance(op, Effect):
            call = self._call(v)
            call.args += [before for _, _, before in self._effects[-1:]]
            self._effects.append((op, v.birth, call))
            data = np.asarray(v._data)
            return Part(call, None, data.shape, data.dtype)
        if isinstance(op, Backward) or type(v._data) is tuple:
            return self._call(v)
        data = np.asarray(v._data)
        if data.dtype not in KINDS:
            return self._called(v)
        inputs = [x for x in v.inputs if x is not None]
        if not all(_dtype(x) in KINDS for x in inputs):
            return self._called(v)
        template = scalar_of(op, v)
        if template is not None:
            return self._elementwise(v, template, data)
        if op.name in VIEWS and isinstance(op, Op):
            term = self._viewed(v)
            if term is not None:
                return term
        if op.name in ("astype", "copy"):
            return self._cast(v.inputs[0], data)
        if op.name in FOLDS and isinstance(op, Op):
            term = self._folded(v, data)
            if term is not None:
                return term
        if op.name in ("matmul", "linear", "affine") and isinstance(op, Op):
            term = self._product(v, data)
            if term is not None:
                return term
        if isinstance(op, Op) and op.elementwise and not op.trusted and not op.foreign:
            return self._expanded(v)
        return self._called(v)

    def _elementwise(self, v: Node, template: str, data: Any) -> Term:
        args = [self.term(x) for x in v.inputs]
        if all(isinstance(arg, Number) for arg in args) and data.size:
            first = data.flat[0]
            if (data == first).all():
                return Number(first.item(), data.dtype)
        if v.op.name == "multiply":
            for one, x in (args, args[::-1]):
                same = x.dtype == data.dtype and (isinstance(x, Number) or x.shape == data.shape)
                if isinstance(one, Number) and one.value == 1 and same:
                    return x
        if v.op.name == "power" and isinstance(args[1], Number) and data.dtype.kind == "f":
            times = args[1].value
            if times == 1 and args[0].dtype == data.dtype and args[0].shape == data.shape:
                return args[0]
            if abs(times) in (1, 2, 3, 4, 5):
                template, args = f"({' * '.join(['{0}'] * int(abs(times)))})", args[:1]
                template = f"(k(1) / {template})" if times < 0 else template
        kind = data.dtype
        if kind == _BOOL:
            kind = np.result_type(*[_weak(x) for x in v.inputs])
            kind = np.dtype(np.float64) if kind not in KINDS else kind
        return self._map(template, args, data.shape, data.dtype, kind, v.op.name)

    def _cast(self, x: Any, data: Any) -> Term:
        term = self.term(x)
        if isinstance(term, Number):
            return Number(np.asarray(term.value, data.dtype).item(), data.dtype)
        if term.dtype == data.dtype:
            return term
        return self._map("{}", [term], data.shape, data.dtype, data.dtype, "astype")

    def _viewed(self, v: Node) -> Term | None:
        if v.op.name == "getitem" and not is_basic(v.static[0]):
            return None
        term = self.term(v.inputs[0])
        if isinstance(term, Number):
            return term

        def look(a: Any) -> Any:
            with untaped():
                return v.op.computed([a], v.static)

        found = self._view(term, look)
        if found is None and v.op.name == "reshape":
            found = self._view(self._copied(term), look)
        return found

    def _folded(self, v: Node, data: Any) -> Term | None:
        x = v.inputs[0]
        shape = np.shape(_bare(x))
        axis = v.static[0]
        if axis is None:
            axes = tuple(range(len(shape)))
        else:
            given = axis if isinstance(axis, tuple) else (axis,)
            axes = tuple(sorted({int(k) % max(len(shape), 1) for k in given}))
        count = math.prod(shape[k] for k in axes)
        last = axes == tuple(range(len(shape) - len(axes), len(shape)))
        float_ = data.dtype.kind == "f" and _dtype(x) == data.dtype
        if not count or not float_ or (count > LONG and not last):
            return None
        of = whole(self.array(x))
        if not of.contiguous:
            of = whole(self._copied(of))
        y: Term = Fold(FOLDS[v.op.name], of, axes, v.op.name)
        if v.op.name == "mean":
            n = Number(float(count), data.dtype)
            y = self._map("({} / {})", [y, n], y.shape, y.dtype, y.dtype, "mean")
        return reshaped(y, data.shape)

    def _product(self, v: Node, data: Any) -> Term | None:
        x, w = v.inputs[:2]
        if any(_dtype(u) != data.dtype for u in v.inputs) or data.dtype.kind != "f":
            return None
        if np.shape(_bare(x))[-1:] > (choice.LONG,):
            return None
        a, b = self.array(x), self.array(w)
        if len(a.shape) < 2 or len(b.shape) != 2 or 0 in (*a.shape, *b.shape):
            return None
        left = whole(a)
        if len(a.shape) > 2:
            rows = (math.prod(a.shape[:-1]), a.shape[-1])
            flat = self._view(a, lambda m: m.reshape(rows))
            left = whole(flat or reshaped(self._copied(a), rows))
        right = whole(b)
        if v.op.name != "matmul":
            right = View(right.of, right.shape[::-1], right.strides[::-1], right.offset)
        y: Term = Product(left, right, v.op.name)
        if v.op.name == "affine":
            bias = self.term(v.inputs[2])
            y = self._map("({} + {})", [y, bias], y.shape, y.dtype, y.dtype, "bias")
        return reshaped(y, data.shape)

    def _expanded(self, v: Node) -> Term:
        """An elementwise op by what its forward is made of."""
        with taped() as tape, no_grad():
            args = []
            for x in v.inputs:
                stands = x
                if isinstance(x, Node):
                    stands = Value(np.asarray(x._data), requires_grad=False)
                    stands._data = x._data
                    self._terms[id(stands)] = self.term(x)
                    self._kept.append(stands)
                args.append(stands)
            try:
                with np.errstate(all="ignore"):
                    y = v.op.computed(args, v.static)
            except UNREADABLE:
                return self._called(v)
        if not isinstance(y, Node) or y.op is v.op:
            return self._called(v)
        self.tapes.append(tape)
        term = self.term(y)
        shape, dtype = np.shape(v._data), v._data.dtype
        if isinstance(term, Number):
            return Number(term.value, dtype)
        if term.dtype != dtype:
            term = self._map("{}", [term], shape, dtype, dtype, v.op.name)
        return term

    def _called(self, v: Node) -> Term:
        data = np.asarray(v._data)
        return Part(self._call(v), None, data.shape, data.dtype)

    def _call(self, v: Node) -> Call:
        if v.op.name in _UNFIXED:
            raise RefusalError(
                f"compile: the shape of what numpy.{v.op.name} returns depends on numbers."
            )
        inputs = [self._argument(x) for x in v.inputs]
        static = tuple(self._fixed(v, s) for s in v.static)
        return Call(v.op, inputs, static, v.op.name)

    def _argument(self, x: Any) -> Any:
        """An input of a call: a term for an array, else what it is."""
        if x is None or isinstance(x, (bool, int, float)):
            return x
        if isinstance(x, Node) and type(x._data) is tuple:
            return self._terms[id(x)]
        if isinstance(x, (list, tuple)):
            return type(x)(self._argument(part) for part in x)
        return self.array(x)

    def _fixed(self, v: Node, s: Any) -> Any:
        """Another argument of a call, with terms for the arrays in it."""
        if isinstance(s, (list, tuple)) and not hasattr(s, "_fields"):
            return type(s)(self._fixed(v, part) for part in s)
        if isinstance(s, dict):
            return {key: self._fixed(v, part) for key, part in s.items()}
        if isinstance(s, np.ndarray):
            if s.dtype == bool and self.owner(s) is not None and v.op.name in ("getitem",):
                raise RefusalError(
                    "compile: how many elements a mask selects depends on numbers. Write "
                    "np.where(mask, x, 0) instead of x[mask]."
                )
            return self.array(s)
        return s


def _meets_steep(v: Node) -> bool:
    inputs = [x for x in v.inputs if isinstance(x, Node) and x.requires_grad]
    return bool(getattr(v.op, "masks", False)) and any(map(leads_to_steep, inputs))


def scalar_of(op: Any, v: Node) -> str | None:
    """What an op computes of single elements, with a pair of braces for each input."""
    scalar = getattr(op, "scalar", None)
    if scalar is None and op.name in _BITWISE and all(_dtype(x) == _BOOL for x in v.inputs):
        scalar = _BITWISE[op.name]
    if callable(scalar):
        scalar = scalar(*v.static)
    if not scalar or (not isinstance(op, Op) and any(v.static)):  # a function's keywords
        return None
    names = op.parameters[: op.arity] if isinstance(op, Op) else "abc"[: len(v.inputs)]
    braces = {name: "{" + str(i) + "}" for i, name in enumerate(names)}
    text: str = scalar.format(**braces)
    return text


def stretched(term: Term, shape: tuple[int, ...]) -> View:
    """A term broadcast to a shape."""
    old = whole(term)
    lead = len(shape) - len(old.shape)
    pairs = zip(old.shape, old.strides, strict=True)
    strides = (0,) * lead + tuple(0 if n == 1 else s for n, s in pairs)
    return View(old.of, shape, strides, old.offset)


def reshaped(term: Term, shape: Any) -> Term:
    """A contiguous term in another shape of as many elements."""
    shape = tuple(shape)
    if term.shape == shape:
        return term
    old = whole(term)
    return View(old.of, shape, contiguous_strides(shape), old.offset)


def _identity(term: Term) -> Any:
    """What tells two arguments of a map apart."""
    if isinstance(term, Number):
        return repr(term.value), term.dtype
    if isinstance(term, View):
        return id(term.of), term.strides, term.offset
    return id(term)


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _dtype(x: Any) -> Any:
    return np.asarray(_bare(x)).dtype


def _weak(x: Any) -> Any:
    """A number without a dtype of its own, or the dtype of an array."""
    return x if isinstance(x, (bool, int, float)) else _dtype(x)
