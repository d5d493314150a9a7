"""Repeated blocks: the steps of a loop over time or depth, found in the recorded graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node
from autograd.op import SELECT
from autograd.viz.trace import Trace

FEWEST = 3
"""Fewest repetitions that count as a loop."""

LONGEST = 1000
"""Most ops in one step of a loop."""


class Loop(NamedTuple):
    """A loop that recorded part of a graph.

    Attributes
    ----------
    steps : the nodes of each step, in the order of the graph.
    carried : for each step, the states: its results that the next step uses; of the last step, the
        results in the same places.
    """

    steps: list[list[Node]]
    carried: list[list[Node]]


def loop(trace: Trace, nodes: Sequence[Node]) -> Loop | None:
    """The loop that most of these nodes, in the order of the graph, belong to; None without one.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> from autograd.viz.trace import Trace
    >>> w, h = autograd.Value(0.9), 1.0
    >>> for _ in range(5):
    ...     h = np.tanh(w * h)
    >>> trace = Trace([h])
    >>> [[v.op.name for v in step] for step in loop(trace, trace.order).steps][:2]
    [['multiply', 'tanh'], ['multiply', 'tanh']]
    """
    nodes = [v for v in nodes if trace.made(v).op is not SELECT]
    found = _in_order(trace, nodes) or _in_order(trace, _late(trace, nodes))
    return found and _with_inputs(trace, nodes, found)


def _with_inputs(trace: Trace, nodes: Sequence[Node], loop: Loop) -> Loop:
    """The loop, with the nodes that only one step uses, if all steps have the same."""
    home = {id(v): k for k, step in enumerate(loop.steps) for v in step}
    before: list[list[Node]] = [[] for _ in loop.steps]
    for v in reversed(nodes):
        users = {home.get(id(u)) for u in trace.users.get(id(v), ())}
        if id(v) not in home and len(users) == 1 and (k := users.pop()) is not None:
            home[id(v)] = k
            before[k].append(v)
    if len({tuple(sorted(str(_kind(trace, v)) for v in own)) for own in before}) > 1:
        return loop
    steps = [[*own[::-1], *step] for own, step in zip(before, loop.steps, strict=True)]
    return Loop(steps, loop.carried)


def _late(trace: Trace, nodes: Sequence[Node]) -> list[Node]:
    """The nodes by their distance from the result, so that each comes right before its use.

    Where only the last state is used, the graph's order has what enters all steps first.
    """
    far: dict[int, int] = {}  # from the result, and from the leaves
    deep: dict[int, int] = {}
    for v in reversed(nodes):
        far[id(v)] = 1 + max((far.get(id(u), 0) for u in trace.users.get(id(v), ())), default=0)
    for v in nodes:
        deep[id(v)] = 1 + max((deep.get(id(x), 0) for x in trace.inputs(v)), default=0)
    return sorted(nodes, key=lambda v: (-far[id(v)], -deep[id(v)]))


def _in_order(trace: Trace, nodes: Sequence[Node]) -> Loop | None:
    """The loop whose steps follow each other in this order."""
    kinds: dict[object, int] = {}
    tokens = [kinds.setdefault(_kind(trace, v), len(kinds)) for v in nodes]
    start, period, end = _longest(np.array(tokens))
    if not period:
        return None
    starts = range(start, start + period)
    cuts = [(found, at) for at in starts if (found := _cut(trace, nodes, at, period, end))]
    if not cuts:
        return None
    # Steps may begin at any node. Choose the cut with the fewest states, and the most uses of them;
    # among these one that ends with the run, as the steps of a loop do.
    best, _ = min(cuts, key=lambda cut: (*_width(trace, cut[0]), (end - cut[1]) % period))
    return _with_first(trace, best)


def _cut(trace: Trace, nodes: Sequence[Node], start: int, period: int, end: int) -> Loop | None:
    """The loop whose first step begins at `start`; None if its steps carry no state."""
    count = (end - start) // period
    steps = [list(nodes[start + k * period : start + (k + 1) * period]) for k in range(count)]
    carried = [_used(trace, a, b) for a, b in pairwise(steps)]
    if count < FEWEST or not all(carried):
        return None
    if not _reaches(trace, carried[0], steps[1], carried[1]):
        return None
    states = {id(v) for v in carried[-1]}
    last = [v for like, v in zip(steps[-2], steps[-1], strict=True) if id(like) in states]
    return Loop(steps, [*carried, last])


def _with_first(trace: Trace, loop: Loop) -> Loop:
    """The loop, with the step before its first one if that differs from the others.

    The first step also holds what all steps share, such as a transposed weight, and may lack the
    state; so the order of the nodes does not show it. Its states are what the next step uses.
    """
    steps, carried = loop
    second, third = steps[:2]
    before = {id(v): k for k, v in enumerate(second)}
    states: dict[int, Any] = {}  # place in a step -> the state of the first step
    for u, v in zip(second, third, strict=True):
        for x, y in zip(trace.inputs(u), trace.inputs(v), strict=True):
            if isinstance(y, Node) and id(y) in before:
                states.setdefault(before[id(y)], x)
    found: dict[int, Node] = {}
    pairs = [(second[place], x) for place, x in states.items()]
    mine = {id(v) for v in second}
    fed = _reached(trace, states.values(), second)
    while pairs:
        like, v = pairs.pop()
        if not isinstance(v, Node) or v.op is None or id(v) in mine:
            return loop
        place = before[id(like)]
        if place in found:
            if found[place] is not v:
                return loop
            continue
        if _kind(trace, like) == _kind(trace, v):
            found[place] = v
            pairs += [
                (x, y)
                for x, y in zip(trace.inputs(like), trace.inputs(v), strict=False)
                if id(x) in mine
            ]
            continue
        # A first step that lacks the state has x where the others have an op on x and the state.
        free = [x for x in trace.inputs(like) if isinstance(x, Node) and id(x) not in fed]
        if len(free) != 1 or id(like) not in fed:
            return loop
        if id(free[0]) in mine:
            pairs.append((free[0], v))
        elif _kind(trace, free[0]) != _kind(trace, v):
            return loop
    if not all(place in found for place in states):
        return loop
    first = [found[place] for place in sorted(found)]
    return Loop([first, *steps], [[found[place] for place in sorted(states)], *carried])


def _width(trace: Trace, loop: Loop) -> tuple[int, int]:
    """Sort key: the number of states, then minus the number of their uses."""
    carried = loop.carried[1]
    return len(carried), -sum(len(trace.users[id(v)]) for v in carried)


def _reaches(trace: Trace, state: list[Node], step: list[Node], after: list[Node]) -> bool:
    """Whether the state after a step depends on the state before it."""
    reached = _reached(trace, state, step)
    return any(id(v) in reached for v in after)


def _reached(trace: Trace, state: Iterable[Any], step: list[Node]) -> set[int]:
    """ids of the states, and of the nodes of a step that depend on them."""
    reached = {id(x) for x in state}
    for v in step:
        if any(id(x) in reached for x in trace.inputs(v)):
            reached.add(id(v))
    return reached


def _kind(trace: Trace, v: Node) -> tuple[str, object]:
    """What the same node of every step has in common: its op and its shape."""
    shape = len(v._data) if type(v._data) is tuple else v._data.shape
    return trace.made(v).op.name, shape


def _longest(tokens: np.ndarray) -> tuple[int, int, int]:
    """Start, period and end of the longest repeating stretch; a period of 0 without one."""
    best = (0, 0, 0)
    covered = len(tokens) // 2  # a loop must cover most of the nodes
    for period in range(1, min(len(tokens) // FEWEST, LONGEST) + 1):
        same = np.concatenate([[False], tokens[:-period] == tokens[period:], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        if not len(edges):
            continue
        lengths = edges[1::2] - edges[::2]
        k = int(lengths.argmax())
        count = int(lengths[k]) // period + 1
        if count >= FEWEST and count * period > covered:
            start = int(edges[2 * k])
            best, covered = (start, period, start + int(lengths[k]) + period), count * period
    return best


def _used(trace: Trace, step: Sequence[Node], after: Sequence[Node]) -> list[Node]:
    """The results of a step that the next step uses."""
    next_step = {id(v) for v in after}
    return [v for v in step if any(id(u) in next_step for u in trace.users.get(id(v), ()))]
