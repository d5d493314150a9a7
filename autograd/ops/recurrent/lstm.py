"""LSTM layers: the definition step by step, one layer fused, and stacks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.ops.elementwise.activations import sigmoid
from autograd.ops.recurrent.fused import Weights, checked, fused, fused_grad
from autograd.ops.recurrent.scan import gates, initial, named, scan
from autograd.ops.recurrent.stacked import stacked
from autograd.ops.samples import A, case, cases
from autograd.random import Rng


def lstm_reference(
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
) -> Any:
    """c = f c + i g and h = o tanh(c), projected by w_hr if given."""
    w = Weights(w_ih, w_hh, b_ih, b_hh, w_hr)
    checked(x, (h0, c0), w, 4, lengths)
    to_i, to_f, to_g, to_o = gates(w, "ifgo")

    def cell(x: Any, state: Any) -> Any:
        h, c = state
        i = named("i", sigmoid(np.add(*to_i(x, h))))
        f = named("f", sigmoid(np.add(*to_f(x, h))))
        g = named("g", np.tanh(np.add(*to_g(x, h))))
        o = named("o", sigmoid(np.add(*to_o(x, h))))
        c = named("c", f * c + i * g)
        h = o * np.tanh(c)
        if w_hr is not None:
            h = np.matmul(h, np.transpose(w_hr))
        return named("h", h), (h, c)

    state = initial(h0, x, w_hh.shape[1]), initial(c0, x, w_hh.shape[0] // 4)
    y, (h, c) = scan(cell, x, state, lengths=lengths, reverse=reverse)
    return y, h, c


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
    w = Weights(w_ih, w_hh, b_ih, b_hh, w_hr)
    return fused("LSTM", 4, x, (h0, c0), w, lengths, reverse)


lstm_scan = KernelOp(
    _lstm_scan,
    r"\operatorname{{lstm}}\left({x}\right)",
    fused_grad,
    reference=lstm_reference,
    arity=8,
)


def lstm(
    x: Any,
    weights: Sequence[Sequence[Any]],
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
    y, last = stacked(
        layer, x, weights, {"hx[0]": h, "hx[1]": c}, (2, 3, 4, 5), bidirectional, batch_first,
        dropout, rng,
    )  # fmt: skip
    return y, (last[0], last[1])


# What tests sample
cases(
    "lstm_scan",
    case(A(2, 2, 2), A(2, 2), A(2, 2), A(8, 2), A(8, 2), A(8), A(8)),
    case(A(3, 3, 1), None, A(3, 1), A(4, 1), A(4, 1), lengths=(2, 3, 0), reverse=True),
    case(A(2, 2, 1), A(2, 1), A(2, 2), A(8, 1), A(8, 1), A(8), None, A(1, 2)),
)
