"""Running a model in eval mode, with a graph, and keeping the output of one layer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.recording import enable_grad
from autograd.value import Value
from nn.data.arrays import as_array, as_floats
from nn.module import Module, checked, evaluating

Array = np.ndarray[Any, Any]


@contextlib.contextmanager
def looking(model: Module) -> Iterator[None]:
    """Eval mode, and a graph even under no_grad; restores every module's mode afterwards."""
    with evaluating(checked("nn.look", model)), enable_grad():
        yield


def layer_of(who: str, model: Module, layer: str | Module) -> Module:
    """The module of the model that `layer` is or names."""
    checked(who, model)
    if isinstance(layer, str):
        return model.get_submodule(layer)
    if not any(layer is m for m in model.modules()):
        paths = ", ".join(repr(path) for path, _ in model.named_modules() if path)
        raise ValueError(
            f"{who}: layer must be a module of the model or its path, got {layer!r}. "
            f"Paths: {paths}."
        )
    return layer


def floats(who: str, model: Module, x: Any) -> Array:
    """The input as an array of the model's parameter dtype.

    Raises
    ------
    TypeError
        An integer input, which has no gradient.
    ValueError
        No samples, or numbers that are infinite in that dtype.
    """
    checked(who, model)
    array = x.data if isinstance(x, Value) else as_array(who, x)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{who}: x must be a float array to be differentiable, got {array.dtype}. For a model "
            "that takes token indices, pass the part after the embedding."
        )
    if array.ndim == 0 or not array.size:
        raise ValueError(f"{who}: x must have samples in axis 0, got shape {array.shape}.")
    own = next((p.dtype for p in model.parameters()), array.dtype)
    return as_floats(who, np.array(array), own)


def called(model: Module, x: Any) -> Any:
    """The model's outputs; x is a tuple of several inputs. Float inputs are tracked."""
    given = x if type(x) is tuple else (x,)
    return model(*(_tracked(model, part) for part in given))


def _tracked(model: Module, x: Any) -> Any:
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        return Value(floats("", model, x)) if x.size else x
    return x


def seen_by(who: str, model: Module, layer: Module, x: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """The model's output for x, and the arguments and the output of the layer.

    Raises
    ------
    ValueError
        The layer was never called, or several times.
    """
    calls: list[tuple[tuple[Any, ...], Any]] = []
    with layer.register_forward_hook(lambda module, args, y: calls.append((args, y))):
        y = called(model, x)
    if len(calls) != 1:
        raise ValueError(
            f"{who}: the layer {type(layer).__name__} was called {len(calls)} times for this "
            "input; there must be one call to look at."
        )
    return y, *calls[0]


def score(who: str, y: Any, target: Any) -> tuple[Value, Array | None]:
    """The score of each sample that is to be explained, and its class.

    Parameters
    ----------
    who : the caller, for errors.
    y : the model's output, (N, C); or (N,) or (N, 1), one number per sample.
    target : class indices, (N,), or one for all; None takes the predicted classes.

    Returns
    -------
    Value of shape (N,), and the classes; None where y is one number per sample.
    """
    if not isinstance(y, Value):
        raise TypeError(
            f"{who}: the model must return a Value of scores, (N, C), got {type(y).__name__}."
        )
    if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
        if target is not None:
            raise ValueError(
                f"{who}: the model's output {y.shape} is one number a sample, so there is no class "
                f"to choose; leave target out, got {target!r}."
            )
        return (y if y.ndim == 1 else y[:, 0]), None
    if y.ndim != 2:
        raise ValueError(f"{who}: the model must return scores (N, C), got shape {y.shape}.")
    n, c = y.shape
    classes = np.argmax(y.data, axis=1) if target is None else classes_of(who, target, n)
    if classes.min() < 0 or classes.max() >= c:
        raise ValueError(f"{who}: target must lie between 0 and {c - 1}, got {target!r}.")
    return y[np.arange(n), classes], classes


def classes_of(who: str, target: Any, n: int) -> Array:
    """The targets as n class indices."""
    classes = np.asarray(target)
    if classes.dtype.kind not in "iu" or classes.shape not in ((), (n,)):
        raise ValueError(
            f"{who}: target must be a class or {n} of them, one for each sample, got "
            f"{classes.dtype} of shape {classes.shape}."
        )
    return np.broadcast_to(classes, (n,)).astype(np.int64)
