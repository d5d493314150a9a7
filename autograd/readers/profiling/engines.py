"""Which engine computes: NumPy, its BLAS or LAPACK, or one of our kernels.

Python's profiling hook sees the functions of the kernels' folder being called.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from autograd.op import Op
from autograd.readers.profiling.replay import Run

_KERNELS = Path(__file__).parents[2] / "kernels"
_MACHINERY = frozenset({"choice", "pool", "workspace", "jit", "tile"})
_BLAS = frozenset({"tensordot", "einsum", "vecdot"})
_LAPACK = frozenset(
    {"cholesky", "qr", "eigh", "svd", "inv", "det", "logabsdet", "signdet", "solve", "pinv"}
)


def engine_of(op: Op, run: Run) -> str:
    """Who computes this: "kernel file.function", "NumPy", "NumPy's BLAS" or "NumPy's LAPACK"."""
    seen = _Seen()
    outer = sys.getprofile()
    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(outer)
    if seen.outermost:
        alone = len(seen.shared) == 1 and seen.shared[0]
        return f"kernel {alone or seen.outermost}"
    if seen.product or op.name in _BLAS:
        return "NumPy's BLAS"
    return "NumPy's LAPACK" if op.name in _LAPACK else "NumPy"


class _Seen:
    """What was called in the kernels' folder.

    Attributes
    ----------
    outermost : the first function that is not mere machinery.
    shared : the compiled functions that the pool ran, "" for one that is not compiled.
    product : whether a product of matrices was asked for, whoever computed it.
    """

    def __init__(self) -> None:
        self.outermost = ""
        self.shared: list[str] = []
        self.product = False

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event != "call":
            return
        file = Path(frame.f_code.co_filename)
        if file.parent != _KERNELS:
            return
        name = f"{file.stem}.{frame.f_code.co_name}"
        if name == "pool.run":
            function = getattr(frame.f_locals["function"], "py_func", None)
            self.shared.append(_named(function) if function else "")
            self.outermost = self.outermost or self.shared[-1]
        elif file.stem not in _MACHINERY:
            self.outermost = self.outermost or name
        elif name == "choice.matmul":
            self.product = True


def _named(function: Any) -> str:
    module = str(function.__module__).rpartition(".")[2]
    return "" if function.__name__.startswith("_") else f"{module}.{function.__name__}"
