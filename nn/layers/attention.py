"""Multi-head attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional, init
from nn.arguments import count, flags
from nn.functional.dropout import probability
from nn.functional.tensor import floats, same_dtype
from nn.layers.linear import Linear
from nn.module import Module, Parameter


class MultiheadAttention(Module):
    r"""Multi-head attention, each head with its own projections.

    .. math:: y = W_o [h_1; \ldots; h_H] + b_o \qquad
        h_i = \operatorname{softmax}\left(\frac{Q_i K_i^\top}{\sqrt{E/H}} + M\right) V_i

    Parameters
    ----------
    embed_dim : E, features of queries and outputs.
    num_heads : H, a divisor of E.
    dropout : probability with which a weight is dropped in training.
    bias : whether the four projections have one.
    add_bias_kv : whether one more key and value are learned.
    add_zero_attn : whether a key and a value of zeros are added.
    kdim, vdim : features of keys and of values, by default E.
    batch_first : inputs and output as (N, T, E) instead of (T, N, E).
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Attributes
    ----------
    in_proj_weight : Parameter, (3E, E), rows for queries, keys and values, Xavier-uniform at first.
        With kdim or vdim there are q_proj_weight, k_proj_weight and v_proj_weight in its place.
    in_proj_bias : Parameter, (3E,), 0 at first, or None.
    bias_k, bias_v : Parameters, (1, 1, E), with add_bias_kv, or None.
    out_proj : Linear, E to E; its bias is 0 at first.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = np.ones((3, 5, 8), np.float32)
    >>> y, weights = layer(x, x, x)
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    >>> y, _ = layer(x, x, x, need_weights=False, is_causal=True)  # stores no (T, T) matrix
    """

    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        who, E = "MultiheadAttention", embed_dim
        self.embed_dim = count(who, "embed_dim", embed_dim, 1)
        self.num_heads = count(who, "num_heads", num_heads, 1)
        if E % num_heads:
            raise ValueError(f"{who}: embed_dim={E} must be a multiple of num_heads={num_heads}.")
        flags(
            who,
            bias=bias,
            add_bias_kv=add_bias_kv,
            add_zero_attn=add_zero_attn,
            batch_first=batch_first,
        )
        self.kdim = E if kdim is None else count(who, "kdim", kdim, 1)
        self.vdim = E if vdim is None else count(who, "vdim", vdim, 1)
        probability(who, dropout, "dropout")
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self.head_dim = E // num_heads
        self.rng = None if rng is None else as_generator(rng)
        generator = as_generator(self.rng)
        if self.kdim == self.vdim == E:
            self.in_proj_weight: Parameter | None = Parameter(np.zeros((3 * E, E)), dtype=dtype)
            init.xavier_uniform_(self.in_proj_weight, generator=generator)
        else:
            self.in_proj_weight = None
            for name, width in (("q", E), ("k", self.kdim), ("v", self.vdim)):
                p = Parameter(np.zeros((E, width)), dtype=dtype, name=f"{name}_proj_weight")
                setattr(self, f"{name}_proj_weight", init.xavier_uniform_(p, generator=generator))
        self.register_parameter(
            "in_proj_bias", Parameter(np.zeros(3 * E), dtype=dtype) if bias else None
        )
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, None)
            if add_bias_kv:
                p = Parameter(np.zeros((1, 1, E)), dtype=dtype, name=name)
                setattr(self, name, init.xavier_normal_(p, generator=generator))
        self.out_proj = Linear(E, E, bias, dtype=dtype, rng=generator)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Value, Any]:
        """Let queries attend to keys.

        Parameters
        ----------
        query, key, value : (L, N, E), (S, N, kdim) and (S, N, vdim), or with N first where
            `batch_first`, or without N.
        key_padding_mask : (N, S), or (S,); True where a key is to be ignored, or floats to add.
        need_weights : whether to return the weights. False is faster: no (L, S) matrix is stored.
        attn_mask : (L, S) or (N · H, L, S); True where attending is forbidden, or floats to add.
        average_attn_weights : whether the weights returned are the mean over the heads.
        is_causal : whether query i attends to keys 0 to i only, in addition to `attn_mask`.

        Returns
        -------
        The output, shaped like the query, and the weights, (N, L, S) or (N, H, L, S), or None.
        A query all of whose keys are masked has weights and output 0.
        """
        flags(
            "MultiheadAttention",
            need_weights=need_weights,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        weight = self.out_proj.weight
        for name, x in (("query", query), ("key", key), ("value", value)):
            same_dtype(f"MultiheadAttention, {name}", floats("MultiheadAttention", x, name), weight)
        packed = self.in_proj_weight  # read once: it may be computed (nn.utils.parametrize)
        q, k, v = (getattr(self, f"{name}_proj_weight", None) for name in "qkv")
        return functional.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, packed,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            weight, self.out_proj.bias, self.training, key_padding_mask, need_weights, attn_mask,
            packed is None, q, k, v, average_attn_weights=average_attn_weights,
            is_causal=is_causal, batch_first=self.batch_first, rng=self.rng,
        )  # fmt: skip

    def extra_repr(self) -> str:
        text = f"{self.embed_dim}, num_heads={self.num_heads}"
        if not self.kdim == self.vdim == self.embed_dim:
            text += f", kdim={self.kdim}, vdim={self.vdim}"
        if self.dropout:
            text += f", dropout={self.dropout}"
        return text + (", batch_first=True" if self.batch_first else "")
