"""Recurrent cells: one step of RNN, LSTM and GRU, for custom loops."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np

import autograd
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.arguments import count, features, flags
from nn.functional.tensor import same_dtype
from nn.layers.uniform_weights import UniformStart, uniform_weights


class _Cell(UniformStart):
    """What the three share: parameters and checks."""

    _gates: ClassVar[int]

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        who = type(self).__name__
        flags(who, bias=bias)
        self.hidden_size, self.bias = count(who, "hidden_size", hidden_size, 1), bias
        rng = as_generator(rng)
        if input_size is not None:
            self._make_parameters(input_size, dtype, rng)
            return
        self.make_later(
            functools.partial(type(self)._make_for, dtype=dtype, rng=rng),
            f"None, {self.hidden_size}",
        )

    def _make_for(self, input: Any, *_: Any, dtype: Any, rng: Any, **__: Any) -> None:
        self._make_parameters(features(type(self).__name__, input), dtype, rng)

    def _make_parameters(self, input_size: int, dtype: Any, rng: np.random.Generator) -> None:
        self.input_size = count(type(self).__name__, "input_size", input_size)
        H, rows, bias = self.hidden_size, self._gates * self.hidden_size, self.bias
        self.weight_ih = uniform_weights((rows, input_size), H, dtype, rng)
        self.weight_hh = uniform_weights((rows, H), H, dtype, rng)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, uniform_weights((rows,), H, dtype, rng) if bias else None)

    @property
    def _fan_in(self) -> int:
        return self.hidden_size

    def _step(self, scan: Any, input: Any, states: tuple[Any, ...], **how: Any) -> list[Any]:
        """The states after a step: a fused scan of one step."""
        who = type(self).__name__
        x = input if isinstance(input, Value) else np.asarray(input)
        if len(x.shape) not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"{who}: input must be (B, I) or (I,) with I = input_size={self.input_size}, "
                f"got {x.shape}."
            )
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        weights = [getattr(self, name) for name in names]
        same_dtype(who, x, weights[0])
        single = len(x.shape) == 1
        if single:
            x = np.expand_dims(x, 0)
            states = tuple(None if s is None else np.expand_dims(s, 0) for s in states)
        _, *after = scan(np.expand_dims(x, 0), *states, *weights, **how)
        return [s[0] for s in after] if single else after

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    r"""One step of an Elman layer.

    .. math:: h' = \tanh(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})

    Parameters
    ----------
    input_size : I, features of a step; None takes it from the first input.
    hidden_size : H, size of the hidden state.
    bias : whether there are b_ih and b_hh.
    nonlinearity : "tanh" or "relu".
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight_ih, weight_hh : Parameters, (H, I) and (H, H), uniform in ±1/√H at first.
    bias_ih, bias_hh : Parameters, (H,), likewise, or None.

    Input (B, I) or (I,); `hx`, the state, (B, H) or (H,), zeros by default. Returns the next
    state, as hx. Over whole sequences `nn.RNN` does the same in one call, and faster.

    Examples
    --------
    >>> import nn, numpy as np
    >>> cell, h = nn.RNNCell(3, 4), None
    >>> for x in np.ones((5, 2, 3), np.float32):
    ...     h = cell(x, h)
    >>> h.shape
    (2, 4)
    """

    _gates = 1

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}."
            )
        super().__init__(input_size, hidden_size, bias, dtype=dtype, rng=rng)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Value:
        """Take one step."""
        (h,) = self._step(autograd.rnn_scan, input, (hx,), nonlinearity=self.nonlinearity)
        return h

    def extra_repr(self) -> str:
        more = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + more


class LSTMCell(_Cell):
    r"""One step of an LSTM.

    .. math:: c' = f c + i g \qquad h' = o \tanh c'

    Parameters and attributes as in `RNNCell`, without nonlinearity; the parameters have 4H rows,
    for input, forget, cell and output gates in this order.

    Input (B, I) or (I,); `hx` is a pair (h_0, c_0), each (B, H) or (H,), zeros by default. Returns
    the next pair.

    Examples
    --------
    >>> import nn, numpy as np
    >>> cell = nn.LSTMCell(3, 4)
    >>> h, c = cell(np.ones((2, 3), np.float32))
    >>> h, c = cell(np.ones((2, 3), np.float32), (h, c))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    _gates = 4

    def forward(self, input: Any, hx: Any = None) -> tuple[Value, Value]:
        """Take one step."""
        if hx is not None and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
            raise TypeError(f"LSTMCell: hx must be a pair (h_0, c_0), got {type(hx).__name__}.")
        h, c = self._step(autograd.lstm_scan, input, (None, None) if hx is None else tuple(hx))
        return h, c


class GRUCell(_Cell):
    r"""One step of a GRU.

    .. math:: h' = (1 - z) n + z h \qquad n = \tanh(W_n x + b_n + r (U_n h + c_n))

    Parameters and attributes as in `RNNCell`, without nonlinearity; the parameters have 3H rows,
    for reset, update and new gates in this order. Input, `hx` and what is returned as there.

    Examples
    --------
    `autograd.scan` runs a custom step over time, here with its outputs squared:

    >>> import autograd, nn, numpy as np
    >>> cell = nn.GRUCell(3, 4)
    >>> def step(x, h):
    ...     h = cell(x, h)
    ...     return h**2, h
    >>> xs, start = np.ones((5, 2, 3), np.float32), np.zeros((2, 4), np.float32)
    >>> ys, last = autograd.scan(step, xs, start, lengths=[5, 3])
    >>> ys.shape, last.shape
    ((5, 2, 4), (2, 4))
    """

    _gates = 3

    def forward(self, input: Any, hx: Any = None) -> Value:
        """Take one step."""
        (h,) = self._step(autograd.gru_scan, input, (hx,))
        return h
