"""Update rules: what one step of an optimizer does to one parameter, and how it is run.

A rule is ``rule(c, p, g, *state)``: constants, elements of a parameter, of its gradient and of its
state. It returns the new elements of the parameter and of the state. Fed arrays it is NumPy code,
and `+=` writes in place; fed numbers it is the body of a compiled loop. Both round the same
operations in the same order, so they give the same bits. To that end constants come in the dtype of
the elements, and no rule computes with a literal of its own.

The order of operations is PyTorch's. Each rule stands beside the optimizer that follows it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from autograd.machine import pool
from autograd.machine.uninterrupted import load
from autograd.machine.workspace import scratch
from autograd.node import Array

PIECE = 8_192  # elements that NumPy takes at a time: they and their state stay in L2
COST = 0.02  # ns a byte that a compiled loop reads, on one core
FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})
"""The dtypes that compiled loops take."""

Rule = Callable[..., tuple[Any, ...]]


def start(c: Any, p: Any, g: Any) -> Any:
    """The gradient to descend along: its sign, and weight decay. All rules begin with it."""
    climb, decay = c
    if climb:
        g = -g
    if decay:
        g = g + decay * p
    return g


def lerp(keep: Any, rise: Any, m: Any, g: Any) -> Any:
    """m moves towards g by the share `rise`; `keep` is the other share."""
    if rise < keep:
        m += rise * (g - m)
    else:
        m = g - keep * (g - m)
    return m


class UpdateRule:
    """A rule that begins with `start`, and that also runs as a compiled loop.

    Its first two constants are those of `start`.

    Parameters
    ----------
    core : ``core(c, p, g, *state)``, the rest of the rule with the rest of the constants. It may
        call functions of numbers such as `lerp`.
    """

    def __init__(self, core: Rule) -> None:
        self.core = core
        functools.update_wrapper(self, core)

    def __call__(self, c: Sequence[Any], p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        return self.core(c[2:], p, start(c[:2], p, g), *state)

    @property
    def loop(self) -> Callable[..., None]:
        """The rule as ``loop(begin, end, c, p, g, *state)``: one pass over memory.

        The loop runs over slices from 0: LLVM does not vectorize where an index may be negative.
        """
        return _compiled(self, "{}", "begin, end, c, {}", "{0} = {0}[begin:end]", "    ")

    @property
    def loops(self) -> Callable[..., None]:
        """The rule as ``loops(begin, end, c, cuts, addresses)``, of many parameters at once.

        Row k of `cuts` is a column of `addresses`, whose rows are p, g and the state, a first
        element and a number of them.
        """
        return _compiled(
            self,
            "{}_of_many",
            "begin, end, c, cuts, addresses",
            "{0} = at(addresses[{1}, cuts[k, 0]], cuts[k, 1], cuts[k, 2], c[0])",
            "    for k in range(begin, end):\n        ",
        )


@functools.cache  # not kept in the rule: what a compiled step changes in objects is state
def _compiled(
    rule: UpdateRule, called: str, parameters: str, array: str, pad: str
) -> Callable[..., None]:
    """A rule's loop under a name of its own in the cache; `array` makes each array."""
    machine = load("autograd.machine.jit")  # Numba starts when the first loop is wanted

    def compiled(function: Any) -> Any:
        """A copy whose own callees are compiled too, for the loop alone."""
        scope = dict(function.__globals__)
        for name in function.__code__.co_names:
            if isinstance(scope.get(name), FunctionType):
                scope[name] = compiled(scope[name])
        return machine.part(FunctionType(function.__code__, scope, function.__name__))

    core: Any = rule.core
    name, (_, *arrays) = called.format(core.__name__), inspect.signature(core).parameters
    state = "".join(f", {a}[i]" for a in arrays[2:])
    lines = [array.format(a, i) for i, a in enumerate(arrays)]
    lines += [
        "for i in range(p.size):",
        f"    p[i]{state}, = core(c[2:], p[i], start(c[:2], p[i], g[i]){state})",
    ]
    margin = " " * len(pad.rpartition("\n")[2])
    source = f"def {name}({parameters.format(', '.join(arrays))}):\n{pad}"
    source += f"\n{margin}".join(lines)
    scope = {"__name__": core.__module__, "start": compiled(start), "core": compiled(core)}
    scope["at"] = load("autograd.machine.addresses").at
    exec(compile(source, core.__code__.co_filename, "exec"), scope)  # cached beside the core
    loop: Callable[..., None] = machine.jit(scope[name])
    return loop


def apply(
    rule: Rule,
    constants: Sequence[float],
    p: Array,
    g: Array,
    state: Sequence[Array],
    compiled: bool,
) -> None:
    """Update p and its state in place.

    Parameters
    ----------
    rule : an `UpdateRule`, or a function like one, which runs as NumPy code.
    constants : its c.
    p, g : a parameter and its gradient, of one shape and any strides.
    state : flat, contiguous, of p's size and dtype.
    compiled : whether to run the compiled loop, which float32 and float64 have; else NumPy.
    """
    c = tuple(map(p.dtype.type, constants))
    data = p.reshape(-1) if p.flags.c_contiguous else _flat(p, "rules.data", p.dtype)
    flags = g.flags
    if flags.c_contiguous and flags.behaved and g.dtype == p.dtype:
        grad = g.reshape(-1)
    else:
        grad = _flat(g, "rules.grad", p.dtype)
    if compiled and p.dtype in FLOATS and isinstance(rule, UpdateRule):
        cost = COST * p.nbytes * (2 + len(state))
        pool.run(rule.loop, data.size, c, data, grad, *state, cost=cost)
    else:
        _by_numpy(rule, c, grad, (data, *state))
    if not p.flags.c_contiguous:
        p[...] = data.reshape(p.shape)


def _by_numpy(rule: Rule, c: tuple[Any, ...], g: Array, arrays: Sequence[Array]) -> None:
    """The rule on arrays, a piece at a time."""
    for begin in range(0, g.size, PIECE):
        part, pieces = g, arrays
        if g.size > PIECE:
            cut = slice(begin, begin + PIECE)
            part, pieces = g[cut], [a[cut] for a in arrays]
        for old, new in zip(pieces, rule(c, pieces[0], part, *pieces[1:]), strict=True):
            if new is not old:
                old[...] = new


def _flat(x: Array, name: str, dtype: np.dtype[Any]) -> Array:
    """A contiguous copy in memory that is used again."""
    buffer: Array = scratch(name, x.size, dtype)
    buffer.reshape(x.shape)[...] = x
    return buffer
