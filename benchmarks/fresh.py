"""Measurements in a fresh process, of start-up time or memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(code: str, **env: str) -> float:
    """Run code in a fresh process that can import this package; return the last number it prints.

    Parameters
    ----------
    code : Python source.
    **env : additional environment variables.

    Raises
    ------
    RuntimeError
        The process failed; the message contains its error.
    """
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks: the measuring process failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])
