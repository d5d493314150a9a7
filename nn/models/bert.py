"""BERT: a Transformer encoder of text."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import init
from nn.arguments import count
from nn.layers.activation import GELU, Tanh
from nn.layers.container import ModuleList
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.layer_norm import LayerNorm
from nn.layers.linear import Linear
from nn.models.attend import attend
from nn.module import Module

EPS = 1e-12
"""Of the norms, as Hugging Face has it."""


class Embeddings(Module):
    """Sums of the embeddings of tokens, positions and segments, normalized."""

    def __init__(
        self, vocabulary: int, positions: int, segments: int, E: int, dropout: float, rng: Rng
    ) -> None:
        self.word_embeddings = Embedding(vocabulary, E, 0, rng=rng)
        self.position_embeddings = Embedding(positions, E, rng=rng)
        self.token_type_embeddings = Embedding(segments, E, rng=rng)
        self.LayerNorm = LayerNorm(E, EPS)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, tokens: Any, segments: Any = None) -> Value:
        """Map integers (N, T) to (N, T, E)."""
        if segments is None:
            segments = np.zeros(np.shape(tokens), int)
        x = self.word_embeddings(tokens) + self.token_type_embeddings(segments)
        x = x + self.position_embeddings.weight[: np.shape(tokens)[1]]
        return self.dropout(self.LayerNorm(x))


class SelfAttention(Module):
    """Queries, keys and values of the same sequence, and what they attend to."""

    def __init__(self, E: int, num_heads: int, dropout: float, rng: Rng) -> None:
        self.num_heads, self.p, self.rng = num_heads, dropout, rng
        self.query, self.key, self.value = (Linear(E, E, rng=rng) for _ in range(3))

    def forward(self, x: Any, mask: Any) -> Value:
        """Map (N, T, E) to the same shape."""
        p = self.p if self.training else 0.0
        q, k, v = self.query(x), self.key(x), self.value(x)
        return attend(q, k, v, self.num_heads, p, mask, rng=self.rng)


class Output(Module):
    """The end of a block: a linear map, the residual connection, a norm."""

    def __init__(self, features: int, E: int, dropout: float, rng: Rng) -> None:
        self.dense = Linear(features, E, rng=rng)
        self.LayerNorm = LayerNorm(E, EPS)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, y: Any, x: Any) -> Value:
        """Normalize x + the map of y."""
        return self.LayerNorm(self.dropout(self.dense(y)) + x)


class Attention(Module):
    """Self-attention and its output."""

    def __init__(self, E: int, num_heads: int, dropout: float, rng: Rng) -> None:
        self.self = SelfAttention(E, num_heads, dropout, rng)
        self.output = Output(E, E, dropout, rng)

    def forward(self, x: Any, mask: Any) -> Value:
        """Map (N, T, E) to the same shape."""
        return self.output(self.self(x, mask), x)


class Dense(Module):
    """A linear map under the name `dense`, and an activation."""

    def __init__(self, E: int, features: int, activation: Module, rng: Rng) -> None:
        self.dense = Linear(E, features, rng=rng)
        self.activation = activation

    def forward(self, x: Any) -> Value:
        """Map (..., E) to (..., features)."""
        return self.activation(self.dense(x))


class BertLayer(Module):
    """Post-norm block: self-attention and a feed-forward network, each with a residual."""

    def __init__(self, E: int, num_heads: int, mlp_dim: int, dropout: float, rng: Rng) -> None:
        self.attention = Attention(E, num_heads, dropout, rng)
        self.intermediate = Dense(E, mlp_dim, GELU(), rng)
        self.output = Output(mlp_dim, E, dropout, rng)

    def forward(self, x: Any, mask: Any) -> Value:
        """Map (N, T, E) to the same shape."""
        x = self.attention(x, mask)
        return self.output(self.intermediate(x), x)


class Encoder(Module):
    """The blocks, one after the other."""

    def __init__(self, blocks: list[BertLayer]) -> None:
        self.layer = ModuleList(blocks)

    def forward(self, x: Any, mask: Any) -> Value:
        """Map (N, T, E) to the same shape."""
        for block in self.layer:
            x = block(x, mask)
        return x


class BERT(Module):
    """Bidirectional Transformer encoder; by default BERT base, 109,482,240 parameters.

    Names and shapes of parameters are those of Hugging Face's `BertModel`, whose checkpoints load:
    ``nn.load("model.safetensors", into=model, strict=False)`` leaves a head of theirs aside.

    Parameters
    ----------
    vocabulary : V, number of tokens; token 0 is padding, whose embedding is 0.
    hidden_dim : E, features, a multiple of num_heads.
    num_layers, num_heads : number of blocks, and of heads of each.
    mlp_dim : features within a block's network.
    max_length : most tokens that it sees at once.
    segments : number of token types, such as first and second sentence.
    dropout : probability of zero for embeddings, weights of attention and results of blocks.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Attributes
    ----------
    embeddings, encoder, pooler : its parts; ``encoder.layer`` has the blocks. Matrices are normal
        with standard deviation 0.02 at first, biases are 0.

    Input: tokens, integers (N, T), T <= max_length; a mask (N, T), True or 1 where there is a token
    and not padding, optional; token types (N, T), optional, 0 by default. Output: the last hidden
    states, (N, T, E), and the pooled output, (N, E): tanh of a linear map of the first token's.

    References
    ----------
    Devlin, Chang, Lee & Toutanova, BERT: pre-training of deep bidirectional Transformers for
    language understanding, 2019.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.BERT(50, 16, 2, 2, 32, max_length=8, rng=0).eval()
    >>> hidden, pooled = net(np.array([[7, 5, 9, 0]]), mask=np.array([[1, 1, 1, 0]]))
    >>> hidden.shape, pooled.shape
    ((1, 4, 16), (1, 16))
    """

    def __init__(
        self,
        vocabulary: int = 30522,
        hidden_dim: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        mlp_dim: int = 3072,
        max_length: int = 512,
        segments: int = 2,
        dropout: float = 0.1,
        *,
        rng: Rng = None,
    ) -> None:
        sizes = {
            "vocabulary": vocabulary, "hidden_dim": hidden_dim, "num_layers": num_layers,
            "num_heads": num_heads, "mlp_dim": mlp_dim, "max_length": max_length,
            "segments": segments,
        }  # fmt: skip
        for name, size in sizes.items():
            count("BERT", name, size, 1)
        if hidden_dim % num_heads:
            raise ValueError(
                f"BERT: hidden_dim={hidden_dim} must be a multiple of num_heads={num_heads}."
            )
        rng = None if rng is None else as_generator(rng)
        E, self.max_length = hidden_dim, max_length
        self.embeddings = Embeddings(vocabulary, max_length, segments, E, dropout, rng)
        self.encoder = Encoder(
            [BertLayer(E, num_heads, mlp_dim, dropout, rng) for _ in range(num_layers)]
        )
        self.pooler = Dense(E, E, Tanh(), rng)
        for module in self.modules():
            if isinstance(module, (Linear, Embedding)):
                init.normal_(module.weight, std=0.02, generator=rng)
            if isinstance(module, Linear) and module.bias is not None:
                init.zeros_(module.bias)
        self.embeddings.word_embeddings.weight.data[0] = 0

    def forward(self, tokens: Any, mask: Any = None, segments: Any = None) -> tuple[Value, Value]:
        """Hidden states of all tokens, and the pooled output."""
        shape = np.shape(tokens)
        if len(shape) != 2 or not 1 <= shape[1] <= self.max_length:
            raise ValueError(
                f"BERT: tokens must be (N, T) with T from 1 to max_length={self.max_length}, "
                f"got {shape}."
            )
        for name, given in (("mask", mask), ("segments", segments)):
            if given is not None and np.shape(given) != shape:
                raise ValueError(
                    f"BERT: {name} must be shaped like the tokens, {shape}, got {np.shape(given)}."
                )
        allowed = None if mask is None else np.not_equal(mask, 0)[:, None, None]  # (N, 1, 1, T)
        x: Any = self.encoder(self.embeddings(tokens, segments), allowed)
        return x, self.pooler(x[:, 0])

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take over what older checkpoints call a norm's parameters; drop the position numbers."""
        for name in [name for name in state_dict if name.startswith(prefix)]:
            for old, new in (("LayerNorm.gamma", "weight"), ("LayerNorm.beta", "bias")):
                if name.endswith(old):
                    state_dict[f"{name.rpartition('.')[0]}.{new}"] = state_dict.pop(name)
        for buffer in ("position_ids", "token_type_ids"):
            state_dict.pop(f"{prefix}embeddings.{buffer}", None)
