"""Binary cross-entropy of probabilities, as one op: composed of logarithms it is nine."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op, elementwise
from autograd.ops.samples import between, domains

LEAST_LOG = -100.0
"""What logarithms are clamped to, as PyTorch does, so that log 0 stays finite."""

LEAST_SPREAD = 1e-12
"""What x (1 − x) is clamped to in the derivative, as PyTorch does."""


def _binary_cross_entropy(a: Any, b: Any) -> Any:
    """−(b log a + (1 − b) log(1 − a)) for probabilities a and targets b."""
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(a), LEAST_LOG), np.maximum(np.log1p(-a), LEAST_LOG)
    return -(b * yes + (1 - b) * no)


binary_cross_entropy: Op = elementwise(
    _binary_cross_entropy,
    r"-\left({b:2} \log {a:3} + \left(1 - {b:1}\right) \log \left(1 - {a:1}\right)\right)",
    lambda g, y, a, b: g * (a - b) / np.maximum(a * (1 - a), LEAST_SPREAD),
    lambda g, y, a, b: g * (np.log1p(-a) - np.log(a)),
)

__all__ = ["binary_cross_entropy"]

# What tests sample
domains("binary_cross_entropy", between(0.1, 0.9), between(0.1, 0.9))
