"""Which engine computes: NumPy, its BLAS or LAPACK, or one of our kernels.

Python's profiling hook sees the calls of kernels and of the machinery below them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from autograd.checkpointing import CHECKPOINT
from autograd.machine import pool
from autograd.op import Op
from autograd.readers.profile.replay import Run

_AUTOGRAD = Path(__file__).parents[2]
_MACHINERY = frozenset({"choice", "pool", "workspace", "jit", "tile", "uninterrupted", "sum_axes"})
_BLAS = frozenset({"tensordot", "einsum", "vecdot"})
_LAPACK = frozenset(
    {"cholesky", "qr", "eigh", "svd", "inv", "det", "logabsdet", "signdet", "solve", "pinv"}
)


def engine_of(op: Op, run: Run) -> str:
    """What computes this: "kernel file.function", "NumPy", "NumPy's BLAS" or "NumPy's LAPACK"."""
    if op is CHECKPOINT:
        return "all of its ops"
    seen = _Seen()
    outer = sys.getprofile()
    with pool.observe(seen.shares):
        sys.setprofile(seen.calls)
        try:
            run()
        finally:
            sys.setprofile(outer)
    alone = len(seen.shared) == 1 and seen.shared[0]
    if kernel := alone or seen.caller or seen.first:
        return f"kernel {kernel}"
    if seen.product or op.name in _BLAS:
        return "NumPy's BLAS"
    return "NumPy's LAPACK" if op.name in _LAPACK else "NumPy"


class _Seen:
    """The kernel functions that were called.

    Attributes
    ----------
    first : the first function that is not machinery.
    caller : the outermost such function around the first use of the pool.
    shared : the compiled functions that the pool ran, "" for one that is not compiled.
    product : whether a matrix product was computed, by whatever engine.
    """

    def __init__(self) -> None:
        self.first = self.caller = ""
        self.shared: list[str] = []
        self.product = False

    def shares(self, function: Any) -> None:
        """The pool is about to run a function."""
        compiled = getattr(function, "py_func", None)
        self.shared.append(_named(compiled) if compiled else "")
        self.caller = self.caller or _outermost(sys._getframe(1))

    def calls(self, frame: FrameType, event: str, arg: Any) -> None:
        """Called by Python at every call and return."""
        if event != "call":
            return
        file, name = _place(frame)
        if (file, name) == ("choice", "matmul"):
            self.product = True
        elif file and not self.first and _tells(file, name):
            self.first = f"{file}.{name}"


def _place(frame: FrameType) -> tuple[str, str]:
    """The kernel's file and function; the file is "" for other functions."""
    path, name = Path(frame.f_code.co_filename), frame.f_code.co_name
    ours = path.parent == _AUTOGRAD / "machine" or (
        path.stem.startswith("kernel_") and path.is_relative_to(_AUTOGRAD / "ops")
    )
    return path.stem.removeprefix("kernel_") if ours else "", name


def _tells(file: str, name: str) -> bool:
    """Whether a function's name tells what is computed."""
    return file not in _MACHINERY and not name.startswith(("_", "<"))


def _outermost(frame: FrameType) -> str:
    """The outermost function on the stack whose name tells what is computed."""
    found, at = "", frame.f_back
    while at is not None:
        file, name = _place(at)
        if file and _tells(file, name):
            found = f"{file}.{name}"
        at = at.f_back
    return found


def _named(function: Any) -> str:
    module = str(function.__module__).rpartition(".")[2].removeprefix("kernel_")
    return "" if function.__name__.startswith("_") else f"{module}.{function.__name__}"
