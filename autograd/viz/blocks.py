"""Repeated blocks: the steps of a loop over time or depth, found in what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from autograd.node import Node
from autograd.op import SELECT
from autograd.viz.trace import Trace

FEWEST = 3
"""Repetitions that make a loop."""

LONGEST = 1000
"""Ops in one step of a loop, at most."""


class Loop(NamedTuple):
    """A loop that the graph was recorded by.

    Attributes
    ----------
    steps : the nodes of each step, in the order of the graph.
    carried : for each step but the last, its results that the next step uses: the states.
    """

    steps: list[list[Node]]
    carried: list[list[Node]]


def loop(trace: Trace, nodes: Sequence[Node]) -> Loop | None:
    """The loop that most of these nodes, in the order of the graph, belong to; None if none does.

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
    nodes = [v for v in nodes if v.op is not SELECT]
    kinds: dict[object, int] = {}
    tokens = [kinds.setdefault((v.op.name, _shape(v)), len(kinds)) for v in nodes]
    start, period, count = _longest(np.array(tokens))
    if count < FEWEST:
        return None
    loops = (_cut(trace, nodes, start + shift, period, count) for shift in range(period))
    # Steps may begin anywhere. The states are where least is carried over, and most used.
    return min(filter(None, loops), key=partial(_width, trace), default=None)


def _cut(trace: Trace, nodes: Sequence[Node], start: int, period: int, count: int) -> Loop | None:
    """The loop whose steps begin here; where they begin, least is carried over."""
    count = min(count, (len(nodes) - start) // period)
    steps = [list(nodes[start + k * period : start + (k + 1) * period]) for k in range(count)]
    carried = [_used(trace, a, b) for a, b in pairwise(steps)]
    if count < FEWEST or not all(carried):
        return None
    return Loop(steps, carried) if _reaches(trace, carried[0], steps[1], carried[1]) else None


def _width(trace: Trace, loop: Loop) -> tuple[int, int]:
    """How many results a step hands on, then how seldom they are used."""
    carried = loop.carried[1]
    return len(carried), -sum(len(trace.users[id(v)]) for v in carried)


def _reaches(trace: Trace, state: list[Node], step: list[Node], after: list[Node]) -> bool:
    """Whether the state after a step comes from the state before it."""
    reached = {id(v) for v in state}
    for v in step:
        if any(id(x) in reached for x in trace.inputs(v)):
            reached.add(id(v))
    return any(id(v) in reached for v in after)


def _shape(v: Node) -> object:
    return len(v._data) if type(v._data) is tuple else v._data.shape


def _longest(tokens: np.ndarray) -> tuple[int, int, int]:
    """Start, period and number of repetitions of the stretch that repeats itself longest."""
    best = (0, 0, 0)
    covered = len(tokens) // 2  # a loop is most of what it is looked for in
    for period in range(1, min(len(tokens) // FEWEST, LONGEST) + 1):
        same = np.concatenate([[False], tokens[:-period] == tokens[period:], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        if not len(edges):
            continue
        lengths = edges[1::2] - edges[::2]
        k = int(lengths.argmax())
        count = int(lengths[k]) // period + 1
        if count >= FEWEST and count * period > covered:
            best, covered = (int(edges[2 * k]), period, count), count * period
    return best


def _used(trace: Trace, step: Sequence[Node], after: Sequence[Node]) -> list[Node]:
    """The results of a step that the next one uses."""
    next_step = {id(v) for v in after}
    return [v for v in step if any(id(u) in next_step for u in trace.users.get(id(v), ()))]
