"""Dropout."""

from __future__ import annotations

from typing import Any

from autograd.random import Rng, as_generator
from nn import functional
from nn.module import Module


class Dropout(Module):
    """While training, set elements to zero with probability p and divide the others by 1 − p.

    Parameters
    ----------
    p : probability of zero, 0 to 1.
    inplace : accepted as in PyTorch; nothing is overwritten.
    rng : generator, seed or None for the default generator at the time of each call.

    References
    ----------
    Hinton et al., "Improving neural networks by preventing co-adaptation", 2012.

    Examples
    --------
    >>> import nn, numpy as np
    >>> drop = nn.Dropout(0.5, rng=0)
    >>> drop(np.ones(4))
    array([2., 0., 0., 0.])
    >>> drop.eval()(np.ones(4))
    array([1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: Rng = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability between 0 and 1, got {p}.")
        self.p, self.inplace = p, inplace
        self.rng = None if rng is None else as_generator(rng)

    def forward(self, input: Any) -> Any:
        """Drop while training, else hand the input through."""
        return functional.dropout(input, self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        """Probability."""
        return f"p={self.p}, inplace={self.inplace}"
