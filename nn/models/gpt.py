"""GPT: a decoder-only Transformer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.ops import scaled_dot_product_attention
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional, init
from nn.arguments import count, flags
from nn.layers.container import ModuleList
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.layer_norm import LayerNorm
from nn.layers.linear import Linear
from nn.models.language_model import LanguageModel
from nn.module import Module, Parameter


class Block(Module):
    """Pre-norm block: causal self-attention and a feed-forward network, each with a residual."""

    def __init__(self, C: int, n_head: int, dropout: float, bias: bool, rng: Rng) -> None:
        self.n_head, self.p = n_head, dropout
        self.rng = None if rng is None else as_generator(rng)
        self.ln_1, self.ln_2 = LayerNorm(C, bias=bias), LayerNorm(C, bias=bias)
        self.c_attn = Linear(C, 3 * C, bias, rng=rng)
        self.attn_proj = Linear(C, C, bias, rng=rng)
        self.c_fc = Linear(C, 4 * C, bias, rng=rng)
        self.mlp_proj = Linear(4 * C, C, bias, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x: Any) -> Value:
        """Map (N, T, C) to the same shape."""
        x = x + self.dropout(self.attn_proj(self.attend(self.ln_1(x))))
        hidden = functional.gelu(self.c_fc(self.ln_2(x)))
        return x + self.dropout(self.mlp_proj(hidden))

    def attend(self, x: Any) -> Any:
        """Causal self-attention."""
        N, T, C = x.shape
        q, k, v = (
            np.swapaxes(np.reshape(part, (N, T, self.n_head, C // self.n_head)), 1, 2)
            for part in np.split(self.c_attn(x), 3, axis=-1)
        )  # (N, heads, T, C / heads)
        p = self.p if self.training else 0.0
        y = scaled_dot_product_attention(q, k, v, None, p, is_causal=True, rng=self.rng)
        return np.reshape(np.swapaxes(y, 1, 2), (N, T, C))


class GPT(LanguageModel):
    """Decoder-only Transformer with pre-norm blocks and learned positions, as in nanoGPT.

    Parameters
    ----------
    vocabulary : V, number of tokens.
    block_size : most tokens that it sees at once.
    n_layer, n_head : number of blocks, and of heads of each.
    n_embd : C, features, a multiple of n_head.
    dropout : probability of zero for weights of attention, results of blocks and the input.
    bias : whether maps and norms have one.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Attributes
    ----------
    wte : Embedding of the tokens, whose weight the head shares; wpe : of the positions.
        Matrices are normal with standard deviation 0.02 at first, 0.02 / √(2 n_layer) where a block
        adds its result; biases are 0.

    Input: integers (N, T), T <= block_size. Output: logits of the next token at each position,
    (N, T, V).

    References
    ----------
    Radford et al., Language models are unsupervised multitask learners, 2019; Karpathy, nanoGPT.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.GPT(27, block_size=16, n_layer=2, n_head=2, n_embd=32, rng=0)
    >>> logits = net(np.zeros((3, 8), int))
    >>> logits.shape
    (3, 8, 27)
    >>> net.loss(logits, np.zeros((3, 8), int)).item() > 0
    True
    >>> net.generate([1, 2, 3], 5, top_k=3, rng=0).shape
    (8,)
    """

    def __init__(
        self,
        vocabulary: int,
        block_size: int = 256,
        n_layer: int = 4,
        n_head: int = 4,
        n_embd: int = 128,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        rng: Rng = None,
    ) -> None:
        for name, size in (("block_size", block_size), ("n_layer", n_layer), ("n_head", n_head)):
            count("GPT", name, size, 1)
        if n_embd % n_head:
            raise ValueError(f"GPT: n_embd={n_embd} must be a multiple of n_head={n_head}.")
        rng = None if rng is None else as_generator(rng)
        flags("GPT", bias=bias)
        self.vocabulary = count("GPT", "vocabulary", vocabulary, 1)
        self.block_size = block_size
        self.wte = Embedding(vocabulary, n_embd, rng=rng)
        self.wpe = Embedding(block_size, n_embd, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.h = ModuleList(Block(n_embd, n_head, dropout, bias, rng) for _ in range(n_layer))
        self.ln_f = LayerNorm(n_embd, bias=bias)
        for name, p in self.named_parameters():
            if p.ndim > 1:
                std = 0.02 / math.sqrt(2 * n_layer) if name.endswith("_proj.weight") else 0.02
                init.normal_(p, std=std, generator=rng)
            elif name.endswith("bias"):
                init.zeros_(p)

    def forward(self, tokens: Any) -> Value:
        """Logits of the token after each one."""
        shape = np.shape(tokens)
        if len(shape) != 2 or not 1 <= shape[1] <= self.block_size:
            raise ValueError(
                f"GPT: tokens must be (N, T) with T from 1 to block_size={self.block_size}, "
                f"got {shape}."
            )
        x = self.dropout(self.wte(tokens) + self.wpe.weight[: shape[1]])  # (N, T, C)
        for block in self.h:
            x = block(x)
        return functional.linear(self.ln_f(x), self.wte.weight)

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """For an optimizer: matrices with weight decay, biases and norms without.

        Examples
        --------
        >>> import nn
        >>> net = nn.models.GPT(27, n_layer=1)
        >>> optimizer = nn.optim.AdamW(net.parameter_groups(0.1), lr=1e-3, betas=(0.9, 0.95))
        """
        matrices: list[Parameter] = [p for p in self.parameters() if p.ndim > 1]
        vectors: list[Parameter] = [p for p in self.parameters() if p.ndim < 2]
        return [
            {"params": matrices, "weight_decay": weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]

    def next_logits(self, tokens: Array, state: None) -> tuple[Any, None]:
        """Logits of the next token, from the last block_size tokens."""
        return self(tokens[None, -self.block_size :])[0, -1], None
