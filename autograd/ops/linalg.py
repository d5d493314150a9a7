"""Products and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.domains import A, case


def flip(a: Any) -> Any:
    """The matrices of a stack, transposed."""
    return np.swapaxes(a, -1, -2)


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a @ b with respect to a."""
    if b.ndim == 1:
        return g * b if a.ndim == 1 else np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return np.matmul(b, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, flip(b))


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a @ b with respect to b."""
    if a.ndim == 1:
        return g * a if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return np.matmul(flip(a), np.expand_dims(g, -1))[..., 0]
    if b.ndim == 2 and a.ndim > 2:  # one product instead of a batch that is summed afterwards
        a, g = np.reshape(a, (-1, a.shape[-1])), np.reshape(g, (-1, g.shape[-1]))
    return np.matmul(flip(a), g)


# fmt: off
matmul = Op(np.matmul, "{a:2} {b:2}", lambda g, y, a, b: _matmul_left(g, a, b), lambda g, y, a, b: _matmul_right(g, a, b), rank=2, bind="__matmul__ __rmatmul__",
            cases=(case(A(2, 3), A(3, 2)), case(A(3), A(3)), case(A(2, 3), A(3)), case(A(3), A(2, 3, 2)), case(A(2, 2, 3), A(3)), case(A(2, 1, 2, 3), A(2, 3, 2)), case(A(2, 2, 3), A(3, 2))))
# fmt: on
