"""What a DataLoader takes."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


class Dataset(Protocol):
    """Anything with a length and items: an item is an array, or a tuple of arrays and numbers."""

    def __len__(self) -> int:
        """Number of samples."""

    def __getitem__(self, index: Any) -> Any:
        """Sample at an index."""


class TensorDataset:
    """Arrays whose first axis counts samples.

    Parameters
    ----------
    *tensors : array_like, shapes (N, ...).

    Raises
    ------
    ValueError
        No array, one without axes, or unequal N.

    Examples
    --------
    >>> import nn, numpy as np
    >>> data = nn.data.TensorDataset(np.eye(3), np.arange(3))
    >>> len(data)
    3
    >>> data[1]
    (array([0., 1., 0.]), np.int64(1))
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors: tuple[Array, ...] = tuple(np.asarray(t) for t in tensors)
        shapes = [t.shape for t in self.tensors]
        if not shapes or any(not s for s in shapes) or len({s[0] for s in shapes}) > 1:
            raise ValueError(
                f"TensorDataset needs arrays with the same number of samples in axis 0, got "
                f"shapes {shapes}."
            )

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)
