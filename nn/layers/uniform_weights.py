"""uniform_weights: how affine maps, convolutions and recurrent layers start."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn import init
from nn.module import Parameter


def uniform_weights(
    shape: tuple[int, ...], fan_in: int, dtype: Any, rng: np.random.Generator
) -> Parameter:
    """A Parameter, uniform in ±1/√fan_in: PyTorch's default start."""
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    weights = Parameter(np.zeros(shape), dtype=dtype)
    init.uniform_(weights, -bound, bound, rng)
    return weights
