"""Elementwise formulas that a kernel computes where arrays are large, NumPy where they are small.

The thresholds were measured as benchmarks/elementwise.py does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__  # type: ignore[import-not-found]

from autograd.machine.choice import alike
from autograd.machine.uninterrupted import load
from autograd.recording import is_recording
from autograd.results import constant
from autograd.tape import OPEN, current, untaped
from autograd.value import Value

Function = Callable[..., Any]

_VECTORISED = bool(__cpu_features__.get("AVX512_SKX"))  # NumPy's own tanh is, and well

# The number of elements from which a kernel beats NumPy, whose formula mostly takes several passes.
SIZE = 1_024
SIZES = {
    "exp": 16_384,
    "log": 131_072,
    "tanh": 262_144 if _VECTORISED else 4_096,
    "tanh_grad": 16_384,
    "sigmoid_grad": 16_384,
    "relu": 8_192,
    "relu_grad": 4_096,
    "relu6_grad": 4_096,
    "where_positive": 16_384,
    "signed": 8_192,
    "gelu": 64,  # whose formula runs a kernel too, that of erfc
    "gelu_grad": 64,
}
MASKED = frozenset({"picked", "kept", "dropped"})
"""Kernels whose last array is a mask."""


def elementwise(name: str, *arrays: Any, numbers: Sequence[float] = ()) -> Any:
    """Compute a function of large arrays by its kernel, or return None: then NumPy is faster.

    None is also what Values, Symbols, numbers, other dtypes and mixed shapes get.

    Parameters
    ----------
    name : str
        The kernel in kernel_elementwise.py.
    *arrays
        What the kernel takes.
    numbers : sequence of float
        What it takes after them.

    Examples
    --------
    >>> import numpy as np
    >>> elementwise("sigmoid", np.zeros(10)) is None
    True
    """
    floats = arrays[:-1] if name in MASKED else arrays
    if not alike(SIZES.get(name, SIZE), floats):
        return None
    mask = arrays[-1]
    if name in MASKED and not (
        type(mask) is np.ndarray and mask.dtype.char == "?" and mask.shape == arrays[0].shape
    ):
        return None
    kernels: Any = load("autograd.ops.elementwise.kernel_elementwise")
    return kernels.apply(getattr(kernels, name), *arrays, numbers=numbers)


class Scalar:
    """What a kernel computes of single elements, as the op of a node on a tape.

    Attributes
    ----------
    name : of the kernel.
    forward : the formula.
    scalar : an expression of a, b and c that Numba takes.
    """

    def __init__(self, name: str, forward: Function, scalar: str) -> None:
        self.name, self.forward, self.scalar = name, forward, scalar

    def __call__(self, *inputs: Any) -> Value:
        """Compute the formula, and leave a node on the tape."""
        with untaped():
            y = self.forward(*[x._data if isinstance(x, Value) else x for x in inputs])
        return constant(self, y, inputs)


def kernel_for(name: str, scalar: str | None = None) -> Callable[[Function], Function]:
    """Decorate a formula of NumPy functions with the name of the kernel that stands for it.

    The size of the array decides which of them runs; Values and Symbols get the formula. On a tape
    `scalar`, an expression of single elements a, b and c, takes the formula's place where nothing
    requires a gradient.
    """

    def decorate(formula: Function) -> Function:
        size = SIZES.get(name, SIZE)
        row = Scalar(name, formula, scalar or "")

        def of_one(a: Any) -> Any:
            y = None if a.size < size else elementwise(name, a)
            if y is not None:
                return y
            return row(a) if OPEN[0] and on_tape(a) else formula(a)

        def of_two(a: Any, b: Any) -> Any:
            y = None if a.size < size else elementwise(name, a, b)
            if y is not None:
                return y
            return row(a, b) if OPEN[0] and on_tape(a, b) else formula(a, b)

        def of_three(a: Any, b: Any, c: Any) -> Any:
            y = None if a.size < size else elementwise(name, a, b, c)
            if y is not None:
                return y
            return row(a, b, c) if OPEN[0] and on_tape(a, b, c) else formula(a, b, c)

        def on_tape(*inputs: Any) -> bool:
            values = [x for x in inputs if isinstance(x, Value)]
            if not (scalar and current() and values):
                return False
            return not (is_recording() and any(x.requires_grad for x in values))

        ways: dict[int, Function] = {1: of_one, 2: of_two, 3: of_three}
        return functools.wraps(formula)(ways[formula.__code__.co_argcount])

    return decorate
