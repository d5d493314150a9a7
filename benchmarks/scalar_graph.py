"""Cost per node of a chain of scalar nodes, which must not grow with its length."""

from __future__ import annotations

import gc
import importlib
import math
import time
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case
from benchmarks.fresh import measured

LENGTHS = (10**4, 10**5, 10**6)
PHASES = ("forward", "backward", "free", "all")


def ours(n: int, phase: str) -> Callable[[], Callable[[], float]]:
    """Seconds per node of one phase: forward, backward, free."""

    def setup() -> Callable[[], float]:
        from autograd import Value

        x = Value(1.0)

        def work() -> float:
            x.grad = None
            gc.collect()
            gc.disable()
            t = [time.perf_counter()]
            y = x
            for _ in range(n):
                y = y * 1.000001
            t.append(time.perf_counter())
            y.backward(retain_graph=phase == "free")
            t.append(time.perf_counter())
            del y
            t.append(time.perf_counter())
            gc.enable()
            k = PHASES.index(phase)
            return (t[3] - t[0] if phase == "all" else t[k + 1] - t[k]) / n

        return work

    return setup


def short(engine: str) -> Callable[[], Callable[[], Any]]:
    """A chain short enough for micrograd, whose recursion is limited to about 1,000 nodes."""

    def setup() -> Callable[[], Any]:
        Value = importlib.import_module(engine).Value

        def work() -> Any:
            x = y = Value(1.0)
            for _ in range(200):
                y = y * 1.01 + x
            y.backward()
            return x.grad

        return work

    return setup


MEMORY = """
from autograd import Value
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
y = Value(1.0)
for _ in range(1000):
    y = y * 1.000001
before = resident()
for _ in range(10**6):
    y = y * 1.000001
print((resident() - before) / 10**6)
"""


def memory() -> Callable[[], float]:
    """Bytes per recorded node (Linux)."""
    return lambda: measured(MEMORY)


def timing(n: int, phase: str) -> Case:
    """One phase at one length."""
    sides = {OURS: ours(n, phase)}
    return Case(f"10^{round(math.log10(n))} {phase}", sides, measures_itself=True, compared=False)


CASES = (
    *(timing(n, phase) for n in LENGTHS for phase in PHASES),
    Case("400 nodes", {OURS: short("autograd"), "micrograd": short("micrograd.engine")}),
    Case("memory", {OURS: memory}, "B", measures_itself=True, compared=False),
)
