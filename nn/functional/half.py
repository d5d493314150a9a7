"""Formulas whose numbers have no room in float16."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from autograd.value import Value

F = TypeVar("F", bound=Callable[..., Any])


def by_single(function: F) -> F:
    """A function of float16 computed in float32, and rounded once: output and gradients.

    float16 ends at 65504 and 6e-8: squares overflow in it, and an epsilon of 1e-8 is 0. Where a
    float32 or float64 Value takes part, the result is of that dtype anyway.
    """

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        given = (*args, *keywords.values())
        if not any(_is(x, "e") for x in given):
            return function(*args, **keywords)
        y = function(*map(_widened, args), **{k: _widened(x) for k, x in keywords.items()})
        tracked = any(isinstance(x, Value) for x in given)
        wide = any(_is(x, "f") for x in given if isinstance(x, Value) or not tracked)
        return y if wide or y.dtype != np.float32 else y.astype(np.float16)

    return cast(F, call)


def _is(x: Any, dtype: str) -> bool:
    """Whether it holds numbers of this dtype, "e" for float16 and "f" for float32."""
    return isinstance(x, (Value, np.ndarray)) and bool(x.dtype.char == dtype)


def _widened(x: Any) -> Any:
    return x.astype(np.float32) if _is(x, "e") else x
