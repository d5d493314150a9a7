"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.op import Op
from autograd.ops.samples import A, case, cases


def _tril(m: Any, k: int = 0) -> Any:
    """The lower triangles of matrices, zeros above diagonal k."""
    return np.tril(m, k)


def _triu(m: Any, k: int = 0) -> Any:
    """The upper triangles of matrices, zeros below diagonal k."""
    return np.triu(m, k)


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of two axes, as a last axis."""
    return np.diagonal(a, offset, axis1, axis2)


def _onto_diagonal(a: Any, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    """Zeros of a shape with a on the diagonal of two axes: the transpose of `diagonal`."""
    out = np.zeros(shape, a.dtype)
    line = np.diagonal(out, offset, axis1, axis2)
    line.flags.writeable = True  # a view of `out`, which is ours
    line[...] = a
    return out


def _diagonal_parts(g: Any, a: Any, offset: int, axis1: int, axis2: int) -> Any:
    """The diagonal as one part: NumPy puts its axis where the first of two adjacent axes is."""
    first, second = axis1 % a.ndim, axis2 % a.ndim
    along = np.arange(g.shape[-1])
    index: list[Any] = [slice(None)] * a.ndim
    index[first], index[second] = along + max(-offset, 0), along + max(offset, 0)
    place = min(first, second) if abs(first - second) == 1 else 0
    return [(np.moveaxis(g, -1, place), tuple(index))]


tril = Op(
    _tril,
    r"\operatorname{{tril}} {m:3}",
    lambda g, y, m, k: np.tril(g, k),
    of=(np.tril,),
    masks=True,
)
triu = Op(
    _triu,
    r"\operatorname{{triu}} {m:3}",
    lambda g, y, m, k: np.triu(g, k),
    of=(np.triu,),
    masks=True,
)
diagonal = Op(
    _diagonal,
    r"\operatorname{{diag}} {a:3}",
    lambda g, y, a, offset, axis1, axis2: onto_diagonal.call(g, a.shape, offset, axis1, axis2),
    of=(np.diagonal,),
    bind="diagonal",
    masks=True,
    parts=lambda g, y, a, offset, axis1, axis2: _diagonal_parts(g, a, offset, axis1, axis2),
)
onto_diagonal: Op = Op(
    _onto_diagonal,
    r"\operatorname{{diag}} {a:3}",
    lambda g, y, a, shape, offset, axis1, axis2: np.diagonal(g, offset, axis1, axis2),
    routes=True,
)


def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with this diagonal."""
    if v.ndim == 1:
        return onto_diagonal.call(v, (v.size + abs(k),) * 2, k, 0, 1)
    if v.ndim != 2:
        raise ValueError(f"diag: needs 1 or 2 axes, got shape {v.shape}; use np.diagonal.")
    return diagonal.call(v, k)


def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with the elements of v on its diagonal."""
    return diag(np.ravel(v), k)


OPS[np.diag] = diag
OPS[np.diagflat] = diagflat

# What tests sample
cases("tril triu", case(A(3, 3)), case(A(2, 3, 4), 1), case(A(3), -1))
cases(
    "diagonal",
    case(A(3, 3)),
    case(A(2, 3), 1),
    case(A(4, 2), -1),
    case(A(2, 3, 4), 0, 2, 1),
    case(A(2, 2), 5),
)
cases("onto_diagonal", case(A(2), (3, 2), 0, 0, 1), case(A(3, 2), (2, 3, 3), 1, 0, -1))
