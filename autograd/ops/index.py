"""Indexing, and its transpose: writing into zeros."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.domains import A, case


def _getitem(a: Any, index: Any) -> Any:
    """a[index], any index that NumPy takes."""
    return a[index]


def _scatter(a: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with a added at an index; repeated places add up."""
    out = np.zeros(shape, a.dtype)
    if is_basic(index):
        out[index] = a
    else:
        np.add.at(out, index, a)
    return out


def is_basic(index: Any) -> bool:
    """Whether an index is made of ints, slices, None and Ellipsis: no place can come twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        isinstance(p, (int, np.integer, slice)) or p is None or p is Ellipsis
        for p in parts
        if not isinstance(p, (bool, np.bool_))
    ) and not any(isinstance(p, (bool, np.bool_)) for p in parts)


# fmt: off
getitem: Op = Op(_getitem, r"{a:9}_{{\cdot}}", lambda g, y, a, index: scatter.call(g, index, a.shape), name="getitem", of=(operator.getitem,), masks=True,
             cases=(case(A(3, 4), 1), case(A(3, 4), (slice(None, None, -2), None, -1)), case(A(3, 4), ([0, 0, 2], slice(1, 3))), case(A(3), np.array([True, False, True]))))
scatter: Op = Op(_scatter, r"\operatorname{{scatter}} {a:3}", lambda g, y, a, index, shape: getitem.call(g, index), name="scatter", rank=3,
             cases=(case(A(4), 1, (3, 4)), case(A(3), [0, 0, 2], (4,))))
# fmt: on
