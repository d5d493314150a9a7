"""What functions take and give."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.tables import is_table
from autograd.value import Value
from nn.module.locate import no_array

Tensor = Any
"""A Value, or an array that takes part as a constant. Functions say that they return a Value; where
only arrays go in, it is an array."""


def same_dtype(who: str, input: Tensor, weight: Tensor) -> None:
    """Refuse an input whose dtype is not the weights'.

    NumPy would make float32 weights and a float64 input into float64 from there on, at half the
    speed and without a word.
    """
    if isinstance(input, (Value, np.ndarray)):
        given = input.dtype
    else:
        given = (array_of(input, f"{who}: input") if is_table(input) else np.asarray(input)).dtype
    dtype = weight.dtype
    if given is not dtype and given != dtype:
        numbers(who, input)
        array = "x" if hasattr(input, "astype") else "x.to_numpy()"
        raise TypeError(
            f"{who}: input is {given}, the weight {dtype}. "
            f"Use {array}.astype(np.{dtype}) or convert the module with .to(dtype)."
        )


def floats(who: str, input: Tensor, name: str = "input") -> Tensor:
    """The input as a Value or an array; refused unless it holds floats."""
    x = input if isinstance(input, Value) else array_of(input, f"{who}: {name}")
    if x.dtype.kind != "f":
        numbers(who, input, name)
        raise TypeError(f"{who}: {name} must hold floats, got {x.dtype}; use astype(np.float32).")
    return x


def numbers(who: str, input: Tensor, name: str = "input") -> None:
    """Refuse what holds no numbers: None, text, objects."""
    what = no_array(input)
    if what is not None:
        raise TypeError(f"{who}: {name} must be an array or a Value of numbers, got {what}.")
