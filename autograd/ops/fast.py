"""Formulas that a kernel computes where arrays are large."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from autograd.kernels import choice

Function = Callable[..., Any]


def kernel_for(name: str) -> Callable[[Function], Function]:
    """Decorate a formula of NumPy functions with the name of the kernel that stands for it.

    `autograd.kernels.choice` decides which of them runs; Values and Symbols get the formula.
    """

    def decorate(formula: Function) -> Function:
        size = choice.SIZES.get(name, choice.SIZE)

        def of_one(a: Any) -> Any:
            y = None if a.size < size else choice.elementwise(name, a)
            return formula(a) if y is None else y

        def of_two(a: Any, b: Any) -> Any:
            y = None if a.size < size else choice.elementwise(name, a, b)
            return formula(a, b) if y is None else y

        def of_three(a: Any, b: Any, c: Any) -> Any:
            y = None if a.size < size else choice.elementwise(name, a, b, c)
            return formula(a, b, c) if y is None else y

        ways: dict[int, Function] = {1: of_one, 2: of_two, 3: of_three}
        return functools.wraps(formula)(ways[formula.__code__.co_argcount])

    return decorate
