"""Packed: the arrays that a page carries, as bytes."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from autograd.node import Array


class Packed:
    """Arrays one behind the other, each in the smallest type that holds its numbers.

    Attributes
    ----------
    bytes : all of them.
    constants : [shape, type, offset] of those that the programs name ``K[0]``, ``K[1]`` ...
    """

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.constants: list[Any] = []
        self._names: dict[Any, str] = {}

    def add(self, a: Array) -> list[Any]:
        """Store an array; the result is [type, offset]."""
        for kind in (np.uint8, np.float32, np.float64):
            with np.errstate(invalid="ignore", over="ignore"):
                small = a.astype(kind)
                same = small.astype(a.dtype).tobytes() == a.tobytes()  # -0.0 is not 0
            if same:
                break
        self.bytes += bytes(-len(self.bytes) % small.itemsize)
        start = len(self.bytes)
        self.bytes += small.tobytes()
        return [small.dtype.char, start]

    def constant(self, a: Array) -> str:
        """The name of an array in the programs."""
        key = (a.shape, a.dtype.str, a.tobytes())
        if key not in self._names:
            self._names[key] = f"K[{len(self.constants)}]"
            self.constants.append([list(a.shape), *self.add(a)])
        return self._names[key]


def encoded(data: Any) -> str:
    """Bytes, or an array's, as base64."""
    return base64.b64encode(bytes(data)).decode()


def projection(x: Any) -> float:
    """A number that tells arrays apart: the sum of all elements, each times a factor of its own.

    The page computes the same of what it recomputes.
    """
    if type(x) is tuple:
        return 0.0
    a = np.asarray(x)
    if a.dtype.kind not in "fiub":
        return 0.0
    flat = a.reshape(-1).astype(np.float64)
    with np.errstate(all="ignore"):
        return float(np.dot(flat, 0.5 + np.arange(flat.size) * 31337 % 65521 / 65521))
