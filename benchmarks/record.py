"""A run as JSON: machine, versions and results."""

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
    """Description of the machine."""
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
    """Name of the processor, if known."""
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """The commit being measured; None outside git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def versions(results: list[Result]) -> dict[str, dict[str, str]]:
    """Side -> distribution -> version, for all sides that ran."""
    found: dict[str, dict[str, str]] = {}
    for result in results:
        found.update(result.get("versions", {}))
    return found


def write(directory: Path, where: Result, peaks: Result, results: list[Result]) -> Path:
    """Write a run to a directory; return the file's path."""
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
    """Read a run from its file, or from the directory it was written to.

    Raises
    ------
    ValueError
        A file that is not a run.
    """
    path = path / RESULTS if path.is_dir() else path
    run = json.loads(path.read_text())
    if not isinstance(run, dict) or not {"machine", "results"} <= run.keys():
        raise ValueError(f"{path} contains no benchmark results")
    return run


def changes(old: list[Result], new: list[Result]) -> list[dict[str, Any]]:
    """Changes of all sides and rows that both runs have.

    Returns
    -------
    list of dict
        With ``subject``, ``case``, ``side``, ``unit``, ``old`` and ``new`` (medians), ``factor``
        (new / old) and ``verdict``: "slower" or "faster" ("more" or "less" for other units than
        seconds) if the interquartile ranges are disjoint, otherwise "".
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
    """Interquartile range of the samples."""
    ordered = sorted(s["samples"])
    quarter = len(ordered) // 4
    return ordered[quarter], ordered[-1 - quarter]
