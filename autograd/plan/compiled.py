"""compile: a function of arrays, recorded once and replayed as a plan."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd.node import Node, tick
from autograd.plan.files import load
from autograd.plan.guards import Chance, Guards
from autograd.plan.lowering import Lowering, RefusalError
from autograd.plan.memory import Memory
from autograd.plan.schedule import Loop, Schedule
from autograd.plan.source import Written
from autograd.plan.terms import Product, Source, Term
from autograd.stale import fingerprint
from autograd.tape import EscapeError, taped
from autograd.value import Value

Function = Callable[..., Any]

MOST = 8
"""Plans that a function may have."""

ROUNDING = 2_000
"""How many units in the last place of its largest element a plan's result may be off eager's."""


class Plan:
    """One recording of a function, compiled.

    Attributes
    ----------
    source : the text of the file that was compiled.
    path : where that file is; None where no folder can be written to.
    bytes : size of the memory that results share.
    guards : what the recording depended on.
    """

    def __init__(self, function: Function, given: _Arguments) -> None:
        self.guards = Guards(function)
        eager = function(*given.args, **given.kwargs)
        chance = Chance(self.guards)
        other, also_eager = _second(function, given)
        first, second = _Recording(function, given), _Recording(function, other)
        chance.refuse()
        first.compare(second)
        self.sources, self.constants, self.parameters = first.names, first.constants, first.leaves
        self.prints = [fingerprint(c) for c in self.constants]
        self.layout, self._delicate = first.result, first.delicate
        written = first.written
        self.source = written.text
        self.bytes, self.asked = first.schedule.bytes, first.schedule.asked
        module = load(self.source)
        self.path = getattr(module, "__file__", None)
        self._run, self._calls = module.run, written.calls
        self._views = written.views
        self._free: list[Memory] = []
        self._held: list[tuple[Any, Any]] = [(None, None)] * len(self.parameters)
        self.check(given, eager)
        self.check(other, also_eager)
        self.kinds = _kinds(eager)

    # -- calls

    def broken(self) -> str | None:
        """Why the plan does not hold any more; None if it does."""
        for p, shape, dtype in self.parameters:
            if p._data.shape != shape or p._data.dtype != dtype:
                return f"the Value {p.name or ''} has another shape or dtype"
        for c, before in zip(self.constants, self.prints, strict=True):
            if fingerprint(c) != before:
                return f"a constant array of shape {c.shape} was written to"
        return self.guards.broken()

    def arrays(self, leaves: Sequence[Any]) -> list[Any]:
        """The results on these arguments, as new arrays."""
        given = [np.ascontiguousarray(x).reshape(-1) for x in leaves]
        for i, (p, _, _) in enumerate(self.parameters):
            data = p._data
            if self._held[i][0] is not data:
                flat = np.ascontiguousarray(data).reshape(-1)
                if not np.may_share_memory(flat, data):
                    given.append(flat)
                    continue
                self._held[i] = data, flat
            given.append(self._held[i][1])
        given += [c.reshape(-1) for c in self.constants]
        try:
            memory = self._free.pop()
        except IndexError:
            memory = Memory(self.bytes, self._views)
        try:
            with np.errstate(all="ignore"):
                return list(self._run(memory, self._calls, *given))
        finally:
            self._free.append(memory)

    def __call__(self, given: _Arguments) -> Any:
        """What the function returns."""
        found = self.arrays(given.leaves)
        if self._delicate and not all(np.isfinite(x).all() for x in found):
            return None
        return self.rebuilt(found)

    def rebuilt(self, found: list[Any]) -> Any:
        """The arrays in the structure that the function returns."""
        rest = iter(found)
        return _mapped_pair(self.layout, self.kinds, rest)

    def check(self, given: _Arguments, eager: Any) -> None:
        """Raise unless the plan gives eager's result, but for rounding."""
        found = iter(self.arrays(given.leaves))
        for name, wanted in _flat(eager, "the result"):
            if not isinstance(wanted, (Node, np.ndarray, np.generic, float)):
                continue
            y = np.asarray(wanted._data if isinstance(wanted, Node) else wanted)
            x = next(found)
            if not _agree(x, y):
                if self._delicate and not np.isfinite(x).all():
                    continue  # such a call is left to eager
                raise RefusalError(
                    f"compile: the plan differs from an eager call in {name}, by up to "
                    f"{np.nanmax(np.abs(x - y)):.3g}; please report it. Nothing was compiled."
                )


class _Arguments:
    """The arguments of a call: arrays and numbers that vary, and all else.

    Attributes
    ----------
    leaves : the arrays, Python floats as arrays of no axes unless `fixed`.
    key : what a plan holds for: structure, shapes, dtypes, and the values of all else.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], fixed: bool = False) -> None:
        self.args, self.kwargs, self.fixed = args, kwargs, fixed
        self.leaves: list[Any] = []
        self._floats: list[int] = []
        key = self._key((args, kwargs), "")
        kinds = {x.dtype for x in self.leaves if x.dtype.kind == "f"} - {None}
        if self._floats:
            arrays = {
                x.dtype
                for i, x in enumerate(self.leaves)
                if i not in self._floats and x.dtype.kind == "f"
            }
            dtype = max(arrays, key=lambda kind: kind.itemsize) if arrays else np.dtype(float)
            for i in self._floats:
                self.leaves[i] = self.leaves[i].astype(dtype)
            key = (key, dtype.char)
        self.key = key, len(kinds)

    @property
    def has_floats(self) -> bool:
        """Whether a Python float varies."""
        return bool(self._floats)

    def _key(self, x: Any, where: str) -> Any:
        if isinstance(x, dict):
            return dict, tuple((k, self._key(part, f"{where}[{k!r}]")) for k, part in x.items())
        if isinstance(x, (list, tuple)):
            return type(x), tuple(self._key(part, f"{where}[{i}]") for i, part in enumerate(x))
        if isinstance(x, Value):
            raise TypeError(
                f"compile: argument {where} is a Value; a compiled function takes arrays and "
                "numbers. Pass v.data; parameters it finds by itself."
            )
        if type(x) is float and not self.fixed:
            self._floats.append(len(self.leaves))
            self.leaves.append(np.asarray(x))
            return float
        if isinstance(x, (np.ndarray, np.generic)):
            array = np.asarray(x)
            if type(x) is not np.ndarray and isinstance(x, np.ndarray):
                raise TypeError(f"compile: argument {where} is a {type(x).__name__}, not an array.")
            if array.dtype.kind not in "fiub":
                raise TypeError(f"compile: argument {where} holds {array.dtype}, not real numbers.")
            self.leaves.append(array)
            return array.shape, array.dtype.char
        if isinstance(x, slice):
            return slice, self._key((x.start, x.stop, x.step), where)
        try:
            hash(x)
        except TypeError:
            raise TypeError(
                f"compile: argument {where} is a {type(x).__name__}; a compiled function takes "
                "arrays, numbers, dicts, lists and tuples of them, and what has a hash."
            ) from None
        return type(x), x

    def with_leaves(self, leaves: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same arguments with other arrays, or Values, in the places of the leaves."""
        rest = iter(leaves)

        def put(x: Any) -> Any:
            if isinstance(x, dict):
                return {k: put(part) for k, part in x.items()}
            if isinstance(x, (list, tuple)):
                parts = [put(part) for part in x]
                return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
            varies = type(x) is float and not self.fixed
            return next(rest) if varies or isinstance(x, (np.ndarray, np.generic)) else x

        args, kwargs = put((self.args, self.kwargs))
        return args, kwargs

    def others(self) -> Iterator[_Arguments]:
        """Arguments of the same shapes with other contents, some of which a function may refuse."""
        for moved, scale in ((1, 0.75), (0, 0.75), (1, 1.0), (0, 1.25)):
            changed = []
            for i, x in enumerate(self.leaves):
                y = np.roll(x.reshape(-1), moved).reshape(x.shape)
                if x.dtype.kind == "f":
                    y = np.asarray(y * y.dtype.type(scale), x.dtype)
                changed.append(float(y) if i in self._floats else y)
            yield _Arguments(*self.with_leaves(changed), self.fixed)


def _second(function: Function, given: _Arguments) -> tuple[_Arguments, Any]:
    """Arguments with other contents, and what an eager call makes of them."""
    for other in given.others():
        try:
            return other, function(*other.args, **other.kwargs)
        except Exception as error:  # what a user's function raises on numbers that it does not like
            problem = error
    raise RefusalError(
        "compile: a plan is tried on arguments like those given with other contents, and all that "
        f"were tried made the function raise: {problem}"
    ) from problem


class _Recording:
    """A function run on a tape, and what was read off it.

    Attributes
    ----------
    names : of arguments, parameters and constants in the plan, in order.
    leaves : the parameters, with shape and dtype.
    constants : arrays that are part of the function.
    result : what it returned, with terms in place of Values.
    delicate : whether 0 · inf may come up, which only an eager call decides.
    """

    def __init__(self, function: Function, given: _Arguments) -> None:
        start = tick()
        with taped() as tape:
            values = []
            for x in given.leaves:
                v = Value(x, requires_grad=False)
                tape.add(v)
                values.append(v)
            args, kwargs = given.with_leaves(values)
            returned = function(*args, **kwargs)
        self.leaves: list[tuple[Any, Any, Any]] = []
        self.constants: list[Any] = []
        self._arguments = {id(v): f"a{i}" for i, v in enumerate(values)}
        self._start = start
        lowering = Lowering(tape, self._source)
        outputs: list[Term] = []
        self.result = self._lowered(returned, lowering, outputs)
        names = [f"a{i}" for i in range(len(values))]
        names += [f"p{i}" for i in range(len(self.leaves))]
        self.names = names + [f"k{i}" for i in range(len(self.constants))]
        self.schedule = Schedule(outputs)
        self.delicate = _is_delicate(lowering.ops)
        self.written = Written(self.schedule, self.names, outputs, self._summary())

    def _source(self, x: Any) -> Term | None:
        if isinstance(x, Node):
            shape, dtype = np.shape(x._data), np.asarray(x._data).dtype
            if id(x) in self._arguments:
                return Source(self._arguments[id(x)], shape, dtype, "argument")
            if x.birth < self._start:
                self.leaves.append((x, shape, dtype))
                return Source(f"p{len(self.leaves) - 1}", shape, dtype, x.name or "parameter")
            return None
        array = np.asarray(x, order="C")
        self.constants.append(array)
        return Source(f"k{len(self.constants) - 1}", array.shape, array.dtype, "constant")

    def _lowered(self, x: Any, lowering: Lowering, outputs: list[Term]) -> Any:
        if isinstance(x, dict):
            return {k: self._lowered(part, lowering, outputs) for k, part in x.items()}
        if isinstance(x, (list, tuple)):
            parts = [self._lowered(part, lowering, outputs) for part in x]
            return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
        if isinstance(x, (Node, np.ndarray, np.generic, float)):
            term = lowering.array(x)
            outputs.append(term)
            return term
        return x

    def _summary(self) -> str:
        steps = self.schedule.steps
        loops = [step for step in steps if isinstance(step, Loop)]
        return (
            f"{sum(len(loop.maps) for loop in loops)} maps over elements in {len(loops)} loops, "
            f"{sum(isinstance(step, Product) for step in steps)} products; "
            f"{self.schedule.asked:,} bytes of results in {self.schedule.bytes:,}."
        )

    def compare(self, other: _Recording) -> None:
        """Raise unless another recording, of other numbers, made the same plan."""
        if self.written.text != other.written.text:
            mine, its = (r.written.text.splitlines() for r in (self, other))
            pairs = ((a, b) for a, b in zip(mine, its, strict=False) if a != b)
            a, b = next(pairs, ("a shorter plan", "a longer one"))
            raise RefusalError(
                "compile: what the function computes depends on the numbers it is given, by a way "
                f"that was not recorded: once {a.strip()!r}, once {b.strip()!r}. Use NumPy's "
                "functions on the arguments themselves."
            )
        for c, d in zip(self.constants, other.constants, strict=True):
            if c.tobytes() != d.tobytes():
                raise RefusalError(
                    f"compile: an array of shape {c.shape} that the function computes with depends "
                    "on the numbers it is given, by a way that was not recorded. Use NumPy's "
                    "functions on the arguments themselves."
                )


def _is_delicate(ops: Iterable[Any]) -> bool:
    """Whether one of the ops selects elements and one has an unbounded slope."""
    ops = list(ops)
    masks = any(getattr(op, "masks", False) for op in ops)
    return masks and any(getattr(op, "singular", False) for op in ops)


def _agree(x: Any, y: Any) -> bool:
    """Whether two arrays are equal but for rounding."""
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    odd = ~np.isfinite(y)
    if not np.array_equal(x[odd], y[odd], equal_nan=True):
        return False
    scale = float(np.max(np.abs(y[~odd]), initial=0.0))
    bound = ROUNDING * float(np.finfo(y.dtype).eps) * scale
    return bool(np.all(np.abs(x[~odd] - y[~odd]) <= bound))


def _flat(x: Any, name: str) -> list[tuple[str, Any]]:
    """The leaves of a result with their places in it."""
    if isinstance(x, dict):
        return [leaf for k, part in x.items() for leaf in _flat(part, f"{name}[{k!r}]")]
    if isinstance(x, (list, tuple)):
        return [leaf for i, part in enumerate(x) for leaf in _flat(part, f"{name}[{i}]")]
    return [(name, x)]


def _kinds(x: Any) -> Any:
    """The types of a result's leaves."""
    if isinstance(x, dict):
        return {k: _kinds(part) for k, part in x.items()}
    if isinstance(x, (list, tuple)):
        return [_kinds(part) for part in x]
    return type(x)


def _mapped_pair(layout: Any, kinds: Any, rest: Any) -> Any:
    if isinstance(layout, dict):
        return {k: _mapped_pair(part, kinds[k], rest) for k, part in layout.items()}
    if isinstance(layout, (list, tuple)):
        parts = [_mapped_pair(part, kind, rest) for part, kind in zip(layout, kinds, strict=True)]
        return type(layout)(*parts) if hasattr(layout, "_fields") else type(layout)(parts)
    if not isinstance(layout, Term):
        return layout
    x = next(rest)
    if issubclass(kinds, Value):
        return Value(x, requires_grad=False)
    if issubclass(kinds, float) and not issubclass(kinds, np.generic):
        return float(x)
    return x


class Compiled:
    """A function with its plans; see `compile`.

    Attributes
    ----------
    why : why the last recording was made; None before the first.
    plans : the plans so far.
    """

    def __init__(self, function: Function) -> None:
        if not callable(function):
            raise TypeError(f"compile: takes a function, not {type(function).__name__}.")
        self.function = function
        functools.update_wrapper(self, function)
        self.why: str | None = None
        self._plans: dict[Any, list[Plan]] = {}
        self._reasons: list[str] = []
        self._making = threading.RLock()
        self._fixed = False  # whether floats are part of a plan, and not arguments of it

    @property
    def plans(self) -> list[Plan]:
        """All plans that were made."""
        return [plan for plans in self._plans.values() for plan in plans]

    def __repr__(self) -> str:
        return (
            f"<compiled {getattr(self.function, '__name__', 'function')}: {len(self.plans)} plans>"
        )

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, by a plan."""
        given, plan = self._planned(args, kwargs)
        try:
            found = plan(given)
        except Exception:
            return self.function(*args, **kwargs)  # which raises the error in its own words
        if found is None:
            return self.function(*args, **kwargs)
        if os.environ.get("GLASSGRAD_COMPILE") == "check":
            plan.check(given, self.function(*args, **kwargs))
        return found

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """The plan for these arguments; made if there is none."""
        return self._planned(args, kwargs)[1]

    def _planned(self, args: Any, kwargs: Any) -> tuple[_Arguments, Plan]:
        given = _Arguments(args, kwargs, self._fixed)
        plan = self._fitting(given)
        if plan is None:
            try:
                plan = self._made(given)
            except RefusalError:
                if self._fixed or not given.has_floats:
                    raise
                given = _Arguments(args, kwargs, fixed=True)  # floats such as exponents
                plan = self._made(given)
                self._fixed = True
        return given, plan

    def _fitting(self, given: _Arguments) -> Plan | None:
        for plan in self._plans.get(given.key, ()):
            if plan.broken() is None:
                return plan
        return None

    def _made(self, given: _Arguments) -> Plan:
        with self._making:
            if (plan := self._fitting(given)) is not None:
                return plan  # another thread made it
            known = self._plans.get(given.key, [])
            broken = [plan.broken() for plan in known]
            if not self._plans:
                self.why = "the first call"
            else:
                self.why = broken[-1] if broken else "arguments of other shapes, dtypes or settings"
            self._reasons.append(str(self.why))
            if len(self.plans) >= MOST:
                raise RefusalError(
                    f"compile: {getattr(self.function, '__name__', 'the function')} was recorded "
                    f"{MOST} times: {'; '.join(dict.fromkeys(self._reasons[1:]))}. Pass what keeps "
                    "changing as an array or a float, or compile for each setting apart."
                )
            try:
                plan = Plan(self.function, given)
            except EscapeError as error:
                raise RefusalError(f"compile: {error}") from error
            self._plans.setdefault(given.key, []).append(plan)
            return plan


def compile(function: Function) -> Compiled:
    """Record what a function computes, and replay it as one compiled function.

    The first call with arguments of new shapes or dtypes records the function's ops, writes them as
    loops, products and calls of kernels in one Python file, and compiles that, which takes seconds;
    a later process finds it on disk. Later calls run the compiled code. It gives the numbers of an
    eager call but for rounding, or raises; what the function depends on besides its arguments
    (globals, closures, attributes, modes of modules) is compared before each call.

    Parameters
    ----------
    function : callable
        Of arrays, floats, and nested dicts, lists and tuples of them; may also refer to Values such
        as the parameters of a model, whose data may change. Within it, `autograd.grad` and
        `autograd.value_and_grad` may be called. All other arguments are part of the plan.

    Returns
    -------
    Compiled : called like the function. It returns arrays where the function does, and Values that
        require no gradient where it returns Values. ``.plan(*args).source`` is what was compiled,
        ``.why`` tells why the last recording was made.

    Raises
    ------
    TypeError
        The function does what a recording cannot keep: it branches on numbers, draws random
        numbers, reads the clock or the environment, or calls ``backward()``.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> step = autograd.compile(autograd.value_and_grad(lambda w: np.sum(np.tanh(w) ** 2)))
    >>> y, g = step(np.array([0.5, -1.0]))
    >>> y.round(4), g.round(4)
    (array(0.7936), array([ 0.7268, -0.6397]))
    """
    return Compiled(function)
