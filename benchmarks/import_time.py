"""What the import costs: a cold process that imports autograd, and one that imports NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from benchmarks.case import OURS, Case

PROGRAM = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def importing(module: str) -> Callable[[], Callable[[], float]]:
    """Seconds that an import takes in a fresh interpreter, compiled to bytecode beforehand."""

    def setup() -> Callable[[], float]:
        __import__(module)
        cache = tempfile.TemporaryDirectory()  # a source tree may be one where Python keeps none
        env = {**os.environ, "PYTHONPYCACHEPREFIX": cache.name}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", PROGRAM.format(module)]

        def work(cache: tempfile.TemporaryDirectory[str] = cache) -> float:
            return float(subprocess.run(command, capture_output=True, check=True, env=env).stdout)

        work()
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
