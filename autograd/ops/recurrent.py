"""Recurrent layers: whole sequences as one fused op, and stacks of them.

A fused scan is one layer in one direction; its reference in `cells` is the same, step by step.
`rnn`, `lstm` and `gru` put scans on top of each other and side by side.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.ops.cells import activation, checked, gru_reference, lstm_reference, rnn_reference
from autograd.ops.domains import A, case
from autograd.random import Rng, as_generator


def kernels() -> Any:
    """The module of the kernels; Numba is imported on first use."""
    return importlib.import_module("autograd.kernels.recurrent")


def native(a: Any) -> Any:
    """An input as kernels take it: C-contiguous, in the machine's byte order; None stays.

    Numba would compile the kernels anew for arrays that are read-only or not aligned.
    """
    if a is None or (a.ndim == 0 and a.dtype == object):  # a Symbol holds None as an array
        return None
    if a.flags.carray and a.dtype.isnative:  # contiguous, aligned, writable
        return a
    return np.array(a, a.dtype.newbyteorder("="), order="C")


def _rnn_scan(
    x: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> tuple[Any, Any]:
    r"""One direction of one Elman layer over a whole sequence, fused.

    .. math:: h_t = \tanh(W x_t + b + U h_{t-1} + c)

    Parameters
    ----------
    x : array or Value, (T, B, I).
    h0 : (B, H) or None for zeros.
    w_ih : (H, I).
    w_hh : (H, H).
    b_ih, b_hh : (H,) or None.
    lengths : B integers, optional
        The steps of each sequence. What comes after is not read: y is 0 there, and the last state
        is that of the last step.
    reverse : bool
        From the last step of each sequence to the first; y stays in the order of x.
    nonlinearity : "tanh" or "relu".

    Returns
    -------
    y : Value, (T, B, H).
    h : Value, (B, H), the state after the last step.

    Raises
    ------
    ValueError, TypeError : shapes, dtypes or lengths that don't fit together.
    """
    activation(nonlinearity)
    inputs = [native(a) for a in (x, h0, w_ih, w_hh, b_ih, b_hh)]
    x, h0, w_ih, w_hh, b_ih, b_hh = inputs
    n = checked(x, (h0,), w_ih, w_hh, b_ih, b_hh, 1, lengths)
    y, saved = kernels().rnn(*inputs, n, reverse, nonlinearity == "relu")
    return y, saved


def _lstm_scan(
    x: Any,
    h0: Any,
    c0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    r"""One direction of one LSTM layer over a whole sequence, fused.

    .. math:: c_t = f_t c_{t-1} + i_t g_t \qquad h_t = o_t \tanh c_t

    Parameters
    ----------
    x : array or Value, (T, B, I).
    h0, c0 : (B, H) or None for zeros.
    w_ih : (4H, I), the gates in PyTorch's order: input, forget, cell, output.
    w_hh : (4H, H).
    b_ih, b_hh : (4H,) or None.
    lengths, reverse
        As in `rnn_scan`.

    Returns
    -------
    y : Value, (T, B, H).
    h, c : Values, (B, H), the states after the last step.

    Raises
    ------
    ValueError, TypeError : shapes, dtypes or lengths that don't fit together.

    References
    ----------
    Hochreiter & Schmidhuber, Long short-term memory, 1997; forget gates of Gers et al., 2000.
    """
    inputs = [native(a) for a in (x, h0, c0, w_ih, w_hh, b_ih, b_hh)]
    x, h0, c0, w_ih, w_hh, b_ih, b_hh = inputs
    n = checked(x, (h0, c0), w_ih, w_hh, b_ih, b_hh, 4, lengths)
    y, saved = kernels().lstm(*inputs, n, reverse)
    return y, saved


def _gru_scan(
    x: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    r"""One direction of one GRU layer over a whole sequence, fused.

    .. math:: h_t = (1 - z_t) n_t + z_t h_{t-1} \qquad
        n_t = \tanh(W_n x_t + b_n + r_t (U_n h_{t-1} + c_n))

    Parameters
    ----------
    x : array or Value, (T, B, I).
    h0 : (B, H) or None for zeros.
    w_ih : (3H, I), the gates in PyTorch's order: reset, update, new.
    w_hh : (3H, H).
    b_ih, b_hh : (3H,) or None.
    lengths, reverse
        As in `rnn_scan`.

    Returns
    -------
    y : Value, (T, B, H).
    h : Value, (B, H), the state after the last step.

    Raises
    ------
    ValueError, TypeError : shapes, dtypes or lengths that don't fit together.

    References
    ----------
    Cho et al., 2014; the reset gate after the product, as in cuDNN and PyTorch.
    """
    inputs = [native(a) for a in (x, h0, w_ih, w_hh, b_ih, b_hh)]
    x, h0, w_ih, w_hh, b_ih, b_hh = inputs
    n = checked(x, (h0,), w_ih, w_hh, b_ih, b_hh, 3, lengths)
    y, saved = kernels().gru(*inputs, n, reverse)
    return y, saved


def _grad(g: Any, needs: Sequence[bool], y: Any, saved: Any, *others: Any) -> Any:
    """The gradients, by the scan's own kernel run from the last step to the first."""
    return saved.backward([None if part is None else native(part) for part in g], needs)


# fmt: off
rnn_scan = KernelOp(_rnn_scan, r"\operatorname{{rnn}}\left({x}\right)", _grad, reference=rnn_reference, arity=6, name="rnn_scan",
                    cases=(case(A(3, 2, 2), A(2, 3), A(3, 2), A(3, 3), A(3), A(3)), case(A(3, 3, 1), None, A(2, 1), A(2, 2), lengths=(2, 3, 0), reverse=True),
                           case(A(2, 1, 2), A(1, 2), A(2, 2), A(2, 2), A(2), nonlinearity="relu")))
lstm_scan = KernelOp(_lstm_scan, r"\operatorname{{lstm}}\left({x}\right)", _grad, reference=lstm_reference, arity=7, name="lstm_scan",
                     cases=(case(A(2, 2, 2), A(2, 2), A(2, 2), A(8, 2), A(8, 2), A(8), A(8)), case(A(3, 3, 1), None, A(3, 1), A(4, 1), A(4, 1), lengths=(2, 3, 0), reverse=True)))
gru_scan = KernelOp(_gru_scan, r"\operatorname{{gru}}\left({x}\right)", _grad, reference=gru_reference, arity=6, name="gru_scan",
                    cases=(case(A(2, 2, 2), A(2, 2), A(6, 2), A(6, 2), A(6), A(6)), case(A(3, 3, 1), None, A(3, 1), A(3, 1), None, A(3), lengths=(2, 3, 0), reverse=True)))
# fmt: on


Weights = Sequence[Sequence[Any]]


def rnn(
    x: Any,
    weights: Weights,
    h0: Any = None,
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
    x : array or Value, (T, B, I), or (B, T, I) with `batch_first`.
    weights : sequence of (w_ih, w_hh) or (w_ih, w_hh, b_ih, b_hh)
        One for each layer, and direction: layer 0 forward, layer 0 backward, layer 1 forward ...
    h0 : (layers · directions, B, H), optional
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

    y, (h,) = _stacked(layer, x, weights, (h0,), bidirectional, batch_first, dropout, rng)
    return y, h


def lstm(
    x: Any,
    weights: Weights,
    state: tuple[Any, Any] | None = None,
    *,
    lengths: Any = None,
    bidirectional: bool = False,
    batch_first: bool = False,
    dropout: float = 0.0,
    rng: Rng = None,
) -> tuple[Any, tuple[Any, Any]]:
    """LSTM layers on top of each other; as `rnn`, with states (h, c) and y, (h, c) returned.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> w, u = autograd.Value(np.ones((8, 3))), autograd.Value(np.ones((8, 2)))
    >>> y, (h, c) = autograd.lstm(np.zeros((5, 4, 3)), [(w, u)])
    >>> y.shape, h.shape, c.shape
    ((5, 4, 2), (1, 4, 2), (1, 4, 2))
    """

    def layer(x: Any, state: Any, w: Sequence[Any], reverse: bool) -> Any:
        return lstm_scan(x, *state, *w, lengths=lengths, reverse=reverse)

    states = (None, None) if state is None else state
    y, last = _stacked(layer, x, weights, states, bidirectional, batch_first, dropout, rng)
    return y, (last[0], last[1])


def gru(
    x: Any,
    weights: Weights,
    h0: Any = None,
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

    y, (h,) = _stacked(layer, x, weights, (h0,), bidirectional, batch_first, dropout, rng)
    return y, h


def _stacked(
    layer: Callable[[Any, Any, Sequence[Any], bool], Any],
    x: Any,
    weights: Weights,
    states: Sequence[Any],
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
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout must be between 0 and 1, got {dropout}.")
    if len(x.shape) != 3:
        raise ValueError(f"x must have three axes, time, batch and features, got {x.shape}.")
    for name, s in zip(("h0", "c0"), states, strict=False):
        if s is not None and (len(s.shape) != 3 or s.shape[0] != len(weights)):
            raise ValueError(
                f"{name} must have shape (layers · directions, B, H), with {len(weights)} weights "
                f"({len(weights)}, {x.shape[0 if batch_first else 1]}, H), got {s.shape}."
            )
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
    return (np.swapaxes(y, 0, 1) if batch_first else y), stacked
