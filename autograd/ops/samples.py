"""What tests sample the rows from.

Each file of rows ends with its samples: `domains` for elementwise rows, `cases` for whole calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from autograd.op import ROWS, Op

Array = np.ndarray[Any, Any]
Generator: TypeAlias = "np.random.Generator"  # a string: numpy.random is slow to import
Domain = Callable[[Generator, tuple[int, ...]], Array]
Case = Callable[[Generator], tuple[tuple[Any, ...], dict[str, Any]]]


def between(low: float, high: float) -> Domain:
    """Uniform in [low, high)."""
    return lambda rng, shape: rng.uniform(low, high, shape)


def away(*points: float, gap: float = 0.1, low: float = -2.0, high: float = 2.0) -> Domain:
    """Uniform in [low, high), but at least `gap` from each point: kinks and poles."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        x = rng.uniform(low, high, shape)
        for p in points:
            x = np.where(np.abs(x - p) < gap, p + np.where(x < p, -gap, gap) * 1.5, x)
        return np.asarray(x)

    return draw


real = between(-2.0, 2.0)
positive = between(0.5, 2.0)
unit = between(-0.9, 0.9)
above_one = between(1.1, 3.0)
nonzero = away(0.0)


def boolean(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """True or False."""
    return rng.random(shape) < 0.5


def case(*args: Any, **kwargs: Any) -> Case:
    """A call to check: tuples and domains drawn at that shape, everything else as it is.

    ``case(A(2, 3), axis=0)`` calls the op on a random (2, 3) array with axis=0.
    """

    def draw(rng: np.random.Generator) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return tuple(_drawn(a, rng) for a in args), {k: _drawn(a, rng) for k, a in kwargs.items()}

    return draw


def _drawn(a: Any, rng: np.random.Generator) -> Any:
    if isinstance(a, A):
        return a(rng)
    if type(a) is list:
        return [_drawn(part, rng) for part in a]
    return a


class A:
    """An array of this shape, to be drawn from a domain."""

    def __init__(self, *shape: int, domain: Domain = real) -> None:
        self.shape, self.domain = shape, domain

    def __call__(self, rng: np.random.Generator) -> Array:
        """Draw it."""
        return self.domain(rng, self.shape)


def domains(names: str, *inputs: Domain) -> None:
    """Sample the inputs of the elementwise rows of these names from here, one domain each."""
    for row in _rows(names):
        row.domain = inputs


def cases(names: str, *calls: Case) -> None:
    """Check the rows of these names on such calls."""
    for row in _rows(names):
        row.cases = calls


def _rows(names: str) -> list[Op]:
    return [next(row for row in reversed(ROWS) if row.name == name) for name in names.split()]
