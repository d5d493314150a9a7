"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.value import Value


def parameters_to_vector(parameters: Iterable[Value]) -> Value:
    """Concatenate parameters into one vector, each in C order.

    Returns
    -------
    Value, (sum of the sizes,).

    Raises
    ------
    ValueError
        No parameters.

    Examples
    --------
    >>> import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    rows = [np.ravel(p) for p in parameters]
    if not rows:
        raise ValueError("parameters_to_vector: got no parameters.")
    vector: Any = np.concatenate(rows)
    return vector


def vector_to_parameters(vec: Any, parameters: Iterable[Value]) -> None:
    """Write a vector into the parameters, the inverse of `parameters_to_vector`.

    Raises
    ------
    ValueError
        A vector that is not as long as the parameters together. Nothing has changed then.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.Linear(1, 2)
    >>> nn.utils.vector_to_parameters(np.arange(4), layer.parameters())
    >>> layer.bias
    Value([2., 3.], dtype=float32, name='bias')
    """
    owners = list(parameters)
    array = np.asarray(vec._data if isinstance(vec, Value) else vec)
    total = sum(p.size for p in owners)
    if array.shape != (total,):
        raise ValueError(
            f"vector_to_parameters: vec has shape {array.shape}, the parameters need ({total},)."
        )
    ends = np.cumsum([p.size for p in owners])
    for p, end in zip(owners, ends.tolist(), strict=True):
        p.data = array[end - p.size : end].reshape(p.shape)
