"""Import time of autograd, NumPy and PyTorch in a fresh process."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.case import OURS, Case
from benchmarks.fresh import measured

PROGRAM = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def importing(module: str) -> Callable[[], Callable[[], float]]:
    """Seconds for an import in a fresh interpreter, with bytecode compiled beforehand."""

    def setup() -> Callable[[], float]:
        __import__(module)
        measured(PROGRAM.format(module))
        return lambda: measured(PROGRAM.format(module))

    return setup


CASES = (
    Case(
        "cold import",
        {OURS: importing("autograd"), "numpy": importing("numpy"), "torch": importing("torch")},
        measures_itself=True,
        compared=False,
    ),
)
