"""Run the sides of a case in turn, each in its own process, and compare them."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.case import OURS, Case

ROOT = Path(__file__).parents[1]


class Side:
    """A worker process, and what it measured."""

    def __init__(self, python: str, subject: str, case: Case, name: str, enough: float) -> None:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.name, self.samples = name, list[float]()
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", subject, case.name, name, str(enough)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        hello = self.answer()
        self.missing: str | None = hello.get("missing")
        self.numbers: list[float] = hello.get("numbers", [])

    def answer(self) -> dict[str, Any]:
        """The next line of the worker."""
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise RuntimeError(f"benchmarks: the side {self.name!r} ended without an answer.")
        return json.loads(line)  # type: ignore[no-any-return]

    def measure(self) -> None:
        """One more sample."""
        self.process.stdin.write("\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        self.samples.append(self.answer()["sample"])

    def close(self) -> None:
        """Let the worker end."""
        self.process.communicate()


def run(
    subject: str, case: Case, peers: list[str], pythons: dict[str, str], rounds: int, enough: float
) -> dict[str, Any]:
    """The result of one case, as plain data.

    Raises
    ------
    ValueError
        Two sides computed different numbers.
    """
    names = [n for n in case.sides if n in (OURS, "numpy") or n in peers]
    sides = [Side(pythons.get(n, sys.executable), subject, case, n, enough) for n in names]
    try:
        present = [s for s in sides if not s.missing]
        for other in present[1:]:
            same_numbers(case.name, present[0], other)
        for _ in range(rounds):
            for side in present:
                side.measure()
    finally:
        for side in sides:
            side.close()
    return {
        "subject": subject,
        "case": case.name,
        "unit": case.unit,
        "sides": {s.name: summary(s.samples) for s in present},
        "skipped": {s.name: f"{s.missing} is not installed" for s in sides if s.missing},
    }


def same_numbers(case: str, a: Side, b: Side) -> None:
    """Raise unless both sides computed the same, to single precision."""
    same = len(a.numbers) == len(b.numbers) and all(
        math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-5)
        for x, y in zip(a.numbers, b.numbers, strict=True)
    )
    if not same:
        raise ValueError(
            f"benchmarks: {case}: {a.name} and {b.name} computed different numbers: "
            f"{a.numbers[:4]} and {b.numbers[:4]}."
        )


def summary(samples: list[float]) -> dict[str, Any]:
    """Median, and the spread of the middle half relative to it."""
    ordered = sorted(samples)
    low, high = ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]
    median = statistics.median(ordered)
    return {
        "median": median,
        "best": ordered[0],
        "spread": (high - low) / median if median else 0.0,
        "samples": samples,
    }


def ratio(result: dict[str, Any], side: str) -> float | None:
    """How many times ours another side takes: the median over rounds, each taken in turn."""
    sides = result["sides"]
    if side == OURS or OURS not in sides:
        return None
    pairs = zip(sides[side]["samples"], sides[OURS]["samples"], strict=True)
    return float(statistics.median(theirs / ours for theirs, ours in pairs))
