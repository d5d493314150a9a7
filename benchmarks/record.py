"""A run as JSON: machine, versions and results; and what has changed since another run."""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.environment import dropped
from benchmarks.harness import ROOT, ratios, summary
from benchmarks.processor import processor

Result = dict[str, Any]
RESULTS = "results.json"
WORDS = {"s": ("slower", "faster"), "×": ("better", "worse")}  # more, less


def machine() -> dict[str, Any]:
    """Description of the machine."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        **processor(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "dropped": dropped(),
        "commit": commit(),
    }


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


def run_of(where: Result, peaks: Result, results: list[Result]) -> Result:
    """A run as plain data."""
    return {
        "machine": where,
        "peaks": peaks,
        "versions": versions(results),
        "results": [{k: v for k, v in r.items() if k != "versions"} for r in results],
    }


def without_samples(run: Result) -> Result:
    """A run with medians and quartiles only."""

    def bare(sides: Result) -> Result:
        return {
            side: {k: float(f"{v:.4g}") for k, v in s.items() if k != "samples"}
            for side, s in sides.items()
        }

    results = [
        {**r, "sides": bare(r["sides"]), "ratios": bare(r["ratios"])} for r in run["results"]
    ]
    return {**run, "results": results}


def write(directory: Path, run: Result) -> Path:
    """Write a run to a directory; return the file's path."""
    directory.mkdir(parents=True, exist_ok=True)
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
    for result in run["results"]:
        if "ratios" not in result:  # written by an earlier version
            samples = {side: s["samples"] for side, s in result["sides"].items()}
            result["sides"] = {side: summary(x) for side, x in samples.items()}
            result["ratios"] = ratios(samples)
    return run


def changes(old: list[Result], new: list[Result], relative: bool = False) -> list[dict[str, Any]]:
    """Changes of all sides and rows that both runs have.

    Parameters
    ----------
    old, new : results of the runs.
    relative : compare the peers' times relative to ours instead of times, as between machines.

    Returns
    -------
    list of dict
        With ``subject``, ``case``, ``side``, ``unit``, ``old`` and ``new`` (medians), ``factor``
        (new / old) and ``verdict``, "" if the interquartile ranges overlap. Otherwise "slower" or
        "faster" for seconds, "better" or "worse" for ratios, "more" or "less" for other units.
    """
    kind = "ratios" if relative else "sides"
    before = {(r["subject"], r["case"]): r[kind] for r in old}
    found = []
    for result in new:
        key = result["subject"], result["case"]
        unit = "×" if relative else result["unit"]
        more, less = WORDS.get(unit, ("more", "less"))
        for side, now in result[kind].items():
            if (then := before.get(key, {}).get(side)) is None:
                continue
            verdict = (
                more if now["low"] > then["high"] else less if now["high"] < then["low"] else ""
            )
            found.append(
                {
                    "subject": key[0],
                    "case": key[1],
                    "side": side,
                    "unit": unit,
                    "old": then["median"],
                    "new": now["median"],
                    "factor": now["median"] / then["median"] if then["median"] else math.nan,
                    "verdict": verdict,
                }
            )
    return found
