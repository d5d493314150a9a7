"""The machine's peak FLOPs and memory bandwidth, measured once per process by short runs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from autograd.machine.pool import get_num_threads
from autograd.ops.algebra.products import matmul

SIDE = 512  # of the matrices: large enough for the tile, small enough for the cache
COPY = 1 << 22  # bytes, which stream through the last-level cache
TIMES = 10


class Peak(NamedTuple):
    """The two limits of the roofline.

    Attributes
    ----------
    flops : floating-point operations per second, in a matrix product on all threads.
    bandwidth : bytes read and written per second, in a copy of a few MiB by all threads.
    """

    flops: float
    bandwidth: float

    def seconds(self, flops: float, moved: int) -> float:
        """The shortest possible time for `flops` operations and `moved` bytes."""
        return max(flops / self.flops, moved / self.bandwidth)


def peak(dtype: np.dtype[np.generic]) -> Peak:
    """The limits for arithmetic in this dtype, with the current number of threads."""
    return Peak(_flops(dtype.char, get_num_threads()), _bandwidth(get_num_threads()))


@functools.cache
def _flops(kind: str, threads: int) -> float:
    a = np.ones((SIDE, SIDE), kind)
    return 2.0 * SIDE**3 / _best(lambda: matmul.call(a, a))


@functools.cache
def _bandwidth(threads: int) -> float:
    targets = np.array_split(np.zeros(COPY, np.uint8), threads)
    sources = np.array_split(np.ones(COPY, np.uint8), threads)

    def copy(i: int) -> None:
        for _ in range(TIMES):
            np.copyto(targets[i], sources[i])

    with ThreadPoolExecutor(threads) as pool:
        return 2.0 * COPY * TIMES / _best(lambda: list(pool.map(copy, range(threads))))


def _best(work: Callable[[], object]) -> float:
    """The shortest of several runs, in seconds; the first, which may compile, is left out."""
    work()
    shortest = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest
