"""Recurrent scans: one layer in one direction over whole sequences as one fused op.

The reference of each in `cells` is the same, step by step.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from autograd.kernel_op import KernelOp
from autograd.machine.native import native
from autograd.ops.recurrent.cells import gru_reference, lstm_reference, rnn_reference
from autograd.ops.recurrent.checks import checked, checked_nonlinearity
from autograd.ops.samples import A, case, cases


def kernels() -> Any:
    """The module of the kernels; Numba is imported on first use."""
    return importlib.import_module("autograd.ops.recurrent.kernel_scan")


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
    checked_nonlinearity(nonlinearity)
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
    w_hr: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    r"""One direction of one LSTM layer over a whole sequence, fused.

    .. math:: c_t = f_t c_{t-1} + i_t g_t \qquad h_t = o_t \tanh c_t

    Parameters
    ----------
    x : array or Value, (T, B, I).
    h0, c0 : (B, H) or None for zeros; with a projection h0 is (B, P).
    w_ih : (4H, I), the gates in PyTorch's order: input, forget, cell, output.
    w_hh : (4H, H); (4H, P) with a projection.
    b_ih, b_hh : (4H,) or None.
    w_hr : (P, H), optional
        Projects the outputs, h = R (o tanh c), on fewer numbers.
    lengths, reverse
        As in `rnn_scan`.

    Returns
    -------
    y : Value, (T, B, H), or (T, B, P).
    h, c : Values, (B, H), the states after the last step; h (B, P) with a projection.

    Raises
    ------
    ValueError, TypeError : shapes, dtypes or lengths that don't fit together.

    References
    ----------
    Hochreiter & Schmidhuber, Long short-term memory, 1997; forget gates of Gers et al., 2000;
    projections of Sak et al., 2014.
    """
    inputs = [native(a) for a in (x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr)]
    x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr = inputs
    n = checked(x, (h0, c0), w_ih, w_hh, b_ih, b_hh, 4, lengths, w_hr)
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
    return saved.backward([native(part) for part in g], needs)


rnn_scan = KernelOp(
    _rnn_scan, r"\operatorname{{rnn}}\left({x}\right)", _grad, reference=rnn_reference, arity=6
)
lstm_scan = KernelOp(
    _lstm_scan, r"\operatorname{{lstm}}\left({x}\right)", _grad, reference=lstm_reference, arity=8
)
gru_scan = KernelOp(
    _gru_scan, r"\operatorname{{gru}}\left({x}\right)", _grad, reference=gru_reference, arity=6
)

# What tests sample
cases(
    "rnn_scan",
    case(A(3, 2, 2), A(2, 3), A(3, 2), A(3, 3), A(3), A(3)),
    case(A(3, 3, 1), None, A(2, 1), A(2, 2), lengths=(2, 3, 0), reverse=True),
    case(A(2, 1, 2), A(1, 2), A(2, 2), A(2, 2), A(2), nonlinearity="relu"),
)
cases(
    "lstm_scan",
    case(A(2, 2, 2), A(2, 2), A(2, 2), A(8, 2), A(8, 2), A(8), A(8)),
    case(A(3, 3, 1), None, A(3, 1), A(4, 1), A(4, 1), lengths=(2, 3, 0), reverse=True),
    case(A(2, 2, 1), A(2, 1), A(2, 2), A(8, 1), A(8, 1), A(8), None, A(1, 2)),
)
cases(
    "gru_scan",
    case(A(2, 2, 2), A(2, 2), A(6, 2), A(6, 2), A(6), A(6)),
    case(A(3, 3, 1), None, A(3, 1), A(3, 1), None, A(3), lengths=(2, 3, 0), reverse=True),
)
