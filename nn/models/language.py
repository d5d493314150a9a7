"""What language models share: their loss, and what a text may begin with."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn import functional
from nn.module import Module


class LanguageModel(Module):
    """A model whose forward gives the logits of the next token.

    Attributes
    ----------
    vocabulary : number of tokens, V.
    """

    vocabulary: int

    def loss(self, logits: Any, target: Any) -> Any:
        """Mean cross-entropy of logits (N, T, V) and what did follow, (N, T), in nats."""
        flat = np.reshape(logits, (-1, self.vocabulary))
        return functional.cross_entropy(flat, np.reshape(target, -1))

    def beginning(self, start: Any) -> Array:
        """What `generate` is to go on with, checked: integers, one at least."""
        tokens = np.asarray(start)
        if tokens.ndim != 1 or not tokens.size or tokens.dtype.kind not in "iu":
            raise ValueError(
                f"{type(self).__name__}.generate: start must be integers (T,) with T >= 1, got "
                f"{tokens.dtype} {tokens.shape}."
            )
        return tokens
