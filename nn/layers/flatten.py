"""Flatten."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.module import Module


class Flatten(Module):
    """Merge the axes from start_dim to end_dim into one: (N, C, H, W) becomes (N, C·H·W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Flatten()(np.zeros((2, 3, 4, 4))).shape
    (2, 48)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """Merge the axes."""
        return functional.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The two axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
