"""What max and average pooling share: kernels in the thread pool, and the checked input.

Ordinary and adaptive pooling differ in where their windows lie; the ops know only the windows.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.ops.pooling.windows import Windows


@functools.cache
def _pool_and_kernels() -> tuple[Any, Any]:
    """The thread pool and the kernels; Numba is imported on first use."""
    return load("autograd.machine.pool"), load("autograd.ops.pooling.kernel_pooling")


def run(name: str, planes: int, *args: Any, cost: float) -> None:
    """A kernel over planes, in the pool."""
    pool, kernels = _pool_and_kernels()
    pool.run(getattr(kernels, name), planes, *args, cost=cost)


def batched(name: str, rank: int, input: Any, make: Any, *how: Any) -> tuple[Any, Windows]:
    """The input with a batch axis (the very same where it has one), and its windows."""
    shape = np.shape(input)
    if len(shape) not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: input {shape} must have {rank + 2} axes, (N, C, ...), or {rank + 1}, "
            "(C, ...)."
        )
    try:
        windows = make(tuple(shape[-rank:]), *map(_hashable, how))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error} Input: {shape}.") from None
    return np.expand_dims(input, 0) if len(shape) == rank + 1 else input, windows


def _hashable(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        a = a.tolist()
    return tuple(a) if isinstance(a, list) else a
