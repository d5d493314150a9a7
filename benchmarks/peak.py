"""Peak FLOP/s and memory bandwidth of the machine; tables give percentages of these."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case

COPY = 1 << 20  # float32 values, as in the elementwise subject


def together(work: Callable[[int], None]) -> float:
    """Seconds for all cores to do their share, from the first start to the last end.

    Threads read the clock themselves, as the thread that starts them may be scheduled late.
    """
    from autograd import get_num_threads

    n = get_num_threads()
    gate = threading.Barrier(n)
    begins, ends = [0.0] * n, [0.0] * n

    def one(i: int) -> None:
        gate.wait()
        begins[i] = time.perf_counter()
        work(i)
        ends[i] = time.perf_counter()

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(ends) - min(begins)


def flops() -> Callable[[], float]:
    """FLOP/s of the multiply-add tile on all cores, with data in registers and L1 cache."""
    import numpy as np

    from autograd import get_num_threads
    from autograd.machine.jit import jit
    from autograd.machine.tile import lanes, shape, tile

    (rows, *_), vectors = shape()
    width, depth, times = vectors * lanes(np.float32), 128, 20_000
    block = tile(rows, vectors)

    @jit
    def loop(times, a, b, c):  # type: ignore[no-untyped-def]
        for _ in range(times):
            block(depth, a, 0, 1, rows, b, 0, width, c, 0, width, False)

    def arrays() -> list[Any]:
        return [np.ones(n, np.float32) for n in (rows * depth, depth * width, rows * width)]

    mine = [arrays() for _ in range(get_num_threads())]
    loop(1, *mine[0])

    def work() -> float:
        seconds = together(lambda i: loop(times, *mine[i]))
        return 2.0 * rows * depth * width * times * len(mine) / seconds

    return work


def bandwidth() -> Callable[[], float]:
    """Bytes/s read and written by all cores copying 4 MiB together."""
    import numpy as np

    from autograd import get_num_threads

    n, times = get_num_threads(), 50
    x, y = np.zeros(COPY, np.float32), np.ones(COPY, np.float32)
    parts = list(zip(np.array_split(x, n), np.array_split(y, n), strict=True))

    def copy(i: int) -> None:
        source, target = parts[i]
        for _ in range(times):
            np.copyto(target, source)

    return lambda: 2 * x.nbytes * times / together(copy)


CASES = tuple(
    Case(name, {OURS: setup}, unit=unit, measures_itself=True, compared=False)
    for name, setup, unit in (("flops", flops, "FLOP/s"), ("bytes", bandwidth, "B/s"))
)
