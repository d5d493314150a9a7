"""How kernels run on this machine: their threads, and the folder that keeps them compiled."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograd.machine.pool import get_num_threads, set_num_threads

__all__ = [
    "compiled_folder",
    "get_num_threads",
    "kernels_started",
    "set_num_threads",
    "without_notices",
]


def _jit() -> Any:
    """What compiles them; imported with Numba when it is asked for."""
    return importlib.import_module("autograd.machine.jit")


def kernels_started() -> bool:
    """Whether kernels run in this process already, so that Numba's start costs nothing more."""
    return "autograd.machine.jit" in sys.modules


def compiled_folder() -> Path | None:
    """The folder that compiled kernels are kept in; None where there is none to write to."""
    folder: Path | None = _jit().cache_folder()
    return folder


@contextlib.contextmanager
def without_notices() -> Iterator[None]:
    """Compile without a word on stderr."""
    with _jit().quietly():
        yield
