"""A chain of scalar nodes, measured by the node: its cost must not grow with the length."""

from __future__ import annotations

import gc
import importlib
import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case

LENGTHS = (10**4, 10**5, 10**6)
PHASES = ("forward", "backward", "free", "all")


def ours(n: int, phase: str) -> Callable[[], Callable[[], float]]:
    """Seconds a node of one phase: record, differentiate, drop."""

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
    """A chain short enough for micrograd, whose recursion ends at about a thousand nodes."""

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
    """Bytes by which a process grows for each recorded node (Linux)."""

    def work() -> float:
        command = [sys.executable, "-c", MEMORY]
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    return work


def timing(n: int, phase: str) -> Case:
    """One phase at one length."""
    sides = {OURS: ours(n, phase)}
    return Case(f"10^{round(math.log10(n))} {phase}", sides, measures_itself=True, compared=False)


CASES = (
    *(timing(n, phase) for n in LENGTHS for phase in PHASES),
    Case("400 nodes", {OURS: short("autograd"), "micrograd": short("micrograd.engine")}),
    Case("memory", {OURS: memory}, "B", measures_itself=True, compared=False),
)
