"""Plan: one recording of a function, compiled and tried."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.plan import results
from autograd.plan.arguments import Arguments
from autograd.plan.files import load
from autograd.plan.guards import Guards
from autograd.plan.lowering import RefusalError
from autograd.plan.memory import Memory
from autograd.plan.recording import Recording
from autograd.plan.state import State
from autograd.tape import EscapeError, UndecidedError

Function = Callable[..., Any]

FAINT = 0.05
"""Gradients this much smaller than the largest may be what rounding left."""


class Plan:
    """One recording of a function, compiled and tried.

    It is tried on the arguments that made it and on others of the same shapes: results, gradients
    and whatever else the function changes must be those of an eager call. Then everything is as if
    there had been that one eager call.

    Attributes
    ----------
    source : the text of the file that was compiled.
    path : where that file is; None where no folder can be written to.
    bytes, asked : size of the memory that results share, and what they would take otherwise.
    first : what the eager call returned.
    given : the arguments with which a user has asked for the plan, for readers.
    """

    given: Arguments | None = None

    def __init__(self, function: Function, given: Arguments) -> None:
        self.function = function
        found = reached(function, given)
        before = State(found.roots, found.places)
        try:
            self.first = function(*given.args, **given.kwargs)
            after = State(found.roots, found.places)
            before.restore()
            other = self._other(given, before)
            mine, its = self._recorded(given, found, before), self._recorded(other, found, before)
            mine.compare(its)
            self._compile(mine)
            self._try(given, self.first, before, after, found)
            also = function(*other.args, **other.kwargs)
            state = State(found.roots, found.places)
            before.restore()
            self._try(other, also, before, state, found)
            _settled(self.first, also)
        except BaseException:
            before.restore()
            raise
        after.restore()
        self.guards = Guards(function, given.settings)
        if self.numbers is not None:
            self.source = self.numbers.source
            self.make = results.mapped(lambda _: float, self.first)
        else:
            self.make = results.mapped(results.maker, self.first)

    def _other(self, given: Arguments, before: State) -> Arguments:
        """Arguments with other contents, which the function takes."""
        problem: Exception | None = None
        for other in given.others():
            try:
                self.function(*other.args, **other.kwargs)
                return other
            except Exception as error:  # what a user's function raises on numbers it does not like
                problem = error
            finally:
                before.restore()
        raise RefusalError(
            "compile: a plan is tried on arguments like those given with other contents, and all "
            f"that were tried made the function raise: {problem}"
        ) from problem

    def _recorded(self, given: Arguments, found: Guards, before: State) -> Recording:
        try:
            return Recording(self.function, given, [x for x, _ in found.roots])
        except (RefusalError, EscapeError):
            raise
        except Exception as error:
            raise RefusalError(
                "compile: recorded, with Values in place of its arguments, the function raised "
                f"{type(error).__name__}: {error} Nothing was compiled."
            ) from error
        finally:
            before.restore()

    def _compile(self, recording: Recording) -> None:
        self.leaves, self.constants = recording.leaves, recording.constants
        self.delicate, self.effects = recording.delicate, recording.effects
        self.fresh, self.doubtful = recording.fresh, recording.doubtful
        self.steps = any(op.writes for op in self.effects)
        self.numbers, self.eps = recording.numbers, recording.eps
        self.source = recording.written.text
        self.summary = recording.summary
        self.bytes, self.asked = recording.schedule.bytes, recording.schedule.asked
        module = load(self.source)
        self.path = getattr(module, "__file__", None)
        self._run, self._calls = module.run, recording.written.calls
        self._views = recording.written.views
        self._free: list[Memory] = []
        self._held: list[tuple[Any, Any]] = [(None, None)] * len(self.leaves)

    def _try(
        self, given: Arguments, eager: Any, before: State, after: State, found: Guards
    ) -> None:
        """Raise unless the plan does what an eager call did; the state is then as before."""
        try:
            arrays = self.arrays(given.leaves)
        except UndecidedError:
            return  # such a call is left to eager
        finally:
            state = State(found.roots, found.places)
            before.restore()
        self.compare(arrays, eager)
        scale = after.largest_gradient()

        def alike(a: Any, b: Any) -> bool:
            return results.agree(a, b, FAINT * scale, self.eps)

        where = after.difference(state, alike)
        if where is not None:
            raise RefusalError(
                f"compile: an eager call changes {where}, and a plan would not, or otherwise. "
                "Leave this out of the compiled function. Nothing was compiled."
            )

    def __repr__(self) -> str:
        return f"<Plan: {self.summary}>"

    # -- calls

    def broken(self) -> str | None:
        """Why the plan does not hold any more; None if it does."""
        for p, shape, dtype in self.leaves:
            if p._data.shape != shape or p._data.dtype != dtype:
                return f"the Value {p.name or ''} has another shape or dtype"
        return self.guards.broken()

    def called(self, given: Arguments) -> Any:
        """What the function returns, by the plan or, where that can't tell, by an eager call."""
        function = functools.partial(self.function, *given.args, **given.kwargs)
        if any(p.grad is not None for p in self.fresh):  # it goes into the step
            return function()
        if not self.delicate:
            try:
                arrays = self.arrays(given.leaves)
            except Exception:
                if self.effects:
                    raise
                return function()  # which raises the error in its own words
            return self.rebuilt(arrays)
        undo = [op.keep() for op in self.effects]
        try:
            arrays = self.arrays(given.leaves)
        except Exception as error:
            if self.effects and not isinstance(error, UndecidedError):
                raise
        else:
            if self.finite(arrays):
                return self.rebuilt(arrays)
            if self.steps:
                raise FloatingPointError(
                    "compile: a result that was computed from gradients is not finite. The "
                    "function selects elements, as np.where does, and only an eager call tells "
                    "which of their gradients are 0. The optimizer's step has been taken already."
                )
        for restore in reversed(undo):
            restore()
        return function()

    def arrays(self, leaves: Sequence[Any]) -> list[Any]:
        """The results on these arguments, as new arrays."""
        if self.numbers is not None:
            return list(map(np.asarray, self.numbers.one(*map(float, leaves))))
        given = self.inputs(leaves)
        try:
            memory = self._free.pop()
        except IndexError:
            memory = Memory(self.bytes, self._views)
        try:
            with np.errstate(all="ignore"):
                return list(self._run(memory, self._calls, *given))
        finally:
            self._free.append(memory)

    def inputs(self, leaves: Sequence[Any]) -> list[Any]:
        """What the compiled file takes: arguments, parameters and constants as flat arrays."""
        given = [np.ascontiguousarray(x).reshape(-1) for x in leaves]
        for i, (p, _, _) in enumerate(self.leaves):
            data = p._data
            if self._held[i][0] is not data:
                flat = np.ascontiguousarray(data).reshape(-1)
                if not np.may_share_memory(flat, data):
                    given.append(flat)
                    continue
                self._held[i] = data, flat
            given.append(self._held[i][1])
        return given + [c.reshape(-1) for c in self.constants]

    def rebuilt(self, arrays: Sequence[Any]) -> Any:
        """The results, as the function returns them."""
        return _rebuilt(self.make, iter(arrays))

    def many(self, arrays: Sequence[Any]) -> Any:
        """The results at many points, in the structure of those at one."""
        return _rebuilt(results.mapped(lambda _: np.asarray, self.first), iter(arrays))

    @functools.cached_property
    def put(self) -> Callable[[Any], Any]:
        """Puts a tuple of numbers into the structure that the function returns."""
        text = _written(self.make, itertools.count())
        found: Callable[[Any], Any] = eval(f"lambda r: {text}") if text else self.rebuilt
        return found

    def checked(self, given: Arguments) -> Any:
        """What an eager call returns; an error if the plan does otherwise."""
        found = reached(self.function, given)
        before = State(found.roots, found.places)
        eager = self.function(*given.args, **given.kwargs)
        after = State(found.roots, found.places)
        before.restore()
        self._try(given, eager, before, after, found)
        after.restore()
        return eager

    def finite(self, arrays: Sequence[Any]) -> bool:
        """Whether no result that a backward pass leads to is NaN or infinite."""
        pairs = zip(arrays, self.doubtful, strict=True)
        return all(bool(np.isfinite(x).all()) for x, doubtful in pairs if doubtful)

    def compare(self, arrays: Sequence[Any], eager: Any) -> None:
        """Raise unless arrays are the results of an eager call, but for rounding."""
        wanted = [(name, np.asarray(_bare(x))) for name, x in results.leaves(eager)]
        if self.delicate and not self.finite(arrays):
            return  # such a call is left to eager
        scale = max((_largest(y) for _, y in wanted), default=0.0)
        for (name, y), x in zip(wanted, arrays, strict=True):
            if self.numbers is not None:
                x = np.asarray(x, y.dtype).reshape(y.shape)
            if not results.agree(x, y, FAINT * scale if y.dtype.kind == "f" else 0.0, self.eps):
                off = np.nanmax(np.abs(np.subtract(x, y))) if x.shape == y.shape else "shape"
                raise RefusalError(
                    f"compile: the plan differs from an eager call in {name}, by up to {off}; "
                    "please report it. Nothing was compiled."
                )


def reached(function: Function, given: Arguments) -> Guards:
    """What a call of a function can reach, its arguments included."""
    found = Guards(function, given.settings)
    found.roots += [(x, f"array {i} of the arguments") for i, x in enumerate(given.leaves)]
    return found


def _settled(one: Any, other: Any) -> None:
    """Raise unless what is not computed in two results is the same."""
    for (name, x), (_, y) in zip(results.settings(one), results.settings(other), strict=True):
        if x is y or (isinstance(x, (int, str, bytes, type)) and type(x) is type(y) and x == y):
            continue
        raise RefusalError(
            f"compile: {name} is a {type(x).__name__}, which may differ in every call; a compiled "
            "function returns arrays, Values and numbers, in dicts, lists and tuples."
        )


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _largest(x: Any) -> float:
    if x.dtype.kind != "f":
        return 0.0
    return float(np.max(np.abs(x[np.isfinite(x)]), initial=0.0))


def _written(make: Any, places: Iterator[int]) -> str:
    """The structure of a result as an expression of the numbers r; "" for other than tuples."""
    if callable(make):
        return f"r[{next(places)}]"
    if type(make) is not tuple or not make:
        return ""
    parts = [_written(part, places) for part in make]
    return f"({', '.join(parts)},)" if all(parts) else ""


def _rebuilt(make: Any, rest: Any) -> Any:
    """The results in the structure of `make`, whose leaves are functions of an array."""
    if isinstance(make, dict):
        return {key: _rebuilt(part, rest) for key, part in make.items()}
    if isinstance(make, (list, tuple)):
        parts = [_rebuilt(part, rest) for part in make]
        return type(make)(*parts) if hasattr(make, "_fields") else type(make)(parts)
    return make(next(rest)) if callable(make) else make
