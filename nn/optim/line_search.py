"""The strong Wolfe line search: how far to go along a direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from autograd.node import Array
from nn.optim.sums import dot


class Point(NamedTuple):
    """A point on the line: how far, the loss, its gradient, and its slope along the line."""

    t: float
    loss: float
    grad: Array
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, Array]],
    d: Array,
    start: Point,
    t: float,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[Point, int]:
    """Find a point that is low enough and flat enough.

    loss <= start.loss + c1 · t · start.slope, and abs(slope) <= c2 · abs(start.slope)

    Parameters
    ----------
    evaluate : t -> loss and flat gradient at distance t, in a new array.
    d : the direction.
    start : the point at t = 0.
    t : the first distance to try.
    c1, c2 : see above.
    tolerance_change : length of the interval, in d's largest coordinate, at which it gives up.
    max_ls : evaluations at most.

    Returns
    -------
    The point found, the best so far where it gave up, and the number of evaluations.

    References
    ----------
    Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and 3.6; the order of tests
    is that of PyTorch's LBFGS.
    """

    def at(t: float) -> Point:
        loss, grad = evaluate(t)
        return Point(t, loss, grad, dot(grad, d))

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + c1 * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    before, new, tried = start, at(t), 1
    while True:  # widen until there is a minimum between two points
        if tried > max_ls:
            ends = [start, new]
            break
        if too_high(new) or (tried > 2 and new.loss >= before.loss):
            ends = [before, new]
            break
        if flat(new):
            return new, tried
        if new.slope >= 0:
            ends = [before, new]
            break
        bounds = (new.t + 0.01 * (new.t - before.t), new.t * 10)
        before, new = new, at(cubic_minimum(before, new, bounds))
        tried += 1

    size, stuck = float(np.max(np.abs(d))), False
    low = _lower(ends)
    while tried <= max_ls:  # narrow it
        left, right = sorted(end.t for end in ends)
        if (right - left) * size < tolerance_change:
            break
        t = cubic_minimum(ends[0], ends[1])
        margin = 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            stuck = False
        elif stuck or not left < t < right:  # near an end for the second time: go inside
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stuck = False
        else:
            stuck = True
        new = at(t)
        tried += 1
        if too_high(new) or new.loss >= ends[low].loss:
            ends[1 - low] = new
            low = _lower(ends)
            continue
        done = flat(new)
        if not done and new.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = new
        if done:
            break
    return ends[low], tried


def _lower(ends: list[Point]) -> int:
    """Which of the two has the lower loss; the first, if they are equal."""
    return 0 if ends[0].loss <= ends[1].loss else 1


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes is least, kept within the bounds.

    The bounds are the points by default. Their middle, where the cubic has no minimum.

    Examples
    --------
    >>> import numpy as np
    >>> none = np.zeros(0)
    >>> cubic_minimum(Point(0, 1, none, -2), Point(2, 1, none, 2))  # (t - 1)²
    1.0
    """
    if a.t > b.t:
        a, b = b, a
    left, right = (a.t, b.t) if bounds is None else bounds
    with np.errstate(all="ignore"):
        d1 = float(a.slope + b.slope - 3 * np.float64(a.loss - b.loss) / (a.t - b.t))
        square = d1 * d1 - a.slope * b.slope
        if square >= 0:
            d2 = math.sqrt(square)
            share = np.float64(b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
            return min(max(float(b.t - (b.t - a.t) * share), left), right)
    return (left + right) / 2
