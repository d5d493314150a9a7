"""Affine maps and changes of shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.ops.algebra import affine as affine_maps
from autograd.value import Value
from nn.arguments import integers
from nn.functional.tensor import Tensor, numbers, same_dtype


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Value:
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
    x = input._data if isinstance(input, Value) else np.asarray(input)  # hot: no property calls
    w = weight._data if isinstance(weight, Value) else weight
    if x.shape[-1:] != w.shape[1:]:
        numbers("linear", input)
        raise ValueError(
            f"linear: the last axis of input {x.shape} must be {w.shape[-1]}, "
            f"as the weight (out, in) = {w.shape} has it. "
            "nn.Flatten() makes (N, C, H, W) into (N, C·H·W)."
        )
    if x.dtype is not w.dtype:
        same_dtype("linear", input, weight)
    if bias is None:
        return affine_maps.linear.call(input, weight)
    return affine_maps.affine.call(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Value:
    """Bilinear map y_k = x1ᵀ A_k x2 + b_k.

    Parameters
    ----------
    input1, input2 : shapes (..., in1) and (..., in2)
    weight : A, shape (out, in1, in2)
    bias : shape (out,), optional

    Returns
    -------
    Value of shape (..., out).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.bilinear(np.ones((5, 3)), np.ones((5, 4)), np.ones((2, 3, 4)))[0]
    array([12., 12.])
    """
    a, b = np.shape(input1), np.shape(input2)
    if a[:-1] != b[:-1] or (a[-1:], b[-1:]) != (weight.shape[1:2], weight.shape[2:]):
        numbers("bilinear", input1, "input1")
        numbers("bilinear", input2, "input2")
        raise ValueError(
            f"bilinear: inputs {a} and {b} must be (..., in1) and (..., in2) for a weight "
            f"(out, in1, in2) = {weight.shape}."
        )
    same_dtype("bilinear", input1, weight)
    same_dtype("bilinear", input2, weight)
    out, first, second = weight.shape
    flat = np.reshape(np.transpose(weight, (1, 0, 2)), (first, out * second))
    half = np.reshape(input1 @ flat, (*a[:-1], out, second))
    y = np.sum(half * np.expand_dims(input2, -2), axis=-1)
    return y if bias is None else y + bias


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Value:
    """Merge the axes from start_dim to end_dim into one."""
    numbers("flatten", input)
    shape = np.shape(input)
    flat: Any
    if not shape:
        flat = np.reshape(input, (1,))
        return flat
    integers("flatten", start_dim=start_dim, end_dim=end_dim)
    for name, dim in (("start_dim", start_dim), ("end_dim", end_dim)):
        if not -len(shape) <= dim < len(shape):
            raise ValueError(f"flatten: {name}={dim} is no axis of shape {shape}.")
    start, end = start_dim % len(shape), end_dim % len(shape)
    if start > end:
        raise ValueError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}.")
    merged = int(np.prod(shape[start : end + 1]))
    flat = np.reshape(input, (*shape[:start], merged, *shape[end + 1 :]))
    return flat
