"""Recurrent layers: whole sequences as one fused op, and the cells that define them.

A fused scan is one layer in one direction. Its reference is the same layer as `scan` runs it: a cell,
gate by gate, once a step. `rnn`, `lstm` and `gru` stack the fused scans.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.ops.activations import relu, sigmoid
from autograd.ops.domains import A, case
from autograd.random import Rng, as_generator

Array = np.ndarray[Any, Any]
Cell = Callable[[Any, Any], tuple[Any, Any]]
NONLINEARITIES = {"tanh": np.tanh, "relu": relu}


def scan(cell: Cell, xs: Any, state: Any, *, lengths: Any = None, reverse: bool = False) -> Any:
    r"""Run a cell of your own over a sequence, step by step.

    .. math:: y_t, s_t = \operatorname{cell}(x_t, s_{t-1})

    Parameters
    ----------
    cell : callable
        ``cell(x, state) -> (y, state)``; x is (B, ...), a state one array or Value, or a tuple of
        them, each (B, ...).
    xs : array or Value, (T, B, ...), T >= 1.
    state : the state before the first step.
    lengths : array of B integers, optional
        How many steps each sequence has; the state then stays, and y is 0.
    reverse : bool
        Start at the last step of each sequence. Outputs stay in the order of the inputs.

    Returns
    -------
    ys : Value, (T, B, ...).
    state : the state after the last step.

    Raises
    ------
    TypeError, ValueError : lengths that are no integers between 0 and T, one for each sequence.

    Examples
    --------
    A running mean that forgets:

    >>> import numpy as np, autograd
    >>> decay = autograd.Value(0.5)
    >>> def cell(x, mean):
    ...     mean = decay * mean + (1 - decay) * x
    ...     return mean, mean
    >>> ys, last = autograd.scan(cell, np.array([[8.0], [4.0], [0.0]]), np.zeros(1))
    >>> ys.data.ravel()
    array([4., 4., 2.])
    >>> last.backward()
    >>> decay.grad
    array(2.)
    """
    steps = xs.shape[0]
    if not steps:
        raise ValueError(f"scan: xs must have at least one step, got shape {xs.shape}.")
    valid = None
    if lengths is not None:
        lengths = checked_lengths(lengths, steps, xs.shape[1], "xs", xs.shape)
        valid = np.arange(steps)[:, None] < lengths
    ys: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        x = xs[t]
        if valid is None or valid[t].all():
            ys[t], state = cell(x, state)
            continue
        y, then = cell(where_valid(valid[t], x, 0), state)
        ys[t] = where_valid(valid[t], y, 0)
        if isinstance(state, (tuple, list)):
            state = tuple(where_valid(valid[t], *s) for s in zip(then, state, strict=True))
        else:
            state = where_valid(valid[t], then, state)
    return np.stack(ys), state


def where_valid(valid: Array, a: Any, b: Any) -> Any:
    """A where a sequence still runs, else b."""
    return np.where(valid.reshape(valid.shape + (1,) * (a.ndim - 1)), a, b)


def gates(w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, count: int) -> list[Any]:
    """For each gate the function (x, h) -> (its part from x, its part from h)."""
    H = w_hh.shape[1]

    def gate(k: int) -> Callable[[Any, Any], tuple[Any, Any]]:
        rows = slice(k * H, (k + 1) * H)
        w, u = np.transpose(w_ih[rows]), np.transpose(w_hh[rows])
        b = None if b_ih is None else b_ih[rows]
        c = None if b_hh is None else b_hh[rows]

        def parts(x: Any, h: Any) -> tuple[Any, Any]:
            from_x, from_h = np.matmul(x, w), np.matmul(h, u)
            return from_x if b is None else from_x + b, from_h if c is None else from_h + c

        return parts

    return [gate(k) for k in range(count)]


def rnn_reference(
    x: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> Any:
    """h = φ(W x + b + U h + c)."""
    checked(x, (h0,), w_ih, w_hh, b_ih, b_hh, 1, lengths)
    (pre,) = gates(w_ih, w_hh, b_ih, b_hh, 1)
    phi = activation(nonlinearity)

    def cell(x: Any, h: Any) -> Any:
        h = phi(sum(pre(x, h)))
        return h, h

    return scan(cell, x, initial(h0, x, w_hh), lengths=lengths, reverse=reverse)


def lstm_reference(
    x: Any,
    h0: Any,
    c0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> Any:
    """c = f c + i g and h = o tanh(c), of input, forget, cell and output gates."""
    checked(x, (h0, c0), w_ih, w_hh, b_ih, b_hh, 4, lengths)
    to_i, to_f, to_g, to_o = gates(w_ih, w_hh, b_ih, b_hh, 4)

    def cell(x: Any, state: Any) -> Any:
        h, c = state
        i = sigmoid(sum(to_i(x, h)))
        f = sigmoid(sum(to_f(x, h)))
        g = np.tanh(sum(to_g(x, h)))
        o = sigmoid(sum(to_o(x, h)))
        c = f * c + i * g
        h = o * np.tanh(c)
        return h, (h, c)

    state = initial(h0, x, w_hh), initial(c0, x, w_hh)
    y, (h, c) = scan(cell, x, state, lengths=lengths, reverse=reverse)
    return y, h, c


def gru_reference(
    x: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any = None,
    b_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> Any:
    """h = (1 - z) n + z h, with n = tanh(W x + b + r (U h + c)), of reset and update gates."""
    checked(x, (h0,), w_ih, w_hh, b_ih, b_hh, 3, lengths)
    to_r, to_z, to_n = gates(w_ih, w_hh, b_ih, b_hh, 3)

    def cell(x: Any, h: Any) -> Any:
        r = sigmoid(sum(to_r(x, h)))
        z = sigmoid(sum(to_z(x, h)))
        from_x, from_h = to_n(x, h)
        n = np.tanh(from_x + r * from_h)
        h = (1 - z) * n + z * h
        return h, h

    return scan(cell, x, initial(h0, x, w_hh), lengths=lengths, reverse=reverse)


def initial(s: Any, x: Any, w_hh: Any) -> Any:
    """A state, zeros for None."""
    return np.zeros((x.shape[1], w_hh.shape[1]), x.dtype) if s is None else s


def activation(nonlinearity: str) -> Any:
    """tanh or relu."""
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}.")
    return NONLINEARITIES[nonlinearity]


def checked_lengths(lengths: Any, steps: int, batch: int, name: str, shape: Any) -> Array:
    """The lengths as an array of integers; refused where they don't fit the sequences."""
    n = np.asarray(lengths)
    if n.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, got {n.dtype}; use lengths.astype(np.int64).")
    if n.shape != (batch,):
        raise ValueError(
            f"lengths must have one number a sequence, shape ({batch},) for {name} {shape}, "
            f"got {n.shape}."
        )
    if n.size and not (n.min() >= 0 and n.max() <= steps):
        wrong = n.min() if n.min() < 0 else n.max()
        raise ValueError(f"lengths must lie between 0 and {steps} for {name} {shape}, got {wrong}.")
    return n.astype(np.intp)


def checked(
    x: Any,
    states: Sequence[Any],
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    count: int,
    lengths: Any,
) -> Array | None:
    """The lengths, or None; refuses what doesn't fit together before anything is computed."""
    if x.ndim != 3 or not x.shape[0]:
        raise ValueError(f"x must have shape (T, B, I) with at least one step, got {x.shape}.")
    steps, batch, width = x.shape
    if w_hh.ndim != 2 or w_hh.shape[0] != count * w_hh.shape[1] or not w_hh.shape[1]:
        raise ValueError(f"w_hh must have shape ({count or ''}H, H), got {w_hh.shape}.")
    H = w_hh.shape[1]
    named: list[tuple[str, Any, tuple[int, ...]]] = [("w_ih", w_ih, (count * H, width))]
    named += [(s, a, (batch, H)) for s, a in zip(("h0", "c0"), states, strict=False)]
    named += [(s, a, (count * H,)) for s, a in (("b_ih", b_ih), ("b_hh", b_hh))]
    for name, a, shape in (*named, ("w_hh", w_hh, w_hh.shape)):
        if a is None:
            continue
        if a.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape} for x {x.shape} and w_hh {w_hh.shape}, "
                f"got {a.shape}."
            )
        if a.dtype.newbyteorder("=") != x.dtype.newbyteorder("="):
            raise TypeError(f"{name} has dtype {a.dtype} but x has {x.dtype}; use one for all.")
    if x.dtype.kind != "f" or x.dtype.itemsize not in (4, 8):
        raise TypeError(f"x must be float32 or float64, got {x.dtype}; use x.astype(np.float32).")
    return None if lengths is None else checked_lengths(lengths, steps, batch, "x", x.shape)


def kernels() -> Any:
    """The module of the kernels; Numba is imported on first use."""
    return importlib.import_module("autograd.kernels.recurrent")


def native(a: Any) -> Any:
    """An input as kernels take it: C-contiguous, in the machine's byte order; None stays."""
    if a is None or (a.ndim == 0 and a.dtype == object):  # a Symbol holds None as an array
        return None
    return np.ascontiguousarray(a, a.dtype.newbyteorder("="))


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
