"""Run the sides of a case in turn, each in its own process, and compare their results."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.case import EAGER, OURS, Case
from benchmarks.environment import clean
from benchmarks.load import Load

ROOT = Path(__file__).parents[1]
LEAST = 3  # rounds
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
    peers : sides to run besides glassgrad's and NumPy.
    pythons : peer -> interpreter; by default the current one.
    rounds : samples per side.
    enough : approximate duration of a sample in seconds.
    longest : seconds of samples after which a case has no more rounds, but for the first three.
    """

    peers: list[str]
    pythons: dict[str, str] = field(default_factory=dict)
    rounds: int = 15
    enough: float = 0.1
    longest: float = 60.0


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
        if name in (OURS, EAGER):
            path.insert(0, str(ROOT))
        command = [python, "-P", "-c", WORKER, str(ROOT), subject, case.name, name]
        self.process = subprocess.Popen(
            [*command, str(plan.enough)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**clean(), "PYTHONPATH": os.pathsep.join(path)},
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

    def ask(self, what: str) -> float:
        """Have the worker take a "sample", or look for "subnormal" numbers."""
        self.process.stdin.write(what + "\n")  # type: ignore[union-attr]
        self.process.stdin.flush()  # type: ignore[union-attr]
        return float(self.answer()[what])

    def close(self) -> None:
        """End the worker."""
        self.process.communicate()


def run(subject: str, case: Case, plan: Plan) -> dict[str, Any]:
    """Run one case; return plain data. If it contains ``wrong``, nothing was timed.

    ``others`` is how many cores other processes kept busy meanwhile, ``subnormal`` the largest
    share of subnormal numbers in an array of glassgrad's side.
    """
    result: dict[str, Any] = {
        "subject": subject,
        "case": case.name,
        "unit": case.unit,
        "group": case.group,
        "flops": case.flops,
        "bytes": case.bytes,
        "cores": case.cores,
        "sides": {},
        "ratios": {},
        "skipped": {},
    }
    sides: list[Side] = []
    try:
        names = [name for name in case.sides if name in (OURS, EAGER, "numpy", *plan.peers)]
        sides += (Side(plan, subject, case, name) for name in names)
        for side in sides:
            side.greet()
        present = [s for s in sides if not s.missing]
        if case.compared:
            for other in present[1:]:
                same_numbers(present[0], other, case.tolerance)
        load, start = Load(s.process.pid for s in sides), time.perf_counter()
        for done in range(min(plan.rounds, case.rounds or plan.rounds)):
            if done >= LEAST and time.perf_counter() - start > plan.longest:
                break
            for side in present:
                side.samples.append(side.ask("sample"))
        result["others"] = load.others()
        result["subnormal"] = max(
            (s.ask("subnormal") for s in present if s.name in (OURS, EAGER)), default=0
        )
        result["sides"] = {s.name: summary(s.samples) for s in present}
        result["ratios"] = ratios({s.name: s.samples for s in present})
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
    """Median, least, quartiles, and the samples themselves."""
    ordered = sorted(samples)
    quarter = len(ordered) // 4
    return {
        "median": statistics.median(ordered),
        "best": ordered[0],
        "low": ordered[quarter],
        "high": ordered[-1 - quarter],
        "samples": samples,
    }


def ratios(samples: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Side -> summary of its times relative to ours, round by round."""
    ours = samples.get(OURS, [])
    return {
        side: summary([a / b if b else math.nan for a, b in zip(theirs, ours, strict=True)])
        for side, theirs in samples.items()
        if side != OURS and ours
    }


def ratio(result: dict[str, Any], side: str) -> float | None:
    """Time of a side relative to ours: the median of the ratios of all rounds."""
    found = result["ratios"].get(side)
    return None if found is None else float(found["median"])


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
