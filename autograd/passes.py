"""The one seam of the engine: a backward pass, seen while it runs.

Readers work on finished graphs. What shows only during a pass, such as the gradient of a node
before its op runs, or a pass that other code starts, comes through a `Watch` or within `observe`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

from autograd.node import Node

Watch = Callable[[Node, Any], None]
"""``watch(v, g)``: the gradient g of v is complete. It is called for a recorded node before the
node's op runs its vjps, for a leaf as soon as the last of its users has run. g belongs to the
pass: copy it to keep it."""


class Pass(NamedTuple):
    """A backward pass that begins."""

    roots: Sequence[Node]  # where it starts
    stop: Collection[Node]  # nodes that it treats as leaves; not empty in a pass within another
    deposits: bool  # whether it adds to the `.grad` of leaves
    unreached: Mapping[Node, Any]  # where the gradient of the watched node is structurally 0


_observer: ContextVar[Callable[[Pass], Watch | None] | None] = ContextVar("observer", default=None)


@contextlib.contextmanager
def observe(on_pass: Callable[[Pass], Watch | None]) -> Iterator[None]:
    """Within the block, call a function as each backward pass of this thread or task begins.

    This is the only way to see a pass that other code starts. An observer that raises ends the
    pass; the graph stays whole and every `.grad` unchanged.

    Parameters
    ----------
    on_pass : called with the `Pass`; returns the `Watch` for it, or None. It is also called for a
        pass within another, such as one that differentiates a kernel's reference.

    Examples
    --------
    >>> from autograd import Value
    >>> from autograd.passes import observe
    >>> x = Value(3.0, name="x")
    >>> def on_pass(begun):
    ...     return lambda v, g: print(v.name or v.op.name, g)
    >>> with observe(on_pass):
    ...     (x * x).backward()
    multiply 1.0
    x 6.0
    """
    token = _observer.set(on_pass)
    try:
        yield
    finally:
        _observer.reset(token)


class Watching:
    """Calls watches for each node before its op runs, and for each leaf after its last user."""

    def __init__(
        self,
        watches: Sequence[Watch],
        order: Sequence[Node],
        leaves: dict[Node, None],
        grads: dict[Node, Any],
    ) -> None:
        self.watches, self.grads, self.left = watches, grads, leaves.copy()
        self.after: dict[Node, list[Node]] = {}
        self.complete: Iterable[Node] = ()
        seen = set()
        for v in order:  # whose first node is the last to run backward
            for x in v.inputs:
                if isinstance(x, Node) and x in leaves and x not in seen:
                    seen.add(x)
                    self.after.setdefault(v, []).append(x)

    def __call__(self, v: Node, g: Any) -> None:
        self._tell(self.complete)
        for watch in self.watches:
            watch(v, g)
        self.complete = self.after.get(v, ())

    def end(self) -> None:
        """The pass is over: call the watches for the remaining leaves."""
        self._tell([*self.left])

    def _tell(self, leaves: Iterable[Node]) -> None:
        for leaf in leaves:
            del self.left[leaf]
            if leaf in self.grads:
                for watch in self.watches:
                    watch(leaf, self.grads[leaf])


def watching(
    begun: Pass,
    watches: list[Watch | None],
    order: Sequence[Node],
    leaves: dict[Node, None],
    grads: dict[Node, Any],
) -> Watching | None:
    """The watches of a pass, that of the observer included; None without any."""
    on_pass = _observer.get()
    if on_pass is not None:
        watches = [*watches, on_pass(begun)]
    found = [watch for watch in watches if watch is not None]
    return Watching(found, order, leaves, grads) if found else None
