"""Dropout: noise that is there in training only."""

from __future__ import annotations

import numpy as np

from autograd.random import Rng, as_generator
from nn.functional.tensor import Tensor


def dropout(input: Tensor, p: float = 0.5, training: bool = True, rng: Rng = None) -> Tensor:
    """Set each element to zero with probability p and divide the others by 1 − p.

    Parameters
    ----------
    input : any shape
    p : probability of zero, 0 to 1.
    training : False hands the input through.
    rng : generator, seed or None for the default.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.dropout(np.ones(6), 0.5, rng=0)
    array([2., 0., 0., 0., 2., 2.])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability between 0 and 1, got {p}.")
    if not training or p == 0:
        return input
    dtype = np.float32 if input.dtype == np.float32 else np.float64
    keep = as_generator(rng).random(input.shape, dtype) >= p
    return input * np.multiply(keep, 0.0 if p == 1 else 1 / (1 - p), dtype=dtype)
