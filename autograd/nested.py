"""Nested: dicts, lists and tuples of arrays, such as the parameters of a network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.value import Value


def is_nested(x: Any) -> bool:
    """Whether it is a collection of arrays, rather than an array_like of numbers."""
    if isinstance(x, (list, tuple)):
        return any(
            part is None or isinstance(part, (np.ndarray, Value)) or is_nested(part) for part in x
        )
    return isinstance(x, dict)


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """Apply the function to x, or to every array in a collection; None stays None.

    The structure is kept, types of dicts and named tuples included.
    """
    if x is None:
        return None
    if not is_nested(x):
        return function(x)
    if isinstance(x, dict):
        twin = copy.copy(x)
        for key, part in x.items():
            twin[key] = mapped(function, part)
        return twin
    parts = [mapped(function, part) for part in x]
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)


def leaves_like(model: Any, x: Any) -> list[Any]:
    """The arrays of x, in the order of those of `model`, whose structure it must have."""
    if model is None:
        return []
    if not is_nested(model):
        return [x]
    keys: Any = model.keys() if isinstance(model, dict) else range(len(model))
    kind = dict if isinstance(model, dict) else (list, tuple)
    if not isinstance(x, kind) or set(keys) != set(x if isinstance(x, dict) else range(len(x))):
        raise ValueError(f"expected {outline(model)}, got {outline(x)}")
    return [leaf for key in keys for leaf in leaves_like(model[key], x[key])]


def outline(x: Any) -> str:
    """The structure in words, for errors."""
    if isinstance(x, dict):
        return f"a dict of {', '.join(map(repr, x))}"
    if is_nested(x):
        return f"a {type(x).__name__} of {len(x)}"
    return type(x).__name__
