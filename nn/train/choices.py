"""The names that stand for optimizers and metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from inspect import isabstract
from typing import Any

from nn import metrics, optim
from nn.arguments import chosen
from nn.metrics.metric import Mean, Metric
from nn.module import Module
from nn.optim.optimizer import Optimizer

OPTIMIZERS: dict[str, type[Optimizer]] = {
    name.lower(): kind
    for name, kind in vars(optim).items()
    if name != "LBFGS"  # which wants a closure
    if isinstance(kind, type) and issubclass(kind, Optimizer) and not isabstract(kind)
}

METRICS: dict[str, Callable[[], Metric]] = {
    "acc": metrics.Accuracy,
    "accuracy": metrics.Accuracy,
    "auc": metrics.AUC,
    "binary_accuracy": partial(metrics.Accuracy, multilabel=True),
    "categorical_accuracy": partial(metrics.Accuracy, multilabel=False),
    "confusion_matrix": metrics.ConfusionMatrix,
    "f1": metrics.F1,
    "iou": metrics.JaccardIndex,
    "mae": metrics.MeanAbsoluteError,
    "mean_absolute_error": metrics.MeanAbsoluteError,
    "mean_squared_error": metrics.MeanSquaredError,
    "mse": metrics.MeanSquaredError,
    "perplexity": metrics.Perplexity,
    "precision": metrics.Precision,
    "r2": metrics.R2Score,
    "r2_score": metrics.R2Score,
    "recall": metrics.Recall,
    "rmse": metrics.RootMeanSquaredError,
    "root_mean_squared_error": metrics.RootMeanSquaredError,
    "sparse_categorical_accuracy": partial(metrics.Accuracy, multilabel=False),
    "sparse_top_k_categorical_accuracy": metrics.TopKAccuracy,
    "top_5_accuracy": metrics.TopKAccuracy,
    "top_k_accuracy": metrics.TopKAccuracy,
    "top_k_categorical_accuracy": metrics.TopKAccuracy,
}
"""Names as they are here and in Keras; "top_3_accuracy" has any other number."""


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
    params = list(model.parameters())
    trained = [p for p in params if p.requires_grad]
    if params and not trained:
        raise ValueError(
            f"{type(model).__name__}: none of the {len(params)} parameters is trained; each has "
            "requires_grad=False."
        )
    made: Optimizer = optimizer(trained, **settings)
    return made


def metric_for(name: str) -> Metric:
    """The metric of a name, under which it goes into the history."""
    ranked = re.fullmatch(r"top_([1-9]\d*)_accuracy", name.lower())
    if ranked:
        return metrics.TopKAccuracy(int(ranked[1]))
    metric: Metric = chosen("metric", name, METRICS)()
    metric.name = name.lower()
    return metric


def metrics_for(given: Iterable[Any] | None) -> list[Metric]:
    """The metrics that are meant: names, `Metric`s, or functions of outputs and targets."""
    made: list[Metric] = []
    if isinstance(given, str):
        raise TypeError(f"metrics must be a list, such as [{given!r}], not a string.")
    for metric in given or ():
        if isinstance(metric, str):
            made.append(metric_for(metric))
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
    taken = [name for name in names if name == "epoch" or name.startswith("val_")]
    if taken:
        raise ValueError(
            f"metrics: {', '.join(taken)} can't be the name of a metric; the history has 'epoch', "
            "and 'val_' before the numbers of the validation."
        )
    return made
