"""What of a graph is shown: which module calls are folded, and which far part is left out."""

from __future__ import annotations

from collections import deque
from typing import Any

from autograd.node import Node
from autograd.op import SELECT
from autograd.viz.trace import Call, Trace

REST = "rest"
"""The group of everything that lies too far from the outputs."""
Group = Any  # a folded Call, REST, or None for what is shown itself


class Folding:
    """Says of each node which group it is hidden in, if any.

    Calls deeper than `depth` are folded. If there is still more to show than `limit`, so are the
    deepest ones, level by level; and if that is not enough, what is farthest from the outputs is
    left out.

    Attributes
    ----------
    group : id of a recorded node or leaf -> the Call it is folded into, REST or None.
    depth : the level of calls that are still open; None where all are.
    kept_constants : keys of constants that are shown; None where all are.
    """

    def __init__(self, trace: Trace, depth: int | None, limit: int) -> None:
        self.trace, self.depth = trace, depth
        self.group: dict[int, Group] = {}
        self.kept_constants: set[Any] | None = None
        self.notes: list[str] = []
        deepest = max((c.level for c in trace.calls.values() if c), default=0)
        self._fold(depth)
        level = deepest if depth is None else min(depth, deepest)
        while level > 0 and self._size(limit) > limit:
            level -= 1
            self._fold(level)
        if level < deepest and (depth is None or level < depth):
            self.depth = level
            self.notes.append(
                f"Module calls below level {level} are folded: the graph is larger than "
                f"limit={limit}."
            )
        if self._size(limit) > limit:
            self._cut(limit)

    def _fold(self, depth: int | None) -> None:
        for key, call in self.trace.calls.items():
            deep = call is not None and depth is not None and call.level > depth
            self.group[key] = call.up_to(depth + 1) if call and depth is not None and deep else None

    def leaves_group(self, v: Node) -> bool:
        """Whether the result v of a folded call is used outside it, so that it is shown."""
        group = self.group[id(v)]
        if type(v._data) is tuple or not isinstance(group, Call):
            return False
        users = self.trace.users.get(id(v))
        return not users or any(self.group[id(u)] is not group for u in users)

    def _size(self, enough: int) -> int:
        """How many boxes there would be; counting ends soon after `enough`."""
        size = len({id(g) for g in self.group.values() if g is not None})
        size += sum(self.group[key] is None for key in self.trace.leaves)
        constants: set[Any] = set()
        for v in self.trace.order:
            if self.group[id(v)] is not None:
                size += self.leaves_group(v)
            else:
                size += 1 if type(v._data) is tuple or v.op is SELECT else 2
                constants.update(key for key, _, _ in self.constants(v))
            if size + len(constants) > enough:
                break
        return size + len(constants)

    def constants(self, v: Node) -> list[tuple[Any, int, Any]]:
        """The constants among v's inputs, as (key, place, constant); an array is one everywhere."""
        if self.trace.made(v).op is SELECT:
            return []
        return [
            (id(x) if getattr(x, "ndim", 0) else (id(v), i), i, x)
            for i, x in enumerate(self.trace.inputs(v))
            if not isinstance(x, Node) and x is not None
        ]

    def _cut(self, limit: int) -> None:
        """Keep what is nearest to the outputs, and hide the rest."""
        trace = self.trace
        kept: set[Any] = set()
        budget = limit - 1
        members: dict[int, list[Node]] = {}
        for v in trace.order:
            if isinstance(group := self.group[id(v)], Call):
                members.setdefault(id(group), []).append(v)
        queue: deque[Any] = deque(trace.roots)
        queued = {id(r) for r in trace.roots}
        self.kept_constants = set()
        while queue and budget > 0:
            v = queue.popleft()
            if isinstance(v, tuple):
                self.kept_constants.add(v[0])
                budget -= 1
                continue
            group = self.group[id(v)]
            unit = members.get(id(group), [v]) if isinstance(group, Call) else [v]
            key = id(group) if isinstance(group, Call) else id(v)
            if key in kept:
                continue
            kept.add(key)
            recorded = id(v) not in trace.leaves
            budget -= 1 + (
                recorded and type(v._data) is not tuple and trace.made(v).op is not SELECT
            )
            for member in unit if recorded else ():
                for x in trace.inputs(member):
                    if isinstance(x, Node) and id(x) not in queued:
                        queued.add(id(x))
                        queue.append(x)
                if group is None:
                    for constant in self.constants(member):
                        if constant[0] not in queued:
                            queued.add(constant[0])
                            queue.append(constant)
        for key, group in self.group.items():
            if (id(group) if isinstance(group, Call) else key) not in kept:
                self.group[key] = REST
