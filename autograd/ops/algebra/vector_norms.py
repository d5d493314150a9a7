"""Norms of vectors and matrices, and condition numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.op import Op
from autograd.ops.arrays.reduce import counted, largest, squarable, sum_
from autograd.ops.elementwise.arithmetic import bent, directed, signed
from autograd.ops.samples import A, case, cases, nonzero
from autograd.symbol import Symbol, number

Axes = tuple[int, ...]


def _vector_norm(x: Any, ord: float, axis: Any, keepdims: bool = False) -> Any:
    """(Σ |x|^ord)^(1/ord) over several axes, or its limit for ord=±inf."""
    if axis == ():
        x, axis, keepdims = np.reshape(x, 1), (0,), False
    if np.isinf(ord) or x.dtype.kind != "f":
        return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    if x.dtype == np.float16:
        return _vector_norm(x.astype(np.float32), ord, axis, keepdims).astype(np.float16)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        if ord == 1:
            return sum_.forward(np.abs(x), axis, keepdims=keepdims)
        if ord == 2:
            y = np.sqrt(sum_.forward(np.square(x), axis, keepdims=keepdims))
            if squarable(y):
                return y
        size = largest(x, axis)
        powers = np.square(x / size) if ord == 2 else np.abs(x / size) ** ord
        y = size * sum_.forward(powers, axis, keepdims=True) ** (1 / ord)
        return y if keepdims else np.squeeze(y, axis)


def _vector_norm_grad(g: Any, y: Any, x: Any, ord: float, axis: Axes, keepdims: bool) -> Any:
    """The gradient of a vector norm; 0 at the zero vector."""
    if not keepdims:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    if ord == 1:
        return bent(signed, g, x)
    if np.isinf(ord):  # ties share the gradient equally
        chosen = np.equal(np.abs(x), y) | np.isnan(x)
        return np.where(chosen, bent(signed, g / counted(chosen, axis, x.dtype), x), 0)
    along = bent(directed, g, x, y)
    if ord == 2:
        return along
    t = np.abs(x) / np.where(np.equal(y, 0), 1, y)
    none = np.equal(t, 0)
    return along * np.where(none, np.equal(y, 0), np.where(none, 1, t) ** (ord - 2))


def _tex(x: Symbol, ord: float, axis: Axes, keepdims: bool) -> str:
    return rf"\left\lVert {x} \right\rVert_{{{number(ord)}}}"


vector_norm_row = Op(
    _vector_norm,
    _tex,
    _vector_norm_grad,
    name="norm",
    singular=True,  # its second derivative at the zero vector
)


def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of the vectors along an axis, several, or all."""
    if axis is None:
        axis = tuple(range(x.ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if isinstance(ord, str):
        raise ValueError(f"norm: of a vector, ord must be a number, got {ord!r}.")
    if ord == 0:
        return np.sum(np.not_equal(x, 0).astype(x.dtype), axes, keepdims=keepdims)
    return vector_norm_row.call(x, 2 if ord is None else ord, axes, keepdims)


def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices in the last two axes."""
    if x.ndim < 2:
        raise ValueError(f"norm: a matrix has two axes, the shape is {x.shape}.")
    if ord is None or ord in ("fro", "f"):
        return vector_norm_row.call(x, 2, (-2, -1), keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), -2 if abs(ord) == 1 else -1, keepdims=True)
        return vector_norm_row.call(sums, np.copysign(np.inf, ord), (-2, -1), keepdims)
    if ord not in (2, -2, "nuc"):
        raise ValueError(
            f"norm: of a matrix, ord must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}."
        )
    s = np.linalg.svdvals(x)
    y = np.sum(s, -1) if ord == "nuc" else s[..., 0 if ord > 0 else -1]
    return np.expand_dims(y, (-2, -1)) if keepdims else y


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors along one axis, of matrices in two, or of everything."""
    if axis is None and (ord is None or x.ndim == 1):
        return vector_norm(x, keepdims=keepdims, ord=ord)
    axes = axis if isinstance(axis, (tuple, list)) else tuple(range(x.ndim))
    if isinstance(axis, (int, np.integer)):
        axes = (axis,)
    if len(axes) == 1:
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    if len(axes) != 2 or x.ndim < 2:
        raise ValueError(
            f"norm: of shape {x.shape} needs axis=: one axis for vectors, two for matrices."
        )
    rows, columns = (k % x.ndim for k in axes)
    others = [k for k in range(x.ndim) if k not in (rows, columns)]
    y = matrix_norm(np.transpose(x, [*others, rows, columns]), ord=ord)
    return np.expand_dims(y, (rows, columns)) if keepdims else y


def cond(x: Any, p: Any = None) -> Any:
    """Condition number: the norm times the norm of the inverse."""
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        large, small = s[..., 0], s[..., -1]
        return small / large if p == -2 else large / small
    return matrix_norm(x, ord=p) * matrix_norm(np.linalg.inv(x), ord=p)


OPS[np.linalg.norm], OPS[np.linalg.cond] = norm, cond
OPS[np.linalg.vector_norm], OPS[np.linalg.matrix_norm] = vector_norm, matrix_norm

# What tests sample
cases(
    "norm",
    case(A(3), 2, (0,)),
    case(A(2, 3), 2, (0, 1), True),
    case(A(2, 3, 2), 2, (-2,)),
    case(A(2, 3, domain=nonzero), 1, (0,)),
    case(A(2, 3, domain=nonzero), np.inf, (1,)),
    case(A(2, 3, domain=nonzero), -np.inf, (1,)),
    case(A(2, 3, domain=nonzero), 3, (1,), True),
    case(A(2, 3, domain=nonzero), -1.5, (0,)),
)
