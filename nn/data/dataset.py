"""Datasets: `Dataset`, `IterableDataset` and their building blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, Protocol

import numpy as np

from autograd.node import Array as Array
from nn.data.arrays import as_array, is_sparse


class Dataset(Protocol):
    """A map-style dataset: any object with `__len__` and `__getitem__`.

    Examples
    --------
    >>> import nn
    >>> class Squares:
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> [y.tolist() for x, y in nn.data.DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4]]
    """

    def __len__(self) -> int:
        """Number of samples."""

    def __getitem__(self, index: Any) -> Any:
        """The sample at an index: an array, or a tuple of arrays and numbers."""


class IterableDataset(ABC):
    """A dataset that is read from front to back, such as a file too large for memory.

    Its `__iter__` gives the samples of an epoch and must start anew every time. A `DataLoader`
    takes any object with an `__iter__` but without `__len__` and `__getitem__` as one; this base
    class says so where the object has more. Shuffling is left to `__iter__`.

    Examples
    --------
    >>> import nn
    >>> class Squares(nn.data.IterableDataset):
    ...     def __iter__(self):
    ...         for i in range(3):
    ...             yield i, i**2
    >>> [y.tolist() for x, y in nn.data.DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4]]
    """

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """The samples of one epoch."""


def get_worker_info() -> None:
    """None, as in PyTorch where one process reads: the threads of a `DataLoader` share a dataset.

    An `IterableDataset` that divides its samples among PyTorch's workers need not change.

    Examples
    --------
    >>> import nn
    >>> nn.data.get_worker_info() is None
    True
    """


def is_iterable(dataset: Any) -> bool:
    """Whether a dataset is read from front to back; PyTorch's has a `__getitem__` that raises."""
    if any(kind.__name__ == "IterableDataset" for kind in type(dataset).__mro__):
        return True
    whole = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    return hasattr(dataset, "__iter__") and not whole


def _may_start_anew(data: Any) -> bool:
    """Whether an iterator has an `__iter__` written in Python, which may begin again."""
    return isinstance(getattr(type(data), "__iter__", None), FunctionType)


def as_dataset(who: str, data: Any) -> Any:
    """A dataset of what is given: a tuple of arrays becomes a `TensorDataset`, a frame an array.

    Raises
    ------
    TypeError
        What is no dataset; the error says how to make one.
    """
    if isinstance(data, np.ndarray) or hasattr(data, "to_numpy"):
        return as_array(who, data)
    if type(data) is tuple:
        return TensorDataset(*data)
    if (hasattr(data, "__next__") and not _may_start_anew(data)) or is_sparse(data):
        return as_array(who, data)  # which says what to do
    if isinstance(data, Mapping) and 0 not in data:
        names = ", ".join(map(str, list(data)[:5]))
        raise TypeError(
            f"{who}: a dict of {names} is no dataset; pass the arrays as a tuple, such as "
            "tuple(data.values())."
        )
    usable = is_iterable(data) or hasattr(data, "__getitem__")
    if isinstance(data, (str, bytes, type)) or not usable:
        raise TypeError(
            f"{who}: {data!r:.60} is no dataset; pass arrays as a tuple (X, y), a list of samples, "
            "or an object with __len__ and __getitem__, or with __iter__."
        )
    return data


def indexed(who: str, data: Any) -> Any:
    """`as_dataset` of what has samples at indices."""
    dataset = as_dataset(who, data)
    if is_iterable(dataset):
        raise TypeError(
            f"{who}: a {type(dataset).__name__} is read from front to back and has no samples at "
            "indices; make a list of it."
        )
    return dataset


class TensorDataset:
    """Dataset of arrays that share their first axis, the samples.

    Parameters
    ----------
    *tensors : arrays, lists, or data frames and series of pandas, shapes (N, ...).

    Raises
    ------
    ValueError
        No array, a scalar, or arrays of different N.
    TypeError
        What has no array, such as a sparse matrix or a generator.

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
        self.tensors: tuple[Array, ...] = tuple(as_array("TensorDataset", t) for t in tensors)
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


class Subset:
    """Subset of a dataset at given indices.

    Parameters
    ----------
    dataset : a `Dataset`.
    indices : integers from −N to N − 1, shape (n,).

    Raises
    ------
    TypeError
        Indices that are not integers.
    IndexError
        An index out of range.

    Examples
    --------
    >>> import nn, numpy as np
    >>> data = nn.data.Subset(nn.data.TensorDataset(np.arange(10)), [2, 3, 5])
    >>> len(data), data[2]
    (3, (np.int64(5),))
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        dataset = indexed("Subset", dataset)
        chosen = np.asarray(indices if len(indices) else np.empty(0, np.int64))
        n = len(dataset)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise TypeError(
                f"Subset: indices must be integers of shape (n,), got {chosen.dtype} of shape "
                f"{chosen.shape}."
            )
        wrong = chosen[(chosen < -n) | (chosen >= n)]
        if wrong.size:
            raise IndexError(
                f"Subset: index {wrong[0]} is out of range: the dataset has {n} samples."
            )
        self.dataset, self.indices = dataset, chosen

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self.indices[index])]


class ConcatDataset:
    """Concatenation of datasets.

    Parameters
    ----------
    datasets : at least one `Dataset`.

    Raises
    ------
    ValueError
        No datasets.

    Examples
    --------
    >>> import nn, numpy as np
    >>> a, b = nn.data.TensorDataset(np.arange(3)), nn.data.TensorDataset(np.arange(10, 12))
    >>> both = nn.data.ConcatDataset([a, b])
    >>> len(both), both[3], both[-1]
    (5, (np.int64(10),), (np.int64(11),))
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        if not isinstance(datasets, Iterable):
            raise TypeError(
                f"ConcatDataset: datasets must be a list of them, got {datasets!r:.60}."
            )
        self.datasets = [indexed("ConcatDataset", d) for d in datasets]
        if not self.datasets:
            raise ValueError("ConcatDataset: got no datasets.")
        self.cumulative_sizes: list[int] = np.cumsum([len(d) for d in self.datasets]).tolist()

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        n = len(self)
        if not -n <= index < n:
            raise IndexError(
                f"ConcatDataset: index {index} is out of range: there are {n} samples."
            )
        index %= n
        k = int(np.searchsorted(self.cumulative_sizes, index, side="right"))
        return self.datasets[k][index - (self.cumulative_sizes[k - 1] if k else 0)]
