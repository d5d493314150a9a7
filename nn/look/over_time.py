"""gradient_norms_over_time: vanishing and exploding gradients, measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.node import Node
from autograd.value import Value
from autograd.viz.blocks import loop
from autograd.viz.gradients import gradients
from autograd.viz.labels import call_labels
from autograd.viz.trace import Call, Trace
from nn.look.gates import outputs, read_lstm
from nn.look.running import Array


def gradient_norms_over_time(loss: Any, *, apart: bool = False) -> dict[str, Array]:
    r"""The norm of a loss's gradient with respect to the state after each recurrent step.

    .. math:: \| \partial L / \partial s_t \|, \quad t = 1 \ldots T

    Recurrent kernels, of layers and of cells, are expanded into their steps. The state :math:`s_t`
    is :math:`h_t`, and :math:`(h_t, c_t)` in an LSTM, where :math:`c_t` also acts through
    :math:`h_t`. A loop written with other ops is recognized by its repetition; its states are the
    values carried to the next iteration.

    Parameters
    ----------
    loss : Value, before its backward pass.
    apart : the norms of h and c of an LSTM, and of each value that a loop carries, by themselves.

    Returns
    -------
    dict, module of each layer, direction or loop -> array of T norms, in the order in which the
        steps ran; 0 for a state that the loss does not depend on. If `apart`, the names end in that
        of the state: "LSTM, h", "LSTM, c".

    Raises
    ------
    TypeError
        The loss is not a Value.
    ValueError
        The loss depends on no recurrent layer and no loop of at least three steps.

    References
    ----------
    Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is
    difficult", 1994.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.RNN(2, 4, rng=0)
    >>> y, h = layer(np.ones((30, 1, 2), np.float32))
    >>> norms = nn.look.gradient_norms_over_time(np.sum(h))["RNN"]
    >>> norms.shape, float(norms[-1]), bool(norms[0] < 1e-3)
    ((30,), 2.0, True)
    >>> y, _ = nn.LSTM(2, 4, rng=0)(np.ones((30, 1, 2), np.float32))
    >>> list(nn.look.gradient_norms_over_time(np.sum(y), apart=True))
    ['LSTM, h', 'LSTM, c']
    """
    if not isinstance(loss, Value):
        raise TypeError(
            f"gradient_norms_over_time: takes a loss, a Value, not {type(loss).__name__}."
        )
    trace = Trace([loss], open_kernels=True)
    found = [*_scans(trace), *_loops(trace)]
    if not found:
        raise ValueError(
            "gradient_norms_over_time: there is no recurrent layer, and no loop of at least three "
            "steps, behind the loss."
        )
    slopes = gradients(trace, {id(v) for _, steps in found for step in steps for v in step})
    labels = call_labels([call for call in trace.calls.values() if call])
    norms: dict[str, Array] = {}
    taken: Counter[str] = Counter()
    for call, steps in found:
        name = labels[id(call)].partition(", call")[0] if call else "loop"
        taken[name] += 1
        name = name if taken[name] == 1 else f"{name} ({taken[name]})"
        parts = {name: steps}
        if apart:
            lines = [[[v] for v in line] for line in zip(*steps, strict=False)]
            names = [f"{name}, {state}" for state in _states(trace, steps[0])]
            parts = dict(zip(names, lines, strict=True))
        for part, line in parts.items():
            norms[part] = np.array([_norm(slopes, step) for step in line])
    return norms


def _states(trace: Trace, states: list[Node]) -> list[str]:
    """What the states of a step are called: h and c in a kernel."""
    call = trace.calls[id(trace.alias.get(id(states[0]), states[0]))]
    if call is not None and isinstance(call.owner, KernelOp):
        return ["h", "c"][: len(states)]
    return [v.name or f"state {k}" for k, v in enumerate(states, 1)]


def _scans(trace: Trace) -> list[tuple[Call | None, list[list[Node]]]]:
    """The states after each step of the recurrent kernels, and the modules that called them.

    Kernels that start from the last state of another, such as cells, count as one.
    """
    chains: dict[int, tuple[Call | None, list[list[Node]]]] = {}
    for v, ys in trace.opened:
        if not v.op.name.endswith("_scan"):
            continue
        steps = [[h] for _, h in outputs(ys)]
        if v.op.name == "lstm_scan":
            steps = [[h, read_lstm(h)["c"]] for (h,) in steps]
        if v.static[v.op.parameters.index("reverse") - len(v.inputs)]:
            steps.reverse()
        before = _started_by(v)
        if before in chains:
            chains[id(v)] = chains.pop(before)
            chains[id(v)][1].extend(steps)
        else:
            first = steps[0][0]
            inner = trace.calls[id(trace.alias.get(id(first), first))]
            chains[id(v)] = (inner.parent if inner else None), steps
    return [*chains.values()]


def _started_by(scan: Node) -> int:
    """The kernel whose last state is the initial state of this one."""
    at = scan.inputs[1]
    while isinstance(at, Node) and at.inputs and at.op is not scan.op:
        at = at.inputs[0]
    return id(at)


def _loops(trace: Trace) -> Iterator[tuple[Call | None, list[list[Node]]]]:
    """The states that loops outside kernels carry."""
    regions: dict[int, list[Node]] = {}
    for v in trace.order:
        call = trace.calls[id(v)]
        if call is None or not isinstance(call.owner, KernelOp):
            regions.setdefault(id(call), []).append(v)
    for nodes in regions.values():
        if (found := loop(trace, nodes)) is not None:
            yield trace.calls[id(found.carried[0][0])], found.carried


def _norm(slopes: dict[int, Any], states: list[Node]) -> float:
    """Norm of the gradient with respect to these states together; 0 if the loss ignores them."""
    parts = [slopes[id(v)] for v in states if slopes.get(id(v)) is not None]
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in parts))
