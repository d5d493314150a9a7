"""Scaled dot-product attention, fused: the matrix of weights is never stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.engine import gradients
from autograd.flags import flags
from autograd.kernel_op import KernelOp
from autograd.machine.uninterrupted import load
from autograd.ops.attention.grouped import grouped, merged
from autograd.ops.elementwise.softmax import softmax
from autograd.ops.samples import A, case, cases
from autograd.random import Rng, draw
from autograd.recording import enable_grad
from autograd.value import Value

Array = np.ndarray[Any, Any]
LIMIT = 2**31  # of an axis: kernels count and hash positions in 32 bits


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    rng: Rng = None,
) -> Any:
    r"""Values averaged by the softmax of the similarities of their keys to a query.

    .. math:: y = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt E} + M\right) V

    It runs in blocks and stores no (L, S) matrix, forward or backward, unless the gradient of a
    float mask is asked for.

    Parameters
    ----------
    query : array or Value, (..., L, E).
    key : (..., S, E).
    value : (..., S, V), of the same dtype; the leading axes broadcast.
    attn_mask : array or Value, optional
        Broadcasts to (..., L, S). Booleans say which keys a query attends to (True: attend); floats
        are added to the scores, -inf masks a key out.
    dropout_p : float
        The probability of dropping a weight; the others are scaled by 1 / (1 - p).
    is_causal : bool
        Query i attends to the keys 0 to i only, besides what `attn_mask` says.
    scale : float, optional
        By default 1/√E.
    enable_gqa : bool
        Grouped-query attention: query has G times as many heads, in axis -3, as key and value, and
        each G of them share one. No key or value is copied.
    rng : numpy.random.Generator or int, optional
        Where the seed of the dropout comes from; it alone decides which weights are dropped.

    Returns
    -------
    Value, (..., L, V)
        A query that may attend to nothing gets 0, and gradient 0, as in PyTorch 2.13.

    Raises
    ------
    ValueError, TypeError : shapes or dtypes that don't fit together.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017; Dao et al., FlashAttention, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd.ops import scaled_dot_product_attention
    >>> q = k = np.eye(2)
    >>> scaled_dot_product_attention(q, k, np.array([[1.0], [5.0]]), is_causal=True)
    array([[1.       ],
           [3.6790462]])
    """
    if not 0 <= dropout_p <= 1:
        raise ValueError(
            f"scaled_dot_product_attention: dropout_p must be between 0 and 1, got {dropout_p}."
        )
    if isinstance(scale, (str, bool)):
        raise TypeError(f"scaled_dot_product_attention: scale must be a number, got {scale!r}.")
    seed = draw(rng, "integers", 2**63) if dropout_p else 0
    flags("scaled_dot_product_attention", is_causal=is_causal, enable_gqa=enable_gqa)
    inputs = query, key, value, attn_mask
    if enable_gqa:
        inputs = grouped(*inputs)
    y = attention(*inputs, is_causal, scale, dropout_p, seed)
    return merged(y) if enable_gqa else y


def _attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout_p: float = 0.0,
    seed: int = 0,
) -> tuple[Any, Any]:
    """As `scaled_dot_product_attention`, with the seed of the dropout in place of a generator."""
    mask, stack = checked(query, key, value, attn_mask)
    L, S, V = query.shape[-2], value.shape[-2], value.shape[-1]
    if not (math.prod(stack) and L and S and V):
        return np.zeros((*stack, L, V), query.dtype), None
    if mask is not None and mask.dtype == bool:
        mask = np.where(mask, 0, -np.inf)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    call = kernels().Attention(
        query, key, value, mask, bool(is_causal), factor, dropout_p, int(seed)
    )
    return call.forward(), call


def _grad(
    g: Array,
    needs: Sequence[bool],
    y: Array,
    saved: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any,
    *static: Any,
) -> Sequence[Any]:
    """Recompute the weights, block by block, and differentiate the softmax."""
    if saved is None:
        return [np.zeros_like(x) for x in (query, key, value, attn_mask)]
    found = saved.backward(g, needs[:3]) if any(needs[:3]) else [None] * 3
    if not needs[3]:
        return [*found, None]
    with enable_grad():
        mask = Value(attn_mask)
        y = reference(query, key, value, mask, *static)
        return [*found, *gradients([y], [g], [mask])]  # type: ignore[list-item]


def reference(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout_p: float = 0.0,
    seed: int = 0,
) -> Any:
    """The same, composed of ops."""
    mask, stack = checked(query, key, value, attn_mask)
    L, S = query.shape[-2], key.shape[-2]
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    scores = np.matmul(query * factor, np.swapaxes(key, -1, -2))  # (..., L, S)
    allowed = np.tri(L, S, dtype=bool) if is_causal else np.ones((L, S), bool)
    if mask is not None and mask.dtype == bool:
        allowed = allowed & mask
    elif mask is not None:
        scores = scores + attn_mask
        allowed = allowed & (mask != -np.inf)
    idle = ~np.any(allowed, axis=-1, keepdims=True)  # queries that may attend to nothing
    scores = np.where(allowed, scores, -np.inf)
    if not scores.size:
        weights = scores
    elif idle.any():
        weights = np.where(idle, 0, softmax(np.where(idle, 0, scores), axis=-1))
    else:
        weights = softmax(scores, axis=-1)
    if dropout_p:
        k = kernels()
        keys = k.streams(seed, math.prod(stack), L)
        kept = k.keep((*stack, L, S), *keys, k.threshold(dropout_p))
        weights = np.where(kept, weights / (1 - dropout_p or 1), 0)
    return np.matmul(weights, value)


def checked(
    query: Any, key: Any, value: Any, attn_mask: Any
) -> tuple[Array | None, tuple[int, ...]]:
    """The mask's array and the leading axes; refuses shapes and dtypes that don't fit."""
    named = (("query", query), ("key", key), ("value", value))
    for name, x in named:
        if x.ndim < 2:
            raise ValueError(f"{name} must have at least 2 axes, got shape {x.shape}.")
        if x.dtype.kind != "f" or x.dtype.itemsize not in (4, 8):
            raise TypeError(
                f"{name} must be float32 or float64, got {x.dtype}; use {name}.astype(np.float32)."
            )
        if x.dtype.newbyteorder("=") != query.dtype.newbyteorder("="):
            raise TypeError(
                f"{name} has dtype {x.dtype} but query has {query.dtype}; use one for all."
            )
        if max(x.shape) >= LIMIT:
            raise ValueError(f"{name} has an axis of more than {LIMIT - 1}: shape {x.shape}.")
    if query.shape[-1] != key.shape[-1] or not query.shape[-1]:
        raise ValueError(
            f"query (..., L, E) and key (..., S, E) must share E >= 1, got {query.shape} and "
            f"{key.shape}."
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"key (..., S, E) and value (..., S, V) must share S, got {key.shape} and "
            f"{value.shape}."
        )
    try:
        stack = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    except ValueError:
        raise ValueError(
            "the leading axes must broadcast together, got query "
            f"{query.shape}, key {key.shape} and value {value.shape}; enable_gqa=True lets several "
            "heads of queries share one of keys and values."
        ) from None
    mask = attn_mask.data if isinstance(attn_mask, Value) else attn_mask
    if mask is None or (mask.ndim == 0 and mask.dtype == object):  # a Symbol holds None as an array
        return None, stack
    mask = array_of(mask, "attn_mask")
    if mask.dtype != bool and mask.dtype.newbyteorder("=") != query.dtype.newbyteorder("="):
        raise TypeError(
            f"attn_mask must be bool (True: attend) or {query.dtype} like query (added to the "
            f"scores), got {mask.dtype}."
        )
    full = (*stack, query.shape[-2], key.shape[-2])
    try:
        fits = np.broadcast_shapes(mask.shape, full) == full
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"attn_mask must broadcast to (..., L, S) = {full} for query {query.shape} and key "
            f"{key.shape}, got {mask.shape}."
        )
    return mask, stack


def kernels() -> Any:
    """The module of the kernels; Numba is imported on first use."""
    return load("autograd.ops.attention.kernel_attention")


attention = KernelOp(
    _attention,
    r"\operatorname{{attention}}\left({query}, {key}, {value}\right)",
    _grad,
    reference=reference,
    arity=4,
)


# What tests sample
_SOME = np.array([[True, False, True], [False, False, False]])
cases(
    "attention",
    case(A(2, 3), A(3, 3), A(3, 2), is_causal=True),
    case(A(2, 2, 1), A(3, 1), A(2, 3, 2), _SOME, scale=0.7),
    case(A(2, 2), A(2, 2), A(2, 1), A(2, 2)),
    case(A(3, 2), A(3, 2), A(3, 2), dropout_p=0.4, seed=5),
)
