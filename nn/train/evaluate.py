"""evaluate and predict."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.node import Array
from nn.arguments import flags
from nn.losses.by_name import loss_for
from nn.module import Module, checked, evaluating
from nn.train.batches import Loader, as_loader, detached, parts
from nn.train.choices import metrics_for
from nn.train.objective import Objective


def evaluate(
    model: Module,
    data: Any,
    loss: Any,
    metrics: Iterable[Any] | None = (),
    *,
    batch_size: int = 256,
    carry: bool = False,
    sample_weight: Any = None,
) -> dict[str, Any]:
    """Loss and metrics on a dataset, in eval mode and without a graph.

    Parameters
    ----------
    model : the training modes of its modules are restored afterwards.
    data : as in `fit`.
    loss, metrics, carry, sample_weight : as in `fit`.
    batch_size : samples at a time, where data is not a DataLoader.

    Returns
    -------
    dict : "loss", the same for any batch_size unless it adds up means over different things, and
        each metric by its name. NaN if nothing counts.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.train.evaluate(nn.Identity(), (np.zeros((2, 3)), np.array([0, 1])), "cross_entropy",
    ...                   ["accuracy"])
    {'loss': 1.0986122886681098, 'accuracy': 0.5}
    """
    checked("evaluate", model)
    flags("evaluate", carry=carry)
    loader = as_loader("evaluate", data, model, batch_size, weights=sample_weight)
    objective = Objective(loss_for(loss), metrics_for(metrics), carry, sample_weight is not None)
    return measured(model, loader, objective)


def measured(model: Module, loader: Loader, objective: Objective) -> dict[str, Any]:
    """`evaluate`, with everything prepared."""
    total, counted, carried, empty = 0.0, 0.0, None, True
    for metric in objective.metrics:
        metric.reset()
    with evaluating(model):
        for batch in loader:
            empty = False
            found = objective(model, batch, carried, measuring=True)
            carried = found.carried
            total += found.total
            counted += found.counted
            outputs = detached(found.outputs)
            for metric in objective.metrics:
                metric.update(outputs, found.target)
            del found  # the graph of its loss, before the next one is made
    if empty:
        raise ValueError("evaluate: the data has no batch.")
    mean = total / counted if counted else float("nan")
    return {"loss": mean, **{metric.name: metric.compute() for metric in objective.metrics}}


def predict(model: Module, X: Any, *, batch_size: int = 256) -> Any:
    """The model's outputs for many samples, in eval mode and without a graph.

    Parameters
    ----------
    model : the training modes of its modules are restored afterwards.
    X : shape (N, ...), or a tuple of the model's inputs; or a DataLoader, a Dataset or a generator
        of batches as in `fit`, whose last part is the target and is left out.
    batch_size : samples at a time.

    Returns
    -------
    array, shape (N, ...); for a model that returns a tuple, list or dict, one of these with an
    array for each part. The samples of a part are where the model has them, such as in axis 1 of a
    recurrent layer's state, (layers, N, ...).

    Raises
    ------
    ValueError
        A part of the outputs without an axis of samples.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.train.predict(nn.ReLU(), np.array([[-1.0], [2.0]]))
    array([[0.],
           [2.]])
    """
    checked("predict", model)
    samples = isinstance(X, list) and bool(X) and isinstance(X[0], (tuple, dict))
    with_targets = samples or not (isinstance(X, (tuple, list)) or hasattr(X, "__array__"))
    if not with_targets and not isinstance(X, tuple):
        X = (X,)
    loader = as_loader("predict", X, model, batch_size)
    if getattr(loader, "shuffle", False):
        warnings.warn(
            "predict: the loader shuffles, so that the outputs are in another order than its "
            "dataset; give it shuffle=False.",
            stacklevel=2,
        )
    found: list[Any] = []
    sizes: list[int] = []
    twice: Any = None
    with evaluating(model):
        for batch in loader:
            inputs = parts(batch)[0] if with_targets else batch
            inputs = inputs if isinstance(inputs, tuple) else (inputs,)
            found.append(detached(model(*inputs)))
            sizes.append(len(inputs[0]))
            if len(found) == 2 and twice is None and not isinstance(found[0], np.ndarray):
                # which axes grow with the samples
                twice = detached(model(*(np.concatenate([x, x]) for x in map(np.asarray, inputs))))
    if not found:
        raise ValueError("predict: the data has no batch.")
    return _joined(found, sizes, twice, "the outputs")


def _joined(found: list[Any], sizes: list[int], twice: Any, where: str) -> Any:
    """The outputs of batches as those of all samples.

    `twice` has the outputs for the last batch of the first two, taken double.
    """
    first = found[0]
    if len(found) == 1 or first is None:
        return first
    keys: Any = None
    if isinstance(first, dict):
        keys = list(first)
    elif isinstance(first, (tuple, list)):
        keys = range(len(first))
    if keys is not None:
        new = [_joined([x[k] for x in found], sizes, twice[k], f"{where}[{k!r}]") for k in keys]
        if isinstance(first, dict):
            return dict(zip(keys, new, strict=True))
        return type(first)(*new) if hasattr(first, "_fields") else type(first)(new)
    arrays = [np.asarray(x) for x in found]
    axis = _sample_axis(arrays, sizes, twice)
    if axis is None:
        shapes = {a.shape: n for a, n in zip(arrays, sizes, strict=True)}
        found_for = ", ".join(f"{shape} for a batch of {n}" for shape, n in shapes.items())
        raise ValueError(
            f"predict: {where} have the shape {found_for}; no axis is that of the samples."
        )
    rest = {a.shape[:axis] + a.shape[axis + 1 :] for a in arrays}
    if len(rest) > 1:
        raise ValueError(
            f"predict: {where} differ in shape from batch to batch, such as {arrays[0].shape} and "
            f"{arrays[-1].shape}, and can't be put together; pad the inputs to one length."
        )
    return np.concatenate(arrays, axis)


def _sample_axis(arrays: list[Array], sizes: list[int], twice: Any) -> int | None:
    """The axis of the samples: the first that fits, of several outputs one that grows with them."""
    for axis in range(min(a.ndim for a in arrays)):
        fits = all(a.shape[axis] == n for a, n in zip(arrays, sizes, strict=True))
        if fits and (twice is None or np.shape(twice)[axis] == 2 * sizes[1]):
            return axis
    return None
