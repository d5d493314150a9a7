"""Memory: the block that the results of a plan share, and the names under which steps see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.machine import pool
from autograd.machine.uninterrupted import load
from autograd.plan.schedule import LINE
from autograd.plan.source import strip_width

_VIEWS = {"b1": np.bool_, "i4": np.int32, "i8": np.int64, "f4": np.float32, "f8": np.float64}


class Memory:
    """What a running plan works in: one call of it at a time.

    Attributes
    ----------
    m_f4, m_f8, ... : the block as arrays of each dtype.
    v : arrays in it that calls from Python are given.
    panel_f, panel_d : room for a strip of a matrix.
    """

    def __init__(self, size: int, views: Sequence[Any]) -> None:
        matmul: Any = load("autograd.machine.matmul")
        block = np.empty(size + LINE, np.uint8)
        start = -block.ctypes.data % LINE
        block = block[start : start + size - size % 8]
        for name, dtype in _VIEWS.items():
            setattr(self, f"m_{name}", block.view(dtype))
        self.v = [_view(block, *view) for view in views]
        self.origin = np.zeros(1, np.intp)
        for char in "fd":
            kind = np.dtype(char)
            panel: Any = np.empty(matmul.DEPTH * strip_width(kind), kind)
            setattr(self, f"panel_{char}", panel)
        self.matmul, self.share = matmul.matmul, pool.run

    @staticmethod
    def plain(x: Any) -> Any:
        """A result of a call as an array."""
        return np.asarray(x)

    @staticmethod
    def flat(x: Any) -> Any:
        """A result of a call as a contiguous array of one axis."""
        return np.ascontiguousarray(x).reshape(-1)


def _view(block: Any, char: str, shape: Any, strides: Any, offset: int) -> Any:
    array = block.view(np.dtype(char))
    size = array.itemsize
    return np.ndarray(shape, array.dtype, array, offset * size, tuple(s * size for s in strides))
