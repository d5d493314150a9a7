"""gate_activations: the gates and states of a recurrent layer at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.value import Value
from autograd.viz.trace import Trace
from nn.layers.recurrent import GRU, LSTM, RNN
from nn.look.running import Array, layer_of, looking, seen_by
from nn.module import Module

Reader = Callable[[Node], dict[str, Node]]


def gate_activations(model: Module, x: Any, layer: str | Module | None = None) -> dict[str, Array]:
    """All gates and states of an LSTM, GRU or RNN, step by step.

    The fused kernel does not store them: they are read from its reference, as which the kernel is
    expanded in the recorded graph.

    Parameters
    ----------
    model : the recurrent layer itself, or a model that has it.
    x : the model's input; a tuple of several, such as ``(x, hx)``.
    layer : the recurrent layer or its path; optional if the model has only one.

    Returns
    -------
    dict, name -> array of shape (layers · directions, T, B, H), or without B where the layer's
        input has none; the first axis is ordered as in h_n. 0 beyond the length of a sequence.

        - LSTM: "input", "forget", "cell", "output", "c" and "h"
        - GRU: "reset", "update", "new" and "h"
        - RNN: "h"

    Raises
    ------
    TypeError
        The layer is not recurrent.
    ValueError
        Several recurrent layers and none chosen; a layer called several times or never.

    References
    ----------
    Karpathy, Johnson and Fei-Fei, "Visualizing and understanding recurrent networks", 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> gates = nn.look.gate_activations(nn.LSTM(3, 4, rng=0), np.ones((5, 2, 3), np.float32))
    >>> {name: array.shape for name, array in gates.items()}["forget"]
    (1, 5, 2, 4)
    >>> c = gates["forget"][0, 1] * gates["c"][0, 0] + gates["input"][0, 1] * gates["cell"][0, 1]
    >>> bool(np.allclose(c, gates["c"][0, 1]))
    True
    """
    who = "gate_activations"
    chosen = _recurrent(who, model, layer)
    with looking(model):
        _, given, y = seen_by(who, model, chosen, x)
        trace = Trace([*values(y)], open_kernels=True)
    opened = [(v, ys) for v, ys in trace.opened if v.op.name.endswith("_scan")]
    found: list[dict[str, Array]] = []
    for weights in chosen.all_weights:
        scan = [(v, ys) for v, ys in opened if any(p is weights[1] for p in v.inputs)]
        if len(scan) != 1:
            raise ValueError(
                f"{who}: no graph of the {type(chosen).__name__} was recorded: its parameters are "
                "frozen, and its input is no float."
            )
        found.append(_steps(*scan[0], READERS[type(chosen)]))
    gates = {name: np.stack([part[name] for part in found]) for name in found[0]}
    single = isinstance(given[0], (Value, np.ndarray)) and given[0].ndim == 2
    return {name: a[:, :, 0] if single else a for name, a in gates.items()}


def _recurrent(who: str, model: Module, layer: str | Module | None) -> Any:
    if layer is None:
        own = [m for m in model.modules() if type(m) in READERS]
        if len(own) != 1:
            paths = [path for path, m in model.named_modules() if type(m) in READERS]
            raise ValueError(
                f"{who}: the model has {len(own)} recurrent layers"
                + (f"; choose one of {', '.join(map(repr, paths))}." if own else ".")
            )
        return own[0]
    chosen = layer_of(who, model, layer)
    if type(chosen) not in READERS:
        raise TypeError(
            f"{who}: layer must be an nn.LSTM, nn.GRU or nn.RNN, got {type(chosen).__name__}."
        )
    return chosen


def values(y: Any) -> Iterator[Value]:
    """Every Value in what a module returned."""
    if isinstance(y, Value):
        yield y
    elif isinstance(y, (tuple, list)):
        for part in y:
            yield from values(part)


def _steps(scan: Node, ys: Any, read: Reader) -> dict[str, Array]:
    """What a reader finds at each step of an opened scan, stacked: (T, B, H)."""
    steps = []
    for valid, h in outputs(ys):
        found = {name: np.asarray(v._data) for name, v in read(h).items()}
        steps.append({k: a if valid is None else np.where(valid, a, 0) for k, a in found.items()})
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


def outputs(ys: Any) -> Iterator[tuple[Array | None, Node]]:
    """The state h after each step of an opened scan; and where it is not beyond its sequence."""
    for y in ys[0].inputs:
        if y.op.name == "where":
            yield y.inputs[0], y.inputs[1]
        else:
            yield None, y


def read_lstm(h: Any) -> dict[str, Any]:
    """h = o tanh(c), c = f c' + i g, as the reference writes it; h may be projected."""
    out = h.inputs[0] if h.op.name == "matmul" else h
    o, squashed = out.inputs
    (c,) = squashed.inputs
    kept, new = c.inputs
    i, g = new.inputs
    return {"input": i, "forget": kept.inputs[0], "cell": g, "output": o, "c": c, "h": h}


def read_gru(h: Any) -> dict[str, Any]:
    """h = (1 − z) n + z h', n = tanh(a + r b), as the reference writes it."""
    new, kept = h.inputs
    z, n = kept.inputs[0], new.inputs[1]
    (inside,) = n.inputs
    return {"reset": inside.inputs[1].inputs[0], "update": z, "new": n, "h": h}


def read_rnn(h: Any) -> dict[str, Any]:
    """H alone."""
    return {"h": h}


READERS: dict[type, Reader] = {LSTM: read_lstm, GRU: read_gru, RNN: read_rnn}
