"""Checks of a graph's structure: shapes, dtypes and connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.readers.lint.finding import Finding, Subject, named


def broadcast_loss(subject: Subject) -> Iterator[Finding]:
    """Outputs and targets that differ by an axis of length 1, such as (N, 1) and (N,)."""
    for v in subject.plain.order:
        if not v.op.elementwise or len(v.inputs) < 2:
            continue
        a, b = v.inputs[:2]
        shapes = [np.shape(x._data if isinstance(x, Node) else x) for x in (a, b)]
        if not _crossed(*shapes) or (tracked(a) and tracked(b)):
            continue  # of two outputs, pairs are meant
        known = a if tracked(a) else b
        if isinstance(known, Node) and (_made_wider(known) or _is_factor(subject, v, known)):
            continue
        low, high = sorted(shapes, key=len)
        yield Finding(
            "broadcast",
            subject.where(v),
            f"shapes {shapes[0]} and {shapes[1]} made {v._data.shape}",
            "every output is compared with every target, so the model learns their mean",
            "give both the same shape: targets[:, None], or outputs.squeeze(1)"
            if len(low) == 1
            else f"give both the shape {low} or {high}",
            v,
        )


def _crossed(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two shapes with the same elements broadcast to more than these."""
    low, high = sorted((a, b), key=len)
    squeezed = any(high[:i] + high[i + 1 :] == low for i, n in enumerate(high) if n == 1)
    return len(high) == len(low) + 1 and squeezed and np.broadcast_shapes(a, b) != high


def _made_wider(v: Node) -> bool:
    """Whether the user has just given it an axis of length 1."""
    new_axis = v.op is not None and v.op.name == "getitem" and None in _flat(v.static[0])
    return new_axis or (v.op is not None and v.op.name == "expand_dims")


def _flat(index: Any) -> list[Any]:
    parts = index if isinstance(index, tuple) else (index,)
    return [None for part in parts if part is None]


def _is_factor(subject: Subject, v: Node, known: Node) -> bool:
    """Whether data are multiplied by a parameter: an outer product."""
    return v.op.name in ("multiply", "divide") and subject.steady(known)


def tracked(x: Any) -> bool:
    """Whether an input of an op requires a gradient."""
    return isinstance(x, Node) and x.requires_grad


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
                "all that follows takes twice the memory and time",
                "convert the data once: x.astype(np.float32)",
            )
            return


def unreachable_parameters(subject: Subject) -> Iterator[Finding]:
    """Parameters that the loss does not depend on."""
    yield from unreached(subject.parameters(), set(subject.plain.leaves))


def unreached(parameters: list[tuple[str, Any]], reached: set[int]) -> Iterator[Finding]:
    """Those of the parameters that no loss depends on; `reached` has the ids of the others."""
    lost = [path for path, p in parameters if id(p) not in reached]
    if lost:
        total = len(parameters)
        yield Finding(
            "unreachable parameter",
            named(lost),
            f"the loss depends on {total - len(lost)} of {total} parameters, not on these",
            "they get no gradient and keep their initial values",
            "use the layer in forward, or look for a .data, a detach() or a NumPy round trip "
            "that cuts the graph",
        )


def accidental_sharing(subject: Subject) -> Iterator[Finding]:
    """One layer in several places, or parameters that share memory."""
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
                "create each layer in a comprehension; ignore this if sharing is intended",
            )
            return  # its submodules are shared too
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
    """Layers in a plain list or dict, which the model does not register."""
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
    broadcast_loss,
    float64_leak,
    unreachable_parameters,
    accidental_sharing,
    hidden_layers,
)
