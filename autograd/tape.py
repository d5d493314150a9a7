"""Tape: while one is open, every op leaves a node, also where nothing requires a gradient.

So a computation can be read off as a whole afterwards: comparisons, what is computed from integers,
and the backward pass itself. Numbers and plain arrays that leave the graph would be frozen in it,
so whatever hands them out refuses.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd.node import Node


class EscapeError(RuntimeError):
    """Numbers of a Value are wanted as a Python number or a plain array while a tape is open."""


class UndecidedError(FloatingPointError):
    """Whether a gradient is 0 or not finite is for an eager call to decide; nothing has changed."""


class Effect:
    """What a call does besides computing: the op of a node on a tape.

    Effects happen in every later call, in the order in which they were noted.

    Attributes
    ----------
    name : what readers call it.
    writes : the leaves whose data it changes; what is computed afterwards sees the new data.
    """

    scalar = None
    wary = False  # whether a gradient that is not finite may be for an eager call to decide

    def __init__(self, name: str, writes: Sequence[Node] = ()) -> None:
        self.name, self.writes = name, list(writes)

    def changes(self, leaf: Node) -> bool:
        """Whether it writes to this leaf."""
        return any(x is leaf for x in self.writes)

    def keep(self) -> Callable[[], None]:
        """A function that puts back what `forward` is about to change."""
        return _nothing

    def forward(self, *inputs: Any) -> Any:
        """Do it, with the arrays of the node's inputs."""
        raise NotImplementedError


def _nothing() -> None:
    pass


def kept_arrays(arrays: Sequence[Any]) -> Callable[[], None]:
    """A function that gives arrays back the elements that they have now."""
    elements = [x.copy() for x in arrays]

    def restore() -> None:
        for x, before in zip(arrays, elements, strict=True):
            x[...] = before

    return restore


class Tape:
    """The nodes of one recording, found by the arrays that they hold.

    Ops whose arguments are no inputs, such as an index, keep the plain array of a Value; `owner`
    tells which Value that is.

    Attributes
    ----------
    effects : what was done besides computing, in order.
    passed : ids of the nodes of backward passes.
    passing : how many of them run.
    again : whether one was recorded to be differentiated again, so that its nodes are not known.
    added : leaf -> the gradient that backward passes added to what it had before.
    """

    flow: Any = None  # the kind of backward pass that is noted; set where Values are known

    def __init__(self) -> None:
        self.effects: list[Node] = []
        self._owners: dict[int, Node] = {}
        self.passed: set[int] = set()
        self.passing = 0
        self.again = False
        self.added: dict[Node, Any] = {}
        self.nodes: list[Node] = []  # kept, so that no other array gets the id of theirs

    def add(self, v: Node) -> None:
        """Note a node, or an argument of the computation."""
        self._owners[id(v._data)] = v
        self.nodes.append(v)
        if self.passing:
            self.passed.add(id(v))

    def owner(self, array: Any) -> Node | None:
        """The Value whose array this is; None for any other array."""
        return self._owners.get(id(array))

    def owns(self, x: Any) -> bool:
        """Whether one of these arguments is the array of a Value."""
        if isinstance(x, (tuple, list)):
            return any(map(self.owns, x))
        return isinstance(x, np.ndarray) and id(x) in self._owners


OPEN = [0]
"""How many tapes are open, in all threads: a look at it costs less than one at the context."""

_counting = threading.Lock()

_tape: ContextVar[Tape | None] = ContextVar("tape", default=None)


def current() -> Tape | None:
    """The tape that is open in this context."""
    return _tape.get() if OPEN[0] else None


@contextlib.contextmanager
def taped() -> Iterator[Tape]:
    """Open a new tape in this context (thread or task)."""
    tape = Tape()
    token = _tape.set(tape)
    with _counting:
        OPEN[0] += 1
    try:
        yield tape
    finally:
        with _counting:
            OPEN[0] -= 1
        _tape.reset(token)


@contextlib.contextmanager
def untaped() -> Iterator[None]:
    """Within it, nothing is noted: what runs is no part of the computation."""
    token = _tape.set(None)
    try:
        yield
    finally:
        _tape.reset(token)


def refuse(what: str) -> None:
    """Raise if a tape is open: `what` would make numbers of this call part of every later one."""
    if current() is None:
        return
    raise EscapeError(
        f"{what} reads the numbers of a Value while it is recorded; what Python does with them "
        "would be the same in every later call. Use NumPy's functions, such as np.where, or leave "
        "this part out of the compiled function."
    )
