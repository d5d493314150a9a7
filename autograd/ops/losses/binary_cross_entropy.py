"""Binary cross-entropy of probabilities and of logits, one op each."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op, elementwise
from autograd.ops.elementwise.activations import sigmoid, softplus, where_positive
from autograd.ops.samples import between, domains, real

LEAST_LOG = -100.0
"""What logarithms are clamped to, as PyTorch does, so that log 0 stays finite."""

LEAST_SPREAD = 1e-12
"""What x (1 − x) is clamped to in the derivative, as PyTorch does."""

LEAST_HALF = 2.0**-14
"""The same for float16, in which 1e-12 is 0 and its inverse infinite."""


def _binary_cross_entropy(a: Any, b: Any) -> Any:
    """−(b log a + (1 − b) log(1 − a)) for probabilities a and targets b."""
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(a), LEAST_LOG), np.maximum(np.log1p(-a), LEAST_LOG)
    return -(b * yes + (1 - b) * no)


def _spread(a: Any) -> Any:
    """x (1 − x), and at 0 and 1 what a quotient by it has room for."""
    spread = a * (1 - a)
    if getattr(a, "dtype", None) == np.float16:
        return np.where(np.equal(spread, 0), LEAST_HALF, spread)
    return np.maximum(spread, LEAST_SPREAD)


binary_cross_entropy: Op = elementwise(
    _binary_cross_entropy,
    r"-\left({b:2} \log {a:3} + \left(1 - {b:1}\right) \log \left(1 - {a:1}\right)\right)",
    lambda g, y, a, b: g * (a - b) / _spread(a),
    lambda g, y, a, b: g * (np.log1p(-a) - np.log(a)),
)


def _binary_cross_entropy_with_logits(a: Any, b: Any, c: Any) -> Any:
    """−b log σ(a) − c log σ(−a): what is added up is positive, so that no digit cancels."""
    return (b + c) * softplus(-np.abs(a)) + where_positive(a, c, -b) * a


binary_cross_entropy_with_logits: Op = elementwise(
    _binary_cross_entropy_with_logits,
    r"-{b:2} \log \sigma({a}) - {c:2} \log \sigma(-{a:2})",
    lambda g, y, a, b, c: g * (c * sigmoid(a) - b * sigmoid(-a)),
    lambda g, y, a, b, c: g * softplus(-a),
    lambda g, y, a, b, c: g * softplus(a),
)

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]

# What tests sample
domains("binary_cross_entropy", between(0.1, 0.9), between(0.1, 0.9))
domains("binary_cross_entropy_with_logits", real, between(0.1, 0.9), between(0.1, 0.9))
