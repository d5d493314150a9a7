"""Factorizations: Cholesky, QR, eigenvalues of symmetric matrices, singular values.

Each is closed under differentiation: its gradient is made of products, inverses and two rows that
are their own derivatives, `half_lower` and `over_gaps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.engine import ARRAYS, Flow
from autograd.node import Node
from autograd.op import Op
from autograd.ops.algebra.products import constant, flip
from autograd.ops.samples import A, Array, case, cases, real

NONE: dict[int, Array] = {}
QRResult = type(np.linalg.qr(np.eye(1)))


def _half_lower(x: Any) -> Any:
    """The lower triangle of a matrix with half of its diagonal."""
    ones = np.ones(x.shape[-2:], x.dtype)
    return np.asarray((np.tril(ones) + np.tril(ones, -1)) / 2 * x)


def double(x: Any) -> Any:
    """The symmetric matrix that has the lower triangle of x."""
    half = half_lower.call(x)
    return half + flip(half)


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
            "mode='complete' of a tall matrix adds columns to Q that the matrix does not "
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
    try:
        inverse = np.linalg.inv(r)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(
            f"qr: the columns of a, which give R {r.shape}, depend on each other; there Q is not "
            "determined, and has no gradient."
        ) from error
    return np.matmul(inner, flip(inverse))


def _over_gaps(x: Any, v: Any, unused: Any = None) -> Any:
    """x_ij / (v_j - v_i) for every pair of elements of a vector v; 0 on the diagonal.

    Where v_i and v_j are equal up to rounding: 0 for the pairs that are not used, else NaN.
    """
    gap = np.expand_dims(v, -2) - np.expand_dims(v, -1)
    n = v.shape[-1]
    rounding = 4 * n * np.finfo(gap.dtype).eps * np.abs(v).max(-1, keepdims=True, initial=0)
    equal = np.abs(gap) <= rounding[..., None]
    none = np.eye(n, dtype=bool) if unused is None else np.eye(n, dtype=bool) | unused
    y = np.where(equal, np.nan, x) / np.where(equal, 1, gap)
    return np.where(equal & none, 0, y).astype(gap.dtype, copy=False)


def _over_gaps_v(g: Any, y: Any, v: Any, unused: Any) -> Any:
    """The gradient of over_gaps with respect to v."""
    h = over_gaps.call(g * y, v, unused)
    return np.sum(h, -1) - np.sum(h, -2)


class Decomposition(Op):
    """An op of several outputs whose vjp also takes where their gradients are structurally 0.

    A pair of equal eigenvalues has no limit that the vjp can know, and counts as not used only if
    nothing selected its vectors. A gradient that merely is 0 may stand for an unknown: that of
    V log(W) Vᵀ at the identity is.
    """

    def pull(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow = ARRAYS) -> Sequence[Any]:
        if not needs[0]:
            return [None]
        y, args = flow.read(v)
        hidden = flow.unreached.get(v, {})
        part = self.vjps[0]
        assert part is not None
        return [part(tuple(map(g.get, range(len(y)))), y, *args, *v.static, hidden)]


def _unused(*outputs: tuple[Any, Any, int]) -> Any:
    """Pairs of vectors of which neither is in use, from (gradient, hidden, axis) of each output.

    None where an output is in use that nothing has been selected from.
    """
    free: Any = True
    for g, hidden, axis in outputs:
        if g is None:
            continue
        if hidden is None:
            return None
        free = free & (hidden if axis == 0 else hidden.all(axis=axis))
    return free if free is True else free[..., None, :] & free[..., :, None]


def _eigh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, of which half is read.

    Equal eigenvalues have a gradient; their eigenvectors are LAPACK's choice. Where a pair of them
    is used, the gradient is NaN, unless all that was used was selected by indexing, as in
    ``v[:, -2:]``, and the pair is not part of it.
    """
    return np.linalg.eigh(a, UPLO)


def _eigh_grad(g: Any, y: Any, UPLO: Any, hidden: Any) -> Any:
    """The gradient of eigh."""
    (gw, gv), (w, v) = g, y
    unused = _unused((gw, hidden.get(0), 0), (gv, hidden.get(1), -2))
    total: Any = None
    if gw is not None:
        total = np.matmul(v * np.expand_dims(gw, -2), flip(v))
    if gv is not None:
        m = np.matmul(flip(v), gv)
        turn = over_gaps.call(m - flip(m), w, unused) / 2
        part = np.matmul(np.matmul(v, turn), flip(v))
        total = part if total is None else total + part
    half = 2 * half_lower.call(total)  # off the diagonal, an element stands for two
    return half if UPLO in "Ll" else flip(half)


def _svd(a: Any, full_matrices: bool = True) -> Any:
    """a = U diag(S) Vh, S descending; U and Vh have as many columns and rows as S is long."""
    if full_matrices and a.shape[-2] != a.shape[-1]:
        raise ValueError(
            "full_matrices=True of a matrix that is not square adds vectors that the matrix does "
            "not determine, so they have no derivative; pass full_matrices=False."
        )
    return np.linalg.svd(a, full_matrices=full_matrices)


def _svd_grad(g: Any, y: Any, a: Any, hidden: Any) -> Any:
    """The gradient of svd (Townsend, "Differentiating the singular value decomposition", 2016).

    His two sums are regrouped by 1 / (s_j - s_i) and 1 / (s_j + s_i), which loses no digits to
    differences of squares. S alone needs neither, so it has a gradient where values repeat; U and
    Vh of equal singular values give NaN, as in `over_gaps`.
    """
    (gu, gs, gvh), (u, s, vh) = g, y
    unused = _unused((gu, hidden.get(0), -2), (gs, hidden.get(1), 0), (gvh, hidden.get(2), -1))
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
        if unused is not None:  # of several singular values that are 0
            sums = np.where(unused & np.equal(sums, 0), 1, sums)
        turn = (over_gaps.call(total - flip(total), s, unused) + (gap - flip(gap)) / sums) / 2
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


cholesky_row = Op(_cholesky, r"\operatorname{{chol}} {a:3}", lambda g, y, a: _cholesky_grad(g, y))
qr_row = Op(_qr, r"\operatorname{{qr}} {a:3}", lambda g, y, a, mode: _qr_grad(g, y))
eigh = Decomposition(
    _eigh,
    r"\operatorname{{eigh}} {a:3}",
    lambda g, y, a, UPLO, hidden=NONE: _eigh_grad(g, y, UPLO, hidden),
    of=(np.linalg.eigh,),
    singular=True,
)
svd_row = Decomposition(
    _svd,
    r"\operatorname{{svd}} {a:3}",
    lambda g, y, a, full_matrices, hidden=NONE: _svd_grad(g, y, a, hidden),
    singular=True,
)
half_lower: Op = Op(_half_lower, r"\Phi\left({x}\right)", lambda g, y, x: half_lower.call(g))
over_gaps: Op = Op(
    _over_gaps,
    r"\frac{{{x}}}{{{{{v}}}_j - {{{v}}}_i}}",
    lambda g, y, x, v, unused: over_gaps.call(g, v, unused),
    lambda g, y, x, v, unused: _over_gaps_v(g, y, v, unused),
)


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


OPS[np.linalg.cholesky], OPS[np.linalg.qr] = cholesky, qr
OPS[np.linalg.eigvalsh], OPS[np.linalg.svd], OPS[np.linalg.svdvals] = eigvalsh, svd, svdvals


# What tests sample
def apart(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices whose eigenvalues and singular values are far from 0 and from each other."""
    diagonal = 5.0 * np.eye(shape[-2], shape[-1]) * np.arange(1, shape[-1] + 1)
    return real(rng, shape) + diagonal


cases("cholesky", case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart)))
cases("qr", case(A(3, 3, domain=apart)), case(A(2, 4, 2, domain=apart)))
cases("eigh", case(A(3, 3, domain=apart)), case(A(2, 2, 2, domain=apart), UPLO="U"))
cases(
    "svd",
    case(A(3, 3, domain=apart)),
    case(A(2, 4, 2, domain=apart), False),
    case(A(2, 3, domain=apart), False),
)
cases("half_lower", case(A(3, 3)), case(A(2, 2, 2)))
cases(
    "over_gaps",
    case(A(3, 3), np.array([1.0, 2.5, 4.0])),
    case(A(2, 2, 2), np.array([[1.0, 2.5], [4.0, 2.0]])),
)
