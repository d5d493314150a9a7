"""Foreign: functions of users in custom ops, which are held to what an op promises."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd.dispatch import refuse_subclasses
from autograd.node import Array
from autograd.stale import fingerprint

Function = Callable[..., Any]


def foreign(function: Function) -> bool:
    """Whether it is a Python function from outside of this package and NumPy."""
    package = (getattr(function, "__module__", None) or "").partition(".")[0]
    return hasattr(function, "__code__") and package not in ("autograd", "nn", "numpy")


def reading(who: str, function: Function, places: Iterable[int]) -> Function:
    """The function, with an error if it writes to the arrays that it is given at these places.

    Or if it returns a masked array, whose mask the graph would lose.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        prints: list[tuple[int, Array, bytes]] = []
        for i in places:
            part: Any = args[i] if i < len(args) else None
            parts = part if type(part) in (tuple, list) else (part,)
            prints += [(i, x, fingerprint(x)) for x in parts if type(x) is np.ndarray]
        y = function(*args, **kwargs)
        for i, x, print_ in prints:
            if fingerprint(x) != print_:
                raise RuntimeError(
                    f"{who} writes to its argument {i}, of shape {x.shape}, which the graph or "
                    "another op still needs. Let it work on a copy (array.copy())."
                )
            if y is x:
                y = x.view()
        refuse_subclasses(y, who)
        return y

    return call
