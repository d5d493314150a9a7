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

TRIED = 8
"""How many repeating stretches are looked at."""

RUNS = 3
"""How many of them of one period."""


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
    index = {id(v): k for k, v in enumerate(nodes)}
    wires = [[index.get(id(x), -1) for x in trace.inputs(v)] for v in nodes]
    found = repetition([kind(trace, v) for v in nodes], wires)
    if found is None:
        return None
    steps, carried = ([[nodes[k] for k in own] for own in part] for part in found)
    return Loop(steps, carried)


class Repetition(NamedTuple):
    """A `Loop` over indices of the parts of any graph."""

    steps: list[list[int]]
    carried: list[list[int]]


def repetition(
    kinds: Sequence[tuple[object, ...]],
    inputs: Sequence[Sequence[int]],
    share: float = 0.5,
    alike: bool = False,
) -> Repetition | None:
    """The loop that the parts of a graph form, such as ops or the calls of modules.

    Parameters
    ----------
    kinds : of each part, in an order with inputs first: equal for the same part of every step. A
        second item that is a number says how many results a part has.
    inputs : for each part, those that it uses; -1 for what is outside.
    share : of the parts that the loop must have, at least.
    alike : whether the steps must also be wired alike, but for the first.
    """
    return _Graph(kinds, inputs, alike).loop(share)


class _Graph:
    """The parts of a graph, by index."""

    def __init__(
        self, kinds: Sequence[tuple[object, ...]], inputs: Sequence[Sequence[int]], alike: bool
    ) -> None:
        self.kinds, self.alike = kinds, alike
        self.inputs = inputs
        self.users: list[list[int]] = [[] for _ in kinds]
        for v, wires in enumerate(inputs):
            for x in wires:
                if x >= 0:
                    self.users[x].append(v)

    def loop(self, share: float) -> Repetition | None:
        order = range(len(self.kinds))
        found = self._in_order(order, share) or self._in_order(self._late(order), share)
        return found and self._with_inputs(found)

    def _with_inputs(self, loop: Repetition) -> Repetition:
        """The loop, with the parts that only one step uses, if all steps have the same."""
        home = {v: k for k, step in enumerate(loop.steps) for v in step}
        before: list[list[int]] = [[] for _ in loop.steps]
        for v in reversed(range(len(self.kinds))):
            users = {home.get(u) for u in self.users[v]}
            if v not in home and len(users) == 1 and (k := users.pop()) is not None:
                home[v] = k
                before[k].append(v)
        if len({tuple(sorted(str(self.kinds[v]) for v in own)) for own in before}) > 1:
            return loop
        steps = [[*own[::-1], *step] for own, step in zip(before, loop.steps, strict=True)]
        return Repetition(steps, loop.carried)

    def _late(self, order: Iterable[int]) -> list[int]:
        """The parts by their distance from the result, so that each comes right before its use.

        Where only the last state is used, the graph's order has what enters all steps first.
        """
        count = len(self.kinds)
        far, deep = [0] * count, [0] * count  # from the result, and from the leaves
        for v in reversed(range(count)):
            far[v] = 1 + max((far[u] for u in self.users[v]), default=0)
        for v in range(count):
            deep[v] = 1 + max((deep[x] for x in self.inputs[v] if x >= 0), default=0)
        return sorted(order, key=lambda v: (-far[v], -deep[v]))

    def _in_order(self, order: Sequence[int], share: float) -> Repetition | None:
        """The loop whose steps follow each other in this order."""
        numbers: dict[object, int] = {}
        tokens = [numbers.setdefault(self.kinds[v], len(numbers)) for v in order]
        for start, period, end in _stretches(np.array(tokens), share):
            starts = range(start, start + period)
            cuts = [(cut, at) for at in starts if (cut := self._cut(order, at, period, end))]
            if cuts:
                # Steps may begin at any part. Choose the cut with the fewest states; then, of calls
                # of modules, the one with most steps; then the one with the most uses of states;
                # among these one that ends with the run, as the steps of a loop do.
                best, _ = min(cuts, key=lambda cut: (*self._width(cut[0]), (end - cut[1]) % period))
                return self._with_first(best)
        return None

    def _cut(self, order: Sequence[int], start: int, period: int, end: int) -> Repetition | None:
        """The loop whose first step begins at `start`; None if its steps carry no state."""
        count = (end - start) // period
        steps = [list(order[start + k * period : start + (k + 1) * period]) for k in range(count)]
        if self.alike and count >= FEWEST:
            steps = self._alike(steps)
        carried = [self._used(a, b) for a, b in pairwise(steps)]
        if len(steps) < FEWEST or not all(carried):
            return None
        if not self._reached(carried[0], steps[1]) & set(carried[1]):
            return None
        states = set(carried[-1])
        last = [v for like, v in zip(steps[-2], steps[-1], strict=True) if like in states]
        return Repetition(steps, [*carried, last])

    def _alike(self, steps: list[list[int]]) -> list[list[int]]:
        """The most steps in a row that are wired alike; the first may differ."""
        wires: list[list[set[tuple[str, int]]]] = []
        for before, step in pairwise(steps):
            place = {v: ("before", k) for k, v in enumerate(before)}
            place |= {v: ("here", k) for k, v in enumerate(step)}
            wires.append([{place[x] for x in self.inputs[v] if x in place} for v in step])
        ends = [k for k in range(1, len(wires)) if wires[k] != wires[k - 1]]
        begin, end = max(pairwise([0, *ends, len(wires)]), key=lambda run: run[1] - run[0])
        return steps[begin : end + 1]

    def _with_first(self, loop: Repetition) -> Repetition:
        """The loop, with the step before its first one if that differs from the others.

        The first step also holds what all steps share, such as a transposed weight, and may lack
        the state; so the order does not show it. Its states are what the next step uses.
        """
        steps, carried = loop
        second, third = steps[:2]
        before = {v: k for k, v in enumerate(second)}
        states: dict[int, int] = {}  # place in a step -> the state of the first step
        for u, v in zip(second, third, strict=True):
            for x, y in zip(self.inputs[u], self.inputs[v], strict=False):
                if y in before:
                    states.setdefault(before[y], x)
        found: dict[int, int] = {}
        pairs = [(second[place], x) for place, x in states.items()]
        mine = set(second)
        fed = self._reached(states.values(), second)
        while pairs:
            like, v = pairs.pop()
            if v < 0 or v in mine:
                return loop
            place = before[like]
            if place in found:
                if found[place] != v:
                    return loop
                continue
            if self.kinds[like] == self.kinds[v]:
                found[place] = v
                pairs += [
                    (x, y)
                    for x, y in zip(self.inputs[like], self.inputs[v], strict=False)
                    if x in mine
                ]
                continue
            # A first step that lacks the state has x where the others have an op on x and it.
            free = [x for x in self.inputs[like] if x >= 0 and x not in fed]
            if len(free) != 1 or like not in fed:
                return loop
            if free[0] in mine:
                pairs.append((free[0], v))
            elif self.kinds[free[0]] != self.kinds[v]:
                return loop
        if not states or not all(place in found for place in states):
            return loop
        first = [found[place] for place in sorted(found)]
        return Repetition([first, *steps], [[found[place] for place in sorted(states)], *carried])

    def _width(self, loop: Repetition) -> tuple[int, ...]:
        """Sort key: the number of states, then minus those of steps, if alike, and of uses."""
        carried = loop.carried[1]
        results = [self.kinds[v][1] for v in carried]
        several = sum(n - 1 for n in results if isinstance(n, int))
        steps = -len(loop.steps) if self.alike else 0
        return len(carried) + several, steps, -sum(len(self.users[v]) for v in carried)

    def _reached(self, state: Iterable[int], step: Iterable[int]) -> set[int]:
        """The states, and the parts of a step that depend on them."""
        reached = {x for x in state if x >= 0}
        for v in step:
            if not reached.isdisjoint(self.inputs[v]):
                reached.add(v)
        return reached

    def _used(self, step: Iterable[int], after: Iterable[int]) -> list[int]:
        """The parts of a step that the next step uses."""
        next_step = set(after)
        return [v for v in step if not next_step.isdisjoint(self.users[v])]


def kind(trace: Trace, v: Node) -> tuple[str, object]:
    """What the same node of every step has in common: its op and its shape."""
    shape = len(v._data) if type(v._data) is tuple else v._data.shape
    return trace.made(v).op.name, shape


def _stretches(tokens: Any, share: float) -> list[tuple[int, int, int]]:
    """Start, period and end of repeating stretches, the longest first.

    Of a period and its multiples, which repeat too, there is only the period.
    """
    found: list[tuple[int, int, int, int]] = []
    for period in range(1, min(len(tokens) // FEWEST, LONGEST) + 1):
        same = np.concatenate([[False], tokens[:-period] == tokens[period:], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        if not len(edges):
            continue
        lengths = edges[1::2] - edges[::2]
        for k in np.argsort(-lengths, kind="stable")[:RUNS]:
            count = int(lengths[k]) // period + 1
            if count < FEWEST or count * period <= share * len(tokens):
                break
            start = int(edges[2 * k])
            found.append((-count * period, period, start, start + int(lengths[k]) + period))
    return [(start, period, end) for _, period, start, end in sorted(found)[:TRIED]]
