"""Transformer layers: attention and a position-wise feed-forward network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count, flags
from nn.functional.dropout import probability
from nn.layers.attention import MultiheadAttention
from nn.layers.dropout import Dropout
from nn.layers.layer_norm import LayerNorm
from nn.layers.linear import Linear
from nn.module import Module

Activation = Callable[[Any], Any]
ACTIVATIONS: dict[str, Activation] = {"relu": functional.relu, "gelu": functional.gelu}


class _TransformerLayer(Module):
    """What the two share: their parts, the feed-forward network, the order of norms."""

    _attentions: ClassVar[tuple[str, ...]]
    self_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    dropout1: Dropout
    dropout2: Dropout

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        who = type(self).__name__
        count(who, "d_model", d_model, 1)
        count(who, "nhead", nhead, 1)
        count(who, "dim_feedforward", dim_feedforward, 1)
        flags(who, batch_first=batch_first, norm_first=norm_first, bias=bias)
        probability(who, dropout, "dropout")
        if d_model % nhead:
            raise ValueError(f"{who}: d_model={d_model} must be a multiple of nhead={nhead}.")
        self.activation, self.norm_first = _activation(who, activation), norm_first
        rng = None if rng is None else as_generator(rng)
        for name in self._attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, rng=rng
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, rng=rng)
        blocks = range(1, len(self._attentions) + 2)
        for k in blocks:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
            setattr(self, f"norm{k}", norm)
        for k in blocks:
            setattr(self, f"dropout{k}", Dropout(dropout, rng=rng))

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _add(self, x: Any, block: Callable[[Any], Any], norm: Module, dropout: Module) -> Any:
        """Residual connection around a block; the norm comes before or after."""
        if self.norm_first:
            return x + dropout(block(norm(x)))
        return norm(x + dropout(block(x)))

    def extra_repr(self) -> str:
        return "norm_first=True" if self.norm_first else ""


class TransformerEncoderLayer(_TransformerLayer):
    """Self-attention and a feed-forward network, each with a residual connection and a norm.

    Parameters
    ----------
    d_model : E, features of input and output.
    nhead : heads of the attention, a divisor of E.
    dim_feedforward : hidden units of the feed-forward network.
    dropout : probability of zero for weights, hidden units and both results.
    activation : "relu", "gelu" or a function, of the hidden units.
    layer_norm_eps : added to the variances.
    batch_first : input and output as (N, T, E) instead of (T, N, E).
    norm_first : normalize the input of each block ("pre-norm") instead of the sum ("post-norm").
    bias : whether maps and norms have one.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017; norm_first: Xiong et al., On layer
    normalization in the Transformer architecture, 2020.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> layer(np.ones((3, 5, 8), np.float32)).shape
    (3, 5, 8)
    """

    _attentions = ("self_attn",)

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Value:
        """Map (T, N, E), or (N, T, E) where `batch_first`, or (T, E); masks as in the attention."""
        flags(type(self).__name__, is_causal=is_causal)

        def attend(x: Any) -> Any:
            return self.self_attn(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal
            )[0]

        x = self._add(src, attend, self.norm1, self.dropout1)
        return self._add(x, self._feed_forward, self.norm2, self.dropout2)


class TransformerDecoderLayer(_TransformerLayer):
    """Self-attention, cross-attention to an encoder's output, and a feed-forward network.

    Each with a residual connection and a norm. Parameters as in `TransformerEncoderLayer`.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    >>> target, memory = np.ones((3, 5, 8), np.float32), np.ones((3, 7, 8), np.float32)
    >>> layer(target, memory, tgt_is_causal=True).shape
    (3, 5, 8)
    """

    _attentions = ("self_attn", "multihead_attn")
    multihead_attn: MultiheadAttention
    norm3: LayerNorm
    dropout3: Dropout

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Value:
        """Map a target (T, N, E), given a memory (S, N, E); masks as in the attention."""
        who = type(self).__name__
        flags(who, tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal)

        def attend(x: Any) -> Any:
            return self.self_attn(
                x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal
            )[0]

        def recall(x: Any) -> Any:
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask,
                is_causal=memory_is_causal,
            )[0]  # fmt: skip

        x = self._add(tgt, attend, self.norm1, self.dropout1)
        x = self._add(x, recall, self.norm2, self.dropout2)
        return self._add(x, self._feed_forward, self.norm3, self.dropout3)


def _activation(who: str, activation: Any) -> Activation:
    """The activation function, given by name or itself."""
    if isinstance(activation, str) and activation in ACTIVATIONS:
        return ACTIVATIONS[activation]
    if isinstance(activation, str) or not callable(activation):
        raise ValueError(
            f"{who}: activation must be 'relu', 'gelu' or a function, got {activation!r}."
        )
    chosen: Activation = activation
    return chosen
