"""Trace: a finished graph as its nodes in order, with their ops and module calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.node import Node, tick
from autograd.op import SELECT
from autograd.recording import enable_grad
from autograd.value import Value


class Call:
    """One call of a module (or one opened kernel): a region of the graph."""

    __slots__ = ("level", "owner", "parent", "start", "title")

    def __init__(self, owner: Any, start: int, parent: Call | None, title: str = "") -> None:
        self.owner, self.start, self.parent, self.title = owner, start, parent, title
        self.level: int = 1 if parent is None else parent.level + 1

    def up_to(self, level: int) -> Call | None:
        """The enclosing call at this level, or the call itself if it is higher up."""
        call: Call | None = self
        while call is not None and call.level > level:
            call = call.parent
        return call

    def chain(self) -> list[Call]:
        """The enclosing calls, outermost first, and itself."""
        calls: list[Call] = []
        call: Call | None = self
        while call is not None:
            calls.append(call)
            call = call.parent
        return calls[::-1]


class Trace:
    """The graph behind some roots, as lists and dicts; walked without recursion.

    Parameters
    ----------
    roots : where the walk starts.
    names : names for Values and arrays, such as ``locals()``; a Value's name has precedence.
    open_kernels : replace each KernelOp by the graph of its reference.
    """

    def __init__(
        self,
        roots: Sequence[Node],
        names: Mapping[str, Any] | None = None,
        open_kernels: bool = False,
    ) -> None:
        self.roots = list({id(r): r for r in roots}.values())
        self.twins: dict[int, Node] = {}  # result of a kernel -> that of its reference
        self.kernels: dict[int, Call] = {}  # the same result -> the kernel, as a call
        self.opened: list[tuple[Node, Any]] = []  # kernel node, what its reference returned
        self.alias: dict[int, Any] = {}  # leaf or result of a reference -> the kernel's own
        self.order, self.leaves = self._walk()
        if open_kernels:
            self._open()
            self.order, self.leaves = self._walk()
        self.users: dict[int, list[Node]] = {}
        for v in self.order:
            for x in self.inputs(v):
                if isinstance(x, Node):
                    self.users.setdefault(id(x), []).append(v)
        self.calls = self._regions()
        self.given: dict[int, str] = {}
        for name, x in (names or {}).items():
            if not name.startswith("_") and isinstance(x, (Node, np.ndarray)):
                self.given.setdefault(id(x), name)

    def made(self, v: Node) -> Node:
        """The node to read op and static from: v, or its twin in an opened kernel's reference."""
        return self.twins.get(id(v), v)

    def inputs(self, v: Node) -> list[Any]:
        """The inputs of v: Nodes and constants, in the op's order."""
        return [self.alias.get(id(x), x) for x in self.made(v).inputs]

    def _walk(self) -> tuple[list[Node], dict[int, Node]]:
        """Recorded nodes, inputs before their users; and leaves, including released nodes."""
        order: list[Node] = []
        leaves: dict[int, Node] = {}
        seen: set[int] = set()
        stack: list[tuple[Node, bool]] = [(r, False) for r in reversed(self.roots)]
        while stack:
            v, done = stack.pop()
            if done:
                order.append(v)
                continue
            if id(v) in seen:
                continue
            seen.add(id(v))
            inputs = self.inputs(v)
            if not inputs:
                leaves[id(v)] = v
                continue
            stack.append((v, True))
            nodes = (x for x in reversed(inputs) if isinstance(x, Node))
            stack.extend((x, False) for x in nodes if id(x) not in seen)
        return order, leaves

    def _open(self) -> None:
        """Run the reference of every kernel on leaves of its inputs' data."""
        selects: dict[int, list[Node]] = {}
        for v in self.order:
            if v.op is SELECT:
                selects.setdefault(id(v.inputs[0]), []).append(v)
        for v in [v for v in self.order if isinstance(v.op, KernelOp)]:
            start = tick()
            twins = [
                Value(x._data, requires_grad=x.requires_grad) if isinstance(x, Node) else x
                for x in v.inputs
            ]
            with enable_grad(), np.errstate(all="ignore"):
                ys = v.op.reference(*twins, *v.static)
            parts = [(v, ys)]
            if type(v._data) is tuple:
                parts = [(s, ys[s.static[0]]) for s in selects.get(id(v), [])]
            if not all(isinstance(y, Node) and y.inputs for _, y in parts):
                continue  # not all outputs are results of ops: leave it closed
            self.opened.append((v, ys))
            call = Call(v.op, start, None, f"{v.op.name}, opened")
            for result, y in parts:
                self.twins[id(result)] = y
                self.alias.setdefault(id(y), result)
                self.kernels[id(result)] = call
            for twin, x in zip(twins, v.inputs, strict=True):
                if isinstance(x, Node):
                    self.alias[id(twin)] = x

    def _regions(self) -> dict[int, Call | None]:
        """The innermost call of every recorded node and leaf.

        Outputs first: a node is in the call of its user, if it was recorded within it, and in the
        calls that returned it. With several users, the innermost call counts.
        """
        calls: dict[tuple[int, int], Call] = {}
        region: dict[int, Call | None] = {}
        for v in reversed(self.order):
            call = self._born_in(v, self._deepest(v, region))
            for scope in _scopes(v):
                made = (id(scope.owner), scope.start)
                if v.birth >= scope.start and (call is None or made not in _keys(call)):
                    call = calls.setdefault(made, Call(scope.owner, scope.start, call))
            if kernel := self.kernels.get(id(v)):
                twin = Call(kernel.owner, kernel.start, call, kernel.title)
                call = calls.setdefault((id(kernel.owner), kernel.start), twin)
            region[id(v)] = call
        self.parameters = parameters = _parameters(calls.values())
        for key, leaf in self.leaves.items():
            home = self._shared(self.users.get(key, []), region)
            region[key] = home if key in parameters else self._born_in(leaf, home)
        return region

    def _deepest(self, v: Node, region: Mapping[int, Call | None]) -> Call | None:
        found: Call | None = None
        for user in self.users.get(id(v), ()):
            call = self._born_in(v, region[id(user)])
            if call is not None and (found is None or call.level > found.level):
                found = call
        return found

    @staticmethod
    def _born_in(v: Node, call: Call | None) -> Call | None:
        while call is not None and v.birth < call.start:
            call = call.parent
        return call

    @staticmethod
    def _shared(users: Sequence[Node], region: Mapping[int, Call | None]) -> Call | None:
        """The innermost call that contains all of these nodes."""
        common: list[Call] | None = None
        for call in {id(c): c for c in (region[id(u)] for u in users)}.values():
            chain = call.chain() if call else []
            if common is None:
                common = chain
            else:
                same = [a is b for a, b in zip(common, chain, strict=False)]
                common = common[: same.index(False) if False in same else len(same)]
        return common[-1] if common else None

    def home(self, users: Sequence[Node]) -> Call | None:
        """The innermost call that contains all of these nodes."""
        return self._shared(users, self.calls)

    def name(self, x: Any) -> str | None:
        """The name of a Value or an array."""
        own = x.name or self.made(x).name if isinstance(x, Node) else None
        return own or self.parameters.get(id(x)) or self.given.get(id(x))


def _scopes(v: Node) -> list[Any]:
    """The scopes that a module left on v, outermost first."""
    scopes = []
    scope = v.scope
    while scope is not None:
        if scope.owner is not None:
            scopes.append(scope)
        scope = scope.inner
    return scopes


def _keys(call: Call) -> Iterator[tuple[int, int]]:
    at: Call | None = call
    while at is not None:
        yield id(at.owner), at.start
        at = at.parent


def _parameters(calls: Any) -> dict[int, str]:
    """Parameter or buffer -> its path in the outermost module that was called."""
    found: dict[int, str] = {}
    for owner in {id(c.owner): c.owner for c in calls if c.parent is None}.values():
        for listing in ("named_parameters", "named_buffers"):
            if method := getattr(owner, listing, None):
                for path, x in method():
                    found.setdefault(id(x), path)
    return found
