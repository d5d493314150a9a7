"""Results: what a function returns, nested in dicts, lists and tuples, and whether two agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.value import Value

ROUNDING = 2_000
"""How many units in the last place of its largest element a result may be off eager's."""


def varies(x: Any) -> bool:
    """Whether a part of a result is computed, not a setting that is handed through."""
    return isinstance(x, (Node, np.ndarray, np.generic, float))


def _parts(x: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(x, dict):
        for key, part in x.items():
            yield from _parts(part, f"{name}[{key!r}]")
    elif isinstance(x, (list, tuple)):
        for i, part in enumerate(x):
            yield from _parts(part, f"{name}[{i}]")
    else:
        yield name, x


def leaves(x: Any) -> list[tuple[str, Any]]:
    """The parts of a result that are computed, with their places."""
    return [(name, part) for name, part in _parts(x, "the result") if varies(part)]


def settings(x: Any) -> list[tuple[str, Any]]:
    """The other parts of a result, which are handed through, with their places."""
    return [(name, part) for name, part in _parts(x, "the result") if not varies(part)]


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """The same structure with ``function(part)`` in place of each part that is computed."""
    if isinstance(x, dict):
        return {key: mapped(function, part) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        parts = [mapped(function, part) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return function(x) if varies(x) else x


def maker(x: Any) -> Callable[[Any], Any]:
    """What turns an array into an object like this part of a result."""
    if isinstance(x, Node):
        return lambda array: Value(array, requires_grad=False)
    if isinstance(x, np.ndarray):
        return np.asarray
    return float if type(x) is float else type(x)


def agree(x: Any, y: Any, scale: float = 0.0, eps: float = 0.0) -> bool:
    """Whether two arrays are equal but for rounding, of which larger numbers may be the cause.

    `eps` is that of the coarsest dtype that they were computed in.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    odd = ~np.isfinite(y)
    if not np.array_equal(x[odd], y[odd], equal_nan=True):
        return False
    scale = max(float(np.max(np.abs(y[~odd]), initial=0.0)), scale)
    bound = ROUNDING * max(float(np.finfo(y.dtype).eps), eps) * scale
    return bool(np.all(np.abs(x[~odd] - y[~odd]) <= bound))
