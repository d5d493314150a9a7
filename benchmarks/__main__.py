"""The command line: run subjects, print a table, write JSON."""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import SUBJECTS
from benchmarks.harness import ratio, run

PREFIXES = ((1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def readable(x: float, unit: str) -> str:
    """A measurement with its unit, three digits."""
    if unit != "s":
        return f"{x:.3g} {unit}".rstrip()
    scale, prefix = next((p for p in PREFIXES if abs(x) >= p[0]), PREFIXES[-1])
    return f"{x / scale:.3g} {prefix}s"


def table(subject: str, results: list[dict[str, Any]]) -> Table:
    """One line a side, ours first."""
    t = Table(title=subject, title_justify="left")
    for name in ("case", "side"):
        t.add_column(name)
    for name in ("median", "spread", "× ours"):
        t.add_column(name, justify="right")
    for result in results:
        case = result["case"]
        for side, s in result["sides"].items():
            r = ratio(result, side)
            median = readable(s["median"], result["unit"])
            t.add_row(case, side, median, f"{s['spread']:.0%}", "" if r is None else f"{r:.2f}")
            case = ""
        for side, why in result["skipped"].items():
            t.add_row(case, side, "skipped:", why, "")
    return t


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
    }


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="subject", help=", ".join(SUBJECTS))
    parser.add_argument("--peers", default="torch,micrograd", help="comma-separated")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="interpreter of a peer that has an environment of its own",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write results.json")
    args = parser.parse_args()
    if unknown := set(args.subjects) - set(SUBJECTS):
        parser.error(f"no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    if wrong := [p for p in args.python if "=" not in p]:
        parser.error(f"--python takes PEER=PATH, not {wrong[0]}")
    rounds, enough = (3, 0.02) if args.quick else (15, 0.1)
    pythons = dict(p.split("=", 1) for p in args.python)
    console, everything = Console(), []
    for subject in args.subjects or SUBJECTS:
        results = []
        for case in importlib.import_module(f"benchmarks.{subject}").CASES:
            with console.status(f"{subject}: {case.name}"):
                result = run(subject, case, args.peers.split(","), pythons, rounds, enough)
            results.append(result)
        console.print(table(subject, results))
        everything += results
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        path = args.out / "results.json"
        path.write_text(json.dumps({"machine": machine(), "results": everything}, indent=1))
        console.print(f"Wrote {path}")


if __name__ == "__main__":
    main()
