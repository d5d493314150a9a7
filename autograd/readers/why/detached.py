"""Where an array was taken out of the graph: no path, or one path fewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Array, Node
from autograd.readers.paths import Names, Reach
from autograd.readers.why.reasons import called


def not_connected(names: Names, start: str, x: Node) -> str:
    """Why no path leads from x to y, as a clause."""
    if x.op is None and not x.requires_grad:
        return f"{start} does not require a gradient (requires_grad is False)"
    users = [called(names, v) for v, c in _constants(names) if _same(c, x)]
    if users:
        return f"{start} is detached: its numbers enter {_list(users)} as a constant"
    leaves = (names.value(leaf) for leaf in names.trace.leaves.values() if leaf.requires_grad)
    made_of = [name for name in leaves if name]
    tail = f"; it is made of {_list(made_of)}" if made_of else ""
    return f"no path leads from {start} to y{tail}"


def detached(names: Names, reach: Reach) -> list[str]:
    """Notes on constants that are x's array, or that of a result between x and y."""
    notes: dict[str, None] = {}
    sources = [reach.x, *(v for v in reach.order if type(v._data) is not tuple)]
    for v, constant in _constants(names):
        for u in sources:
            if u is not v and _same(constant, u):
                what = f"the result of {called(names, u)}" if u.op else names.value(u) or "x"
                if u is reach.x:
                    what = names.value(u) or "x"
                note = f"{what} also enters {called(names, v)} as a constant, detached."
                notes[note[0].upper() + note[1:] if u.op and u is not reach.x else note] = None
                break
    return [*notes]


def copied_from(names: Names, constant: Any) -> str | None:
    """The name of the Value or result whose numbers a constant is; None if of none."""
    for u in (*names.trace.leaves.values(), *names.trace.order):
        known = u is not constant and u.requires_grad and type(u._data) is not tuple
        if known and _same(constant, u):
            return names.value(u) or f"the result of {called(names, u)}"
    return None


def _constants(names: Names) -> Iterator[tuple[Node, Any]]:
    for v in names.trace.order:
        for c in v.inputs:
            if isinstance(c, (np.ndarray, Node)) and not (isinstance(c, Node) and c.requires_grad):
                yield v, c


def _same(constant: Any, x: Node) -> bool:
    """Whether a constant is x's array: by memory, or as a copy under the same name."""
    data: Any = constant._data if isinstance(constant, Node) else constant
    own = x._data
    if type(data) is tuple or np.shape(data) != np.shape(own):
        return False
    if isinstance(data, np.ndarray) and isinstance(own, np.ndarray) and _shared(data, own):
        return True
    copied = isinstance(constant, Node) and constant.op is None
    known = copied and (np.size(own) > 1 or (x.name is not None and constant.name == x.name))
    return known and bool(np.array_equal(data, own))


def _shared(a: Array, b: Array) -> bool:
    return a.size > 0 and bool(np.may_share_memory(a, b)) and a.dtype == b.dtype


def _list(names: list[str]) -> str:
    names = [*dict.fromkeys(names)]
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
