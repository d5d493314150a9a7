"""Batches of inputs and targets from the data that `fit` is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng
from autograd.recording import no_grad
from autograd.value import Value
from nn.arguments import count
from nn.data.dataset import Array
from nn.data.loader import DataLoader
from nn.module import Module
from nn.parameter import Parameter


def as_loader(
    who: str,
    data: Any,
    model: Module,
    batch_size: int,
    shuffle: bool = False,
    rng: Rng = None,
) -> DataLoader:
    """A loader of (inputs..., target).

    Parameters
    ----------
    who : the caller, for errors.
    data : a DataLoader, which stays as it is; arrays (X, y) or one array that is its own target;
        or a `Dataset`, such as a list of samples (x, y). Floats in arrays get the dtype of the
        model's parameters.
    """
    if isinstance(data, DataLoader):
        return data
    size = count(who, "batch_size", batch_size, 1)
    if isinstance(data, np.ndarray):
        data = (data,)
    samples = type(data) is list and data and isinstance(data[0], tuple)
    if type(data) in (tuple, list) and not samples:
        data = tuple(_array(who, i, part, model) for i, part in enumerate(data))
        lengths = [len(part) for part in data]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"{who}: inputs and targets have different numbers of samples: {lengths}."
            )
    if len(data) == 0 or (type(data) is tuple and len(data[0]) == 0):
        raise ValueError(f"{who}: the data set is empty.")
    return DataLoader(data, size, shuffle, rng=rng)


def _array(who: str, i: int, part: Any, model: Module) -> Array:
    array = np.asarray(part)
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        raise TypeError(
            f"{who}: part {i} of the data must be an array of numbers with samples in axis 0, got "
            f"{array.dtype} of shape {array.shape}."
        )
    if array.dtype.kind == "f":
        array = array.astype(_float_type(model) or array.dtype, copy=False)
    return array


def _float_type(model: Module) -> Any:
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


def make_parameters(model: Module, loader: DataLoader) -> None:
    """Run one sample through modules that learn a size from their first input."""
    if all(module._make is None for module in model.modules()):
        return
    inputs, _ = parts(loader.sample())
    with no_grad():
        model(*inputs)


def detached(x: Any) -> Any:
    """The carried state of a recurrent model without its graph."""
    if isinstance(x, Value):
        return x.data
    if isinstance(x, (tuple, list)):
        return type(x)(detached(part) for part in x)
    if isinstance(x, dict):
        return {key: detached(part) for key, part in x.items()}
    return x
