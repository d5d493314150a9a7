"""Block: elements of parameters that one update changes together.

A NumPy call costs about 1 µs however short its arrays, and an Adam step is 13 of them. So small
parameters are gathered into one flat block; a large one is a block of its own, taken in pieces that
stay in a core's L2 cache together with their moments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.engine import Array
from autograd.value import Value

PIECE = 1 << 14
"""Elements that are updated at a time."""

SMALL = 1 << 13
"""Parameters of at most this many elements are gathered."""

WORK = 2
"""Work arrays that an update gets."""


class Block:
    """Parameters that are updated together, with their state in flat arrays."""

    __slots__ = ("_data", "_grad", "_views", "_work", "dtype", "members", "names", "state")

    def __init__(
        self, members: list[Value], state: dict[Value, dict[str, Any]], names: tuple[str, ...]
    ) -> None:
        self.members, self.names, self.dtype = members, names, members[0].dtype
        size = sum(p.size for p in members)
        self.state = [np.zeros(size, self.dtype) for _ in names]
        self._work = [np.empty(min(size, max(PIECE, SMALL)), self.dtype) for _ in range(WORK)]
        for name, flat in zip(names, self.state, strict=True):
            for p, view in zip(members, _views(flat, members), strict=True):
                mine = state[p]
                if name in mine:
                    view[...] = mine[name]
                mine[name] = view
        self._data = self._grad = np.empty(0, self.dtype)
        self._views: list[tuple[Array, Array]] = []
        if len(members) > 1:
            self._copy_in_and_out(size)

    def _copy_in_and_out(self, size: int) -> None:
        self._data, self._grad = np.empty(size, self.dtype), np.empty(size, self.dtype)
        views = (_views(flat, self.members) for flat in (self._data, self._grad))
        self._views = list(zip(*views, strict=True))

    def run(self, update: Callable[[Array, Array, list[Array], list[Array]], None]) -> None:
        """Call ``update(p, g, state, work)`` on flat arrays, and write the parameters."""
        p = self.members[0]
        if not self._views and p._data.flags.c_contiguous:
            g: Any = p.grad
            self._in_pieces(update, p._data.reshape(-1), np.ascontiguousarray(g).reshape(-1))
            return
        if not self._views:
            self._copy_in_and_out(p.size)
        for p, (data, grad) in zip(self.members, self._views, strict=True):
            data[...] = p._data
            grad[...] = p.grad
        self._in_pieces(update, self._data, self._grad)
        for p, (data, _) in zip(self.members, self._views, strict=True):
            p._data[...] = data

    def _in_pieces(self, update: Callable[..., None], p: Array, g: Array) -> None:
        if p.size <= len(self._work[0]):
            update(p, g, self.state, self._work)
            return
        for start in range(0, p.size, PIECE):
            cut = slice(start, start + PIECE)
            n = len(p[cut])
            update(p[cut], g[cut], [s[cut] for s in self.state], [w[:n] for w in self._work])


def _views(flat: Array, members: Sequence[Value]) -> list[Array]:
    """The part of a flat array that belongs to each member, in its shape."""
    ends = np.cumsum([p.size for p in members])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(p.shape) for part, p in zip(parts, members, strict=True)]


def gathered(
    params: Sequence[Value], state: dict[Value, dict[str, Any]], names: tuple[str, ...]
) -> list[Block]:
    """The parameters, in their order, as blocks of equal dtype and number of steps."""
    runs: list[list[Value]] = []
    room, kind = 0, None
    for p in params:
        steps = state.setdefault(p, {"step": 0})["step"]
        if p.size <= min(SMALL, room) and kind == (p.dtype, steps):
            runs[-1].append(p)
            room -= p.size
        else:
            runs.append([p])
            room, kind = (PIECE - p.size if p.size <= SMALL else 0), (p.dtype, steps)
    return [Block(members, state, names) for members in runs]
