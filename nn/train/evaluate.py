"""evaluate and predict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.data.dataset import Array
from nn.data.loader import DataLoader
from nn.losses.by_name import Loss, loss_for
from nn.metrics.metric import Metric
from nn.module import Module, evaluating
from nn.train.batches import as_loader, detached, parts
from nn.train.choices import metrics_for


def evaluate(
    model: Module,
    data: Any,
    loss: Any,
    metrics: Iterable[Any] = (),
    *,
    batch_size: int = 256,
    carry: bool = False,
) -> dict[str, Any]:
    """Loss and metrics on a dataset, in eval mode and without a graph.

    Parameters
    ----------
    model : the training modes of its modules are restored afterwards.
    data : as in `fit`.
    loss, metrics, carry : as in `fit`.
    batch_size : samples at a time, where data is not a DataLoader.

    Returns
    -------
    dict : "loss", the mean over samples, and each metric by its name.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.train.evaluate(nn.Identity(), (np.zeros((2, 3)), np.array([0, 1])), "cross_entropy",
    ...                   ["accuracy"])
    {'loss': 1.0986122886681098, 'accuracy': 0.5}
    """
    criterion = loss_for(loss)
    loader = as_loader("evaluate", data, model, batch_size)
    return measured(model, loader, criterion, metrics_for(metrics, criterion), carry)


def measured(
    model: Module, loader: DataLoader, criterion: Loss, metrics: list[Metric], carry: bool
) -> dict[str, Any]:
    """`evaluate`, with everything prepared."""
    total, samples, state = 0.0, 0, None
    for metric in metrics:
        metric.reset()
    with evaluating(model):
        for batch in loader:
            inputs, target = parts(batch)
            if carry:
                outputs, state = model(*inputs, detached(state))
            else:
                outputs = model(*inputs)
            n = len(target)
            total += float(criterion(outputs, target)) * n
            samples += n
            for metric in metrics:
                metric.update(np.asarray(outputs), target)
    return {"loss": total / samples, **{metric.name: metric.compute() for metric in metrics}}


def predict(model: Module, X: Any, *, batch_size: int = 256) -> Array:
    """The model's outputs for many samples, in eval mode and without a graph.

    Parameters
    ----------
    model : the training modes of its modules are restored afterwards.
    X : shape (N, ...), or a tuple of the model's inputs.
    batch_size : samples at a time.

    Returns
    -------
    array, shape (N, ...)

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.train.predict(nn.ReLU(), np.array([[-1.0], [2.0]]))
    array([[0.],
           [2.]])
    """
    inputs = X if isinstance(X, tuple) else (np.asarray(X),)
    loader = as_loader("predict", inputs, model, batch_size)
    with evaluating(model):
        return np.concatenate([np.asarray(model(*batch)) for batch in loader])
