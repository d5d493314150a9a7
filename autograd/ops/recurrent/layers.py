"""Recurrent layers on top of each other and side by side: `rnn`, `lstm` and `gru`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.ops.recurrent.scans import gru_scan, lstm_scan, rnn_scan
from autograd.random import Rng, as_generator
from autograd.value import Value

Weights = Sequence[Sequence[Any]]


def rnn(
    x: Any,
    weights: Weights,
    hx: Any = None,
    *,
    nonlinearity: str = "tanh",
    lengths: Any = None,
    bidirectional: bool = False,
    batch_first: bool = False,
    dropout: float = 0.0,
    rng: Rng = None,
) -> tuple[Any, Any]:
    """Elman layers on top of each other.

    Parameters
    ----------
    x : array or Value, (T, B, I), or (B, T, I) with `batch_first`; (T, I) for one sequence.
    weights : sequence of (w_ih, w_hh) or (w_ih, w_hh, b_ih, b_hh)
        One for each layer, and direction: layer 0 forward, layer 0 backward, layer 1 forward ...
    hx : (layers · directions, B, H), or without B, optional
        The first states; zeros by default.
    nonlinearity : "tanh" or "relu".
    lengths : B integers, optional
        The steps of each sequence; padding costs no work and takes no gradient.
    bidirectional : bool
        Each layer runs in both directions, and hands on both outputs side by side.
    batch_first : bool
        Batch before time, in x and y.
    dropout : float
        Probability with which an output of a layer that another one reads is set to 0.
    rng : numpy.random.Generator or int, optional
        For dropout.

    Returns
    -------
    y : Value, (T, B, H · directions): the outputs of the last layer.
    h : Value, (layers · directions, B, H): the states after the last step.
        Both without B where x is.

    Raises
    ------
    ValueError, TypeError : shapes, dtypes or lengths that don't fit together.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> w, u = autograd.Value(np.ones((2, 3))), autograd.Value(np.eye(2))
    >>> y, h = autograd.rnn(np.zeros((5, 4, 3)), [(w, u)], lengths=[5, 2, 0, 1])
    >>> y.shape, h.shape
    ((5, 4, 2), (1, 4, 2))
    """

    def layer(x: Any, state: Any, w: Sequence[Any], reverse: bool) -> Any:
        return rnn_scan(x, *state, *w, lengths=lengths, reverse=reverse, nonlinearity=nonlinearity)

    y, (h,) = _stacked(
        layer, x, weights, {"hx": hx}, (2, 4), bidirectional, batch_first, dropout, rng
    )
    return y, h


def lstm(
    x: Any,
    weights: Weights,
    hx: tuple[Any, Any] | None = None,
    *,
    lengths: Any = None,
    bidirectional: bool = False,
    batch_first: bool = False,
    dropout: float = 0.0,
    rng: Rng = None,
) -> tuple[Any, tuple[Any, Any]]:
    """LSTM layers on top of each other; as `rnn`, with states (h, c) and y, (h, c) returned.

    Weights of a layer may end with one more, w_hr (P, H): it projects the outputs, which then are
    P wide, as are h and the last axis of w_hh (4H, P).

    Examples
    --------
    >>> import numpy as np, autograd
    >>> w, u = autograd.Value(np.ones((8, 3))), autograd.Value(np.ones((8, 2)))
    >>> y, (h, c) = autograd.lstm(np.zeros((5, 4, 3)), [(w, u)])
    >>> y.shape, h.shape, c.shape
    ((5, 4, 2), (1, 4, 2), (1, 4, 2))
    """

    def layer(x: Any, state: Any, w: Sequence[Any], reverse: bool) -> Any:
        w_hr = w[-1] if len(w) % 2 else None
        w = w[: len(w) // 2 * 2]
        return lstm_scan(x, *state, *w, w_hr=w_hr, lengths=lengths, reverse=reverse)

    if hx is not None and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
        raise TypeError(f"lstm: hx must be a pair (h, c), got {type(hx).__name__}.")
    h, c = (None, None) if hx is None else hx
    y, last = _stacked(
        layer, x, weights, {"hx[0]": h, "hx[1]": c}, (2, 3, 4, 5), bidirectional, batch_first,
        dropout, rng,
    )  # fmt: skip
    return y, (last[0], last[1])


def gru(
    x: Any,
    weights: Weights,
    hx: Any = None,
    *,
    lengths: Any = None,
    bidirectional: bool = False,
    batch_first: bool = False,
    dropout: float = 0.0,
    rng: Rng = None,
) -> tuple[Any, Any]:
    """GRU layers on top of each other; as `rnn`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> w, u = autograd.Value(np.ones((6, 3))), autograd.Value(np.ones((6, 2)))
    >>> y, h = autograd.gru(np.zeros((5, 4, 3)), [(w, u), (w[:, :2], u)], dropout=0.5, rng=0)
    >>> y.shape, h.shape
    ((5, 4, 2), (2, 4, 2))
    """

    def layer(x: Any, state: Any, w: Sequence[Any], reverse: bool) -> Any:
        return gru_scan(x, *state, *w, lengths=lengths, reverse=reverse)

    y, (h,) = _stacked(
        layer, x, weights, {"hx": hx}, (2, 4), bidirectional, batch_first, dropout, rng
    )
    return y, h


def _stacked(
    layer: Callable[[Any, Any, Sequence[Any], bool], Any],
    x: Any,
    weights: Weights,
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
            keep = as_generator(rng).random(y.shape, np.float32) >= dropout
            y = y * (keep / np.asarray(max(1 - dropout, 1e-9), y.dtype)).astype(y.dtype)
        outputs = []
        for k in range(directions):
            state = [None if s is None else s[first + k] for s in states]
            out, *after = layer(y, state, weights[first + k], k == 1)
            outputs.append(out)
            last.append(after)
        y = outputs[0] if directions == 1 else np.concatenate(outputs, axis=2)
    stacked = [np.stack(parts) for parts in zip(*last, strict=True)]
    if single:
        return y[:, 0], [s[:, 0] for s in stacked]
    return (np.swapaxes(y, 0, 1) if batch_first else y), stacked


def as_array(x: Any) -> Any:
    """A Value as it is, all else as an array."""
    return x if isinstance(x, Value) else np.asarray(x)
