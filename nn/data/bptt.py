"""windows: split a long sequence for truncated backpropagation through time (BPTT)."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.arguments import count
from nn.data.arrays import numbers
from nn.data.loader import DataLoader


def windows(sequence: Any, batch_size: int, length: int) -> DataLoader:
    """Consecutive windows of a sequence for truncated BPTT, with the next step as target.

    The sequence is split into `batch_size` contiguous streams of equal length. Row i of every batch
    comes from stream i, and batch k holds steps k · length to (k + 1) · length − 1 of each stream,
    so the final state of a recurrent model on one batch is its initial state on the next:
    ``fit(model, windows(...), ..., carry=True)``. Incomplete windows are dropped.

    Parameters
    ----------
    sequence : shape (T, ...), such as the token indices of a text.
    batch_size : N, the number of streams.
    length : L, steps per window; gradients flow through L steps.

    Returns
    -------
    DataLoader : batches (x, y), both of shape (N, L, ...); y is one step ahead of x.

    Raises
    ------
    ValueError
        A sequence too short for one batch, or a count below 1.
    TypeError
        A text: encode it first.

    References
    ----------
    Williams and Peng, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", 1990.

    Examples
    --------
    >>> import nn, numpy as np
    >>> for x, y in nn.data.windows(np.arange(13), batch_size=2, length=3):
    ...     print(x.tolist(), y.tolist())
    [[0, 1, 2], [6, 7, 8]] [[1, 2, 3], [7, 8, 9]]
    [[3, 4, 5], [9, 10, 11]] [[4, 5, 6], [10, 11, 12]]
    """
    steps = numbers("windows: the sequence", sequence)
    batch_size = count("windows", "batch_size", batch_size, 1)
    length = count("windows", "length", length, 1)
    n = (len(steps) - 1) // (batch_size * length)
    if n < 1:
        raise ValueError(
            f"windows: a sequence of {len(steps)} steps is too short for {batch_size} windows of "
            f"{length} steps and their targets."
        )

    def cut(part: Array) -> Array:
        streams = part[: batch_size * n * length]
        streams = streams.reshape(batch_size, n, length, *steps.shape[1:])
        return np.swapaxes(streams, 0, 1).reshape(-1, length, *steps.shape[1:])

    return DataLoader((cut(steps[:-1]), cut(steps[1:])), batch_size)
