"""One side of one case, in a process of its own: ``python -m benchmarks.worker subject case side``.

Prints a JSON line with the numbers that it computed, or with what is missing; then, for every line
that it reads, one with a measurement.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any


def numbers(x: Any) -> Iterator[float]:
    """Every number in nested lists of arrays, tensors and scalars."""
    if hasattr(x, "tolist"):
        x = x.tolist()
    if isinstance(x, (list, tuple)):
        for part in x:
            yield from numbers(part)
    else:
        yield float(x)


def repeats(work: Callable[[], Any], enough: float) -> int:
    """How many calls take about `enough` seconds."""
    n = 1
    while True:
        seconds = timed(work, n)
        if seconds >= enough / 4:
            return max(1, round(n * enough / seconds))
        n *= 4


def timed(work: Callable[[], Any], n: int) -> float:
    """Seconds that n calls take."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(n):
        work()
    return time.perf_counter() - start


def main(subject: str, name: str, side: str, enough: float) -> None:
    """Answer on standard output."""
    cases = importlib.import_module(f"benchmarks.{subject}").CASES
    (case,) = (c for c in cases if c.name == name)
    try:
        work = case.sides[side]()
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), flush=True)
        return
    print(json.dumps({"numbers": list(numbers(work())) if case.compared else []}), flush=True)
    n = 1 if case.measures_itself else 0
    for _ in sys.stdin:
        n = n or repeats(work, enough)  # only now: nobody else is running
        sample = work() if case.measures_itself else timed(work, n) / n
        print(json.dumps({"sample": sample}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
