"""kept_graphs: the graphs of the latest backward passes, for readers that come after them."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.passes import Pass, observe

_FIELDS = ("_a", "_b", "_data", "_inputs", "birth", "saved", "seal", "static")
"""What backward() releases of a node, and what an optimizer changes of a leaf."""

LATEST = 4
"""Passes whose graphs are kept: of the last step, also where it runs several, as a GAN's does."""


class Kept:
    """The graph behind some roots, as it is now, such as when a backward pass begins."""

    def __init__(self, roots: Sequence[Node]) -> None:
        self.root = roots[0]
        self.fields: dict[Node, tuple[Any, ...]] = {}
        self.arrays: dict[int, tuple[Any, Any]] = {}  # leaf's or constant array, and its elements
        stack: list[Any] = list(roots)
        while stack:
            x = stack.pop()
            if isinstance(x, np.ndarray) and id(x) not in self.arrays:
                self.arrays[id(x)] = x, x.copy()
            if not isinstance(x, Node) or x in self.fields:
                continue
            self.fields[x] = tuple(getattr(x, field) for field in _FIELDS)
            stack += x.inputs if x.op is not None else (x._data,)

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Within the block, the graph is as it was, whatever was released or written since."""
        now = [(x, tuple(getattr(x, field) for field in _FIELDS)) for x in self.fields]
        arrays = [pair for pair in self.arrays.values() if pair[0].flags.writeable]
        changed = [(array, array.copy()) for array, _ in arrays]
        try:
            _put(self.fields.items(), arrays)
            yield
        finally:
            _put(now, changed)


def _put(nodes: Any, arrays: Any) -> None:
    for array, elements in arrays:
        array[...] = elements
    for x, values in nodes:
        for field, value in zip(_FIELDS, values, strict=True):
            setattr(x, field, value)


@contextlib.contextmanager
def kept_graphs() -> Iterator[deque[Kept]]:
    """Within the block, keep the graphs of the latest calls of `backward`, which releases them.

    Examples
    --------
    >>> from autograd import Value, play
    >>> from autograd.viz.kept import kept_graphs
    >>> x = Value(3.0)
    >>> with kept_graphs() as kept:
    ...     loss = x * x
    ...     loss.backward()
    >>> with kept[-1].restored():
    ...     play(loss)
    <Player of 2 nodes; .save('page.html'), .html()>
    """
    kept: deque[Kept] = deque(maxlen=LATEST)

    def on_pass(begun: Pass) -> None:
        if begun.deposits and not begun.stop:
            kept.append(Kept(begun.roots))

    with observe(on_pass):
        yield kept
