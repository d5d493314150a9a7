"""Worker process that runs one side of one case; see `main`."""

from __future__ import annotations

import gc
import importlib
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

from benchmarks.case import EAGER, OURS, Unavailable
from benchmarks.subnormal import share


def numbers(x: Any) -> Iterator[float]:
    """All numbers in nested lists of arrays, tensors and scalars."""
    if hasattr(x, "tolist"):
        x = x.tolist()
    if isinstance(x, (list, tuple)):
        for part in x:
            yield from numbers(part)
    else:
        yield float(x)


def repeats(work: Callable[[], Any], enough: float) -> int:
    """Number of calls that take about `enough` seconds."""
    n = 1
    while True:
        seconds = timed(work, n)
        if seconds >= enough / 4:
            return max(1, round(n * enough / seconds))
        n *= 4


def timed(work: Callable[[], Any], n: int) -> float:
    """Seconds for n calls."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(n):
        work()
    return time.perf_counter() - start


def versions(side: str) -> dict[str, str]:
    """Versions of Python and of the side's distributions."""
    found = {"python": platform.python_version()}
    for name in (side, "numpy", *(("numba",) if side in (OURS, EAGER) else ())):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def main(subject: str, name: str, side: str, enough: float) -> None:
    """Set up a side, then take a sample for each line "sample" on standard input.

    Prints a JSON line with the side's result, or the reason why it can't run; then one JSON line
    per line. The line "subnormal" asks for the share of subnormal numbers in its data.
    """
    cases = importlib.import_module(f"benchmarks.{subject}").CASES
    (case,) = (c for c in cases if c.name == name)
    try:
        work = case.sides[side]()
    except ModuleNotFoundError as error:
        say(missing=f"{error.name} is not installed")
        return
    except Unavailable as error:
        say(missing=str(error))
        return
    say(numbers=list(numbers(work())) if case.compared else [], versions=versions(side))
    n = 1 if case.measures_itself else 0
    for line in sys.stdin:
        if line == "subnormal\n":
            say(subnormal=0.0 if case.measures_itself else share(work))
            continue
        n = n or repeats(work, enough)  # only now, when no other side is running
        say(sample=work() if case.measures_itself else timed(work, n) / n)


def say(**answer: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(answer), flush=True)
