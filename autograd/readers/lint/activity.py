"""Checks of what flows: saturated and dead units, gradients that vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.readers.lint.finding import Finding, Subject
from autograd.viz.blocks import loop

SATURATED, DEAD = 0.8, 0.5
"""Shares of a layer's elements, and of its units, from which it is worth saying."""

FEWEST_SAMPLES, FEWEST_UNITS = 8, 4
"""With fewer, a layer may look dead by chance."""

DEEP, LONG = 4, 8
"""Layers, and time steps, from which a factor a layer or step means something."""

VANISHED, EXPLODED = 1e-4, 1e3
"""Ratios of the first layer's (or step's) gradient norm to the last one's."""


def saturated(subject: Subject) -> Iterator[Finding]:
    """Sigmoids and tanhs that are flat for nearly all that they are given."""
    hidden = _followed_by_parameters(subject)
    groups: dict[tuple[str, str], list[np.ndarray[Any, Any]]] = {}
    for v in subject.made_by("sigmoid", "tanh"):
        if id(v) in hidden:
            name = subject.trace.made(v).op.name
            flat = np.abs(v._data - 0.5) > 0.49 if name == "sigmoid" else np.abs(v._data) > 0.99
            groups.setdefault((subject.where(v), name), []).append(flat)
    for (where, name), parts in groups.items():
        share = np.mean(np.concatenate([part.ravel() for part in parts]))
        if share >= SATURATED:
            yield Finding(
                f"saturated {name}",
                where,
                f"{share:.0%} of its elements are within 0.01 of an end of its range",
                "there the slope is nearly 0, so nothing behind it learns",
                "smaller initial weights, inputs scaled to variance 1, a normalisation before "
                "it, or a smaller learning rate",
            )


def _followed_by_parameters(subject: Subject) -> set[int]:
    """Results that pass through further parameters on their way to the loss."""
    inputs = {
        id(v): [x for x in subject.trace.inputs(v) if isinstance(x, Node)]
        for v in subject.trace.order
    }
    weights = {key for key, leaf in subject.trace.leaves.items() if leaf.requires_grad}
    for v in subject.trace.order:  # what is made of weights alone, such as their transposes
        if len(inputs[id(v)]) == len(v.inputs) and all(id(x) in weights for x in inputs[id(v)]):
            weights.add(id(v))
    found: set[int] = set()
    for v in reversed(subject.trace.order):
        if id(v) in found or any(id(x) in weights for x in inputs[id(v)]):
            found.update(id(x) for x in inputs[id(v)])
    return found


def dead_relu(subject: Subject) -> Iterator[Finding]:
    """Rectified units that are 0 for every sample."""
    for v in subject.made_by("relu", "maximum"):
        y = v._data
        floor = subject.trace.inputs(v)[1:]
        if floor and (isinstance(floor[0], Node) or np.any(floor[0])):
            continue  # a maximum of two things
        if y.ndim < 2 or y.shape[0] < FEWEST_SAMPLES or y.shape[1] < FEWEST_UNITS:
            continue
        dead = np.all(y == 0, axis=(0, *range(2, y.ndim)))
        if dead.mean() >= DEAD:
            yield Finding(
                "dead relu",
                subject.where(v),
                f"{dead.sum()} of {dead.size} units are 0 for all {y.shape[0]} samples",
                "a unit that is 0 for all gets no gradient and never comes back",
                "a smaller learning rate, biases that do not start far below 0, He "
                "initialisation, or LeakyReLU",
            )


def norms_over_depth(subject: Subject) -> Iterator[Finding]:
    """Gradients that shrink or grow by the same factor from layer to layer."""
    layers: dict[int, tuple[int, str, Any]] = {}
    for v in subject.trace.order:
        scope = v.scope
        while scope is not None:
            own = getattr(scope.owner, "parameters", None)
            if own and v.requires_grad and any(True for _ in own(recurse=False)):
                layers[scope.start] = (scope.start, type(scope.owner).__name__, v)
            scope = scope.inner
    ordered = sorted(layers.values(), key=lambda layer: layer[0])
    norms = [_norm(subject, [v]) for _, _, v in ordered]
    if len(norms) >= DEEP and norms[0] is not None:
        first, last = subject.where(ordered[0][2]), subject.where(ordered[-1][2])
        yield from _judge(norms, f"{first} … {last}", "layer", "depth")


def norms_over_time(subject: Subject) -> Iterator[Finding]:
    """Gradients that shrink or grow by the same factor from step to step."""
    regions: dict[int, list[Node]] = {}
    for v in subject.trace.order:
        regions.setdefault(id(subject.trace.calls[id(v)]), []).append(v)
    for nodes in regions.values():
        found = loop(subject.trace, nodes)
        if found is not None and len(found.carried) >= LONG:
            norms = [_norm(subject, states) for states in found.carried]
            yield from _judge(norms, subject.where(found.carried[0][0]), "step", "time")


def _norm(subject: Subject, nodes: Sequence[Node]) -> float | None:
    """Norm of the loss's gradient by these nodes together."""
    total = 0.0
    for v in nodes:
        g = subject.gradients.get(id(v))
        if g is None or isinstance(g, dict):
            return None
        total += float(np.sum(np.square(np.asarray(g, np.float64))))
    return math.sqrt(total)


def _judge(norms: Sequence[float | None], where: str, unit: str, along: str) -> Iterator[Finding]:
    known = [n for n in norms if n is not None]
    if len(known) < len(norms) or not known[-1] or not math.isfinite(known[-1]):
        return
    ratio = known[0] / known[-1]
    if VANISHED <= ratio <= EXPLODED:
        return
    factor = ratio ** (1 / (len(known) - 1))
    end = "first" if along == "depth" else "earliest"
    saw = (
        f"from the last {unit} back to the {end} of {len(known)} the gradient's norm goes from "
        f"{known[-1]:.2g} to {known[0]:.2g}: a factor of {factor:.2g} a {unit}"
    )
    if ratio < VANISHED:
        fixes = {
            "depth": "ReLU and He initialisation, a normalisation in each layer, or residual sums",
            "time": "an LSTM or GRU, orthogonal recurrent weights, or shorter spans",
        }
        why = f"the {end} {unit}s learn nothing from the loss"
        yield Finding(f"vanishing gradients over {along}", where, saw, why, fixes[along])
    else:
        fixes = {
            "depth": "smaller initial weights, a normalisation in each layer, or clipping",
            "time": "clip the gradient's norm (nn.utils.clip_grad_norm_), smaller recurrent "
            "weights, or an LSTM",
        }
        why = "one step of such a size throws the weights far away"
        yield Finding(f"exploding gradients over {along}", where, saw, why, fixes[along])


CHECKS = (saturated, dead_relu, norms_over_depth, norms_over_time)
