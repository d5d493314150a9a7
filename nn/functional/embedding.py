"""Embedding lookups, row by row and by bags."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.dispatch import array_of
from autograd.node import Array
from autograd.value import Value
from nn.arguments import flags, reals
from nn.functional.half import by_single
from nn.functional.tensor import Tensor


def embedding(
    input: Any,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Value:
    """Embedding lookup: rows of weight by index.

    Parameters
    ----------
    input : integers, any shape, row indices.
    weight : the table, (rows, E).
    padding_idx : a row that gets no gradient; negative ones count from the end.
    max_norm : longer rows among those read are shortened to this first, in the table itself.
    norm_type : p of that norm.
    scale_grad_by_freq : divide a row's gradient by its frequency in the call.
    sparse : False; gradients are dense.

    Returns
    -------
    Value of shape (*input.shape, E).

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.Parameter([[3.0, 4.0], [1.0, 0.0]])
    >>> nn.functional.embedding(np.array([1, 0]), w, max_norm=1.0).data.round(3)
    array([[1. , 0. ],
           [0.6, 0.8]], dtype=float32)
    """
    flags("embedding", scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    dense("embedding", sparse)
    if max_norm is not None:
        _shorten(input, weight, max_norm, norm_type)
    y = autograd.ops.embedding(input, weight, padding_idx)
    return _by_frequency(y, np.asarray(input)) if scale_grad_by_freq else y


def _by_frequency(y: Any, input: Array, counted: Any = ...) -> Any:
    """Rows y of the input whose gradients are divided by their frequency in ``input[counted]``."""
    if not isinstance(y, Value) or not y.size:
        return y
    _, back = np.unique(input, return_inverse=True)
    back = back.reshape(input.shape)
    counts = np.bincount(back[counted].ravel(), minlength=back.max() + 1)
    share = (1 / np.maximum(counts, 1)[back]).astype(y.dtype)[..., None]
    return y.data + share * (y - y.data)  # adds 0 to the value, and all to the slope


def _shorten(input: Any, weight: Tensor, max_norm: float, p: float) -> None:
    reals("embedding", max_norm=max_norm, norm_type=p)
    if not max_norm > 0:
        raise ValueError(f"embedding: max_norm must be more than 0, got {max_norm}.")
    if not isinstance(weight, Value) or weight.op is not None:
        raise TypeError("embedding: max_norm changes the weight, which must be a leaf Value.")
    autograd.ops.embedding(input, weight.data)  # its checks, before anything is changed
    rows = np.unique(np.asarray(input, np.intp))
    table = weight.data
    norms = np.linalg.vector_norm(table[rows], ord=p, axis=1)
    long = norms > max_norm
    if long.any():
        table[rows[long]] *= (max_norm / (norms[long] + 1e-7)).astype(table.dtype)[:, None]
        weight.data = table


def dense(who: str, sparse: bool) -> None:
    """Refuse sparse gradients."""
    if sparse:
        raise ValueError(f"{who}: sparse=True is not supported; gradients are dense.")


def embedding_bag(
    input: Any,
    weight: Tensor,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Value:
    """Embedding lookup of bags: sums, means or maxima of their rows.

    Parameters
    ----------
    input : row indices: (B, N), B bags of N; or the bags concatenated, (total,).
    weight : the table, (rows, E).
    offsets : where each bag begins, (B,), for an input of one axis.
    max_norm, norm_type, scale_grad_by_freq, sparse : as in `embedding`.
    mode : "sum", "mean" or "max". An empty bag gives 0.
    per_sample_weights : weights of the rows, of the input's shape; for "sum" only.
    include_last_offset : whether the last offset is the end of the last bag.
    padding_idx : a row that is ignored.

    Returns
    -------
    Value of shape (B, E).

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.Parameter([[1.0], [2.0], [4.0]])
    >>> nn.functional.embedding_bag(np.array([0, 1, 2]), w, [0, 2], mode="sum").data
    array([[3.],
           [4.]], dtype=float32)
    """
    who = "embedding_bag"
    flags(who, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    flags(who, include_last_offset=include_last_offset)
    dense(who, sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"{who}: mode must be 'sum', 'mean' or 'max', got {mode!r}.")
    if per_sample_weights is not None and mode != "sum":
        raise ValueError(f"{who}: per_sample_weights are for mode='sum' only, not {mode!r}.")
    if per_sample_weights is not None and np.shape(per_sample_weights) != np.shape(input):
        raise ValueError(
            f"{who}: per_sample_weights {np.shape(per_sample_weights)} must have the input's "
            f"shape {np.shape(input)}."
        )
    numbers = array_of(input, f"{who}: input")
    places, filled = _bags(numbers, offsets, include_last_offset)
    read = numbers.ravel()[places] if numbers.size else places
    rows = embedding(read, weight, padding_idx, max_norm, norm_type)  # (B, N, E)
    counted = filled if padding_idx is None else filled & (read != padding_idx % len(weight))
    if scale_grad_by_freq:
        rows = _by_frequency(rows, read, filled)
    if per_sample_weights is not None:
        factors = per_sample_weights
        if not isinstance(factors, Value):
            factors = np.asarray(factors, weight.dtype)
        per_sample_weights = np.expand_dims(np.reshape(factors, -1)[places], -1)
    return _pooled(rows, counted, mode, per_sample_weights)


@by_single
def _pooled(rows: Any, counted: Array, mode: str, factors: Any) -> Any:
    """The sums, means or maxima of the rows of bags, (B, N, E), that are counted, (B, N)."""
    if mode == "max":
        if not rows.shape[1]:
            return np.sum(rows, axis=1)
        some = np.asarray(counted.any(axis=1))[:, None, None]
        return np.max(np.where(some, np.where(counted[..., None], rows, -np.inf), 0), axis=1)
    if factors is not None:
        rows = rows * factors
    total = np.sum(np.where(counted[..., None], rows, 0), axis=1)
    if mode == "sum":
        return total
    return total / np.maximum(counted.sum(axis=1, keepdims=True), 1).astype(rows.dtype)


def _bags(numbers: Array, offsets: Any, include_last: bool) -> tuple[Array, Array]:
    """Where in the flat input each bag's entries stand, (B, N), and which are not filling."""
    who = "embedding_bag"
    if numbers.ndim == 2:
        if offsets is not None:
            raise ValueError(f"{who}: offsets are for an input of one axis, not {numbers.shape}.")
        return np.arange(numbers.size).reshape(numbers.shape), np.ones(numbers.shape, bool)
    if numbers.ndim != 1 or offsets is None:
        raise ValueError(
            f"{who}: input must be (B, N), or of one axis with offsets, got {numbers.shape}."
        )
    starts = np.asarray(offsets)
    if starts.dtype.kind not in "iu" or starts.ndim != 1:
        raise TypeError(f"{who}: offsets must be integers of one axis, got {starts.dtype}.")
    ends = np.append(starts[1:], [] if include_last else [numbers.size]).astype(np.intp)
    if include_last:
        starts = starts[:-1]
    if (
        (starts.size and starts[0] != 0)
        or (ends < starts).any()
        or (ends.size and ends[-1] > numbers.size)
    ):
        raise ValueError(
            f"{who}: offsets must begin with 0, never fall and end within the input "
            f"{numbers.shape}, got {np.asarray(offsets).tolist()}."
        )
    sizes = ends - starts
    steps = np.arange(sizes.max(initial=0))
    filled = steps < sizes[:, None]
    return np.where(filled, starts[:, None] + steps, 0).astype(np.intp), filled
