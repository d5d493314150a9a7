"""What the import costs: a cold process that imports autograd, and one that imports NumPy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.case import OURS, Case

PROGRAM = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def importing(module: str) -> Callable[[], Callable[[], float]]:
    """Seconds that an import takes in a fresh interpreter."""

    def setup() -> Callable[[], float]:
        __import__(module)

        def work() -> float:
            command = [sys.executable, "-c", PROGRAM.format(module)]
            return float(subprocess.run(command, capture_output=True, check=True).stdout)

        return work

    return setup


CASES = (
    Case(
        "cold import",
        {OURS: importing("autograd"), "numpy": importing("numpy"), "torch": importing("torch")},
        measures_itself=True,
        compared=False,
    ),
)
