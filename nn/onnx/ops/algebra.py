"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.ops.algebra.products import matmul
from nn import functional as F  # noqa: N812
from nn.onnx.table import like, plain, reads, writes


@reads("MatMul")
def _matmul(a: Any, b: Any) -> Any:
    return matmul(a, b)  # NumPy's own wakes the threads of BLAS


@reads("Gemm", since=7)
def _gemm(
    a: Any, b: Any, c: Any = None, *, alpha: float = 1.0, beta: float = 1.0,
    transA: int = 0, transB: int = 0,
) -> Any:  # fmt: skip
    a = np.transpose(a) if transA else a
    if a.dtype.kind != "f":
        y = plain(a) @ plain(np.transpose(b) if transB else b)
        return y if c is None else y + plain(c)
    if (
        alpha == 1
        and beta == 1
        and (c is None or (np.ndim(c) == 1 and c.shape[0] == b.shape[not transB]))
    ):
        return F.linear(a, b if transB else np.transpose(b), c)
    y = matmul(a, np.transpose(b) if transB else b)
    if alpha != 1:
        y = y * like(alpha, y)
    return y if c is None else y + (c if beta == 1 else c * like(beta, y))


@reads("Gemm")
def _gemm_1(
    a: Any, b: Any, c: Any, *, alpha: float = 1.0, beta: float = 1.0, broadcast: int = 0,
    transA: int = 0, transB: int = 0,
) -> Any:  # fmt: skip
    return _gemm(a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)


@reads("Linear", domain="glassgrad")
def _linear(x: Any, w: Any, b: Any, *, turned: int = 0) -> Any:
    """A product with a matrix, and a bias: a pattern of ours; the matrix is PyTorch's if turned."""
    return F.linear(x, w if turned else np.transpose(w), b)


@reads("Einsum")
def _einsum(*xs: Any, equation: str) -> Any:
    return np.einsum(equation.replace(" ", ""), *xs)


@reads("Det")
def _det(x: Any) -> Any:
    return np.linalg.det(x)


# Writing


@writes("matmul")
def _write_matmul(out: Any, v: Any, a: str, b: str) -> Any:
    return out.node("MatMul", a, b)


@writes("linear", "affine")
def _write_linear(out: Any, v: Any, x: str, w: str, b: str = "") -> Any:
    if v.ndim(0) == 2:
        return out.node("Gemm", x, w, b, transB=1)
    y = out.node("MatMul", x, out.node("Transpose", w, perm=[1, 0]))
    return out.node("Add", y, b) if b else y


@writes("einsum")
def _write_einsum(out: Any, v: Any, *xs: str) -> Any:
    return out.node("Einsum", *xs, equation=v.same(0))


@writes("vecdot")
def _write_vecdot(out: Any, v: Any, a: str, b: str) -> Any:
    axis = int(v.same(0))
    return out.node("ReduceSum", out.node("Mul", a, b), out.integers(axis), keepdims=0)


@writes("tensordot")
def _write_tensordot(out: Any, v: Any, a: str, b: str) -> Any:
    axes, (m, n) = v.same(0), (v.ndim(0), v.ndim(1))
    if isinstance(axes, int):
        left, right = list(range(m - axes, m)), list(range(axes))
    else:
        left, right = ([k] if isinstance(k, int) else list(k) for k in axes)
    letters = "abcdefghijklmnopqrstuvwxyz"
    first, second = list(letters[:m]), list(letters[m : m + n])
    for i, j in zip(left, right, strict=True):
        second[j % n] = first[i % m]
    kept = [c for i, c in enumerate(first) if i not in {k % m for k in left}]
    kept += [c for j, c in enumerate(second) if j not in {k % n for k in right}]
    return out.node("Einsum", a, b, equation=f"{''.join(first)},{''.join(second)}->{''.join(kept)}")


@writes("norm")
def _write_norm(out: Any, v: Any, x: str) -> Any:
    order, axis, keep = (v.same(i) for i in range(3))
    if order not in (1, 2):
        return NotImplemented
    op = "ReduceL1" if order == 1 else "ReduceL2"
    given = [] if axis is None else [out.integers(axis)]
    return out.node(op, x, *given, keepdims=int(keep))


@writes("det")
def _write_det(out: Any, v: Any, x: str) -> Any:
    return out.node("Det", x)
