"""Op: one row of the table, called on arrays, Values or Symbols."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

import numpy as np

from autograd.calls import NUMBERS, binary, bind_methods, general, settled, unary
from autograd.contribution import given
from autograd.dispatch import OPS, Traced, array_of, refuse_subclasses
from autograd.engine import ARRAYS, Flow, add_gradient, arrays_of
from autograd.foreign import foreign, reading
from autograd.node import Array, Node
from autograd.parts import Parts
from autograd.recording import enable_grad, is_recording, no_grad
from autograd.results import UNREAL, constant, is_unreal, note, plain, record
from autograd.signature import signature
from autograd.stale import notice, seals
from autograd.tape import OPEN, EscapeError, Tape, current, untaped
from autograd.value import Value
from autograd.written import Written

Function = Callable[..., Any]
_MISSING = object()
_NUMPYS = {"dim": "axis", "keepdim": "keepdims"}  # PyTorch's word -> NumPy's


class Op(Written):
    r"""A differentiable operation: forward, LaTeX and one vjp per array input.

    The parameters of `forward` are first its array inputs, one for each vjp, then its other
    arguments. A vjp is ordinary NumPy code ``vjp(g, y, *inputs, *others)`` that returns the
    incoming gradient g times the derivative of y with respect to its input; broadcasting is undone
    by the engine. It is written once and used in four ways: on arrays it computes, on Values it
    records (hence derivatives of every order), on Symbols it writes its own formula, on Scripted
    arrays the script by which a page recomputes it.

    Parameters
    ----------
    forward : callable
        A NumPy function, or one of your own made of NumPy functions.
    tex : str or callable
        LaTeX template with the parameters' names in braces; ``{a:2}`` puts brackets around an
        operand that binds more loosely than rank 2. Or a callable of the same parameters that
        returns LaTeX, or one of its inputs.
    *vjps : callable or None
        One for each array input; None where it has no gradient.
    name : str, optional
        By default that of `forward`, without leading underscores.
    rank : int, optional
        Precedence of the LaTeX: 1 sum, 2 product, 3 prefixed function, 4 power, 9 atom. By
        default the lowest precedence among its operands, 2 for ``"{a:2} {b:2}"``.
    of : sequence of callables
        The NumPy functions that it stands for; by default `forward` if it is NumPy's.
    bind : str
        Names of Value methods to provide; ``"__add__ __radd__"`` includes the reflected operator.
    elementwise : bool
        Each element of the output depends only on the elements of the broadcast inputs at the same
        index. A `domain` implies it.
    domain : sequence of callables, optional
        For tests of an elementwise op: the samplers of its inputs, ``f(rng, shape) -> array``.
    cases : sequence of callables, optional
        For tests of any op: samplers of whole calls, ``f(rng) -> (args, kwargs)``.
    singular : bool
        Its slope may be infinite, at a pole or where the input is, so a zero gradient of an element
        that was not selected must not meet it.
    masks : bool
        It selects elements by their values or place, and the others get a gradient of exactly 0
        (`where`, `maximum`, indexing).
    routes : bool
        Each element of an input's gradient is 0 or a sum of positive multiples of elements of g,
        whatever the input's values (`reshape`, `concatenate`, `sum`).
    parts : callable, optional
        For an op that selects: the same as its first vjp, of the same parameters, as a list of
        pairs of numbers and an index. The vjp gives zeros with the numbers added at their index,
        in an array of its own; from the second use of an input on the engine adds them to it.
        It may return None where it has no such index.
    scalar : str or callable, optional
        For compiling an elementwise op: what it computes of single elements, a template like `tex`
        of an expression that Numba takes, ``k(2)`` a constant of their dtype. Or a callable of the
        other arguments that returns it, or None. Without one, `forward` is run to see what it is
        made of.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> cube = autograd.Op(lambda a: a**3, "{a:9}^3", lambda g, y, a: 3 * g * a**2, name="cube")
    >>> x = autograd.Value(2.0)
    >>> cube(x).backward()
    >>> float(x.grad)
    12.0
    >>> cube.formula(0)
    '3 \\, \\bar y \\, a^{2}'
    """

    listed = True  # in ROWS: a row of the op table, not part of the machinery

    def __init__(
        self,
        forward: Function,
        tex: str | Function,
        *vjps: Function | None,
        name: str | None = None,
        rank: int | None = None,
        of: Sequence[Function] | None = None,
        bind: str = "",
        elementwise: bool = False,
        domain: Sequence[Function] | None = None,
        cases: Sequence[Function] | None = None,
        singular: bool = False,
        masks: bool = False,
        routes: bool = False,
        parts: Function | None = None,
        scalar: str | Function | None = None,
    ) -> None:
        self.name = name or str(getattr(forward, "__name__", "op")).lstrip("_")
        self.foreign = foreign(forward)  # one of our own is held to its contract by the tests
        if self.foreign:
            forward = reading(f"{self.name}: forward", forward, range(len(vjps)))
            places = range(2 + len(vjps))
            vjps = tuple([v and reading(f"{self.name}: a vjp", v, places) for v in vjps])
        self.forward, self.tex, self.vjps = forward, tex, vjps
        self.__name__ = self.name
        self.__doc__ = getattr(forward, "__doc__", None) or Op.__doc__
        self._rank = rank
        self.elementwise = elementwise or domain is not None
        self.singular, self.masks, self.routes = singular, masks, routes
        self.parts = parts
        self.domain, self.cases, self.scalar = domain, cases, scalar
        self.trusted = not hasattr(forward, "__code__")  # NumPy's own, or an operator
        self.arity = len(vjps)
        self.parameters, self.defaults, self.positional = signature(forward, self.arity)
        self.named = self.parameters[self.positional :]  # keyword-only arguments of forward
        self.path = self.arity if self.arity == len(self.parameters) and self.arity <= 2 else 0
        if any(vjp is None for vjp in vjps):
            self.path = 0
        own = type(self).pull is Op.pull and type(self).pulled is Op.pulled
        self.alone = own and self.arity == 1 and vjps[0] is not None
        self.call = self._call_path()
        self.call.__name__ = self.call.__qualname__ = self.name
        self.call.__doc__ = self.__doc__
        if hasattr(forward, "__code__"):
            self.__wrapped__ = forward  # help() and inspect show its signature
        is_numpy = (getattr(forward, "__module__", None) or "numpy").startswith("numpy")
        for function in of if of is not None else (forward,) if is_numpy else ():
            OPS[function] = self.call
        bind_methods(self.call, bind)
        if self.listed:
            ROWS.append(self)

    def _call_path(self) -> Function:
        if self.path:
            return (unary, binary)[self.path - 1](self)
        return (settled if self.alone else general)(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the op to arrays, Values or Symbols."""
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    def __reduce__(self) -> Any:
        """A copy is the op itself; a pickle holds its name."""
        return row, (self.name,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """One entry per parameter of forward, defaults filled in; TypeErrors as Python's."""
        if len(args) > self.positional:
            raise TypeError(
                f"{self.name}: takes at most {self.positional} positional arguments "
                f"({', '.join(self.parameters[: self.positional])}), got {len(args)}."
            )
        full = list(args)
        for p in self.parameters[len(args) :]:
            value = kwargs.pop(p, _MISSING) if kwargs else _MISSING
            if value is _MISSING:
                value = self.defaults.get(p, _MISSING)
                if value is _MISSING:
                    raise TypeError(f"{self.name}: missing argument {p!r}.")
            full.append(value)
        for p, value in kwargs.items():
            if p in self.parameters:
                raise TypeError(f"{self.name}: got two values for {p!r}.")
            if value is not None:
                text = f"{self.name}: the argument {p!r} is not supported on a Value; it takes "
                text += f"{', '.join(self.parameters)}."
                if _NUMPYS.get(p) in self.parameters:
                    text += f" Write {_NUMPYS[p]}=."
                raise TypeError(text)
        return full

    def apply(self, inputs: Sequence[Any], static: tuple[Any, ...] = ()) -> Any:
        """Run on inputs of any kind: the general path."""
        arrays: list[Any] = []
        live = traced = unreal = False
        recording = is_recording()
        if OPEN[0] and (tape := current()) is not None:
            inputs = [x if (v := tape.owner(x)) is None else v for x in inputs]
            traced = tape.owns(static)
        for i, x in enumerate(inputs):
            if isinstance(x, Value):
                traced = True
                live = live or (recording and x.requires_grad and self.differentiates(i))
                if x.seal is not None and x.op is None and recording:
                    notice(x)
                array = x._data
                if not (self.elementwise or type(array) is np.ndarray):
                    array = np.asarray(array)
            elif isinstance(x, Traced):
                return x.applied(self, inputs, static)
            else:
                weak = x is None or (self.elementwise and type(x) in NUMBERS)
                if not weak and type(x) is not np.ndarray:
                    if getattr(x, "__array_ufunc__", self) is None:
                        return NotImplemented  # it wants to answer for itself
                    x = array_of(x, self.name)
                array = x
                unreal = unreal or not (weak or x.dtype.kind in "fiub")
            arrays.append(array)
        if self.elementwise and not self.trusted:
            arrays = weaken(arrays)
        constants: list[Array] = []  # arrays that must not change before the backward pass
        if not plain(static):
            unreal = unreal or is_unreal(static)
            static = tuple([self._constant(s, constants) for s in static])
        if unreal and traced:
            self.complain(TypeError(UNREAL), inputs)
        recorded: list[Any] = []
        if live or OPEN[0]:
            for i, x in enumerate(inputs):
                if not isinstance(x, Value):
                    x = arrays[i]
                    if type(x) is np.ndarray:
                        constants.append(x)
                recorded.append(x)
        try:
            y, saved = self._run(arrays, static)
        except (TypeError, ValueError, IndexError) as error:
            self.complain(error, inputs)
        if not traced:
            return y
        if type(y) is np.ndarray or not isinstance(y, (tuple, list)):
            y = np.asarray(y)
            if live and y.dtype.kind == "f":
                return record(self, y, tuple(recorded), static, saved, seals(constants))
            return constant(self, y, tuple(recorded), static, saved)
        return self.several(y, tuple(recorded), static, live, saved, seals(constants))

    def several(
        self,
        y: Any,
        inputs: tuple[Any, ...],
        static: tuple[Any, ...],
        live: bool,
        saved: Any = None,
        seal: Any = None,
    ) -> Any:
        """The outputs of an op that has several, as Values in a sequence of y's type."""
        if not (live or (OPEN[0] and current())):
            return _like(y, [constant(self, part, ()) for part in y])
        node = record(self, tuple(y), inputs, static, saved, seal)
        outputs = [select_output(node, i) for i in range(len(y))]
        return _like(y, outputs if live else list(off_graph(node, outputs)))

    def differentiates(self, i: int) -> bool:
        """Whether input i can get a gradient."""
        return self.vjps[i] is not None

    def _run(self, arrays: Sequence[Any], static: tuple[Any, ...]) -> tuple[Any, Any]:
        return self.computed(arrays, static), None

    def computed(self, arrays: Sequence[Any], static: tuple[Any, ...]) -> Any:
        """The result of forward on array inputs and the other arguments."""
        if not self.named:
            return self.forward(*arrays, *static)
        placed = len(static) - len(self.named)
        named = dict(zip(self.named, static[placed:], strict=True))
        return self.forward(*arrays, *static[:placed], **named)

    def _constant(self, s: Any, arrays: list[Array]) -> Any:
        """A non-array argument with its Values replaced by their data; raises if one is tracked.

        Arrays in it are added to `arrays`.
        """
        if isinstance(s, Value):
            if s.requires_grad:
                raise TypeError(
                    f"{self.name}: no gradient is defined for the argument {s!r}; pass its .data."
                )
            s = s._data
        if type(s) in (tuple, list):
            return type(s)(self._constant(part, arrays) for part in s)
        if type(s) is slice:  # its ends may be arrays of one number
            ends = (s.start, s.stop, s.step)
            return slice(*[end.item() if hasattr(end, "item") else end for end in ends])
        if type(s) is np.ndarray:
            arrays.append(s)
        else:
            refuse_subclasses(s, self.name)
        return s

    def pull(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow = ARRAYS) -> Sequence[Any]:
        """The contribution to each input, of the kind that flows; None where `needs` is false."""
        y, args = flow.read(v)
        parts = tuple(g.get(i) for i in range(len(v._data))) if isinstance(g, dict) else g
        try:
            return self.pulled(parts, needs, y, None, args, v.static)
        except EscapeError:  # on a tape, a vjp that looks at numbers is one call
            if not flow.kernels:
                raise  # it is to be differentiated again
            return Backward(self, needs)(v, g)

    def pulled(
        self, g: Any, needs: Sequence[bool], y: Any, saved: Any, inputs: Sequence[Any], static: Any
    ) -> Sequence[Any]:
        """What the vjps give, of the kind that they are given."""
        return [
            given(self, vjp(g, y, *inputs, *static)) if need and vjp is not None else None
            for vjp, need in zip(self.vjps, needs, strict=True)
        ]

    def pull_parts(self, v: Node, g: Any, flow: Flow = ARRAYS) -> Parts | None:
        """The contribution to the first input as parts of it, where the row tells them."""
        if self.parts is None:
            return None
        y, args = flow.read(v)
        g = tuple([g.get(i) for i in range(len(v._data))]) if isinstance(g, dict) else g
        found = self.parts(g, y, *args, *v.static)
        return None if found is None else Parts(found)

    def samples(
        self, rng: np.random.Generator, shape: tuple[int, ...] = (2, 3)
    ) -> Iterable[tuple[tuple[Any, ...], dict[str, Any]]]:
        """Sample calls for tests, as (args, kwargs)."""
        if self.domain is not None:
            yield tuple(draw(rng, shape) for draw in self.domain), {}
        for case in self.cases or ():
            yield case(rng)

    def input_names(self, n: int) -> list[str]:
        """Names of the n array inputs in errors and formulas."""
        return self.parameters[:n]

    def complain(self, error: Exception, inputs: Sequence[Any]) -> NoReturn:
        """Raise the error again with the op's name and the shapes of its inputs."""
        shapes = ", ".join(
            f"{p} {describe(x)}" for p, x in zip(self.input_names(len(inputs)), inputs, strict=True)
        )
        cause = str(error).removeprefix(f"{self.name}: ").strip().rstrip(".")
        text = f"{self.name}: {cause}. Inputs: {shapes}."
        if "broadcast" in cause:
            text += (
                " Shapes are aligned at the right; each pair of sizes must be equal or hold a 1: "
                "use np.expand_dims or reshape."
            )
        elif "core dimension" in cause:
            text += " a's last axis must equal b's second-to-last axis (or its only axis)."
        kind = type(error)
        if kind.__module__.startswith("numpy") and issubclass(kind, TypeError):
            kind = TypeError
        raised = kind(text)
        vars(raised)["inputs"] = tuple(inputs)  # `detect_anomaly` says where they were made
        raise raised from error


ROWS: list[Op] = []
"""Every op, in the order of definition; tests, documentation and drawings read it."""


def row(name: str) -> Op:
    """The op of that name, defined last; a module that holds one unpickles it so."""
    for op in reversed(ROWS):
        if op.name == name:
            return op
    raise LookupError(f"There is no op {name!r}: import the module that defines it first.")


elementwise = functools.partial(Op, elementwise=True)
"""An `Op` whose output elements depend only on the input elements at the same index."""


class Recorded(Flow):
    """Values flow: the vjps are recorded, so the gradient can be differentiated again."""

    kernels = in_place = False
    scatter_all: Any = None  # the op that adds up parts; set where it is defined

    def add(self, grads: dict[Node, Any], x: Node, gx: Any) -> None:
        """Add a contribution; parts of x wait for the others, so that one op adds up all."""
        if type(gx) is not Parts:
            add_gradient(grads, x, gx)
        elif gx:
            self.unfinished.setdefault(x, Parts()).extend(gx)

    def finished(self, x: Node, g: Any) -> Any:
        """The gradient of x together with the parts that wait."""
        arrays, indices = zip(*self.unfinished.pop(x), strict=True)
        return g + self.scatter_all.call(arrays, indices, x._data.shape)

    def read(self, v: Node) -> tuple[Any, tuple[Any, ...]]:
        """The result of v and its inputs, as Values."""
        y: Any = v
        if type(v._data) is tuple:
            y = tuple(select_output(v, i) for i in range(len(v._data)))
        return self._checked(v, y, v.inputs) if self.stale else (y, v.inputs)

    def mode(self) -> AbstractContextManager[None]:
        """Ops record."""
        if OPEN[0] and (tape := current()) is not None:
            tape.again = True
        return enable_grad()


def weaken(xs: list[Any]) -> list[Any]:
    """Turn Python numbers among arrays into arrays of the dtype that NumPy gives the result."""
    if not any(type(x) in (float, int) for x in xs):
        return xs
    dtype = np.result_type(*xs)
    return [np.asarray(x, dtype) if type(x) in (float, int) else x for x in xs]


def _like(y: Any, parts: list[Any]) -> Any:
    """The parts as a sequence of y's type, a named tuple included."""
    return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)


def describe(x: Any) -> str:
    """Shape and dtype of an input, for an error."""
    a = x._data if isinstance(x, Node) else x
    if isinstance(a, np.ndarray):
        return f"{a.shape} {a.dtype}"
    return f"{a!r}" if isinstance(a, (int, float)) else type(a).__name__


def tex_name(name: str) -> str:
    """A name as LaTeX text."""
    return name.replace("_", r"\_")


class Taped(Recorded):
    """Values flow while a tape is open, untracked: the vjps are noted, and kernels run."""

    kernels = True

    def read(self, v: Node) -> tuple[Any, tuple[Any, ...]]:
        """The result of v and its inputs, as Values."""
        y, args = super().read(v)
        for part in y if type(y) is tuple else ():
            off_graph(part, ())
        return y, args

    @contextmanager
    def mode(self) -> Iterator[None]:
        """Nothing requires a gradient, and the tape knows that a pass runs."""
        tape = current()
        assert tape is not None
        tape.passing += 1
        try:
            with no_grad():
                yield
        finally:
            tape.passing -= 1


Tape.flow = Taped


class Whole:
    """A function of arrays that is called as it is, as the op of a node on a tape."""

    scalar = None

    def __init__(self, name: str, forward: Function) -> None:
        self.name, self.forward = name, forward

    def __call__(self, *inputs: Any) -> Sequence[Value]:
        """The arrays that it returns, as Values."""
        with untaped():
            y = self.forward(*[x._data if isinstance(x, Node) else x for x in inputs])
        node = record(self, tuple(y), inputs)
        return off_graph(node, [select_output(node, i) for i in range(len(y))])


def off_graph(node: Value, outputs: Sequence[Value]) -> Sequence[Value]:
    """The outputs, which like their node are no part of a graph but only of a tape."""
    for v in (node, *outputs):
        v.requires_grad = False
        note(v, v.op, v.inputs, v.static, v.saved)
    return outputs


class Backward:
    """All vjps of an op at once, as the op of a node on a tape: a call with arrays.

    The node's inputs are the result of the op, the parts of its gradient, and its inputs.
    """

    def __init__(self, of: Op, needs: Sequence[bool]) -> None:
        self.name = f"{of.name}.grad"
        self.of, self.needs = of, list(needs)

    def __call__(self, v: Node, g: Any) -> list[Any]:
        """What the vjps give, as Values; None for an input that needs no gradient."""
        parts = tuple(g.get(i) for i in range(len(v._data))) if isinstance(g, dict) else (g,)
        bare = tuple(x._data if isinstance(x, Node) else x for x in parts)
        with untaped():
            found = self.computed(
                v._data, v.saved, bare, arrays_of(v.inputs, self.of.elementwise), v.static
            )
        node = record(self, tuple(found), (v, *parts, *v.inputs), v.static)
        outputs = [select_output(node, i) for i, need in enumerate(self.needs) if need]
        rest = iter(off_graph(node, outputs))
        return [next(rest) if need else None for need in self.needs]

    def computed(
        self, y: Any, saved: Any, parts: tuple[Any, ...], inputs: Sequence[Any], static: Any
    ) -> Sequence[Any]:
        """The gradients, from arrays."""
        g = parts if type(y) is tuple else parts[0]
        return self.of.pulled(g, self.needs, y, saved, inputs, static)


class _Select(Op):
    """Output i of a node with several."""

    listed = False

    def pull(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow = ARRAYS) -> Sequence[Any]:
        return [{v.static[0]: g}]


SELECT = _Select(
    lambda node, i: node[i], "{node}_{{{i}}}", lambda g, y, node, i: g, name="output", routes=True
)


def select_output(node: Node, i: int) -> Value:
    """Output i of a node with several, as a Value."""
    return record(SELECT, node._data[i], (node,), (i,))
