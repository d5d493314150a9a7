"""Recorded: a model's loss as a graph, with what the page sets in it: samples, targets, weights."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.ops.elementwise.softmax import log_softmax
from autograd.ops.losses.binary_cross_entropy import binary_cross_entropy_with_logits
from autograd.value import Value

ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid")
"""The activations that a page offers."""


@dataclass(frozen=True)
class Task:
    """What is learned: the targets as an array like the output, and the loss.

    Attributes
    ----------
    kind : "binary", "classes" or "regression".
    classes : how many; 0 for regression.
    target : the targets that belong to labels, for outputs of a shape and dtype.
    loss : of output and target.
    code : the loss as the copied script writes it, of ``model(x)`` and ``t``.
    """

    kind: str
    classes: int
    loss: Callable[[Any, Any], Any]
    code: str

    def target(self, y: Any, like: Any) -> Any:
        """Labels as an array of the output's shape and dtype."""
        if self.kind == "classes":
            return np.eye(self.classes)[y].astype(like.dtype)
        return np.reshape(y, like.shape).astype(like.dtype)


def task_of(y: Any, output: Any, n: int, loss: Callable[[Any, Any], Any] | None) -> Task:
    """The task that targets, and the output for n samples, tell.

    Raises
    ------
    ValueError
        They don't fit each other.
    """
    if y.dtype.kind == "f":
        if n != output.size:
            raise ValueError(f"playground: {n} targets don't fit the output, {output.shape}.")
        return Task("regression", 0, loss or _squared, "nn.functional.mse_loss(model(x), t)")
    classes = int(np.max(y)) + 1
    if output.size == n and classes <= 2:
        code = "nn.functional.binary_cross_entropy_with_logits(model(x), t)"
        return Task("binary", 2, loss or _binary, code)
    if output.ndim == 2 and output.shape[0] == n and output.shape[1] >= max(classes, 2):
        code = "nn.functional.cross_entropy(model(x), t)"
        return Task("classes", output.shape[1], loss or _classes, code)
    raise ValueError(
        f"playground: {n} labels of {classes} classes don't fit the output, {output.shape}: it "
        "takes one logit a sample, or one for each class."
    )


def _squared(z: Any, t: Any) -> Any:
    return np.mean(np.square(z - t))


def _binary(z: Any, t: Any) -> Any:
    return np.mean(binary_cross_entropy_with_logits(z, t, 1 - t))


def _classes(z: Any, t: Any) -> Any:
    return np.mean(-np.sum(t * log_softmax(z, axis=1), axis=1))


@dataclass
class Recorded:
    """The graph of the loss of one model.

    Attributes
    ----------
    loss, output : its Values.
    samples : the Value that holds the samples.
    targets : (array, scale, shift) of each array of the graph that is scale · t + shift.
    """

    loss: Any
    output: Any
    samples: Any
    targets: list[tuple[Any, float, float]]


def record(model: Callable[[Any], Any], X: Any, y: Any, task: Task) -> Recorded:
    """Record the loss of a model on samples.

    Raises
    ------
    ValueError
        The loss can't be computed for other samples: it keeps an array that doesn't follow from the
        targets in a way that a page knows, or a number of samples.
    """
    samples = Value(X, requires_grad=False, name="x")
    output = model(samples)
    target = task.target(y, output)
    loss = task.loss(output, target)
    if not isinstance(loss, Node) or not loss.inputs or np.size(loss._data) != 1:
        raise ValueError("playground: the loss must be a Value of one number.")
    if loss.name is None:
        loss.name = "loss"
    found: dict[int, tuple[Any, float, float]] = {}
    inside = {id(v) for v in _behind(output)}
    for v in _behind(loss):
        for x in v.inputs if id(v) not in inside else ():
            data = np.asarray(x._data if isinstance(x, Node) else x)
            if data.size < 2 or (isinstance(x, Node) and (x.inputs or x.requires_grad)):
                continue
            found[id(x)] = (x, *_line(data, target))
    return Recorded(loss, output, samples, list(found.values()))


def _line(data: Any, t: Any) -> tuple[float, float]:
    """Scale and shift with data = scale · t + shift."""
    scale = shift = 0.0
    if data.shape == t.shape:
        low, high = t.argmin(), t.argmax()
        span = float(t.flat[high]) - float(t.flat[low])
        scale = (float(data.flat[high]) - float(data.flat[low])) / span if span else 0.0
        shift = float(data.flat[low]) - scale * float(t.flat[low])
    if data.shape != t.shape or not np.allclose(data, scale * t + shift, rtol=1e-5, atol=1e-6):
        raise ValueError(
            f"playground: the loss keeps an array of shape {data.shape} that isn't a multiple of "
            "t plus a number, so that a page can't compute it for other samples. Write it as a "
            "function of the output and of t, a number for each output (of classes: 1 for the "
            "right one, else 0)."
        )
    return scale, shift


def check_batches(model: Callable[[Any], Any], X: Any, y: Any, task: Task) -> None:
    """Raise a ValueError if the graph of the loss keeps the number of samples."""
    if len(X) < 3:
        return
    graphs = [_behind(record(model, X[:n], y[:n], task).loss) for n in (len(X), len(X) - 1)]
    for v, other in zip(*graphs, strict=True):
        pairs = [(x, z) for x, z in zip(v.inputs, other.inputs, strict=True) if np.ndim(x) == 0]
        if repr(v.static) != repr(other.static) or any(
            not isinstance(x, Node) and not np.array_equal(x, z) for x, z in pairs if x is not None
        ):
            raise ValueError(
                f"playground: {v.op.name} keeps the number of samples, {len(X)}, which a batch "
                "doesn't have. Take the mean with np.mean, and write -1 for it in a shape."
            )


def _behind(root: Any) -> list[Any]:
    """The results of ops behind a Value."""
    found: dict[int, Any] = {}
    stack = [root]
    while stack:
        v = stack.pop()
        if id(v) in found or not getattr(v, "inputs", ()):
            continue
        found[id(v)] = v
        stack.extend(x for x in v.inputs if isinstance(x, Node))
    return list(found.values())


def variants(model: Any) -> Iterator[tuple[str, Any]]:
    """The model under the name of its activation, then with each other activation in its place.

    The parameters are shared. A model without activation modules has no variants.
    """
    modules = list(model.modules()) if hasattr(model, "modules") else []
    acting = [m for m in modules if _siblings(m)]
    kinds = sorted({type(m).__name__ for m in acting})
    yield " and ".join(kinds) or "as it is", model
    for kind in ACTIVATIONS:
        if acting and kinds != [kind]:
            memo: dict[int, Any] = {id(m): _siblings(m)[kind]() for m in acting}
            memo |= {id(p): p for p in model.parameters()}
            yield kind, copy.deepcopy(model, memo)


def _siblings(module: Any) -> dict[str, Any]:
    """The activations that the module's own file defines beside it, if it is an activation."""
    home = vars(sys.modules[type(module).__module__])
    found = {kind: home[kind] for kind in ACTIVATIONS if isinstance(home.get(kind), type)}
    return found if len(found) == len(ACTIVATIONS) else {}
