"""Elman layers: the definition step by step, one layer fused, and stacks of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.ops.elementwise.activations import relu
from autograd.ops.recurrent.fused import Weights, checked, checked_nonlinearity, fused, fused_grad
from autograd.ops.recurrent.scan import gates, initial, named, scan
from autograd.ops.recurrent.stacked import stacked
from autograd.ops.samples import A, case, cases
from autograd.random import Rng

NONLINEARITIES: dict[str, Callable[[Any], Any]] = {"tanh": np.tanh, "relu": relu}


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
    w = Weights(w_ih, w_hh, b_ih, b_hh)
    checked(x, (h0,), w, 1, lengths)
    (pre,) = gates(w, "h")
    phi = NONLINEARITIES[checked_nonlinearity(nonlinearity)]

    def cell(x: Any, h: Any) -> Any:
        h = named("h", phi(np.add(*pre(x, h))))
        return h, h

    return scan(cell, x, initial(h0, x, w_hh.shape[1]), lengths=lengths, reverse=reverse)


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
    relu = checked_nonlinearity(nonlinearity) == "relu"
    w = Weights(w_ih, w_hh, b_ih, b_hh)
    return fused("RNN", 1, x, (h0,), w, lengths, reverse, relu)


rnn_scan = KernelOp(
    _rnn_scan, r"\operatorname{{rnn}}\left({x}\right)", fused_grad, reference=rnn_reference, arity=6
)


def rnn(
    x: Any,
    weights: Sequence[Sequence[Any]],
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

    y, (h,) = stacked(
        layer, x, weights, {"hx": hx}, (2, 4), bidirectional, batch_first, dropout, rng
    )
    return y, h


# What tests sample
cases(
    "rnn_scan",
    case(A(3, 2, 2), A(2, 3), A(3, 2), A(3, 3), A(3), A(3)),
    case(A(3, 3, 1), None, A(2, 1), A(2, 2), lengths=(2, 3, 0), reverse=True),
    case(A(2, 1, 2), A(1, 2), A(2, 2), A(2, 2), A(2), nonlinearity="relu"),
)
