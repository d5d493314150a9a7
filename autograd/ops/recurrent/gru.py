"""GRU layers: the definition step by step, one layer fused, and stacks of them."""

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
    w = Weights(w_ih, w_hh, b_ih, b_hh)
    checked(x, (h0,), w, 3, lengths)
    to_r, to_z, to_n = gates(w, "rzn")

    def cell(x: Any, h: Any) -> Any:
        r = named("r", sigmoid(np.add(*to_r(x, h))))
        z = named("z", sigmoid(np.add(*to_z(x, h))))
        from_x, from_h = to_n(x, h)
        n = named("n", np.tanh(from_x + r * from_h))
        h = named("h", (1 - z) * n + z * h)
        return h, h

    return scan(cell, x, initial(h0, x, w_hh.shape[1]), lengths=lengths, reverse=reverse)


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
    w = Weights(w_ih, w_hh, b_ih, b_hh)
    return fused("GRU", 3, x, (h0,), w, lengths, reverse)


gru_scan = KernelOp(
    _gru_scan, r"\operatorname{{gru}}\left({x}\right)", fused_grad, reference=gru_reference, arity=6
)


def gru(
    x: Any,
    weights: Sequence[Sequence[Any]],
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

    y, (h,) = stacked(
        layer, x, weights, {"hx": hx}, (2, 4), bidirectional, batch_first, dropout, rng
    )
    return y, h


# What tests sample
cases(
    "gru_scan",
    case(A(2, 2, 2), A(2, 2), A(6, 2), A(6, 2), A(6), A(6)),
    case(A(3, 3, 1), None, A(3, 1), A(3, 1), None, A(3), lengths=(2, 3, 0), reverse=True),
)
