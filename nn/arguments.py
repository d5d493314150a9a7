"""Checks of arguments that many functions take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.flags import flags as flags


def count(who: str, name: str, size: Any, least: int = 0) -> int:
    """A size, checked."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < least:
        raise ValueError(f"{who}: {name} must be an integer >= {least}, got {size!r}.")
    return int(size)


def reals(who: str, **given: Any) -> None:
    """Refuse text, None, True and False, and collections where a number is meant."""
    for name, x in given.items():
        if x is None or isinstance(x, (bool, np.bool_, str, bytes, list, tuple, dict, set)):
            raise TypeError(f"{who}: {name} must be a number, got {x!r}.")


def integers(who: str, **given: Any) -> None:
    """Refuse what is no integer."""
    for name, x in given.items():
        if isinstance(x, bool) or not isinstance(x, (int, np.integer)):
            raise TypeError(f"{who}: {name} must be an integer, got {x!r}.")


def features(who: str, input: Any) -> int:
    """The size of the last axis of an input, for a layer that takes its size from it."""
    shape: tuple[int, ...] = np.shape(input)
    if not shape:
        raise ValueError(f"{who}: input must have an axis of features, got {input!r}.")
    return shape[-1]


def chosen(kind: str, name: str, table: Mapping[str, Any]) -> Any:
    """What a name stands for; an error that lists the names."""
    try:
        return table[name.lower()]
    except KeyError:
        raise ValueError(
            f"There is no {kind} {name!r}; choose from {', '.join(sorted(table))}, or pass one "
            "of your own."
        ) from None
