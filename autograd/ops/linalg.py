"""Inverses, determinants, factorizations and what is composed of them: numpy.linalg.

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
from autograd.ops.domains import A, Array, case, real
from autograd.ops.elementwise import ratio
from autograd.ops.plain import plain
from autograd.ops.products import array, constant, flip

SlogdetResult = type(np.linalg.slogdet(np.eye(1)))
QRResult = type(np.linalg.qr(np.eye(1)))


def apart(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices whose eigenvalues and singular values are far from 0 and from each other."""
    diagonal = 5.0 * np.eye(shape[-2], shape[-1]) * np.arange(1, shape[-1] + 1)
    return real(rng, shape) + diagonal


def singular(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices of exact rank 1."""
    return np.ones(shape) * np.arange(1.0, shape[-1] + 1)


def column(x: Any) -> Any:
    """Each number of a stack as a 1 by 1 matrix."""
    return np.expand_dims(x, (-1, -2))


def _half_lower(x: Any) -> Any:
    """The lower triangle of a matrix with half of its diagonal."""
    ones = np.ones(x.shape[-2:], x.dtype)
    return np.asarray((np.tril(ones) + np.tril(ones, -1)) / 2 * x)


def double(x: Any) -> Any:
    """The symmetric matrix that has the lower triangle of x."""
    half = half_lower.call(x)
    return half + flip(half)


# --- determinants and inverses


def cofactors(y: Any, a: Any) -> Any:
    """The gradient of the determinant y of a: inverse times determinant, or minors if singular."""
    if np.all(np.not_equal(y, 0)):
        return column(y) * flip(np.linalg.inv(a))
    n = a.shape[-1]
    keep = np.array([[k for k in range(n) if k != i] for i in range(n)], int).reshape(n, n - 1)
    minors = a[..., keep[:, None, :, None], keep[None, :, None, :]]  # (..., n, n, n-1, n-1)
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n)).astype(a.dtype)
    return signs * np.linalg.det(minors)


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
    left = np.matmul(h - np.matmul(a, np.matmul(y, h)), np.matmul(y, flip(y)))
    right = np.matmul(np.matmul(flip(y), y), h - np.matmul(np.matmul(h, y), a))
    return left + right - np.matmul(np.matmul(flip(y), g), flip(y))


# --- factorizations


def _cholesky(a: Any) -> Any:
    """Lower triangular factor L of a = L Lᵀ; only the lower triangle of a is read."""
    return np.linalg.cholesky(a)


def _cholesky_grad(g: Any, y: Any) -> Any:
    """The gradient of cholesky (Murray, "Differentiation of the Cholesky decomposition", 2016)."""
    inverse = np.linalg.inv(y)
    middle = double(np.matmul(flip(y), g))
    return half_lower.call(np.matmul(np.matmul(flip(inverse), middle), inverse))


def _qr(a: Any, mode: Any = "reduced") -> Any:
    """a = Q R of matrices that are not wide, Q with orthonormal columns, R upper triangular."""
    if mode == "complete" and a.shape[-2] > a.shape[-1]:
        raise ValueError(
            "of a tall matrix mode='complete' adds columns to Q that the matrix does not "
            "determine, so they have no derivative; use mode='reduced'."
        )
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode must be 'reduced', 'complete' or 'r' on a Value, got {mode!r}.")
    return np.linalg.qr(a, mode)


def _qr_grad(g: Any, y: Any) -> Any:
    """The gradient of qr of a matrix that is not wide (Walter & Lehmann, 2018)."""
    (gq, gr), (q, r) = g, y
    m = 0.0 if gr is None else np.matmul(r, flip(gr))
    if gq is not None:
        m = m - np.matmul(flip(gq), q)
    inner = np.matmul(q, double(m))
    if gq is not None:
        inner = gq + inner
    return np.matmul(inner, flip(np.linalg.inv(r)))


def _over_gaps(x: Any, v: Any, w: Any) -> Any:
    """x_ij / (v_j - v_i) for every pair of a list of numbers v; 0 on the diagonal.

    Also 0 where both v_j - v_i and x_ij are 0 up to rounding: x is computed from numbers of the
    size of w. Where only the gap is 0, the result is infinite and says so: an eigenvector in the
    plane of two equal eigenvalues has no derivative.
    """
    gap = np.expand_dims(v, -2) - np.expand_dims(v, -1)
    n = v.shape[-1]
    rounding = 8 * n * np.finfo(gap.dtype).eps
    large = np.abs(v).max(-1, keepdims=True, initial=0)[..., None]
    noise = np.abs(w).max((-1, -2), keepdims=True, initial=0)
    zero = (np.abs(gap) <= rounding * large) & (np.abs(x) <= rounding * noise)
    zero |= np.eye(n, dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(zero, 0, x / gap)


def _over_gaps_v(g: Any, y: Any, v: Any) -> Any:
    """The gradient of over_gaps with respect to v."""
    h = over_gaps.call(g * y, v, g)
    return np.sum(h, -1) - np.sum(h, -2)


def _eigh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, of which half is read."""
    return np.linalg.eigh(a, UPLO)


def _eigh_grad(g: Any, y: Any, UPLO: Any) -> Any:
    """The gradient of eigh."""
    (gw, gv), (w, v) = g, y
    total: Any = None
    if gw is not None:
        total = np.matmul(v * np.expand_dims(gw, -2), flip(v))
    if gv is not None:
        m = np.matmul(flip(v), gv)
        turn = over_gaps.call(m - flip(m), w, m) / 2
        part = np.matmul(np.matmul(v, turn), flip(v))
        total = part if total is None else total + part
    half = 2 * half_lower.call(total)  # off the diagonal, an element stands for two
    return half if UPLO in "Ll" else flip(half)


def _svd(a: Any, full_matrices: bool = True) -> Any:
    """a = U diag(S) Vh, S descending; U and Vh have as many columns and rows as S is long."""
    if full_matrices and a.shape[-2] != a.shape[-1]:
        raise ValueError(
            "of a matrix that is not square, full_matrices=True adds vectors that the matrix does "
            "not determine, so they have no derivative; pass full_matrices=False."
        )
    return np.linalg.svd(a, full_matrices=full_matrices)


def _svd_grad(g: Any, y: Any, a: Any) -> Any:
    """The gradient of svd (Townsend, "Differentiating the singular value decomposition", 2016).

    His two sums are regrouped by 1 / (s_j - s_i) and 1 / (s_j + s_i): so equal singular values
    cancel wherever the function that is differentiated leaves their vectors' choice open.
    """
    (gu, gs, gvh), (u, s, vh) = g, y
    inner: Any = None
    if gs is not None:
        inner = diagonal(gs)
    outside: Any = None
    if gu is not None or gvh is not None:
        p = 0.0 if gu is None else np.matmul(flip(u), gu)
        q = 0.0 if gvh is None else np.matmul(vh, flip(gvh))
        total, gap = p + q, p - q
        eye = constant("I", np.eye(s.shape[-1], dtype=s.dtype), s)
        sums = np.expand_dims(s, -1) + np.expand_dims(s, -2) + eye  # its diagonal divides 0
        turn = (over_gaps.call(total - flip(total), s, total) + ratio(gap - flip(gap), sums)) / 2
        inner = turn if inner is None else inner + turn
    m, n = a.shape[-2:]
    if gu is not None and m > n:
        outside = (gu - np.matmul(u, np.matmul(flip(u), gu))) / np.expand_dims(s, -2)
        outside = np.matmul(outside, vh)
    if gvh is not None and n > m:
        outside = (gvh - np.matmul(np.matmul(gvh, flip(vh)), vh)) / np.expand_dims(s, -1)
        outside = np.matmul(u, outside)
    result = np.matmul(np.matmul(u, inner), vh)
    return result if outside is None else result + outside


def diagonal(x: Any) -> Any:
    """Diagonal matrices of the vectors in a stack."""
    return np.expand_dims(x, -2) * constant("I", np.eye(x.shape[-1], dtype=x.dtype), x)


# fmt: off
inv = Op(np.linalg.inv,       "{a:9}^{{-1}}",                   lambda g, y, a: -np.matmul(np.matmul(flip(y), g), flip(y)), rank=4, cases=(case(A(3, 3, domain=apart)), case(A(2, 1, 2, 2, domain=apart))))
det = Op(np.linalg.det,       r"\det {a:3}",                    lambda g, y, a: column(g) * cofactors(y, a),                rank=3, cases=(case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart)), case(A(3, 3, domain=singular)), case(A(1, 1))))
logabsdet = Op(_logabsdet,    r"\log \left|\det {a:3}\right|",  lambda g, y, a: column(g) * flip(np.linalg.inv(a)),         rank=3, name="logabsdet", cases=(case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart))))
signdet = Op(_signdet,        r"\operatorname{{sign}} \det {a:3}", lambda g, y, a: np.zeros_like(a),                         rank=3, name="signdet", cases=(case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart))))
solve = Op(np.linalg.solve,   "{a:9}^{{-1}} {b:2}",             lambda g, y, a, b: _solve_a(g, y, a, b),
                                                                lambda g, y, a, b: _solve_b(g, a, b),                       rank=2, cases=(case(A(2, 2, domain=apart), A(2, 3)), case(A(3, 3, domain=apart), A(3)), case(A(3, 2, 2, domain=apart), A(2)), case(A(3, 2, 2, domain=apart), A(3, 2, 1)), case(A(2, 2, 2, domain=apart), A(2, 2)), case(A(2, 2, domain=apart), A(3, 2, 2))))
pinv = Op(_pinv,              "{a:9}^+",                        lambda g, y, a, rcond, rtol: _pinv_grad(g, y, a),           rank=4, name="pinv", of=(np.linalg.pinv,), cases=(case(A(2, 2, domain=apart)), case(A(2, 3, 2, domain=apart)), case(A(2, 3, domain=apart), 1e-12)))
cholesky_row = Op(_cholesky,  r"\operatorname{{chol}} {a:3}",   lambda g, y, a: _cholesky_grad(g, y),                       rank=3, name="cholesky", cases=(case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart))))
qr_row = Op(_qr,              r"\operatorname{{qr}} {a:3}",     lambda g, y, a, mode: _qr_grad(g, y),                       rank=3, name="qr", cases=(case(A(3, 3, domain=apart)), case(A(2, 4, 2, domain=apart))))
eigh = Op(_eigh,              r"\operatorname{{eigh}} {a:3}",   lambda g, y, a, UPLO: _eigh_grad(g, y, UPLO),               rank=3, name="eigh", of=(np.linalg.eigh,), cases=(case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart), UPLO="U")))
svd_row = Op(_svd,            r"\operatorname{{svd}} {a:3}",    lambda g, y, a, full_matrices: _svd_grad(g, y, a),                         rank=3, name="svd", cases=(case(A(3, 3, domain=apart)), case(A(2, 4, 2, domain=apart), False), case(A(2, 3, domain=apart), False)))
half_lower: Op = Op(_half_lower, r"\Phi\left({x}\right)",      lambda g, y, x: half_lower.call(g),                         name="half_lower", cases=(case(A(3, 3)), case(A(2, 2, 2))))
over_gaps: Op = Op(_over_gaps, r"\frac{{{x}}}{{{{{v}}}_j - {{{v}}}_i}}", lambda g, y, x, v, w: over_gaps.call(g, v, g),
                                                                lambda g, y, x, v, w: _over_gaps_v(g, y, v), None,          name="over_gaps", cases=(case(A(3, 3), np.array([1.0, 2.5, 4.0]), A(3, 3)), case(A(2, 2, 2), np.array([[1.0, 2.5], [4.0, 2.0]]), A(2, 2, 2))))
# fmt: on


# --- compositions


def slogdet(a: Any) -> Any:
    """Sign and logarithm of the absolute value of the determinant; the sign's derivative is 0."""
    return SlogdetResult(signdet.call(a), logabsdet.call(a))


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Triangular factor of a positive definite matrix, of which the same triangle is read."""
    return flip(cholesky_row.call(flip(a))) if upper else cholesky_row.call(a)


def qr(a: Any, mode: str = "reduced") -> Any:
    """a = Q R; mode="r" gives R alone."""
    m, n = a.shape[-2:]
    q, r = qr_row.call(a if m >= n else a[..., :m], "reduced" if mode == "r" else mode)
    if m < n:  # the columns that are too many have no part in Q
        r = np.where(np.tri(m, n, -1, dtype=bool), 0, np.matmul(flip(q), a))
    return r if mode == "r" else QRResult(q, r)


def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues of a symmetric matrix, ascending."""
    return np.linalg.eigh(a, UPLO)[0]


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition, or the singular values alone."""
    return svd_row.call(a, full_matrices) if compute_uv else svdvals(a)


def svdvals(x: Any) -> Any:
    """Singular values, descending."""
    return svd_row.call(x, False)[1]


def matrix_power(a: Any, n: int) -> Any:
    """Product of n times a square matrix; of its inverse where n < 0."""
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
    """x such that the sum of a times x over all axes of x is b."""
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
    """The shortest x of those for which |a x - b|² is least; also that, a's rank, and its s."""
    a, b = array(a), array(b)
    m, n = a.shape
    cut = np.finfo(a.dtype).eps * (max(m, n) if rcond is None else 1)
    cut = cut if rcond is None or rcond < 0 else rcond
    x = np.matmul(np.linalg.pinv(a, cut), b)
    s = np.linalg.svdvals(a)
    rank = int(np.count_nonzero(s > cut * s[:1]))
    rest = np.sum(np.square(b - np.matmul(a, x)), 0, keepdims=b.ndim == 1)
    return x, rest if rank == n < m else np.zeros(0, a.dtype), rank, s


OPS[np.linalg.lstsq] = lstsq
OPS[np.linalg.slogdet], OPS[np.linalg.cholesky], OPS[np.linalg.qr] = slogdet, cholesky, qr
OPS[np.linalg.eigvalsh], OPS[np.linalg.svd], OPS[np.linalg.svdvals] = eigvalsh, svd, svdvals
OPS[np.linalg.matrix_power], OPS[np.linalg.multi_dot] = matrix_power, multi_dot
OPS[np.linalg.tensorsolve], OPS[np.linalg.tensorinv] = tensorsolve, tensorinv
plain(np.linalg.matrix_rank)
