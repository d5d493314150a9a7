"""Checks of numbers: saturated and dead units, vanishing and exploding gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node
from autograd.readers.lint.finding import Finding, Subject
from autograd.viz.blocks import loop

SATURATED, DEAD = 0.8, 0.5
"""Shares of a layer's elements, and of its units, from which they are reported."""

FEWEST_SAMPLES, FEWEST_UNITS = 8, 4
"""With fewer, a layer may be dead by chance."""

DEEP, LONG = 4, 8
"""Layers, and time steps, from which a factor per layer or step is meaningful."""

VANISHED, EXPLODED = 1e-4, 1e3
"""Ratios of the first layer's (or step's) gradient norm to the last one's."""

GATED_LONG, GATE_SHUT = 45, 0.3
"""A new forget gate halves the gradient at each step and opens where there is something to keep:
of shorter sequences, only a smaller factor is a fault."""


def saturated(subject: Subject) -> Iterator[Finding]:
    """Sigmoids, tanhs and softmaxes that are saturated for nearly all of their inputs."""
    hidden = _followed_by_parameters(subject)
    groups: dict[tuple[str, str], list[tuple[Node, np.ndarray[Any, Any]]]] = {}
    for v in subject.made_by("sigmoid", "tanh", "softmax"):
        if id(v) in hidden and v._data.ndim:
            name = subject.trace.made(v).op.name
            flat = np.abs(v._data) > 0.99
            if name == "sigmoid":
                flat = np.abs(v._data - 0.5) > 0.49
            elif name == "softmax":
                axis = subject.trace.made(v).static[0]
                if not isinstance(axis, int) or v._data.shape[axis] < FEWEST_UNITS:
                    continue
                flat = np.max(v._data, axis) > 0.99
            groups.setdefault((subject.where(v), name), []).append((v, flat))
    for (where, name), layer_parts in groups.items():
        layer, parts = zip(*layer_parts, strict=True)
        share = np.mean(np.concatenate([part.ravel() for part in parts]))
        if share >= SATURATED:
            yield Finding(
                f"saturated {name}",
                where,
                f"{share:.0%} of its rows have one weight above 0.99"
                if name == "softmax"
                else f"{share:.0%} of its elements are within 0.01 of an end of its range",
                "there the slope is nearly 0, so the layers before it hardly learn",
                "scores divided by the root of their number of features, normalized inputs, or "
                "smaller initial weights"
                if name == "softmax"
                else "smaller initial weights, inputs scaled to variance 1, normalization before "
                "it, or a smaller learning rate",
                layer[0],
            )


def _followed_by_parameters(subject: Subject) -> set[int]:
    """Results that pass through further parameters on their way to the loss."""
    inputs = {
        id(v): [x for x in subject.trace.inputs(v) if isinstance(x, Node)]
        for v in subject.trace.order
    }
    weights = {key for key, leaf in subject.trace.leaves.items() if leaf.requires_grad}
    for v in subject.trace.order:  # results of weights alone, such as transposes, count as weights
        if len(inputs[id(v)]) == len(v.inputs) and all(id(x) in weights for x in inputs[id(v)]):
            weights.add(id(v))
    found: set[int] = set()
    for v in reversed(subject.trace.order):
        if id(v) in found or any(id(x) in weights for x in inputs[id(v)]):
            found.update(id(x) for x in inputs[id(v)])
    return found


def dead_relu(subject: Subject) -> Iterator[Finding]:
    """ReLU units that are 0 for every sample."""
    for v in subject.made_by("relu", "maximum"):
        y = v._data
        floor = subject.trace.inputs(v)[1:]
        if floor and (isinstance(floor[0], Node) or np.any(floor[0])):
            continue  # a maximum of two arrays
        if y.ndim < 2 or y.shape[0] < FEWEST_SAMPLES or y.shape[1] < FEWEST_UNITS:
            continue
        dead = np.all(y == 0, axis=(0, *range(2, y.ndim)))
        always = np.all(y > 0, axis=(0, *range(2, y.ndim)))
        if dead.mean() >= DEAD and always.mean() < dead.mean() / 2:  # else all samples look alike
            yield Finding(
                "dead relu",
                subject.where(v),
                f"{dead.sum()} of {dead.size} units are 0 for all {y.shape[0]} samples",
                "a unit that is 0 for all samples gets no gradient, so it stays dead",
                "a smaller learning rate, biases that do not start far below 0, He "
                "initialization, or LeakyReLU",
                v,
            )


def norms_over_depth(subject: Subject) -> Iterator[Finding]:
    """Gradients that shrink or grow by the same factor from layer to layer."""
    layers: dict[int, Node] = {}  # when a layer was called -> its result
    calls: dict[int, set[int]] = {}  # layer -> its calls: a cell in a loop is no depth
    for v in subject.trace.order:
        scope = v.scope
        while scope is not None:
            own = getattr(scope.owner, "parameters", None)
            if own and v.requires_grad and any(True for _ in own(recurse=False)):
                layers[scope.start] = v
                calls.setdefault(id(scope.owner), set()).add(scope.start)
            scope = scope.inner
    once = {start for starts in calls.values() if len(starts) == 1 for start in starts}
    ordered = [v for start, v in sorted(layers.items()) if start in once]
    norms = [_norm(subject, [v]) for v in ordered]
    if len(norms) >= DEEP and norms[0] is not None:
        first, last = subject.where(ordered[0]), subject.where(ordered[-1])
        yield from _judge(norms, f"{first} … {last}", "layer", DEPTH, ordered[0])


def norms_over_time(subject: Subject) -> Iterator[Finding]:
    """Gradients that shrink or grow by the same factor from step to step."""
    regions: dict[int, list[Node]] = {}
    for v in subject.trace.order:
        regions.setdefault(id(subject.trace.calls[id(v)]), []).append(v)
    for nodes in regions.values():
        found = loop(subject.trace, nodes)
        if found is not None and len(found.carried) >= LONG:
            norms = [_norm(subject, states) for states in found.carried]
            gated = any(subject.trace.made(v).op.name == "sigmoid" for v in found.steps[0])
            first = found.carried[0][0]
            axis = GATED if gated else TIME
            if gated and len(norms) < GATED_LONG:
                axis = axis._replace(vanished=min(VANISHED, GATE_SHUT ** (len(norms) - 1)))
            yield from _judge(norms, subject.where(first), "step", axis, first)


def _norm(subject: Subject, nodes: Sequence[Node]) -> float | None:
    """Norm of the loss's gradient with respect to these nodes together."""
    total = 0.0
    for v in nodes:
        g = subject.gradients.get(id(v))
        if g is None or isinstance(g, dict):
            return None
        total += float(np.sum(np.square(np.asarray(g, np.float64))))
    return math.sqrt(total)


class Axis(NamedTuple):
    """What a gradient goes along, and what helps where it gets lost or too large."""

    name: str
    vanished: float
    vanishing: str
    exploding: str


DEPTH = Axis(
    "depth",
    VANISHED,
    "ReLU and He initialization, normalization in each layer, or skip connections",
    "smaller initial weights, normalization in each layer, or gradient clipping",
)
TIME = Axis(
    "time",
    VANISHED,
    "an LSTM or GRU, orthogonal recurrent weights, or shorter sequences",
    "clip the gradient's norm (nn.utils.clip_grad_norm_), smaller recurrent weights, or an LSTM",
)
GATED = TIME._replace(
    vanishing="gates that begin open, such as 1 to 4 added to an LSTM's forget bias; shorter "
    "sequences, or a loss at more of the steps",
    exploding="clip the gradient's norm (nn.utils.clip_grad_norm_), or smaller recurrent weights",
)


def _judge(
    norms: Sequence[float | None], where: str, unit: str, axis: Axis, node: Node
) -> Iterator[Finding]:
    known = [n for n in norms if n is not None]
    if len(known) < len(norms) or not known[-1] or not math.isfinite(known[-1]):
        return
    ratio = known[0] / known[-1]
    if axis.vanished <= ratio <= EXPLODED:
        return
    factor = ratio ** (1 / (len(known) - 1))
    end = "first" if axis is DEPTH else "earliest"
    saw = (
        f"from the last {unit} back to the {end} of {len(known)} the gradient's norm goes from "
        f"{known[-1]:.2g} to {known[0]:.2g}: a factor of {factor:.2g} a {unit}"
    )
    if ratio < axis.vanished:
        why = f"the {end} {unit}s learn nothing from the loss"
        check, fix = f"vanishing gradients over {axis.name}", axis.vanishing
    else:
        why = "a single step of this size moves the weights far away"
        check, fix = f"exploding gradients over {axis.name}", axis.exploding
    yield Finding(check, where, saw, why, fix, node)


CHECKS = (saturated, dead_relu, norms_over_depth, norms_over_time)
