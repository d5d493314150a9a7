"""Measurements of one training step: layers from parameters, activations from the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node
from autograd.viz.labels import call_labels
from autograd.viz.trace import Trace
from nn.module import Module, Parameter
from nn.optim.sums import norm
from nn.train.watch.record import Numbers

NEAR = 0.01
"""An element is saturated within this distance of a bound of its activation function."""

BOUNDED = {"sigmoid": (0.0, 1.0), "hardsigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
BOUNDED |= {"lstm_scan": (-1.0, 1.0), "gru_scan": (-1.0, 1.0)}

UNBOUNDED = {"celu", "elu", "gelu", "leaky_relu", "mish", "prelu", "selu", "silu", "softplus"}
"""Activations of which only the values are shown."""

OF_TWO = {"BCELoss", "BCEWithLogitsLoss"}
OF_TWO |= {"binary_cross_entropy", "binary_cross_entropy_with_logits"}


class Layer(NamedTuple):
    """A module that owns trainable parameters.

    Attributes
    ----------
    name : path and class name.
    parameters : the trainable parameters.
    """

    name: str
    parameters: list[Parameter]

    def gradient(self) -> float | None:
        """Gradient norm over all parameters; None if none has a gradient."""
        grads = [p.grad for p in self.parameters if p.grad is not None]
        return together(grads) if grads else None

    def copies(self) -> list[Any]:
        """Copies of the current weights, in single precision at least so that they subtract."""
        return [p.data.astype(np.result_type(p.data, np.float32)) for p in self.parameters]

    def moved(self, before: list[Any]) -> float | None:
        """Relative update ‖Δw‖ / ‖w‖ since `before`, which is overwritten; None if w was 0."""
        size = together(before)
        for p, old in zip(self.parameters, before, strict=True):
            np.subtract(p.data, old, out=old)
        return together(before) / size if size else None


def together(arrays: list[Any]) -> float:
    """Euclidean norm of several arrays together."""
    with np.errstate(all="ignore"):
        return math.hypot(*(norm(x, 2.0) for x in arrays))


def layers(model: Module) -> list[Layer]:
    """The trainable layers of a model; a shared parameter belongs to the first that has it.

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


def rates(layers: Sequence[Layer], optimizer: Any) -> Numbers:
    """The learning rate of each layer, the largest of its parameters; None without an optimizer."""
    of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    found: Numbers = {}
    for layer in layers:
        own = [float(of[id(p)]) for p in layer.parameters if id(p) in of]
        found[layer.name] = max(own, default=None)
    return found


class Activation(NamedTuple):
    """Measurements of one activation in one step.

    Attributes
    ----------
    saturated : fraction of elements near a bound of the function, where its slope vanishes; None
        for unbounded functions.
    dead : fraction of units that are 0 for every sample; None for functions other than ReLU.
    hidden : whether it feeds layers with parameters; saturation of an output layer is no problem.
    samples : numbers that each unit has given, which tell whether it is dead or was 0 by chance.
    values : its result.
    node : id of its node.
    """

    saturated: float | None
    dead: float | None
    hidden: bool
    samples: int
    values: Any
    node: int


def activations_in(loss: Any) -> dict[str, Activation]:
    """All activations in the graph of a loss, by module path and op name.

    Examples
    --------
    >>> import autograd, nn, numpy as np
    >>> net = nn.Sequential(nn.ReLU(), nn.Linear(2, 1))
    >>> x = autograd.Value(np.array([[-1.0, 2.0], [-3.0, 1.0]], np.float32))
    >>> activations_in(np.sum(net(x)))["0: ReLU"][:4]
    (None, 0.5, True, 2)
    """
    trace = Trace([loss])
    labels = call_labels([call for call in trace.calls.values() if call])
    hidden = _before_parameters(trace)
    found: dict[str, Activation] = {}
    for v in trace.order:
        saturated, dead, samples = measure(v)
        if saturated is None and dead is None and v.op.name not in UNBOUNDED:
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
        y = v._data[0] if type(v._data) is tuple else v._data
        found[unique] = Activation(saturated, dead, id(v) in hidden, samples, y, id(v))
    return found


def along_depth(loss: Any, layers: Sequence[Layer]) -> list[str]:
    """Names of the layers with a matrix or filters, in the order in which the graph uses them."""
    trace = Trace([loss])
    owners = {id(p): at.name for at in layers for p in at.parameters if p.ndim > 1}
    used = (owners.get(id(x)) for v in trace.order for x in trace.inputs(v))
    return [*dict.fromkeys(name for name in used if name is not None)]


def chance(loss: Node, criterion: Any) -> float | None:
    """The loss of equal probabilities for all classes: ln C; None for other losses."""
    if loss.op.name == "cross_entropy" and "mean" in loss.static:
        x: Any = loss.inputs[0]
        return math.log(x.shape[1]) if x.ndim > 1 and x.shape[1] > 1 else None
    name = getattr(criterion, "__name__", type(criterion).__name__)
    plain = getattr(criterion, "reduction", "mean") == "mean" and not any(
        getattr(criterion, weight, None) is not None for weight in ("weight", "pos_weight")
    )
    return math.log(2) if plain and name in OF_TWO else None


def measure(v: Node) -> tuple[float | None, float | None, int]:
    """Fractions of saturated elements and of dead units, or None; and numbers of each unit."""
    op, y = v.op.name, v._data[0] if type(v._data) is tuple else v._data
    bounds = BOUNDED.get(op)
    rectifies = op == "relu" or (op == "maximum" and _against_zero(v))
    if op == "rnn_scan":
        rectifies = v.static[-1] == "relu"
        bounds = None if rectifies else (-1.0, 1.0)
    if np.ndim(y) == 0 or not np.size(y):
        return None, None, 0
    unit = _unit_axis(v, y)
    samples = y.size // y.shape[unit]
    if rectifies:
        others = tuple(axis for axis in range(y.ndim) if axis != unit)
        return None, float(np.mean(~np.any(y, axis=others))), samples
    if bounds is None:
        return None, None, samples
    low, high = bounds
    return float(np.mean((y < low + NEAR) | (y > high - NEAR))), None, samples


def _against_zero(v: Node) -> bool:
    a, b = v.inputs
    return any(not isinstance(x, Node) and np.ndim(x) == 0 and x == 0 for x in (a, b))


def _unit_axis(v: Node, y: Any) -> int:
    """Axis of the units: 1 for (N, C, ...), 2 for sequences (N, T, C)."""
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
    """Nodes that feed, directly or not, an op with parameters."""
    found: set[int] = set()
    for v in reversed(trace.order):
        inputs = [x for x in trace.inputs(v) if isinstance(x, Node)]
        if id(v) in found or any(isinstance(x, Parameter) for x in inputs):
            found.update(id(x) for x in inputs)
    return found
