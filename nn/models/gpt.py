"""GPT: a decoder-only Transformer."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional, init
from nn.arguments import count, flags
from nn.layers.activation import GELU
from nn.layers.container import ModuleList
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.layer_norm import LayerNorm
from nn.layers.linear import Linear
from nn.models.attend import attend
from nn.models.language_model import LanguageModel
from nn.module import Module, Parameter
from nn.module.state_dict import as_array

CONV1D = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
"""The maps whose weights Hugging Face stores as (in, out)."""


class Attention(Module):
    """Causal self-attention."""

    def __init__(self, C: int, n_head: int, dropout: float, bias: bool, rng: Rng) -> None:
        self.n_head, self.p, self.rng = n_head, dropout, rng
        self.c_attn = Linear(C, 3 * C, bias, rng=rng)
        self.c_proj = Linear(C, C, bias, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x: Any) -> Value:
        """Map (N, T, C) to the same shape."""
        p = self.p if self.training else 0.0
        q, k, v = np.split(self.c_attn(x), 3, axis=-1)
        y = attend(q, k, v, self.n_head, p, is_causal=True, rng=self.rng)
        return self.dropout(self.c_proj(y))


class FeedForward(Module):
    """Two linear maps with a GELU in between."""

    def __init__(self, C: int, dropout: float, bias: bool, approximate: str, rng: Rng) -> None:
        self.c_fc = Linear(C, 4 * C, bias, rng=rng)
        self.gelu = GELU(approximate)
        self.c_proj = Linear(4 * C, C, bias, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(self, x: Any) -> Value:
        """Map (N, T, C) to the same shape."""
        return self.dropout(self.c_proj(self.gelu(self.c_fc(x))))


class Block(Module):
    """Pre-norm block: causal self-attention and a feed-forward network, each with a residual."""

    def __init__(
        self, C: int, n_head: int, dropout: float, bias: bool, approximate: str, rng: Rng
    ) -> None:
        self.ln_1 = LayerNorm(C, bias=bias)
        self.attn = Attention(C, n_head, dropout, bias, rng)
        self.ln_2 = LayerNorm(C, bias=bias)
        self.mlp = FeedForward(C, dropout, bias, approximate, rng)

    def forward(self, x: Any) -> Value:
        """Map (N, T, C) to the same shape."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(LanguageModel):
    """Decoder-only Transformer with pre-norm blocks and learned positions, as in nanoGPT.

    Names and shapes of parameters are those of nanoGPT's and Hugging Face's GPT-2; checkpoints of
    both load. Those of Hugging Face, in which the linear maps are transposed, are told by `c_attn`,
    which is never square.

    Parameters
    ----------
    vocabulary : V, number of tokens.
    block_size : most tokens that it sees at once.
    n_layer, n_head : number of blocks, and of heads of each.
    n_embd : C, features, a multiple of n_head.
    dropout : probability of zero for weights of attention, results of blocks and the input.
    bias : whether maps and norms have one.
    approximate : of the GELU: "none", as in nanoGPT, or "tanh", as in OpenAI's GPT-2.
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
        approximate: str = "none",
        rng: Rng = None,
    ) -> None:
        for name, size in (("block_size", block_size), ("n_layer", n_layer), ("n_head", n_head)):
            count("GPT", name, size, 1)
        if n_embd % n_head:
            raise ValueError(f"GPT: n_embd={n_embd} must be a multiple of n_head={n_head}.")
        rng = None if rng is None else as_generator(rng)
        flags("GPT", bias=bias)
        self.vocabulary = count("GPT", "vocabulary", vocabulary, 1)
        self.block_size, self.approximate = block_size, approximate
        self.wte = Embedding(vocabulary, n_embd, rng=rng)
        self.wpe = Embedding(block_size, n_embd, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.h = ModuleList(
            Block(n_embd, n_head, dropout, bias, approximate, rng) for _ in range(n_layer)
        )
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

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Take over what nanoGPT and Hugging Face store: masks, a tied head, transposed maps."""
        errors: list[str] = args[-1]
        for i in range(len(self.h)):
            for mask in ("bias", "masked_bias"):
                state_dict.pop(f"{prefix}h.{i}.attn.{mask}", None)
        head, table = f"{prefix}lm_head.weight", state_dict.get(f"{prefix}wte.weight")
        if head in state_dict and table is not None:
            if np.array_equal(as_array(state_dict[head]), as_array(table)):
                del state_dict[head]
            else:
                errors.append(f"{head} differs from wte.weight, which this model's head shares")
        given: dict[str, Array] = {}  # name in the file -> matrix
        kinds: set[bool] = set()  # whether those that are not square are transposed
        for i, name in itertools.product(range(len(self.h)), CONV1D):
            key, own = f"h.{i}.{name}.weight", self.get_parameter(f"h.{i}.{name}.weight").shape
            if prefix + key in state_dict:
                matrix = given[prefix + key] = as_array(state_dict[prefix + key])
                if own[0] != own[1] and matrix.shape in (own, own[::-1]):
                    kinds.add(matrix.shape != own)
        if kinds == {True}:
            state_dict.update((key, matrix.T) for key, matrix in given.items())
            if self.approximate != "tanh":
                warnings.warn(
                    "These weights are Hugging Face's, whose GPT-2 approximates GELU: make the "
                    'model with approximate="tanh" to get its numbers.',
                    stacklevel=2,
                )
        elif given and kinds != {False}:
            errors.append(
                "whether linear maps are stored as (out, in) or as Hugging Face's (in, out) can't "
                "be told: " + ("both occur" if kinds else "no matrix but square ones is there")
            )


def gpt2(
    n_layer: int = 12, n_head: int = 12, n_embd: int = 768, dropout: float = 0.1, *, rng: Rng = None
) -> GPT:
    """GPT-2 as OpenAI published it, 124,439,808 parameters.

    Parameters
    ----------
    n_layer, n_head, n_embd : 24, 16, 1024 for gpt2-medium; 36, 20, 1280 for gpt2-large;
        48, 25, 1600 for gpt2-xl.
    dropout, rng : as in `GPT`.

    Examples
    --------
    >>> import nn
    >>> net = nn.models.gpt2(n_layer=1, n_head=2, n_embd=16)
    >>> net.vocabulary, net.block_size
    (50257, 1024)
    """
    return GPT(50257, 1024, n_layer, n_head, n_embd, dropout, approximate="tanh", rng=rng)
