"""sample: token indices from logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.arguments import count, reals


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
        A negative temperature, top_k below 1, or logits of which NaN or an infinity is the largest.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.models.sampling import sample
    >>> sample(np.array([[0.0, 5.0, 1.0]]), temperature=0).tolist()
    [1]
    """
    reals("sample", temperature=temperature)
    if not 0 <= temperature < np.inf:
        raise ValueError(f"sample: temperature must be 0 or more, got {temperature}.")
    if top_k is not None:
        top_k = count("sample", "top_k", top_k, 1)
    logits = np.asarray(logits, np.float64)
    largest = logits.max(-1, keepdims=True)
    if not np.isfinite(largest).all():
        raise ValueError("sample: logits must have a finite largest one, and no NaN.")
    if temperature == 0:
        return np.asarray(logits.argmax(-1))
    if top_k is not None and top_k < logits.shape[-1]:
        least = np.partition(logits, -top_k, axis=-1)[..., -top_k, None]
        logits = np.where(logits < least, -np.inf, logits)
    noise = as_generator(rng).gumbel(size=logits.shape)  # its argmax is a draw from the softmax
    with np.errstate(over="ignore"):
        scores = (logits - largest) / temperature
    return np.asarray((scores + noise).argmax(-1))
