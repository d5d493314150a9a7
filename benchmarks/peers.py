"""The libraries that glassgrad is compared with, and their environments."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Collection
from pathlib import Path

ENVIRONMENTS = {
    "peers": {
        "torch": ("torch==2.13.0",),
        "jax": ("jax==0.10.2",),
        "mygrad": ("mygrad==2.5.0", "numba==0.68.1"),  # its GRU is compiled
        "micrograd": ("micrograd==0.1.0",),
        "tinygrad": ("tinygrad==0.14.0",),
    },
    "hips": {"autograd": ("autograd==1.9.1",)},  # separate: it has our import name
}
PEERS = tuple(peer for peers in ENVIRONMENTS.values() for peer in peers)


def interpreter(environment: Path) -> Path:
    """Path of an environment's Python."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def set_up(directory: Path, chosen: Collection[str], say: Callable[[str], object]) -> None:
    """Create the environments of some peers, with pinned versions; existing ones are reused.

    Raises
    ------
    subprocess.CalledProcessError
        pip could not install a peer; its output says why.
    """
    for name, peers in ENVIRONMENTS.items():
        wanted = [requirement for peer in peers if peer in chosen for requirement in peers[peer]]
        if not wanted:
            continue
        say(f"{directory / name}: {' '.join(wanted)}")
        python = interpreter(directory / name)
        if not python.exists():
            venv.create(directory / name, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)


def interpreters(directory: Path | None) -> dict[str, str]:
    """Interpreter of each peer: of its environment in the directory if there is one, else ours."""
    found = {}
    for name, peers in ENVIRONMENTS.items():
        python = None if directory is None else interpreter(directory / name)
        for peer in peers:
            found[peer] = str(python) if python and python.exists() else sys.executable
    return found
