"""The affine map of a layer as one node: x weightᵀ + bias."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.machine import choice
from autograd.op import Op
from autograd.ops.samples import A, case, cases


def _linear(x: Any, weight: Any) -> Any:
    """x weightᵀ, for x (..., in) and weight (out, in)."""
    return choice.matmul(x, weight.T)


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    """x weightᵀ + bias, for x (..., in), weight (out, in) and bias (out,)."""
    y = choice.matmul(x, weight.T)
    if y.dtype == bias.dtype and y.ndim:
        y += bias  # in place: y is ours
        return y
    return y + bias


def outer(g: Any, x: Any) -> Any:
    """Σ over all leading axes of the outer products of g (..., out) and x (..., in)."""
    if g.ndim != 2:
        rows = math.prod(g.shape[:-1])
        g, x = np.reshape(g, (rows, g.shape[-1])), np.reshape(x, (rows, x.shape[-1]))
    return choice.matmul(np.transpose(g), x)


linear = Op(
    _linear,
    r"{x:2} {weight:9}^\top",
    lambda g, y, x, weight: choice.matmul(g, weight),
    lambda g, y, x, weight: outer(g, x),
)
affine = Op(
    _affine,
    r"{x:2} {weight:9}^\top + {bias:1}",
    lambda g, y, x, weight, bias: choice.matmul(g, weight),
    lambda g, y, x, weight, bias: outer(g, x),
    lambda g, y, x, weight, bias: g,
)

# What tests sample
cases("linear", case(A(4, 3), A(2, 3)), case(A(3), A(2, 3)), case(A(2, 4, 3), A(2, 3)))
cases(
    "affine",
    case(A(4, 3), A(2, 3), A(2)),
    case(A(3), A(2, 3), A(2)),
    case(A(2, 4, 3), A(2, 3), A(2)),
)
