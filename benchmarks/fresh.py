"""Measurements that need a process of their own each: of its start, of its memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(code: str, **env: str) -> float:
    """The number that code prints last, run in a fresh process that finds this package.

    Raises
    ------
    RuntimeError
        The process failed; its own error is in the message.
    """
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks: a fresh process failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])
