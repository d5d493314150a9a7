"""Affine maps and changes of shape."""

from __future__ import annotations

import numpy as np

from autograd.ops import linear as affine_maps
from autograd.value import Value
from nn.functional.tensor import Tensor, same_dtype


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map y = x Wᵀ + b.

    Parameters
    ----------
    input : shape (..., in)
    weight : shape (out, in)
    bias : shape (out,), optional

    Returns
    -------
    Value of shape (..., out).

    Raises
    ------
    ValueError
        The last axis of the input is not `in`.
    TypeError
        The input's dtype is not the weight's.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.Parameter([[1.0, 2.0]])
    >>> nn.functional.linear(np.ones((3, 2), np.float32), w).shape
    (3, 1)
    """
    shape = input.shape if isinstance(input, (Value, np.ndarray)) else np.shape(input)
    if shape[-1:] != weight.shape[1:]:
        raise ValueError(
            f"linear: the last axis of input {shape} must be {weight.shape[-1]}, "
            f"as the weight (out, in) = {weight.shape} has it. "
            "nn.Flatten() makes (N, C, H, W) into (N, C·H·W)."
        )
    same_dtype("linear", input, weight)
    if bias is None:
        return affine_maps.linear.call(input, weight)
    return affine_maps.affine.call(input, weight, bias)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the axes from start_dim to end_dim into one."""
    shape = np.shape(input)
    if not shape:
        return np.reshape(input, (1,))
    for name, dim in (("start_dim", start_dim), ("end_dim", end_dim)):
        if not -len(shape) <= dim < len(shape):
            raise ValueError(f"flatten: {name}={dim} is no axis of shape {shape}.")
    start, end = start_dim % len(shape), end_dim % len(shape)
    if start > end:
        raise ValueError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}.")
    merged = int(np.prod(shape[start : end + 1]))
    return np.reshape(input, (*shape[:start], merged, *shape[end + 1 :]))
