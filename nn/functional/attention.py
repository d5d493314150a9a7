"""Multi-head attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.ops import scaled_dot_product_attention
from autograd.random import Rng
from autograd.value import Value
from nn.arguments import flags
from nn.functional.activation import softmax
from nn.functional.attention_mask import merged
from nn.functional.dropout import dropout, probability
from nn.functional.linear import linear
from nn.functional.tensor import Tensor
from nn.parameter import plain

WHO = "multi_head_attention_forward"


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    batch_first: bool = False,
    rng: Rng = None,
) -> tuple[Tensor, Tensor | None]:
    r"""Multi-head attention with its projections; see `nn.MultiheadAttention`.

    .. math:: y = W_o [h_1; \ldots; h_H] + b_o \qquad
        h_i = \operatorname{softmax}\left(\frac{Q_i K_i^\top}{\sqrt D} + M\right) V_i

    Parameters
    ----------
    query, key, value : (L, N, E), (S, N, kdim), (S, N, vdim), or without N.
    embed_dim_to_check : E.
    num_heads : H, a divisor of E.
    in_proj_weight : (3E, E), of queries, keys and values; None where they are separate.
    in_proj_bias : (3E,), optional.
    bias_k, bias_v : (1, 1, E), one more key and its value, optional.
    add_zero_attn : whether to add a key and a value of zeros.
    dropout_p : probability with which a weight is dropped in training.
    out_proj_weight, out_proj_bias : (E, E) and (E,); the bias is optional.
    training : whether dropout acts.
    key_padding_mask : (N, S), or (S,); True where a key is to be ignored, or floats to add.
    need_weights : whether to return the weights. Without them no (L, S) matrix is stored.
    attn_mask : (L, S) or (N · H, L, S); True where it is forbidden to attend, or floats to add.
    use_separate_proj_weight : whether the three weights below take in_proj_weight's place.
    q_proj_weight, k_proj_weight, v_proj_weight : (E, E), (E, kdim), (E, vdim).
    static_k, static_v : (N · H, S, E / H), keys and values that are projected already, optional.
    average_attn_weights : whether the weights returned are the mean over the heads.
    is_causal : whether query i attends to keys 0 to i only, in addition to `attn_mask`.
    batch_first : inputs and output as (N, L, E).
    rng : generator, seed or None for the default; for the dropout.

    Returns
    -------
    The output, (L, N, E), and the weights, (N, L, S) or (N, H, L, S), or None; without N likewise.
    A query all of whose keys are masked has weights and output 0.

    Raises
    ------
    ValueError, TypeError
        Shapes, sizes or dtypes that don't fit together.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x, I = np.eye(2), np.eye(2)
    >>> w = np.concatenate([I, I, I])
    >>> y, weights = nn.functional.multi_head_attention_forward(
    ...     x, x, x, 2, 1, w, None, None, None, False, 0.0, I, None, is_causal=True
    ... )
    >>> weights.round(3)
    array([[1.  , 0.  ],
           [0.33, 0.67]])
    """
    probability(WHO, dropout_p, "dropout_p")
    flags(
        WHO,
        add_zero_attn=add_zero_attn,
        training=training,
        need_weights=need_weights,
        use_separate_proj_weight=use_separate_proj_weight,
        average_attn_weights=average_attn_weights,
        is_causal=is_causal,
        batch_first=batch_first,
    )
    E, H = embed_dim_to_check, num_heads
    if E % H:
        raise ValueError(f"{WHO}: embed_dim={E} must be a multiple of num_heads={H}.")
    same = key is query and value is query
    query, key, value = (
        x if isinstance(x, Value) else array_of(x, WHO) for x in (query, key, value)
    )
    if use_separate_proj_weight:
        weights_of: list[Tensor] = [q_proj_weight, k_proj_weight, v_proj_weight]
        if any(w is None for w in weights_of):
            raise ValueError(
                f"{WHO}: use_separate_proj_weight needs q_proj_weight, k_proj_weight and "
                "v_proj_weight."
            )
    elif in_proj_weight is None:
        raise ValueError(f"{WHO}: in_proj_weight is None; give use_separate_proj_weight=True.")
    widths = [w.shape[-1] for w in weights_of] if use_separate_proj_weight else [E] * 3
    _check_inputs(query, key, value, widths, batch_first)

    single = query.ndim == 2
    batch_axis = 0 if batch_first else 1
    heads_apart = (0, 2, 1, 3) if batch_first else (1, 2, 0, 3)  # to (N, H, T, D)
    together = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)  # and back
    if single:
        expanded = [np.expand_dims(x, batch_axis) for x in (query, key, value)]
        query, key, value = [expanded[0]] * 3 if same else expanded
    elif same:
        key = value = query
    N, L = query.shape[batch_axis], query.shape[1 - batch_axis]

    if use_separate_proj_weight:
        biases = [None] * 3 if in_proj_bias is None else np.split(in_proj_bias, 3)
        projected = [
            linear(x, w, b) for x, w, b in zip((query, key, value), weights_of, biases, strict=True)
        ]
    else:
        projected = _projected(query, key, value, in_proj_weight, in_proj_bias, same)
    q, k, v = (
        np.transpose(np.reshape(x, (*x.shape[:2], H, E // H)), heads_apart) for x in projected
    )  # (N, H, L or S, D)
    if static_k is not None:
        k = np.reshape(static_k, (N, H, -1, E // H))
    if static_v is not None:
        v = np.reshape(static_v, (N, H, -1, E // H))

    S = k.shape[2]
    if bias_k is not None and bias_v is not None:
        k, v = (
            np.concatenate(
                [x, np.broadcast_to(np.reshape(b, (1, H, 1, E // H)), (N, H, 1, E // H))], axis=2
            )
            for x, b in ((k, bias_k), (v, bias_v))
        )
    if add_zero_attn:
        none = np.zeros((N, H, 1, E // H), q.dtype)
        k, v = np.concatenate([k, none], axis=2), np.concatenate([v, none], axis=2)
    more = k.shape[2] - S
    forbidden = np.triu(np.ones((L, S), bool), 1) if is_causal and (more or need_weights) else None
    mask = merged(WHO, attn_mask, key_padding_mask, forbidden, (N, H, L, S), q.dtype, single)
    if mask is not None and more:
        free = np.full((*mask.shape[:-1], more), 0 if mask.dtype.kind == "f" else 1, mask.dtype)
        mask = np.concatenate([mask, free], axis=-1)

    dropped = dropout_p if training else 0.0
    weights: Any = None
    if need_weights:
        weights = dropout(_weights(q, k, mask), dropped, rng=rng)  # (N, H, L, S)
        y = weights @ v
        if average_attn_weights:
            weights = np.mean(weights, axis=1)
        if single:
            weights = weights[0]
    else:
        causal = is_causal and forbidden is None
        y = scaled_dot_product_attention(q, k, v, mask, dropped, causal, rng=rng)
    y = np.transpose(y, together)
    y = linear(np.reshape(y, (*y.shape[:2], E)), out_proj_weight, out_proj_bias)
    return (np.squeeze(y, batch_axis) if single else y), weights


def _check_inputs(
    query: Tensor, key: Tensor, value: Tensor, widths: list[int], batch_first: bool
) -> None:
    axes = "(N, T, E)" if batch_first else "(T, N, E)"
    shapes = f"got query {query.shape}, key {key.shape} and value {value.shape}"
    if query.ndim not in (2, 3) or {key.ndim, value.ndim} != {query.ndim}:
        raise ValueError(f"{WHO}: inputs must all be {axes}, or all (T, E); {shapes}.")
    for name, x, width in zip(("query", "key", "value"), (query, key, value), widths, strict=True):
        if x.shape[-1] != width:
            raise ValueError(f"{WHO}: the last axis of {name} {x.shape} must be {width}.")
    if key.shape[:-1] != value.shape[:-1]:
        raise ValueError(f"{WHO}: key and value must differ in their last axis only; {shapes}.")
    batch_axis = 0 if batch_first else 1
    if query.ndim == 3 and query.shape[batch_axis] != key.shape[batch_axis]:
        raise ValueError(f"{WHO}: the N of {axes} must be the same for all; {shapes}.")


def _projected(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None, same: bool
) -> list[Tensor]:
    """Project queries, keys and values, in as few matrix products as the inputs allow."""
    if same:
        return list(np.split(linear(query, weight, bias), 3, axis=-1))
    E = query.shape[-1]
    parts = [(query, slice(0, E)), (key, slice(E, 2 * E)), (value, slice(2 * E, 3 * E))]
    return [linear(x, weight[s], None if bias is None else bias[s]) for x, s in parts]


def _weights(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of the scores; 0 for a query all of whose keys are masked."""
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ np.swapaxes(k, -1, -2)
    if mask is None:
        return softmax(scores, -1)
    if mask.dtype == bool:
        mask = np.where(mask, 0, np.asarray(-np.inf)).astype(q.dtype)
    idle = np.all(plain(mask) == -np.inf, axis=-1, keepdims=True)
    if not idle.any():
        return softmax(scores + mask, -1)
    return np.where(idle, 0, softmax(scores + np.where(idle, 0, mask), -1))
