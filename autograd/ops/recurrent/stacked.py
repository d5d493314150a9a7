"""Recurrent layers on top of each other and side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.random import Rng, draw
from autograd.value import Value


def stacked(
    layer: Callable[[Any, Any, Sequence[Any], bool], Any],
    x: Any,
    weights: Sequence[Sequence[Any]],
    named: dict[str, Any],
    counts: tuple[int, ...],
    bidirectional: bool,
    batch_first: bool,
    dropout: float,
    rng: Rng,
) -> tuple[Any, list[Any]]:
    """Scans on top of each other and side by side; the last outputs, and each state stacked."""
    directions = 2 if bidirectional else 1
    if not weights or len(weights) % directions:
        raise ValueError(
            f"weights must hold one tuple for each layer and direction ({directions} a layer), "
            f"got {len(weights)}."
        )
    for k, w in enumerate(weights):
        if not isinstance(w, (tuple, list)) or len(w) not in counts:
            got = len(w) if isinstance(w, (tuple, list)) else type(w).__name__
            raise ValueError(
                f"weights[{k}] must hold (w_ih, w_hh) or (w_ih, w_hh, b_ih, b_hh)"
                f"{', and w_hr behind to project' if 5 in counts else ''}, got {got}."
            )
    if not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
        raise ValueError(f"dropout must be between 0 and 1, got {dropout}.")
    x = as_array(x)
    states = [None if s is None else as_array(s) for s in named.values()]
    single = len(x.shape) == 2
    if not single and len(x.shape) != 3:
        raise ValueError(
            "x must have three axes, time, batch and features, or two without batch, "
            f"got {x.shape}."
        )
    batch = () if single else (x.shape[0 if batch_first else 1],)
    for name, s in zip(named, states, strict=True):
        wanted = (len(weights), *batch)
        if s is not None and (len(s.shape) != len(wanted) + 1 or s.shape[:-1] != wanted):
            raise ValueError(
                f"{name} must have shape (layers · directions, {'' if single else 'B, '}H), for "
                f"{len(weights)} weights and x {x.shape} {(*wanted, 'H')}, got {s.shape}."
            )
    if single:
        x, batch_first = np.expand_dims(x, 1), False
        states = [None if s is None else np.expand_dims(s, 1) for s in states]
    y = np.swapaxes(x, 0, 1) if batch_first else x
    last: list[Any] = []
    for first in range(0, len(weights), directions):
        if first and dropout:
            keep = draw(rng, "random", y.shape, np.float32) >= dropout
            y = y * (keep / np.asarray(max(1 - dropout, 1e-9), y.dtype)).astype(y.dtype)
        outputs = []
        for k in range(directions):
            state = [None if s is None else s[first + k] for s in states]
            out, *after = layer(y, state, weights[first + k], k == 1)
            outputs.append(out)
            last.append(after)
        y = outputs[0] if directions == 1 else np.concatenate(outputs, axis=2)
    stacked = [_stack(parts) for parts in zip(*last, strict=True)]
    if single:
        return y[:, 0], [s[:, 0] for s in stacked]
    return (np.swapaxes(y, 0, 1) if batch_first else y), stacked


def _stack(parts: Sequence[Any]) -> Any:
    """The states of all layers and directions, (layers · directions, B, H); one is not copied."""
    if len(parts) > 1:
        return np.stack(parts)
    return parts[0].reshape((1, *parts[0].shape))


def as_array(x: Any) -> Any:
    """A Value as it is, all else as an array."""
    return x if isinstance(x, Value) else np.asarray(x)
