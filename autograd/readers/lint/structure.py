"""Checks of how a graph is built: shapes, dtypes, and what is connected to what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.readers.lint.finding import Finding, Subject

_REARRANGING = {"reshape", "transpose", "squeeze", "expand_dims", "ravel", "getitem", "output"}


def softmax_before_loss(subject: Subject) -> Iterator[Finding]:
    """A loss that takes logits is given probabilities."""
    for v in subject.plain.order:
        if v.op.name != "cross_entropy":
            continue
        x = v.inputs[0]
        while isinstance(x, Node) and x.op is not None and x.op.name in _REARRANGING and x.inputs:
            x = x.inputs[0]
        name = x.op.name if isinstance(x, Node) and x.op is not None else ""
        if name in ("softmax", "log_softmax", "sigmoid"):
            yield Finding(
                f"{name} before cross_entropy",
                subject.where(x),
                f"cross_entropy gets the result of {name}",
                "cross_entropy takes logits and applies log_softmax itself; applied twice it "
                "flattens the probabilities and the gradients, and the loss can't come near 0",
                f"hand the logits over as they are; apply {name} only where you predict",
            )


def broadcast_loss(subject: Subject) -> Iterator[Finding]:
    """(N,) against (N, 1) makes (N, N)."""
    for v in subject.plain.order:
        if not v.op.elementwise or len(v.inputs) < 2 or np.ndim(v._data) != 2:
            continue
        shapes = [np.shape(x._data if isinstance(x, Node) else x) for x in v.inputs[:2]]
        flat, column = sorted(shapes, key=len)
        if len(flat) == 1 and flat[0] > 1 and column == (flat[0], 1):
            yield Finding(
                "broadcast",
                subject.where(v),
                f"shapes {shapes[0]} and {shapes[1]} made {v._data.shape}",
                "every output is compared with every target, so the model learns their mean",
                "give both the same shape: targets[:, None], or outputs.squeeze(1)",
            )


def float64_leak(subject: Subject) -> Iterator[Finding]:
    """A float32 model that computes in float64."""
    parameters = [p for _, p in subject.parameters()] or [
        v for v in subject.plain.leaves.values() if v.requires_grad
    ]
    if not parameters or any(p.dtype != np.float32 for p in parameters):
        return
    for v in subject.plain.order:
        if type(v._data) is not tuple and v._data.dtype == np.float64:
            wide = [
                name
                for name, x in zip(v.op.input_names(len(v.inputs)), v.inputs, strict=False)
                if getattr(x._data if isinstance(x, Node) else x, "dtype", None) == np.float64
            ]
            yield Finding(
                "float64 leak",
                subject.where(v),
                f"the parameters are float32, its result is float64, as its input "
                f"{', '.join(wide) or '?'} is",
                "from here on everything takes twice the memory and time",
                "convert the data once: x.astype(np.float32)",
            )
            return


def unreachable_parameters(subject: Subject) -> Iterator[Finding]:
    """Parameters that the loss does not depend on."""
    lost = [path for path, p in subject.parameters() if id(p) not in subject.plain.leaves]
    if lost:
        total = len(subject.parameters())
        yield Finding(
            "unreachable parameter",
            ", ".join(lost[:6]) + ("" if len(lost) <= 6 else f" and {len(lost) - 6} more"),
            f"the loss depends on {total - len(lost)} of {total} parameters, not on these",
            "they get no gradient and stay as they were drawn",
            "use the layer in forward, or look for a .data, a detach() or a NumPy round trip "
            "that cuts the graph",
        )


def accidental_sharing(subject: Subject) -> Iterator[Finding]:
    """One layer in several places, or parameters on the same memory."""
    if subject.model is None:
        return
    places: dict[int, list[str]] = {}
    kinds: dict[int, str] = {}
    for path, module in subject.model.named_modules(remove_duplicate=False):
        if next(iter(module.parameters()), None) is not None:
            places.setdefault(id(module), []).append(path)
            kinds[id(module)] = type(module).__name__
    for key, paths in places.items():
        if len(paths) > 1:
            yield Finding(
                "shared layer",
                ", ".join(paths),
                f"these paths are one and the same {kinds[key]}",
                "they have one set of weights, so the model is smaller than it looks; "
                "[layer] * n makes n references and no copies",
                "make each layer anew in a comprehension; where sharing is meant, all is well",
            )
            return  # what is inside of it is shared as well
    owners: dict[int, str] = {}
    for path, p in subject.parameters():
        base: Any = p.data
        while isinstance(base.base, np.ndarray):
            base = base.base
        other = owners.setdefault(id(base), path)
        if other != path:
            yield Finding(
                "shared memory",
                f"{other}, {path}",
                "two parameters are views of one array",
                "an update of one changes the other, so both are updated twice a step",
                "copy the array: Parameter(array.copy())",
            )


def hidden_layers(subject: Subject) -> Iterator[Finding]:
    """Layers in a plain list or dict, where the model does not find them."""
    if subject.model is None:
        return
    for path, module in subject.model.named_modules():
        for name, value in vars(module).items():
            parts = value.values() if isinstance(value, dict) else value
            if name.startswith("_") or not isinstance(value, (list, tuple, dict)):
                continue
            lost = sum(hasattr(part, "named_parameters") for part in parts)
            if lost:
                yield Finding(
                    "hidden layers",
                    f"{path}.{name}" if path else name,
                    f"a plain {type(value).__name__} holds {lost} modules",
                    "the model does not list their parameters, so no optimizer gets them and "
                    "no state_dict has them",
                    f"make it nn.Module{'Dict' if isinstance(value, dict) else 'List'}(...)",
                )


CHECKS = (
    softmax_before_loss,
    broadcast_loss,
    float64_leak,
    unreachable_parameters,
    accidental_sharing,
    hidden_layers,
)
