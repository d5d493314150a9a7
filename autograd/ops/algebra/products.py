"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.calls import bind_methods
from autograd.contribution import sum_to
from autograd.dispatch import OPS, Traced, array_of
from autograd.machine import choice
from autograd.op import Op
from autograd.ops.samples import A, case, cases
from autograd.symbol import Symbol


def flip(a: Any) -> Any:
    """The matrices of a stack, transposed."""
    return np.swapaxes(a, -1, -2)


def array(x: Any) -> Any:
    """x itself if it is traced, else as an array."""
    return x if isinstance(x, Traced) else array_of(x, "a product")


def constant(tex: str, c: Any, near: Any) -> Any:
    """A constant array, under its name where `near` is a Symbol: a formula is being written."""
    return Symbol(tex, c) if isinstance(near, Symbol) else c


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a @ b with respect to a."""
    if b.ndim == 1:
        return g * b if a.ndim == 1 else np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return choice.matmul(b, np.expand_dims(g, -1))[..., 0]
    return choice.matmul(g, flip(b))


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a @ b with respect to b."""
    if a.ndim == 1:
        return g * a if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return choice.matmul(flip(a), np.expand_dims(g, -1))[..., 0]
    if b.ndim == 2 and a.ndim > 2:  # one product instead of a batch that is summed afterwards
        rows = math.prod(a.shape[:-1])
        a, g = np.reshape(a, (rows, a.shape[-1])), np.reshape(g, (rows, g.shape[-1]))
    return choice.matmul(flip(a), g)


def _vecdot(a: Any, b: Any, *, axis: int = -1) -> Any:
    """Inner products of the vectors along an axis."""
    return np.vecdot(a, b, axis=axis)  # type: ignore[call-overload]  # a keyword of every gufunc


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over axes of a and b: the last and first n, or a pair of lists."""
    return np.tensordot(a, b, axes)


def _contracted(axes: Any, a_ndim: int, b_ndim: int) -> tuple[list[int], list[int]]:
    """The axes of a and of b that a tensordot sums over, each counted from 0."""
    if isinstance(axes, (int, np.integer)):
        return list(range(a_ndim - axes, a_ndim)), list(range(axes))
    left, right = ([k] if isinstance(k, (int, np.integer)) else k for k in axes)
    return [int(k) % a_ndim for k in left], [int(k) % b_ndim for k in right]


def _free(ndim: int, axes: Sequence[int]) -> list[int]:
    return [k for k in range(ndim) if k not in axes]


def _placed(x: Any, places: list[int]) -> Any:
    """x with axis k moved to places[k]."""
    order = sorted(range(len(places)), key=places.__getitem__)
    return x if order == list(range(len(order))) else np.transpose(x, order)


def _tensordot_left(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """The gradient of tensordot with respect to a: g summed over the free axes of b."""
    left, right = _contracted(axes, a.ndim, b.ndim)
    kept, rest = _free(a.ndim, left), _free(b.ndim, right)
    ga = np.tensordot(g, b, (list(range(len(kept), len(kept) + len(rest))), rest))
    return _placed(ga, kept + [left[right.index(k)] for k in sorted(right)])


def _tensordot_right(g: Any, a: Any, b: Any, axes: Any) -> Any:
    """The gradient of tensordot with respect to b: g summed over the free axes of a."""
    left, right = _contracted(axes, a.ndim, b.ndim)
    kept, rest = _free(b.ndim, right), _free(a.ndim, left)
    gb = np.tensordot(a, g, (rest, list(range(len(rest)))))
    return _placed(gb, [right[left.index(k)] for k in sorted(left)] + kept)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum along a diagonal of the matrices in two axes."""
    return np.trace(a, offset, axis1, axis2)


def _trace_grad(g: Any, a: Any, offset: int, axis1: int, axis2: int) -> Any:
    """The gradient of trace: g on the diagonal."""
    axis1, axis2 = axis1 % a.ndim, axis2 % a.ndim
    eye = np.eye(a.shape[axis1], a.shape[axis2], offset, dtype=a.dtype)
    others = _free(a.ndim, (axis1, axis2))
    eye = np.expand_dims(eye if axis1 < axis2 else eye.T, others)
    return np.expand_dims(g, (axis1, axis2)) * constant("I", eye, g)


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1) -> Any:
    """Cross products of 3-vectors, whose components lie along axisa, axisb and axisc."""
    for name, x, axis in (("a", a, axisa), ("b", b, axisb)):
        if np.ndim(x) == 0 or x.shape[axis] != 3:
            raise ValueError(f"{name} must have 3 components along axis {axis}.")
    return np.cross(a, b, axisa, axisb, axisc)


def _cross_grad(a: Any, b: Any, to: int, axisa: int, axisb: int, like: Any) -> Any:
    """a × b along the axes given, with components along axis `to`, counted as in `like`."""
    # Counted from the end, since broadcasting adds axes at the front.
    gx = np.cross(a, b, axisa, axisb, to - like.ndim if to >= 0 else to)
    return gx if gx.shape == like.shape else sum_to(gx, like.shape)  # its axes are not the result's


matmul = Op(
    choice.matmul,
    "{a:2} {b:2}",
    lambda g, y, a, b: _matmul_left(g, a, b),
    lambda g, y, a, b: _matmul_right(g, a, b),
    of=(np.matmul, np.linalg.matmul),
    bind="__matmul__ __rmatmul__",
)
vecdot = Op(
    _vecdot,
    r"{a:2} \cdot {b:2}",
    lambda g, y, a, b, axis: np.expand_dims(g, axis) * b,
    lambda g, y, a, b, axis: np.expand_dims(g, axis) * a,
    of=(np.linalg.vecdot,),
)
tensordot = Op(
    _tensordot,
    r"{a:2} \cdot {b:2}",
    lambda g, y, a, b, axes: _tensordot_left(g, a, b, axes),
    lambda g, y, a, b, axes: _tensordot_right(g, a, b, axes),
    of=(np.tensordot,),
)
trace = Op(
    _trace,
    r"\operatorname{{tr}} {a:3}",
    lambda g, y, a, offset, axis1, axis2: _trace_grad(g, a, offset, axis1, axis2),
    of=(np.trace,),
    bind="trace",
    masks=True,
    routes=True,
)
cross_row = Op(
    _cross,
    r"{a:3} \times {b:3}",
    lambda g, y, a, b, axisa, axisb, axisc: _cross_grad(b, g, axisa, axisb, axisc, a),
    lambda g, y, a, b, axisa, axisb, axisc: _cross_grad(g, a, axisb, axisc, axisa, b),
    rank=2,
)


def dot(a: Any, b: Any) -> Any:
    """Sum over a's last and b's second-to-last axis; a scalar multiplies."""
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    if b.ndim <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, (-1, -2))


def inner(a: Any, b: Any) -> Any:
    """Sum over the last axes of a and b; a scalar multiplies."""
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -1))


def vdot(a: Any, b: Any) -> Any:
    """Inner product of a and b, read as vectors."""
    return np.matmul(np.reshape(array(a), -1), np.reshape(array(b), -1))


def outer(a: Any, b: Any) -> Any:
    """Every element of a times every element of b, both read as vectors."""
    a, b = array(a), array(b)
    return np.multiply(np.reshape(a, (a.size, 1)), np.reshape(b, (1, b.size)))


def kron(a: Any, b: Any) -> Any:
    """Kronecker product: blocks of b, each scaled by an element of a."""
    a, b = array(a), array(b)
    ndim = max(a.ndim, b.ndim)
    rows = (1,) * (ndim - a.ndim) + a.shape
    columns = (1,) * (ndim - b.ndim) + b.shape
    a = np.reshape(a, [k for n in rows for k in (n, 1)])
    b = np.reshape(b, [k for n in columns for k in (1, n)])
    return np.reshape(np.multiply(a, b), [m * n for m, n in zip(rows, columns, strict=True)])


def vecdot_last(a: Any, b: Any) -> Any:
    """Inner products of the vectors along the last axis."""
    return vecdot.call(a, b)


def matvec(a: Any, b: Any) -> Any:
    """Matrices times vectors, both in stacks."""
    return np.matmul(a, np.expand_dims(b, -1))[..., 0]


def vecmat(a: Any, b: Any) -> Any:
    """Vectors times matrices, both in stacks."""
    return np.matmul(np.expand_dims(a, -2), b)[..., 0, :]


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Cross products of 3-vectors."""
    if axis is not None:
        axisa = axisb = axisc = axis
    return cross_row.call(a, b, axisa, axisb, axisc)


def linalg_outer(x1: Any, x2: Any) -> Any:
    """Every element of a vector times every element of another."""
    x1, x2 = array(x1), array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"numpy.linalg.outer takes two vectors, got shapes {x1.shape} and {x2.shape}; "
            "numpy.outer flattens."
        )
    return outer(x1, x2)


def linalg_tensordot(x1: Any, x2: Any, *, axes: Any = 2) -> Any:
    """As numpy.tensordot."""
    return np.tensordot(x1, x2, axes)


def linalg_trace(x: Any, *, offset: int = 0) -> Any:
    """Sum along a diagonal of the matrices in the last two axes."""
    return np.trace(x, offset, -2, -1)


def linalg_cross(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """Cross products of the 3-vectors along an axis."""
    return np.cross(x1, x2, axis=axis)


def linalg_diagonal(x: Any, *, offset: int = 0) -> Any:
    """A diagonal of the matrices in the last two axes."""
    return np.diagonal(x, offset, -2, -1)


OPS[np.dot], OPS[np.inner], OPS[np.vdot], OPS[np.outer] = dot, inner, vdot, outer
OPS[np.cross] = cross
OPS[np.kron], OPS[np.vecdot] = kron, vecdot_last
OPS[np.matvec], OPS[np.vecmat] = matvec, vecmat
OPS[np.linalg.outer], OPS[np.linalg.tensordot] = linalg_outer, linalg_tensordot
OPS[np.linalg.trace], OPS[np.linalg.cross] = linalg_trace, linalg_cross
OPS[np.linalg.diagonal] = linalg_diagonal
bind_methods(dot, "dot")

# What tests sample
cases(
    "matmul",
    case(A(2, 3), A(3, 2)),
    case(A(3), A(3)),
    case(A(2, 3), A(3)),
    case(A(3), A(2, 3, 2)),
    case(A(2, 2, 3), A(3)),
    case(A(3), A(3, 2)),
    case(A(2, 1, 2, 3), A(2, 3, 2)),
    case(A(2, 2, 3), A(3, 2)),
    case(A(2, 3), A(2, 3, 2)),
    case(A(1, 2, 3), A(2, 3, 1)),
)
cases(
    "vecdot",
    case(A(3), A(3)),
    case(A(2, 3), A(3)),
    case(A(3, 2), A(3, 2), axis=0),
    case(A(2, 1, 3), A(4, 3)),
)
cases(
    "tensordot",
    case(A(2, 3), A(2, 3)),
    case(A(2, 3), A(3, 2), 1),
    case(A(2), A(3), 0),
    case(A(2, 3, 4), A(4, 5, 2), ([2, 0], [0, 2])),
    case(A(2, 3, 4), A(3, 4, 2), ([-1, 0], [1, -1])),
    case(A(2, 3), A(3), (1, 0)),
)
cases(
    "trace",
    case(A(3, 3)),
    case(A(2, 3), 1),
    case(A(2, 3, 4), -1, 2, 0),
    case(A(2, 3, 4), 0, -2, -1),
)
cases(
    "cross",
    case(A(3), A(3)),
    case(A(2, 3), A(3)),
    case(A(3, 2), A(3, 2), 0, 0, 0),
    case(A(3, 2), A(4, 2, 3), axisa=0, axisc=1),
    case(A(2, 3), A(3, 2), -1, 0, 0),
)
