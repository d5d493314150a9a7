"""LanguageModel: a loss and a way to generate, from the logits of the next token."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.models.sampling import sample
from nn.module import Module, evaluating
from nn.parameter import plain


class LanguageModel(Module):
    """A model whose forward gives the logits of the next token.

    Attributes
    ----------
    vocabulary : number of tokens, V.
    """

    vocabulary: int

    def loss(self, logits: Any, target: Any) -> Value:
        """Mean cross-entropy, in nats, of logits (N, T, V) and targets (N, T)."""
        flat = np.reshape(logits, (-1, self.vocabulary))
        return functional.cross_entropy(flat, np.reshape(target, -1))

    def next_logits(self, tokens: Array, state: Any) -> tuple[Any, Any]:
        """Logits (V,) of the token that follows tokens (T,), and a state for the next call.

        `state` is None at first, then what the call for one token less returned.
        """
        raise NotImplementedError

    def generate(
        self,
        start: Any,
        n: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        rng: Rng = None,
    ) -> Array:
        """Continue a sequence.

        Parameters
        ----------
        start : integers (T,), at least one.
        n : number of tokens to add.
        temperature, top_k, rng : as in `nn.models.sample`.

        Returns
        -------
        array of integers, (T + n,), beginning with start.
        """
        tokens = np.asarray(start)
        if tokens.ndim != 1 or not tokens.size or tokens.dtype.kind not in "iu":
            raise ValueError(
                f"{type(self).__name__}.generate: start must be integers (T,) with T >= 1, got "
                f"{tokens.dtype} {tokens.shape}."
            )
        rng, state = as_generator(rng), None
        with evaluating(self):
            for _ in range(n):
                logits, state = self.next_logits(tokens, state)
                token = sample(plain(logits)[None], temperature, top_k, rng)
                tokens = np.append(tokens, token)
        return tokens
