"""A recurrent language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.counts import count
from nn.layers.dropout import Dropout
from nn.layers.embedding import Embedding
from nn.layers.linear import Linear
from nn.layers.recurrent import GRU, LSTM
from nn.models.language import LanguageModel
from nn.models.sampling import draw
from nn.state import plain
from nn.train.evaluate import evaluating

KINDS = {"LSTM": LSTM, "GRU": GRU}


class CharLM(LanguageModel):
    """Predicts the next of a sequence of characters, or of other tokens.

    Parameters
    ----------
    vocabulary : V, how many tokens there are.
    hidden_size : H, size of the state.
    num_layers : recurrent layers on top of each other.
    kind : "LSTM" or "GRU".
    embedding_dim : size of a token's vector.
    dropout : probability of zero between layers and before the head.
    rng : generator, seed or None for the default.

    Input: integers (N, T), and the state that a call before returned, or None. Output: logits of
    what follows each, (N, T, V), and the state, as ``nn.train.fit(..., carry=True)`` wants it.

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

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """Logits of what follows, and the state to go on with."""
        h, state = self.recurrent(self.dropout(self.table(x)), state)
        return self.head(self.dropout(h)), state

    def generate(
        self,
        start: Any,
        n: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        rng: Rng = None,
    ) -> Array:
        """Go on with a sequence.

        Parameters
        ----------
        start : integers, one at least.
        n : how many to add.
        temperature, top_k, rng : as in `nn.models.draw`.

        Returns
        -------
        array of integers : start, and n more.
        """
        tokens = self.beginning(start)
        rng = as_generator(rng)
        found, given, state = list(tokens), tokens[None], None
        with evaluating(self):
            for _ in range(n):
                logits, state = self(given, state)
                given = draw(plain(logits)[:, -1], temperature, top_k, rng)[:, None]
                found.append(given[0, 0])
        return np.array(found)
