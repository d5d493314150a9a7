"""windows: a long sequence, cut for truncated backpropagation through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.data.dataset import Array
from nn.data.loader import DataLoader


def windows(sequence: Any, batch_size: int, length: int) -> DataLoader:
    """Batches of which each goes on where the one before it ended, with the next step as target.

    The sequence is cut into `batch_size` strips of equal length, row i of every batch comes from
    strip i, and batch k holds the steps k · length to (k + 1) · length − 1 of each. So the state
    in which a recurrent model leaves a batch is that in which it enters the next:
    ``fit(model, windows(...), ..., carry=True)``. What does not fill a window is left out.

    Parameters
    ----------
    sequence : shape (T, ...), such as the character numbers of a text.
    batch_size : N, strips.
    length : L, steps in a window, through which gradients flow.

    Returns
    -------
    DataLoader of (x, y), both of shape (N, L, ...), where y is one step ahead of x.

    Raises
    ------
    ValueError
        A sequence too short for one batch, a count below 1.

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
    steps = np.asarray(sequence)
    if batch_size < 1 or length < 1:
        raise ValueError(
            f"windows: batch_size and length must be >= 1, got {batch_size} and {length}."
        )
    count = (len(steps) - 1) // (batch_size * length)
    if count < 1:
        raise ValueError(
            f"windows: a sequence of {len(steps)} steps is too short for {batch_size} windows of "
            f"{length} and a step after them."
        )

    def cut(part: Array) -> Array:
        strips = part[: batch_size * count * length]
        strips = strips.reshape(batch_size, count, length, *steps.shape[1:])
        return np.swapaxes(strips, 0, 1).reshape(-1, length, *steps.shape[1:])

    return DataLoader((cut(steps[:-1]), cut(steps[1:])), batch_size)
