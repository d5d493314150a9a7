"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import functional as F  # noqa: N812
from nn.onnx.table import like, plain, reads


@reads("MatMul")
def _matmul(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


@reads("Gemm")
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
    y = np.matmul(a, np.transpose(b) if transB else b)
    if alpha != 1:
        y = y * like(alpha, y)
    return y if c is None else y + (c if beta == 1 else c * like(beta, y))


@reads("Einsum")
def _einsum(*xs: Any, equation: str) -> Any:
    return np.einsum(equation.replace(" ", ""), *xs)


@reads("Det")
def _det(x: Any) -> Any:
    return np.linalg.det(x)
