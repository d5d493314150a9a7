"""Attention between sequences, head by head: what models of text share."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.ops import scaled_dot_product_attention
from autograd.random import Rng


def attend(
    q: Any,
    k: Any,
    v: Any,
    heads: int,
    dropout_p: float = 0.0,
    mask: Any = None,
    is_causal: bool = False,
    rng: Rng = None,
) -> Any:
    """Attention of queries to keys, (N, T, C) each, split into heads and joined again."""
    N, _, C = q.shape
    q, k, v = (
        np.swapaxes(np.reshape(x, (N, -1, heads, C // heads)), 1, 2) for x in (q, k, v)
    )  # (N, heads, T, C / heads)
    y = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal, rng=rng)
    return np.reshape(np.swapaxes(y, 1, 2), (N, -1, C))
