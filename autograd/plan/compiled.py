"""compile: a function of arrays, recorded once and replayed as a plan."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.plan.arguments import Arguments
from autograd.plan.lowering import RefusalError
from autograd.plan.plan import Plan
from autograd.tape import OPEN, EscapeError, current

Function = Callable[..., Any]

MOST = 8
"""Plans that a function may have."""


def _are_floats(args: tuple[Any, ...]) -> bool:
    for x in args:  # noqa: SIM110 - a generator would take three times as long
        if type(x) is not float:
            return False
    return True


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
        functools.update_wrapper(self, function, updated=())
        self.why: str | None = None
        self._plans: dict[Any, list[Plan]] = {}
        self._reasons: list[str] = []
        self._making = threading.RLock()
        self._quick: Any = None  # the latest plan of numbers, without all that arrays need
        self._fixed = False  # whether floats are part of a plan, and not arguments of it

    @property
    def plans(self) -> list[Plan]:
        """All plans that were made."""
        return [plan for plans in self._plans.values() for plan in plans]

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", "function")
        return f"<compiled {name}: {len(self.plans)} plans>"

    def __reduce__(self) -> Any:
        name, where = getattr(self, "__qualname__", ""), sys.modules.get(self.__module__)
        if where is not None and getattr(where, name, None) is self:  # decorated
            return name
        return type(self), (self.function,)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, by a plan."""
        if OPEN[0] and current():  # within another compiled function: a part of that
            return self.function(*args, **kwargs)
        if self._quick is not None and not kwargs:
            one, count, broken, put = self._quick
            if len(args) == count and _are_floats(args) and broken() is None:
                return put(one(*args))
        given = Arguments(args, kwargs, self._fixed)
        plan = self._fitting(given)
        if plan is None:
            plan, new = self._made(given)
            if new:
                return (
                    plan.first if plan.numbers is None else plan.rebuilt(plan.arrays(given.leaves))
                )
        if os.environ.get("GLASSGRAD_COMPILE") == "check":
            return plan.checked(given)
        return plan.called(given)

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """The plan for these arguments; made, by an eager call, if there is none.

        It keeps the arguments, so that `autograd.draw`, `play` and `profile` can read it.
        """
        given = Arguments(args, kwargs, self._fixed)
        plan = self._fitting(given) or self._made(given)[0]
        plan.given = given
        return plan

    def over(self, *arrays: Any) -> Any:
        """The results of a function of floats at many points.

        Parameters
        ----------
        *arrays : array_like, one for each argument of the function; they broadcast.

        Returns
        -------
        What the function returns, with arrays in place of numbers.

        Raises
        ------
        TypeError
            The function computes with more than its floats.

        Examples
        --------
        >>> import autograd, numpy as np
        >>> f = autograd.compile(autograd.value_and_grad(lambda x: x**3))
        >>> f(2.0), f.over(np.array([1.0, 2.0]))
        ((8.0, 12.0), (array([1., 8.]), array([ 3., 12.])))
        """
        points = [np.asarray(x, np.float64) for x in arrays]
        if not all(x.size for x in points):
            raise ValueError("compile: over() needs at least one point.")
        plan = self.plan(*[float(x.flat[0]) for x in points])
        if plan.numbers is None:
            raise TypeError(
                "compile: over() is for functions of floats that compute with nothing else; "
                "give this one arrays."
            )
        return plan.many(plan.numbers.over(points))

    def _fitting(self, given: Arguments) -> Plan | None:
        for plan in self._plans.get(given.key, ()):
            if plan.broken() is None:
                return plan
        return None

    def _made(self, given: Arguments) -> tuple[Plan, bool]:
        """A plan for these arguments, and whether this call made it."""
        with self._making:
            made = self._fitting(given)  # by another thread, in the meantime
            if made is not None:
                return made, False
            known = self._plans.get(given.key, [])
            broken = [reason for plan in known if (reason := plan.broken())]
            if not self._plans:
                self.why = "the first call"
            else:
                self.why = broken[-1] if broken else "arguments of other shapes, dtypes or settings"
            if len(self.plans) >= MOST:
                reasons = "; ".join(dict.fromkeys([*self._reasons[1:], str(self.why)]))
                raise RefusalError(
                    f"compile: {getattr(self.function, '__name__', 'the function')} was recorded "
                    f"{MOST} times: {reasons}. Pass what keeps changing as an array or a float, or "
                    "compile for each setting apart."
                )
            self._reasons.append(str(self.why))
            try:
                plan = Plan(self.function, given)
            except (RefusalError, EscapeError) as error:
                if given.has_floats:  # such as an exponent, or a rate that decides
                    fixed = Arguments(given.args, given.kwargs, fixed=True)
                    plan, given = Plan(self.function, fixed), fixed
                    self._fixed = True
                elif isinstance(error, RefusalError):
                    raise
                else:
                    raise RefusalError(f"compile: {error}") from error
            self._plans.setdefault(given.key, []).append(plan)
            numbers = None if plan.delicate or given.kwargs else plan.numbers
            checks = os.environ.get("GLASSGRAD_COMPILE") == "check"
            if numbers is not None and _are_floats(given.args) and not checks:
                self._quick = numbers.one, len(given.args), plan.broken, plan.put
            return plan, True


def compile(function: Function) -> Compiled:
    """Record what a function computes, and replay it as one compiled function.

    The first call with arguments of new shapes or dtypes is an eager one. It records the function's
    ops, writes them as loops, products and calls of kernels in one Python file, and compiles that,
    which takes seconds; a later process finds it on disk. Later calls run the compiled code. They
    give the numbers of an eager call but for rounding, or raise: each plan is tried on its own and
    on other arguments first, and what the function depends on besides its arguments (globals,
    closures, attributes, modes of modules) is compared before each call.

    Parameters
    ----------
    function : callable
        Of arrays, floats, and nested dicts, lists and tuples of them. It may use Values such as the
        parameters of a model, whose data may change, call `grad`, `value_and_grad` and
        ``backward()``, and step optimizers. Dropout and `default_generator` draw anew in each call,
        from the same stream. All other arguments are part of the plan.

    Returns
    -------
    Compiled : called like the function. It returns arrays where the function does, and Values that
        require no gradient where it returns Values. ``.plan(*args).source`` is what was compiled,
        ``.why`` tells why the last recording was made.

    Raises
    ------
    TypeError
        The function does what a recording cannot keep: it branches on numbers, draws random numbers
        from generators of its own, reads the clock or the environment, or changes what a plan would
        not change.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> step = autograd.compile(autograd.value_and_grad(lambda w: np.sum(np.tanh(w) ** 2)))
    >>> y, g = step(np.array([0.5, -1.0]))
    >>> float(y.round(4)), g.round(4)
    (0.7936, array([ 0.7269, -0.6397]))
    """
    return Compiled(function)
