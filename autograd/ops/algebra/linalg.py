"""Inverses, determinants, linear systems, and functions composed of them.

The formulas are those of M. B. Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008), unless a docstring names another source.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.op import Op
from autograd.ops.algebra.factorizations import apart
from autograd.ops.algebra.products import array, flip
from autograd.ops.arrays.no_gradient import plain
from autograd.ops.samples import A, Array, case, cases

SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


def column(x: Any) -> Any:
    """Each number of a stack as a 1 × 1 matrix."""
    return np.expand_dims(x, (-1, -2))


def cofactors(y: Any, a: Any) -> Any:
    """The matrix of cofactors of a, whose determinant is y: y a⁻ᵀ, or from minors if singular."""
    if np.all(np.not_equal(y, 0)):
        return column(y) * flip(np.linalg.inv(a))
    n = a.shape[-1]
    keep = np.array([[k for k in range(n) if k != i] for i in range(n)], int).reshape(n, n - 1)
    minors = a[..., keep[:, None, :, None], keep[None, :, None, :]]  # (..., n, n, n-1, n-1)
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n)).astype(a.dtype)
    return signs * np.linalg.det(minors)


def _inverse(name: str, a: Any) -> Any:
    """a⁻¹, as a gradient of the op `name` needs it."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(
            f"{name}: a {a.shape} is singular, and there the function has no gradient: its slope "
            "is infinite. Add a multiple of the identity, or use np.linalg.det, which has one."
        ) from error


def _signdet(a: Any) -> Any:
    """Sign of det a, without overflow."""
    return np.linalg.slogdet(a)[0]


def _logabsdet(a: Any) -> Any:
    """log |det a|, without overflow."""
    return np.linalg.slogdet(a)[1]


def _solve_b(g: Any, a: Any, b: Any) -> Any:
    """The gradient of solve with respect to b: the transposed system solved for g."""
    if b.ndim == 1:
        return np.linalg.solve(flip(a), np.expand_dims(g, -1))[..., 0]
    return np.linalg.solve(flip(a), g)


def _solve_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The gradient of solve with respect to a."""
    gb = _solve_b(g, a, b)
    if b.ndim == 1:
        return -(np.expand_dims(gb, -1) * np.expand_dims(y, -2))
    return -np.matmul(gb, flip(y))


def _pinv(a: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    """Moore-Penrose inverse; singular values below rcond times the largest count as 0."""
    return np.linalg.pinv(a, rcond) if rtol is None else np.linalg.pinv(a, rtol=rtol)


def _pinv_grad(g: Any, y: Any, a: Any) -> Any:
    """The gradient of pinv where the rank stays the same (Golub & Pereyra, 1973)."""
    h = flip(g)
    left = np.matmul(np.matmul(h - np.matmul(a, np.matmul(y, h)), y), flip(y))
    right = np.matmul(flip(y), np.matmul(y, h - np.matmul(np.matmul(h, y), a)))
    return left + right - np.matmul(np.matmul(flip(y), g), flip(y))


inv = Op(np.linalg.inv, "{a:9}^{{-1}}", lambda g, y, a: -np.matmul(np.matmul(flip(y), g), flip(y)))
det = Op(np.linalg.det, r"\det {a:3}", lambda g, y, a: column(g) * cofactors(y, a))
logabsdet = Op(
    _logabsdet,
    r"\log \left|\det {a:3}\right|",
    lambda g, y, a: column(g) * flip(_inverse("slogdet", a)),
)
signdet = Op(_signdet, r"\operatorname{{sign}} \det {a:3}", lambda g, y, a: np.zeros_like(a))
solve = Op(
    np.linalg.solve,
    "{a:9}^{{-1}} {b:2}",
    lambda g, y, a, b: _solve_a(g, y, a, b),
    lambda g, y, a, b: _solve_b(g, a, b),
)
pinv = Op(_pinv, "{a:9}^+", lambda g, y, a, rcond, rtol: _pinv_grad(g, y, a), of=(np.linalg.pinv,))


def slogdet(a: Any) -> Any:
    """Sign and logarithm of the absolute value of the determinant; the sign's derivative is 0."""
    return SlogdetResult(signdet.call(a), logabsdet.call(a))


def matrix_power(a: Any, n: int) -> Any:
    """The n-th power of a square matrix; of its inverse where n < 0."""
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: n must be an integer, got {n!r}.")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"matrix_power: a must be square, its shape is {a.shape}.")
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy()
    base = np.linalg.inv(a) if n < 0 else a
    result: Any = None
    n = abs(int(n))
    while n:  # by repeated squaring
        if n % 2:
            result = base if result is None else np.matmul(result, base)
        n //= 2
        if n:
            base = np.matmul(base, base)
    return result if result is not a else np.positive(a)


def multi_dot(arrays: Sequence[Any]) -> Any:
    """Product of several matrices in the cheapest order; the first and last may be vectors."""
    xs = [array(x) for x in arrays]
    if len(xs) < 2:
        raise ValueError(f"multi_dot: takes at least two arrays, got {len(xs)}.")
    if any(x.ndim != 2 for x in xs[1:-1]) or {xs[0].ndim, xs[-1].ndim} - {1, 2}:
        raise ValueError(
            "multi_dot: takes matrices, and vectors only at the ends; the shapes are "
            f"{', '.join(str(x.shape) for x in xs)}."
        )
    first, last = xs[0], xs[-1]
    sizes = [1 if first.ndim == 1 else first.shape[0], first.shape[-1]]
    sizes += [x.shape[1] for x in xs[1:-1]] + [1 if last.ndim == 1 else last.shape[1]]
    cost = {(i, i): (0, i) for i in range(len(xs))}
    for length in range(1, len(xs)):  # Cormen et al., "Introduction to algorithms", 15.2
        for i in range(len(xs) - length):
            j = i + length
            cost[i, j] = min(
                (cost[i, k][0] + cost[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        k = cost[i, j][1]
        return xs[i] if i == j else np.matmul(product(i, k), product(k + 1, j))

    return product(0, len(xs) - 1)


def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    """Solve tensordot(a, x) = b, summed over all axes of x."""
    a, b = array(a), array(b)
    if axes is not None:
        moved = [k % a.ndim for k in axes]
        a = np.transpose(a, [k for k in range(a.ndim) if k not in moved] + moved)
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size:
        raise ValueError(f"tensorsolve: a {a.shape} is not square for b {b.shape}.")
    return np.reshape(
        np.linalg.solve(np.reshape(a, (b.size, b.size)), np.reshape(b, (b.size,))), shape
    )


def tensorinv(a: Any, ind: int = 2) -> Any:
    """Inverse of tensordot by a, whose first `ind` axes are the rows."""
    rows, columns = a.shape[:ind], a.shape[ind:]
    n = math.prod(rows)
    if ind <= 0 or n != math.prod(columns):
        raise ValueError(f"tensorinv: a {a.shape} is not square if ind is {ind}.")
    return np.reshape(np.linalg.inv(np.reshape(a, (n, n))), columns + rows)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, int, Any]:
    """Least squares: the shortest minimizer x of |a x - b|², that minimum, a's rank and its s."""
    a, b = array(a), array(b)
    m, n = a.shape
    cut = np.finfo(a.dtype).eps * (max(m, n) if rcond is None else 1)
    cut = cut if rcond is None or rcond < 0 else rcond
    x = np.matmul(np.linalg.pinv(a, cut), b)
    s = np.linalg.svdvals(a)
    rank = int(np.count_nonzero(s > cut * s[:1]))
    rest = np.sum(np.square(b - np.matmul(a, x)), 0, keepdims=b.ndim == 1)
    return x, rest if rank == n < m else np.zeros(0, a.dtype), rank, s


OPS[np.linalg.slogdet], OPS[np.linalg.lstsq] = slogdet, lstsq
OPS[np.linalg.matrix_power], OPS[np.linalg.multi_dot] = matrix_power, multi_dot
OPS[np.linalg.tensorsolve], OPS[np.linalg.tensorinv] = tensorsolve, tensorinv
plain(np.linalg.matrix_rank)


# What tests sample
def singular(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices of exact rank 1."""
    return np.ones(shape) * np.arange(1.0, shape[-1] + 1)


cases("inv", case(A(3, 3, domain=apart)), case(A(2, 1, 2, 2, domain=apart)))
cases(
    "det",
    case(A(3, 3, domain=apart)),
    case(A(2, 2, 2, domain=apart)),
    case(A(3, 3, domain=singular)),
    case(A(1, 1)),
)
cases("logabsdet signdet", case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart)))
cases(
    "solve",
    case(A(2, 2, domain=apart), A(2, 3)),
    case(A(3, 3, domain=apart), A(3)),
    case(A(3, 2, 2, domain=apart), A(2)),
    case(A(3, 2, 2, domain=apart), A(3, 2, 1)),
    case(A(2, 2, 2, domain=apart), A(2, 2)),
    case(A(2, 2, domain=apart), A(3, 2, 2)),
)
cases(
    "pinv",
    case(A(2, 2, domain=apart)),
    case(A(2, 3, 2, domain=apart)),
    case(A(2, 3, domain=apart), 1e-12),
)
