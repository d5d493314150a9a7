"""Measurements in a fresh process, of start-up time or memory."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(code: str, **env: str) -> float:
    """Run code in a fresh process that can import this package; return the last number it prints.

    Bytecode is kept from one process to the next, wherever the sources may not be written to.

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
    kept = {"PYTHONPYCACHEPREFIX": bytecode().name, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **kept, **env},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks: the measuring process failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])


@functools.cache
def bytecode() -> tempfile.TemporaryDirectory[str]:
    """The folder of bytecode, for as long as this process runs."""
    return tempfile.TemporaryDirectory()
