"""The names that stand for losses, optimizers and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import isabstract
from typing import Any

import numpy as np

from nn import functional, metrics, optim
from nn.losses.binary import BCEWithLogitsLoss
from nn.metrics.metric import Array, Mean, Metric
from nn.module import Module
from nn.optim.optimizer import Optimizer

Loss = Callable[..., Any]


def elementwise(function: Loss) -> Loss:
    """A loss whose targets may have shape (N,) for outputs (N, 1), and hold integers."""

    def loss(outputs: Any, target: Array) -> Any:
        if target.shape != outputs.shape and (*target.shape, 1) == outputs.shape:
            target = target.reshape(outputs.shape)
        if target.dtype is not outputs.dtype:
            target = target.astype(outputs.dtype)
        return function(outputs, target)

    loss.__name__ = function.__name__
    return loss


def categorical_crossentropy(outputs: Any, target: Array) -> Any:
    """−log of the target's probability, from probabilities (N, C), as Keras has it.

    `cross_entropy` is the same from logits, without the Softmax, and more exact.
    """
    p = np.asarray(outputs.data)
    if p.ndim != 2 or (p < 0).any() or np.abs(p.sum(1) - 1).max(initial=0) > 1e-3:
        raise ValueError(
            "categorical_crossentropy: the model must end with Softmax, so that each row of its "
            f"outputs adds up to 1; shape {p.shape}. For logits, choose 'cross_entropy'."
        )
    log_p = np.log(np.maximum(outputs, np.finfo(p.dtype).tiny))
    if target.ndim == 2 and target.shape != p.shape:
        raise ValueError(
            f"categorical_crossentropy: target has shape {target.shape}, the outputs {p.shape}; "
            "one-hot rows have a place for each output, class numbers the shape (N,)."
        )
    if target.shape == p.shape:
        return -np.sum(log_p * target.astype(p.dtype)) / len(p)
    return functional.nll_loss(log_p, target)


_binary = elementwise(functional.binary_cross_entropy)
_binary_logits = elementwise(functional.binary_cross_entropy_with_logits)
_squares, _absolutes = elementwise(functional.mse_loss), elementwise(functional.l1_loss)

LOSSES: dict[str, Loss] = {
    "binary_cross_entropy": _binary,
    "binary_cross_entropy_with_logits": _binary_logits,
    "binary_crossentropy": _binary,
    "categorical_crossentropy": categorical_crossentropy,
    "cross_entropy": functional.cross_entropy,
    "huber": elementwise(functional.huber_loss),
    "l1": _absolutes,
    "mae": _absolutes,
    "mean_absolute_error": _absolutes,
    "mean_squared_error": _squares,
    "mse": _squares,
    "nll": functional.nll_loss,
    "smooth_l1": elementwise(functional.smooth_l1_loss),
    "sparse_categorical_crossentropy": categorical_crossentropy,
}

OPTIMIZERS: dict[str, type[Optimizer]] = {
    name.lower(): kind
    for name, kind in vars(optim).items()
    if name in optim.__all__ and name != "LBFGS"  # which wants a closure
    if isinstance(kind, type) and issubclass(kind, Optimizer) and not isabstract(kind)
}

METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": metrics.Accuracy,
    "confusion_matrix": metrics.ConfusionMatrix,
    "f1": metrics.F1,
    "iou": metrics.JaccardIndex,
    "mae": metrics.MeanAbsoluteError,
    "mean_absolute_error": metrics.MeanAbsoluteError,
    "perplexity": metrics.Perplexity,
    "precision": metrics.Precision,
    "r2": metrics.R2Score,
    "recall": metrics.Recall,
    "top_5_accuracy": metrics.TopKAccuracy,
}


def chosen(kind: str, name: str, table: Mapping[str, Any]) -> Any:
    """What a name stands for; an error that lists the names."""
    try:
        return table[name.lower()]
    except KeyError:
        raise ValueError(
            f"There is no {kind} {name!r}; choose from {', '.join(sorted(table))}, or pass one "
            "of your own."
        ) from None


def loss_for(loss: Any) -> Loss:
    """The function ``loss(outputs, target)`` that is meant."""
    if isinstance(loss, str):
        function: Loss = chosen("loss", loss, LOSSES)
        return function
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(
            f"loss must be a name, a loss module such as nn.MSELoss(), or a function of outputs "
            f"and target, not {loss!r}."
        )
    made: Loss = loss
    return made


def optimizer_for(optimizer: Any, model: Module, lr: float | None) -> Optimizer:
    """The optimizer of the model's parameters that is meant."""
    if isinstance(optimizer, Optimizer):
        if lr is not None:
            raise ValueError("lr goes with an optimizer given by name; this one has its own.")
        known = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if not any(id(p) in known for p in model.parameters()):
            raise ValueError(
                "The optimizer has none of the model's parameters; make it with model.parameters()."
            )
        return optimizer
    if isinstance(optimizer, str):
        optimizer = chosen("optimizer", optimizer, OPTIMIZERS)
    if not callable(optimizer):
        raise TypeError(
            f"optimizer must be a name, an Optimizer or a function of the parameters, not "
            f"{optimizer!r}."
        )
    settings = {} if lr is None else {"lr": lr}
    made: Optimizer = optimizer([p for p in model.parameters() if p.requires_grad], **settings)
    return made


def metrics_for(given: Iterable[Any] | None, loss: Loss) -> list[Metric]:
    """The metrics that are meant: names, `Metric`s, or functions of outputs and targets."""
    logits = loss is _binary_logits or isinstance(loss, BCEWithLogitsLoss)
    made: list[Metric] = []
    if isinstance(given, str):
        raise TypeError(f"metrics must be a list, such as [{given!r}], not a string.")
    for metric in given or ():
        if isinstance(metric, str):
            kind = chosen("metric", metric, METRICS)
            has_threshold = kind is metrics.Accuracy or issubclass(kind, metrics.ConfusionMatrix)
            made.append(kind(threshold=0.0) if logits and has_threshold else kind())
        elif isinstance(metric, Metric):
            made.append(metric)
        elif callable(metric) and not isinstance(metric, type):
            made.append(Mean(metric))
        else:
            raise TypeError(
                f"metrics: {metric!r} is neither a name nor a Metric nor a function of outputs "
                "and targets."
            )
    names = [metric.name for metric in made]
    twice = sorted({name for name in names if names.count(name) > 1 or name == "loss"})
    if twice:
        raise ValueError(f"metrics: {', '.join(twice)} is there twice; give one another name.")
    return made
