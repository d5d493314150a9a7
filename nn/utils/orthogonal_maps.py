"""Maps from matrices to orthogonal matrices, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.parameter import plain

PADE = {  # dtype's bytes -> coefficients of the numerator, and the norm up to which it is exact
    4: ((17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1), 3.925724783138660),
    8: (
        (
            64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800,
            129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920, 40840800,
            960960, 16380, 182, 1,
        ),
        5.371920351148152,
    ),
}  # fmt: skip
"""Diagonal Padé approximants of exp, of degree 7 and 13: those of a skew-symmetric matrix are
orthogonal themselves, whatever their error."""


def matrix_exp(a: Any) -> Any:
    """The exponential of square matrices (..., n, n), by scaling and squaring.

    References
    ----------
    Higham, "The scaling and squaring method for the matrix exponential revisited", 2005.
    """
    array, eye = plain(a), np.eye(a.shape[-1], dtype=a.dtype)
    coefficients, largest = PADE[max(a.dtype.itemsize, 4)]
    norm = float(np.max(np.sum(np.abs(array), axis=-2), initial=0.0))
    squarings = max(0, math.ceil(math.log2(norm / largest))) if 0 < norm < math.inf else 0
    x: Any = a * (0.5**squarings)
    square = x @ x
    c = [k / coefficients[0] for k in coefficients]
    power, even, odd = eye, eye, c[1] * eye
    for i in range(2, len(c), 2):
        power = power @ square
        even = even + c[i] * power
        odd = odd + c[i + 1] * power
    odd = x @ odd
    y = np.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        y = y @ y
    return y


def cayley(a: Any) -> Any:
    """(I − A/2)⁻¹ (I + A/2)."""
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    return np.linalg.solve(eye - 0.5 * a, eye + 0.5 * a)


def skew(x: Any) -> Any:
    """The skew-symmetric (n, n) matrices whose lower triangles begin with tall x, (n, k)."""
    n, k = x.shape[-2:]
    lower = np.tril(x)
    if n != k:
        lower = np.concatenate([lower, np.zeros((*x.shape[:-1], n - k), x.dtype)], axis=-1)
    return lower - np.swapaxes(lower, -1, -2)


def householder(x: Any) -> Any:
    """The first k columns of H₁ … H_k, reflectors given by the lower triangle of tall x, (n, k).

    The reflector vᵢ is 1 at i and column i of x below. With H₁ … H_k = I − V T Vᵀ, T⁻¹ is the upper
    triangle of VᵀV, its diagonal halved. The signs of x's diagonal are those of the columns.

    References
    ----------
    Joffrain et al., "Accumulating Householder transformations, revisited", 2006.
    """
    n, k = x.shape[-2:]
    eye = np.eye(n, k, dtype=x.dtype)
    v = np.tril(x, -1) + eye
    vt = np.swapaxes(v, -1, -2)
    gram = vt @ v
    inverse = np.triu(gram, 1) + 0.5 * gram * np.eye(k, dtype=x.dtype)
    q = eye - v @ np.linalg.solve(inverse, np.swapaxes(v[..., :k, :], -1, -2))
    return q * signs(plain(x))[..., None, :]


def householder_of(q: Array) -> Array:
    """The x whose `householder` is the tall matrix q, made orthogonal by QR."""
    h, tau = np.linalg.qr(q, mode="raw")
    x: Array = np.array(np.swapaxes(h, -1, -2))
    k = np.arange(x.shape[-1])
    x[..., k, k] = np.where(tau == 0, -1, 1) * signs(x)  # tau is 0 where LAPACK reflects nothing
    return x


def made_orthogonal(a: Array) -> Array:
    """The Q of a tall matrix's QR decomposition in which R has a positive diagonal."""
    q, r = np.linalg.qr(a)
    made: Array = q * signs(r)[..., None, :]
    return made


def completed(q: Array, rng: Rng) -> Array:
    """A square orthogonal matrix that begins with the columns of tall q, made orthogonal."""
    n, k = q.shape[-2:]
    if n == k:
        near = 10 * n * np.finfo(q.dtype).eps
        if np.allclose(np.swapaxes(q, -1, -2) @ q, np.eye(k), atol=near):
            return q.copy()
        return made_orthogonal(q)
    others = as_generator(rng).standard_normal((*q.shape[:-1], n - k)).astype(q.dtype)
    return made_orthogonal(np.concatenate([q, others], axis=-1))


def signs(x: Array) -> Array:
    """Signs of the diagonals, 1 for 0."""
    d = np.diagonal(x, axis1=-2, axis2=-1)
    return np.where(d < 0, -1, 1).astype(x.dtype)
