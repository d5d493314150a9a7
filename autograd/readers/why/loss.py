"""Where along a path 90 % of the gradient was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf, log10
from typing import NamedTuple

import numpy as np

from autograd.node import Node
from autograd.readers.paths import Path, Step
from autograd.viz.summary import number

LEFT = 0.1


class Drop(NamedTuple):
    """Neighbouring steps after which at most a tenth is left.

    Attributes
    ----------
    steps : from x's side to y's.
    gain : the product of their gains.
    """

    steps: Sequence[Step]
    gain: float

    @property
    def input(self) -> str:
        """The input of a single elementwise op, in brackets."""
        (step,) = self.steps
        x = step.node.inputs[step.place]
        if not (step.node.op.elementwise and isinstance(x, Node)):
            return ""
        low, high = float(np.min(x._data)), float(np.max(x._data))
        here = number(low) if low == high else f"{number(low)} … {number(high)}"
        return f", whose input was {here}"


def lost(path: Path) -> Drop | None:
    """The single step that loses 90 %, else the shortest run of steps that does; None if none does.

    An op that only moves or adds up numbers loses nothing (a mean divides, and so do the losses
    that end in one): these, and whatever ends in a single number before any array, don't count.
    """
    steps = [
        step
        for step in path.shown
        if not step.node.op.routes and (step.factor is not None or _size(step.node) > 1)
    ]
    decades = [0.0]  # lost before each step, counted from x
    for step in steps:
        decades.append(decades[-1] - (log10(step.gain) if 0 < step.gain < inf else 0.0))
    best: Drop | None = None
    starts: deque[int] = deque()  # where `decades` is smaller than at all later starts
    for end, total in enumerate(decades):
        while starts and total - decades[starts[0]] >= -log10(LEFT):
            start = starts.popleft()
            found = Drop(steps[start:end], 10 ** (decades[start] - total))
            if best is None or _rank(found) < _rank(best):
                best = found
        while starts and decades[starts[-1]] >= total:
            starts.pop()
        starts.append(end)
    return best


def _size(v: Node) -> int:
    return sum(map(np.size, v._data)) if type(v._data) is tuple else int(np.size(v._data))


def _rank(drop: Drop) -> tuple[int, float]:
    return len(drop.steps), drop.gain
