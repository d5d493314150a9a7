"""Matrix products in float32: glassgrad, NumPy, PyTorch."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case

SHAPES = ((256, 256, 256), (1024, 1024, 1024), (2048, 2048, 2048), (32, 128, 512), (3584, 128, 512))
SMALL = (8, 8, 8)
Shape = tuple[int, int, int]


def data(shape: Shape) -> tuple[Any, Any]:
    """The same factors, (M, K) and (K, N), for every side."""
    import numpy as np

    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=(m, k)), rng.uniform(size=(k, n))
    return a.astype(np.float32), b.astype(np.float32)


def corner(c: Any) -> Any:
    """The part of a product that is compared."""
    return c[:2, -2:]


def limit(threads: int | None) -> None:
    """Limit the number of BLAS threads; must be called before NumPy is imported."""
    if threads is not None:
        for name in ("OPENBLAS", "MKL", "OMP", "VECLIB_MAXIMUM"):
            os.environ[f"{name}_NUM_THREADS"] = str(threads)


def ours(shape: Shape, threads: int | None) -> Callable[[], Any]:
    """In glassgrad, with the implementation that it chooses."""
    import autograd
    from autograd.machine import choice

    if threads is not None:
        autograd.set_num_threads(threads)
    a, b = data(shape)
    return lambda: corner(choice.matmul(a, b))


def numpy(shape: Shape, threads: int | None) -> Callable[[], Any]:
    """In NumPy."""
    limit(threads)
    a, b = data(shape)
    return lambda: corner(a @ b)


def torch(shape: Shape, threads: int | None) -> Callable[[], Any]:
    """In PyTorch."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    a, b = map(torch.from_numpy, data(shape))
    return lambda: corner(a @ b)


def case(shape: Shape, threads: int | None) -> Case:
    """A product on a number of threads, or on all cores."""
    sides = {OURS: ours, "numpy": numpy, "torch": torch}
    return Case(
        "×".join(map(str, shape)) + (", 1 thread" if threads else ""),
        {side: functools.partial(setup, shape, threads) for side, setup in sides.items()},
        flops=2.0 * math.prod(shape),
        bytes=4.0 * sum(math.prod(shape) / n for n in shape),
        cores=threads,
    )


CASES = (
    *(case(shape, None) for shape in (*SHAPES, SMALL)),
    *(case(shape, 1) for shape in SHAPES[:4]),
)
