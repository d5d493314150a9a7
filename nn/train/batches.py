"""Batches of inputs and targets from the data that `fit` is given."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.random import Rng
from autograd.value import Value
from nn.arguments import count
from nn.data.arrays import as_floats, is_sparse, numbers
from nn.data.dataset import Array, is_iterable
from nn.data.loader import DataLoader, loads_batches
from nn.module import Module, evaluating
from nn.parameter import Parameter


class Batches:
    """A generator of batches in a loader's place; it can be read once.

    Parameters
    ----------
    who : for errors.
    source : what gives the batches.
    dtype : of the model's parameters, which floats get.
    """

    def __init__(self, who: str, source: Iterator[Any], dtype: Any) -> None:
        self.who, self.source, self.dtype = who, source, dtype
        self._first: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        first, self._first = self._first, []
        for batch in itertools.chain(first, self.source):
            yield self._arrays(batch)

    def sample(self) -> Any:
        """The first batch, which stays to be read."""
        self._first = self._first or list(itertools.islice(self.source, 1))
        if not self._first:
            raise ValueError(f"{self.who}: the {type(self.source).__name__} has no batch.")
        return self._arrays(self._first[0])

    def _arrays(self, batch: Any) -> Any:
        if isinstance(batch, (tuple, list)):
            return tuple(self._arrays(part) for part in batch)
        if isinstance(batch, dict):
            return {key: self._arrays(part) for key, part in batch.items()}
        array = np.asarray(batch)
        if array.ndim == 0:
            raise TypeError(
                f"{self.who}: a {type(self.source).__name__} must give batches (inputs, targets), "
                "arrays with samples in axis 0. For one sample at a time write an "
                "nn.data.IterableDataset."
            )
        return as_floats(self.who, array, self.dtype) if array.dtype.kind == "f" else array


class Steps:
    """A loader whose epochs have a number of batches: the next one reads on where one ended.

    Parameters
    ----------
    who : for errors.
    loader : starts anew when it is read through.
    steps : batches of an epoch.
    """

    def __init__(self, who: str, loader: DataLoader | Batches, steps: int) -> None:
        self.loader: Any = loader
        self.steps = count(who, "steps_per_epoch", steps, 1)
        self._reading: Iterator[Any] | None = None
        self._position = self._resumed = 0

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        self._position, self._resumed = self._resumed, 0
        while self._position < self.steps:
            if self._reading is None:
                self._reading = iter(self.loader)
            batch = next(self._reading, None)
            if batch is None:
                if isinstance(self.loader, Batches):
                    return
                self._reading = iter(self.loader)
                batch = next(self._reading)
            self._position += 1
            yield batch

    def sample(self) -> Any:
        """The first sample."""
        return self.loader.sample()

    def state_dict(self) -> dict[str, Any]:
        """The position in the epoch, and that of the loader in its own."""
        return {"position": self._position % self.steps, "loader": self.loader.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next iteration go on from there."""
        self.loader.load_state_dict(state_dict["loader"])
        self._reading, self._resumed = None, int(state_dict["position"])


Loader = DataLoader | Batches | Steps


def described(loader: Loader) -> dict[str, Any]:
    """What a run that is resumed must have in common with the one before."""
    inner: Any = loader.loader if isinstance(loader, Steps) else loader
    try:
        samples = len(inner.dataset)
    except (AttributeError, TypeError):
        samples = None
    return {
        "batches": number_of(loader),
        "batch size": getattr(inner, "batch_size", None),
        "samples": samples,
    }


def number_of(loader: Loader) -> int | None:
    """How many batches an epoch has, None where that is not known."""
    try:
        return None if isinstance(loader, Batches) else len(loader)
    except TypeError:
        return None


def as_loader(
    who: str,
    data: Any,
    model: Module,
    batch_size: int,
    shuffle: bool = False,
    rng: Rng = None,
    weights: Any = None,
) -> DataLoader | Batches:
    """A loader of (inputs..., target), with at least one batch.

    Parameters
    ----------
    who : the caller, for errors.
    data : a DataLoader, which stays as it is; arrays (X, y) or one array that is its own target;
        a `Dataset`, such as a list of samples (x, y), or an `IterableDataset`; PyTorch's
        DataLoader; or a generator of batches. Floats in arrays get the dtype of the model's
        parameters.
    weights : of the samples, which stand last in each batch then; for arrays.
    """
    if isinstance(data, np.ndarray) or hasattr(data, "to_numpy") or is_sparse(data):
        data = (data,)  # an array or a table alone
    samples = type(data) is list and data and isinstance(data[0], (tuple, dict))
    if type(data) in (tuple, list) and not samples:
        data = tuple(as_array(who, i, part, model) for i, part in enumerate(data))
        if weights is not None:
            data = (*data, _as_weights(who, weights))
        lengths = [len(part) for part in data]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"{who}: inputs and targets have different numbers of samples: {lengths}."
                + (" The weights stand last." if weights is not None else "")
            )
        if not lengths or not lengths[0]:
            raise ValueError(f"{who}: the data set is empty.")
    elif weights is not None:
        raise TypeError(
            f"{who}: sample_weight is for arrays; with a {type(data).__name__} the loss must weigh."
        )
    if isinstance(data, Batches):
        return data
    if isinstance(data, Iterator):
        return Batches(who, data, float_type(model) or np.float32)
    size = count(who, "batch_size", batch_size, 1)
    if isinstance(data, DataLoader):
        loader = data
    elif loads_batches(data):
        loader = DataLoader(data, None)
    elif is_iterable(data):
        loader = DataLoader(data, size)
    else:
        if hasattr(data, "__len__") and not len(data):
            raise ValueError(f"{who}: the data set is empty.")
        loader = DataLoader(data, size, shuffle, rng=rng)
    if number_of(loader) == 0:
        raise ValueError(
            f"{who}: the loader has no batch: {len(loader.dataset)} samples, batch_size "
            f"{loader.batch_size}{', drop_last=True' if loader.drop_last else ''}."
        )
    return loader


def _as_weights(who: str, weights: Any) -> Array:
    array = numbers(f"{who}: sample_weight", weights)
    if not (array >= 0).all():
        raise ValueError(f"{who}: sample_weight must be numbers >= 0, one for each sample.")
    return array.astype(np.float64)


def as_array(who: str, i: int, part: Any, model: Module) -> Array:
    """A part of the data as an array of numbers."""
    who = f"{who}: part {i} of the data"
    if isinstance(part, dict):
        raise TypeError(
            f"{who} is a dict; give its arrays as a tuple, in the order in which the model takes "
            "them."
        )
    if isinstance(part, (list, tuple)) and any(np.ndim(x) > 1 for x in part if has_array(x)):
        try:
            np.shape(part)
        except ValueError:
            raise TypeError(
                f"{who} is a {type(part).__name__} of arrays of different shapes; several inputs "
                "go in one by one, as a tuple (x1, x2, y)."
            ) from None
    array = numbers(who, part)
    if array.dtype.kind == "f":
        array = as_floats(who, array, float_type(model) or array.dtype)
    return array


def has_array(x: Any) -> bool:
    """Whether this is an array, a table or a tensor."""
    return hasattr(x, "__array__")


def float_type(model: Module) -> Any:
    """The dtype of the model's parameters; that of those still to be made is float32."""
    for module in model.modules():
        if module._make is not None:
            return np.float32
        for p in vars(module).values():
            if isinstance(p, Parameter):
                return p.dtype
    return None


def parts(batch: Any) -> tuple[tuple[Any, ...], Any]:
    """Inputs and target of a batch; a single array is its own target."""
    if isinstance(batch, (tuple, list)):
        return (tuple(batch[:-1]), batch[-1]) if len(batch) > 1 else (tuple(batch), batch[0])
    return (batch,), batch


def make_parameters(
    model: Module, loader: Loader, carry: bool = False, weighted: bool = False
) -> None:
    """Run one sample through modules that learn a size from their first input.

    In eval mode, as this is no training: running statistics stay as they are.
    """
    if all(module._make is None for module in model.modules()):
        return
    batch = loader.sample()
    inputs, _ = parts(batch[:-1] if weighted else batch)
    with evaluating(model):
        model(*inputs, None) if carry else model(*inputs)


def detached(x: Any) -> Any:
    """Arrays in place of Values, in tuples, lists and dicts too: outputs or a carried state."""
    return mapped(lambda part: part.data if isinstance(part, Value) else part, x)


def leaves(x: Any) -> Any:
    """Outputs as fresh leaves, so that what is done with them is recorded from there."""

    def leaf(part: Any) -> Any:
        data = part.data if isinstance(part, Value) else part
        return Value(data) if getattr(data, "dtype", np.dtype(int)).kind == "f" else part

    return mapped(leaf, x)


def values_in(x: Any) -> list[Value]:
    """The Values in outputs."""
    found: list[Value] = []
    mapped(lambda part: found.append(part) if isinstance(part, Value) else None, x)
    return found


def mapped(function: Any, x: Any) -> Any:
    """A function of each part of tuples, lists and dicts."""
    if isinstance(x, tuple):
        new = [mapped(function, part) for part in x]
        return type(x)(*new) if hasattr(x, "_fields") else type(x)(new)
    if isinstance(x, list):
        return [mapped(function, part) for part in x]
    if isinstance(x, dict):
        return {key: mapped(function, part) for key, part in x.items()}
    return function(x)
