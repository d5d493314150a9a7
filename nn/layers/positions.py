"""Positional encodings and embeddings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.random import Rng
from autograd.value import Value
from nn import init
from nn.arguments import count, flags
from nn.functional.dropout import probability
from nn.functional.tensor import floats, same_dtype
from nn.layers.dropout import Dropout
from nn.module import Module, Parameter


class _Positions(Module):
    """What the two share: a table (max_len, E) whose first rows are added to the input."""

    d_model: int
    max_len: int
    batch_first: bool
    dropout: Dropout

    def _set_up(
        self, d_model: int, dropout: float, max_len: int, batch_first: bool, rng: Rng
    ) -> None:
        who = type(self).__name__
        self.d_model = count(who, "d_model", d_model, 1)
        self.max_len = count(who, "max_len", max_len, 1)
        flags(who, batch_first=batch_first)
        self.batch_first = batch_first
        probability(who, dropout, "dropout")
        self.dropout = Dropout(dropout, rng=rng)

    def _add(self, input: Any, table: Any) -> Any:
        who = type(self).__name__
        x = floats(who, input)
        if x.ndim not in (2, 3) or x.shape[-1] != self.d_model:
            axes = "(N, T, E)" if self.batch_first else "(T, N, E)"
            raise ValueError(
                f"{who}: input must be {axes} or (T, E) with E = d_model={self.d_model}, "
                f"got {x.shape}."
            )
        steps = x.shape[-2 if self.batch_first else 0]
        if steps > self.max_len:
            raise ValueError(f"{who}: input {x.shape} is longer than max_len={self.max_len}.")
        same_dtype(who, x, table)
        rows = table[:steps]
        if x.ndim == 3 and not self.batch_first:
            rows = np.expand_dims(rows, 1)  # (T, 1, E)
        return self.dropout(x + rows)

    def extra_repr(self) -> str:
        return f"{self.d_model}, max_len={self.max_len}"


class PositionalEncoding(_Positions):
    r"""Add sinusoidal positional encodings.

    .. math:: P_{t, 2i} = \sin \frac{t}{10000^{2i/E}} \qquad
        P_{t, 2i+1} = \cos \frac{t}{10000^{2i/E}}

    Parameters
    ----------
    d_model : E, features.
    dropout : probability of zero for the sum in training.
    max_len : maximum sequence length.
    batch_first : input and output as (N, T, E) instead of (T, N, E).
    dtype : of the encodings, float32 by default.
    rng : generator, seed or None for the default; for the dropout.

    Attributes
    ----------
    pe : Buffer, (max_len, E). No state dict has it, since it can be computed.

    References
    ----------
    Vaswani et al., Attention is all you need, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> encoding = nn.PositionalEncoding(4, batch_first=True)
    >>> encoding.eval()(np.zeros((1, 2, 4), np.float32)).round(2).tolist()
    [[[0.0, 1.0, 0.0, 1.0], [0.8399999737739563, 0.5400000214576721, 0.009999999776482582, 1.0]]]
    """

    pe: np.ndarray[Any, Any]

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 5000,
        batch_first: bool = False,
        *,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        self._set_up(d_model, dropout, max_len, batch_first, rng)
        frequencies = np.exp(np.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        angles = np.arange(max_len)[:, None] * frequencies  # (max_len, ceil(E / 2))
        waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(max_len, -1)
        self.register_buffer("pe", waves[:, :d_model].astype(dtype), persistent=False)

    def forward(self, input: Any) -> Value:
        """Add the encodings."""
        return self._add(input, self.pe)


class PositionalEmbedding(_Positions):
    """Add a learned embedding of each position.

    Parameters
    ----------
    d_model : E, features.
    dropout : probability of zero for the sum in training.
    max_len : maximum sequence length.
    batch_first : input and output as (N, T, E) instead of (T, N, E).
    dtype : of the weight, float32 by default.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Attributes
    ----------
    weight : Parameter, (max_len, E), normal with standard deviation 0.02 at first.

    References
    ----------
    Gehring et al., Convolutional sequence to sequence learning, 2017; Radford et al., Improving
    language understanding by generative pre-training, 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> embedding = nn.PositionalEmbedding(8, dropout=0.0, max_len=16)
    >>> embedding(np.zeros((5, 3, 8), np.float32)).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 512,
        batch_first: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        self._set_up(d_model, dropout, max_len, batch_first, rng)
        self.weight = Parameter(np.zeros((max_len, d_model)), dtype=dtype)
        init.normal_(self.weight, std=0.02, generator=rng)

    def forward(self, input: Any) -> Value:
        """Add the embeddings."""
        return self._add(input, self.weight)
