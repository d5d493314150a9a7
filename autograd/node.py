"""Node: a vertex of the graph, and the clock that orders nodes in time."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

epoch = [0]
"""One clock for the whole process; nodes made between two ticks share an epoch. A recorded node
keeps the epoch in which it was made, a leaf that of its last write: a leaf younger than its user
is stale."""

_ticking = threading.Lock()


def tick() -> int:
    """Start a new epoch, younger than every node so far."""
    with _ticking:
        epoch[0] += 1
        return epoch[0]


class Node:
    """A vertex of the graph: an array, the op that made it, and that op's inputs.

    No node points to its users, so a graph has no reference cycles and is freed with its root.
    """

    __slots__ = (
        "_a",
        "_b",
        "_data",
        "_inputs",
        "birth",
        "grad",
        "name",
        "op",
        "requires_grad",
        "saved",
        "scope",
        "seal",
        "static",
    )

    _data: Any  # ndarray; on a result also a NumPy scalar, or a tuple where the op has several
    op: Any  # None on a leaf
    _a: Any  # the input of a unary op, the left one of a binary op
    _b: Any  # the right one
    _inputs: tuple[Any, ...] | None  # of ops of other arities; None saves a GC-tracked object
    static: tuple[Any, ...]  # the op's non-array arguments
    saved: Any  # what a kernel saved for the backward pass
    requires_grad: bool
    grad: Array | None
    name: str | None
    birth: int  # epoch in which it was made; of a leaf, in which it was last written to
    scope: Any  # what made it, for readers: nn.Module stores its calls here
    seal: Any  # how writes are noticed, see stale.py: of a leaf its fingerprint, or None if nobody
    # else has its array; of a node its constants with theirs

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Nodes and constants, as given to the op; () on a leaf or a released node."""
        if self._inputs is None:
            return (self._a,) if self.op.path == 1 else (self._a, self._b)
        return self._inputs
