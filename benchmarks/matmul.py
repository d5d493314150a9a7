"""Matrix products in float32: glassgrad's tile, NumPy's BLAS, PyTorch's; GFLOP/s."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case

SHAPES = ((256, 256, 256), (1024, 1024, 1024), (2048, 2048, 2048), (32, 128, 512), (3584, 128, 512))
SMALL = (8, 8, 8)


def data(shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """The same factors, (M, K) and (K, N), for every side."""
    import numpy as np

    m, k, n = shape
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=(m, k)), rng.uniform(size=(k, n))
    return a.astype(np.float32), b.astype(np.float32)


def corner(c: Any) -> Any:
    """What is compared of a product."""
    return c[:2, -2:]


def ours(shape: tuple[int, int, int]) -> Callable[[], Any]:
    """Whatever kernels/choice.py chooses."""
    from autograd.kernels import choice

    a, b = data(shape)
    return lambda: corner(choice.matmul(a, b))


def numpy(shape: tuple[int, int, int]) -> Callable[[], Any]:
    """NumPy's, on as many threads as it takes."""
    a, b = data(shape)
    return lambda: corner(a @ b)


def torch(shape: tuple[int, int, int]) -> Callable[[], Any]:
    """PyTorch's."""
    import torch

    a, b = map(torch.from_numpy, data(shape))
    return lambda: corner(a @ b)


def peak() -> Callable[[], float]:
    """GFLOP/s of the tile on one core with everything in registers and L1."""
    import numpy as np

    from autograd.kernels.jit import jit
    from autograd.kernels.tile import lanes, shape, tile

    (rows, *_), vectors = shape()
    width, depth, times = vectors * lanes(np.float32), 128, 20_000
    block = tile(rows, vectors)

    @jit
    def loop(times, a, b, c):
        for _ in range(times):
            block(depth, a, 0, 1, rows, b, 0, width, c, 0, width, False)

    a, b, c = (np.ones(n, np.float32) for n in (rows * depth, depth * width, rows * width))
    loop(1, a, b, c)

    def work() -> float:
        start = time.perf_counter()
        loop(times, a, b, c)
        return 2e-9 * rows * depth * width * times / (time.perf_counter() - start)

    return work


CASES = (
    Case("peak of a core", {OURS: peak}, unit="GFLOP/s", measures_itself=True, compared=False),
    *(
        Case(
            "×".join(map(str, shape)),
            {
                OURS: functools.partial(ours, shape),
                "numpy": functools.partial(numpy, shape),
                "torch": functools.partial(torch, shape),
            },
        )
        for shape in (*SHAPES, SMALL)
    ),
)
