"""A run as plain data: where it was taken, what it ran on, what it found; kept as JSON."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT

Result = dict[str, Any]
RESULTS = "results.json"


def machine() -> dict[str, Any]:
    """What the figures are taken on."""
    allowed = getattr(os, "sched_getaffinity", None)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "processor": processor(),
        "cores": len(allowed(0)) if allowed else os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "commit": commit(),
    }


def processor() -> str:
    """The processor's name, as far as the system tells."""
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """The commit that is measured, where git knows it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def versions(results: list[Result]) -> dict[str, dict[str, str]]:
    """Side -> distribution -> version, of all sides that ran."""
    found: dict[str, dict[str, str]] = {}
    for result in results:
        found.update(result.get("versions", {}))
    return found


def write(directory: Path, where: Result, peaks: Result, results: list[Result]) -> Path:
    """Write the run into a directory; the file."""
    directory.mkdir(parents=True, exist_ok=True)
    run = {
        "machine": where,
        "peaks": peaks,
        "versions": versions(results),
        "results": [{k: v for k, v in r.items() if k != "versions"} for r in results],
    }
    path = directory / RESULTS
    path.write_text(json.dumps(run, indent=1) + "\n")
    return path


def read(path: Path) -> Result:
    """A run that was written before; a directory stands for the results in it.

    Raises
    ------
    ValueError
        Where the file holds something else.
    """
    path = path / RESULTS if path.is_dir() else path
    run = json.loads(path.read_text())
    if not isinstance(run, dict) or not {"machine", "results"} <= run.keys():
        raise ValueError(f"{path} holds no benchmark results")
    return run


def changes(old: list[Result], new: list[Result]) -> list[dict[str, Any]]:
    """Every side of every row that both runs have, and whether it differs beyond the spread.

    Returns
    -------
    list of dict
        With ``subject``, ``case``, ``side``, ``unit``, ``old`` and ``new`` (medians), ``factor``
        (new over old) and ``verdict``: "slower", "faster" or "". It is not "" only where the
        middle halves of the samples lie apart.
    """
    before = {(r["subject"], r["case"]): r["sides"] for r in old}
    found = []
    for result in new:
        key = result["subject"], result["case"]
        for side, now in result["sides"].items():
            if (then := before.get(key, {}).get(side)) is None:
                continue
            (old_low, old_high), (new_low, new_high) = _middle(then), _middle(now)
            verdict = "more" if new_low > old_high else "less" if new_high < old_low else ""
            if verdict and result["unit"] == "s":
                verdict = {"more": "slower", "less": "faster"}[verdict]
            found.append(
                {
                    "subject": key[0],
                    "case": key[1],
                    "side": side,
                    "unit": result["unit"],
                    "old": then["median"],
                    "new": now["median"],
                    "factor": now["median"] / then["median"] if then["median"] else float("nan"),
                    "verdict": verdict,
                }
            )
    return found


def _middle(s: dict[str, Any]) -> tuple[float, float]:
    """Where the middle half of the samples lies."""
    ordered = sorted(s["samples"])
    quarter = len(ordered) // 4
    return ordered[quarter], ordered[-1 - quarter]
