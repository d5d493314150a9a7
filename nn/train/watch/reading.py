"""What a sample of a step reads: layers from the parameters, activations from the graph."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node
from autograd.viz.labels import call_labels
from autograd.viz.trace import Trace
from nn.module import Module, Parameter
from nn.optim.sums import norm

NEAR = 0.01
"""An element is saturated within this distance of an end of its function's range."""

BOUNDED = {"sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
BOUNDED |= {"lstm_scan": (-1.0, 1.0), "gru_scan": (-1.0, 1.0)}


class Layer(NamedTuple):
    """A module with trainable parameters of its own.

    Attributes
    ----------
    name : path and class.
    parameters : those to train.
    """

    name: str
    parameters: list[Parameter]

    def gradient(self) -> float | None:
        """‖g‖ over its parameters; None where none has a gradient."""
        grads = [p.grad for p in self.parameters if p.grad is not None]
        return together(grads) if grads else None

    def copies(self) -> list[Any]:
        """The weights as they are now."""
        return [p.data.copy() for p in self.parameters]

    def moved(self, before: list[Any]) -> float | None:
        """‖Δw‖ / ‖w‖ since then; None for weights that were all 0. Overwrites `before`."""
        size = together(before)
        for p, old in zip(self.parameters, before, strict=True):
            np.subtract(p.data, old, out=old)
        return together(before) / size if size else None


def together(arrays: list[Any]) -> float:
    """Euclidean norm of arrays as if they were one."""
    with np.errstate(all="ignore"):
        return math.hypot(*(norm(x, 2.0) for x in arrays))


def layers(model: Module) -> list[Layer]:
    """The layers of a model that are trained, a shared parameter in its first one.

    Examples
    --------
    >>> import nn
    >>> [layer.name for layer in layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))]
    ['0: Linear']
    """
    found: dict[str, list[Parameter]] = {}
    for path, p in model.named_parameters():
        if p.requires_grad:
            found.setdefault(path.rpartition(".")[0], []).append(p)
    kinds = {path: type(m).__name__ for path, m in model.named_modules(remove_duplicate=False)}
    return [
        Layer(f"{path}: {kinds[path]}" if path else kinds[path], ps) for path, ps in found.items()
    ]


class Activity(NamedTuple):
    """How an activation function is used in one step.

    Attributes
    ----------
    saturated : share of the elements that lie at an end of the function's range, where it is flat;
        None for functions without such ends.
    dead : share of the units that are 0 for every sample; None for functions that are never 0.
    hidden : whether parameters come behind it, so that what it blocks is missed.
    """

    saturated: float | None
    dead: float | None
    hidden: bool


def activities(loss: Any) -> dict[str, Activity]:
    """Every activation behind a loss, by its module's path and its op's name.

    Examples
    --------
    >>> import autograd, nn, numpy as np
    >>> net = nn.Sequential(nn.ReLU(), nn.Linear(2, 1))
    >>> x = autograd.Value(np.array([[-1.0, 2.0], [-3.0, 1.0]], np.float32))
    >>> activities(np.sum(net(x)))
    {'0: ReLU': Activity(saturated=None, dead=0.5, hidden=True)}
    """
    trace = Trace([loss])
    labels = call_labels([call for call in trace.calls.values() if call])
    hidden = _before_parameters(trace)
    found: dict[str, Activity] = {}
    for v in trace.order:
        saturated, dead = _measure(trace, v)
        if saturated is None and dead is None:
            continue
        call = trace.calls[id(v)]
        name = v.op.name.removesuffix("_scan")
        if call is not None:
            label = labels[id(call)]
            own = type(call.owner).__name__.lower() == name
            name = label if own else f"{label} · {name}"
        unique, k = name, 1
        while unique in found:
            k += 1
            unique = f"{name} ({k})"
        found[unique] = Activity(saturated, dead, id(v) in hidden)
    return found


def _measure(trace: Trace, v: Node) -> tuple[float | None, float | None]:
    """The shares of saturated elements and of dead units."""
    op, y = v.op.name, v._data[0] if type(v._data) is tuple else v._data
    bounds = BOUNDED.get(op)
    rectifies = op == "relu" or (op == "maximum" and _against_zero(v))
    if op == "rnn_scan":
        rectifies = v.static[-1] == "relu"
        bounds = None if rectifies else (-1.0, 1.0)
    if np.ndim(y) == 0 or not np.size(y):
        return None, None
    if rectifies:
        unit = _unit_axis(v, y)
        others = tuple(axis for axis in range(y.ndim) if axis != unit)
        return None, float(np.mean(~np.any(y, axis=others)))
    if bounds is None:
        return None, None
    low, high = bounds
    return float(np.mean((y < low + NEAR) | (y > high - NEAR))), None


def _against_zero(v: Node) -> bool:
    a, b = v.inputs
    return any(not isinstance(x, Node) and np.ndim(x) == 0 and x == 0 for x in (a, b))


def _unit_axis(v: Node, y: Any) -> int:
    """The axis of the units: 1 behind images and rows, the last one of sequences of features."""
    if y.ndim != 3:
        return 1 if y.ndim > 1 else 0
    at: Any = v
    while isinstance(at, Node) and at.inputs:
        if at.op.name.startswith(("conv", "max_pool", "avg_pool")):
            return 1
        if at.op.name in ("affine", "linear", "matmul", "rnn_scan", "lstm_scan", "gru_scan"):
            return 2
        at = at.inputs[0]
    return 2


def _before_parameters(trace: Trace) -> set[int]:
    """Nodes whose results go into an op that has parameters, at once or later."""
    found: set[int] = set()
    for v in reversed(trace.order):
        inputs = [x for x in trace.inputs(v) if isinstance(x, Node)]
        if id(v) in found or any(isinstance(x, Parameter) for x in inputs):
            found.update(id(x) for x in inputs)
    return found
