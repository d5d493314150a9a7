"""Run the sides of a case in turn, each in its own process, and compare their results."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.case import OURS, Case

ROOT = Path(__file__).parents[1]
# Our path comes last: HIPS's autograd has the same import name.
WORKER = (
    "import sys; sys.path.append(sys.argv.pop(1)); from benchmarks.worker import main; "
    "main(*sys.argv[1:4], float(sys.argv[4]))"
)


@dataclass
class Plan:
    """Measurement settings.

    Parameters
    ----------
    peers : sides to run besides glassgrad and NumPy.
    pythons : peer -> interpreter; by default the current one.
    rounds : samples per side.
    enough : approximate duration of a sample in seconds.
    """

    peers: list[str]
    pythons: dict[str, str] = field(default_factory=dict)
    rounds: int = 15
    enough: float = 0.1


class Wrong(Exception):  # noqa: N818 - a result, not a fault
    """A side crashed, or computed a different result."""


class Side:
    """A worker process and its measurements."""

    def __init__(self, plan: Plan, subject: str, case: Case, name: str) -> None:
        self.name, self.samples = name, list[float]()
        self.missing: str | None = None
        self.numbers: list[float] = []
        self.versions: dict[str, str] = {}
        python = plan.pythons.get(name, sys.executable)
        given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        path = [p for p in given if p and Path(p).resolve() != ROOT]
        if name == OURS:
            path.insert(0, str(ROOT))
        command = [python, "-P", "-c", WORKER, str(ROOT), subject, case.name, name]
        self.process = subprocess.Popen(
            [*command, str(plan.enough)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        )

    def greet(self) -> None:
        """Wait for its setup, and read its first result."""
        hello = self.answer()
        self.missing = hello.get("missing")
        self.numbers, self.versions = hello.get("numbers", []), hello.get("versions", {})

    def answer(self) -> dict[str, Any]:
        """Read the next line of the worker."""
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise Wrong(f"the side {self.name!r} exited without an answer")
        return json.loads(line)  # type: ignore[no-any-return]

    def measure(self) -> None:
        """Take one sample."""
        self.process.stdin.write("\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        self.samples.append(self.answer()["sample"])

    def close(self) -> None:
        """End the worker."""
        self.process.communicate()


def run(subject: str, case: Case, plan: Plan) -> dict[str, Any]:
    """Run one case; return plain data. If it contains ``wrong``, nothing was timed."""
    result: dict[str, Any] = {
        "subject": subject,
        "case": case.name,
        "unit": case.unit,
        "group": case.group,
        "flops": case.flops,
        "bytes": case.bytes,
        "cores": case.cores,
        "sides": {},
        "skipped": {},
    }
    sides: list[Side] = []
    try:
        names = [name for name in case.sides if name in (OURS, "numpy", *plan.peers)]
        sides += (Side(plan, subject, case, name) for name in names)
        for side in sides:
            side.greet()
        present = [s for s in sides if not s.missing]
        if case.compared:
            for other in present[1:]:
                same_numbers(present[0], other, case.tolerance)
        for _ in range(plan.rounds):
            for side in present:
                side.measure()
        result["sides"] = {s.name: summary(s.samples) for s in present}
        result["versions"] = {s.name: s.versions for s in present}
        result["skipped"] = {s.name: s.missing for s in sides if s.missing}
    except Wrong as error:
        result["wrong"] = str(error)
    finally:
        for side in sides:
            side.close()
    return result


def same_numbers(a: Side, b: Side, tolerance: float) -> None:
    """Raise `Wrong` unless both sides computed the same result."""
    if len(a.numbers) != len(b.numbers):
        raise Wrong(f"{a.name} has {len(a.numbers)} numbers, {b.name} {len(b.numbers)}")
    for i, (x, y) in enumerate(zip(a.numbers, b.numbers, strict=True)):
        if not math.isclose(x, y, rel_tol=tolerance, abs_tol=tolerance / 10):
            raise Wrong(f"number {i} is {x} in {a.name}, {y} in {b.name}")


def summary(samples: list[float]) -> dict[str, Any]:
    """Median, minimum, and interquartile range relative to the median."""
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
    """Time of a side relative to ours: the median of the ratios of all rounds."""
    sides = result["sides"]
    if side == OURS or OURS not in sides or side not in sides:
        return None
    pairs = zip(sides[side]["samples"], sides[OURS]["samples"], strict=True)
    return float(statistics.median(theirs / ours for theirs, ours in pairs))


def means(results: list[dict[str, Any]]) -> dict[str, dict[str, tuple[float, int]]]:
    """Group -> side -> geometric mean of its ratios to ours, and number of rows."""
    logs: dict[str, dict[str, list[float]]] = {}
    for result in results:
        if result["group"] is not None:
            for side in result["sides"]:
                if (r := ratio(result, side)) is not None:
                    logs.setdefault(result["group"], {}).setdefault(side, []).append(math.log(r))
    return {
        group: {side: (math.exp(statistics.fmean(x)), len(x)) for side, x in sides.items()}
        for group, sides in logs.items()
    }
