"""sample: token indices from logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator


def sample(
    logits: Any, temperature: float = 1.0, top_k: int | None = None, rng: Rng = None
) -> Array:
    """Sample one index from each row of logits.

    Parameters
    ----------
    logits : array, (N, V).
    temperature : divides the logits; 0 takes the argmax.
    top_k : sample from the k most likely only, ties with the k-th included.
    rng : generator, seed or None for the default.

    Returns
    -------
    array of integers, (N,).

    Raises
    ------
    ValueError
        A negative temperature, or top_k below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.models.sampling import sample
    >>> sample(np.array([[0.0, 5.0, 1.0]]), temperature=0).tolist()
    [1]
    """
    if temperature < 0:
        raise ValueError(f"sample: temperature must be 0 or more, got {temperature}.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"sample: top_k must be 1 or more, got {top_k}.")
    logits = np.asarray(logits, np.float64)
    if temperature == 0:
        return np.asarray(logits.argmax(-1))
    if top_k is not None and top_k < logits.shape[-1]:
        least = np.partition(logits, -top_k, axis=-1)[..., -top_k, None]
        logits = np.where(logits < least, -np.inf, logits)
    noise = as_generator(rng).gumbel(size=logits.shape)  # its argmax is a draw from the softmax
    return np.asarray((logits / temperature + noise).argmax(-1))
