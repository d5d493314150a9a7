"""Reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.domains import A, case

Axis = int | tuple[int, ...] | None


def spread(g: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """What a reduction over `axis` gave, stretched back over an input of this shape."""
    if axis is None:
        axis = tuple(range(len(shape)))
    dropped = {k % len(shape) for k in ((axis,) if isinstance(axis, int) else axis)}
    kept = tuple(1 if i in dropped else n for i, n in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)


def _sum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum over an axis, several, or all."""
    return np.sum(a, axis=axis, keepdims=keepdims)


# fmt: off
sum_ = Op(_sum, r"\sum {a:3}",  lambda g, y, a, axis, keepdims: spread(g, a.shape, axis),
          cases=(case(A(2, 3)), case(A(2, 3), axis=0), case(A(2, 3, 2), axis=(0, -1), keepdims=True)), rank=3, name="sum", of=(np.sum,), bind="sum")
# fmt: on
