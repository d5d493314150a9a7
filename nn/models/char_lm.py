"""A recurrent language model."""

from __future__ import annotations

from typing import Any

from autograd.node import Array
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.arguments import count
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.linear import Linear
from nn.layers.recurrent import GRU, LSTM
from nn.models.language_model import LanguageModel

KINDS = {"LSTM": LSTM, "GRU": GRU}


class CharLM(LanguageModel):
    """Recurrent language model of characters or other tokens.

    Parameters
    ----------
    vocabulary : V, number of tokens.
    hidden_size : H, size of the hidden state.
    num_layers : number of stacked recurrent layers.
    kind : "LSTM" or "GRU".
    embedding_dim : size of a token's embedding.
    dropout : probability of zero between layers and before the head.
    rng : generator, seed or None for the default.

    Input: integers (N, T), and the state that a call before returned, or None. Output: logits of
    the next token at each step, (N, T, V), and the state, for ``nn.train.fit(..., carry=True)``.

    References
    ----------
    Graves, Generating sequences with recurrent neural networks, 2013.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.CharLM(27, hidden_size=16)
    >>> logits, state = net(np.zeros((2, 5), int))
    >>> logits.shape
    (2, 5, 27)
    >>> net.loss(logits, np.zeros((2, 5), int)).shape
    ()
    >>> net.generate([3, 4], 6, rng=0).shape
    (8,)
    """

    def __init__(
        self,
        vocabulary: int,
        hidden_size: int = 256,
        num_layers: int = 1,
        kind: str = "LSTM",
        embedding_dim: int = 64,
        dropout: float = 0.0,
        *,
        rng: Rng = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"CharLM: kind must be 'LSTM' or 'GRU', got {kind!r}.")
        rng = None if rng is None else as_generator(rng)
        self.vocabulary = count("CharLM", "vocabulary", vocabulary, 1)
        self.table = Embedding(vocabulary, embedding_dim, rng=rng)
        between = dropout if num_layers > 1 else 0.0
        self.recurrent = KINDS[kind](
            embedding_dim, hidden_size, num_layers, batch_first=True, dropout=between, rng=rng
        )
        self.dropout = Dropout(dropout, rng=rng)
        self.head = Linear(hidden_size, vocabulary, rng=rng)

    def forward(self, x: Any, state: Any = None) -> tuple[Value, Any]:
        """Logits of the next tokens, and the state."""
        h, state = self.recurrent(self.dropout(self.table(x)), state)
        return self.head(self.dropout(h)), state

    def next_logits(self, tokens: Array, state: Any) -> tuple[Any, Any]:
        """Logits of the next token; the state stands for all tokens but the last."""
        logits, state = self(tokens[None] if state is None else tokens[None, -1:], state)
        return logits[0, -1], state
