"""Softmax and its logarithm, along any axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.kernels import choice
from autograd.op import Op
from autograd.ops.domains import A, case


def _softmax(a: Any, axis: int = -1) -> Any:
    """exp(a) over its sum along an axis, without overflow."""
    y = choice.softmax(axis, False, a)
    if y is not None:
        return y
    e = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return e / total(e, axis)


def _log_softmax(a: Any, axis: int = -1) -> Any:
    """log(softmax(a)) along an axis, without overflow."""
    y = choice.softmax(axis, True, a)
    if y is not None:
        return y
    shifted = a - np.max(a, axis=axis, keepdims=True)
    return shifted - np.log(total(np.exp(shifted), axis))


def _softmax_grad(g: Any, y: Any, axis: int) -> Any:
    """y (g - Σ g y)."""
    gx = choice.softmax(axis, False, g, y)
    return y * (g - total(g * y, axis)) if gx is None else gx


def _log_softmax_grad(g: Any, y: Any, axis: int) -> Any:
    """g - exp(y) Σ g."""
    gx = choice.softmax(axis, True, g, y)
    return g - np.exp(y) * total(g, axis) if gx is None else gx


def total(a: Any, axis: int) -> Any:
    """Sum along an axis that is kept."""
    return np.sum(a, axis=axis, keepdims=True)


# fmt: off
softmax = Op(_softmax,         r"\operatorname{{softmax}} {a:3}",    lambda g, y, a, axis: _softmax_grad(g, y, axis),      cases=(case(A(2, 3)), case(A(2, 3, 2), axis=1)), rank=3, name="softmax")
log_softmax = Op(_log_softmax, r"\log \operatorname{{softmax}} {a:3}", lambda g, y, a, axis: _log_softmax_grad(g, y, axis), cases=(case(A(2, 3)), case(A(2, 3, 2), axis=0)), rank=3, name="log_softmax")
# fmt: on
