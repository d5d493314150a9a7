"""Recurrent layers: RNN, LSTM and GRU."""

from __future__ import annotations

import functools
import warnings
from typing import Any, ClassVar

import numpy as np

import autograd
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.arguments import count, features, flags
from nn.layers.uniform_weights import UniformStart, uniform_weights
from nn.module import Module, Parameter
from nn.utils.rnn import PackedSequence, pad_packed_sequence, repacked


class _Recurrent(UniformStart):
    """What the three share: parameters and packed sequences."""

    _gates: ClassVar[int]
    _projects: ClassVar[bool] = False  # whether outputs may be narrower than the cell's state

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        who = type(self).__name__
        self.hidden_size = count(who, "hidden_size", hidden_size, 1)
        self.num_layers = count(who, "num_layers", num_layers, 1)
        self.proj_size = count(who, "proj_size", proj_size)
        if proj_size and not self._projects:
            raise ValueError(f"{who}: proj_size is for nn.LSTM only, got {proj_size}.")
        if self.proj_size >= self.hidden_size:
            raise ValueError(
                f"{who}: proj_size={proj_size} must be less than hidden_size={hidden_size}."
            )
        flags(who, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)):
            raise TypeError(f"{who}: dropout must be a number, got {dropout!r}.")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{who}: dropout is a probability between 0 and 1, got {dropout}.")
        if dropout and num_layers == 1:
            warnings.warn(
                f"{who}: dropout={dropout} acts between layers, and there is one. Give num_layers "
                "of 2 or more, or put an nn.Dropout behind it.",
                stacklevel=2 if type(self).__init__ is _Recurrent.__init__ else 3,
            )
        self.bias, self.batch_first = bias, batch_first
        self.dropout, self.bidirectional = dropout, bidirectional
        self.rng = None if rng is None else as_generator(rng)
        if input_size is not None:
            self._make_parameters(input_size, dtype)
            return
        self.make_later(
            functools.partial(type(self)._make_for, dtype=dtype),
            f"None, {self.hidden_size}",
        )

    def _make_for(self, input: Any, *_: Any, dtype: Any, **__: Any) -> None:
        self._make_parameters(_features(self, input), dtype)

    def _make_parameters(self, input_size: int, dtype: Any) -> None:
        self.input_size = width = count(type(self).__name__, "input_size", input_size)
        generator, H = as_generator(self.rng), self.hidden_size
        rows, out = self._gates * H, self.proj_size or H
        for layer in range(self.num_layers):
            shapes: dict[str, tuple[int, ...]]
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
            if self.bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if self.proj_size:
                shapes["weight_hr"] = (out, H)
            for suffix in self._suffixes:
                for name, shape in shapes.items():
                    p = uniform_weights(shape, H, dtype, generator)
                    setattr(self, f"{name}_l{layer}{suffix}", p)
            width = out * len(self._suffixes)

    @property
    def _fan_in(self) -> int:
        return self.hidden_size

    @property
    def _suffixes(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction: w_ih, w_hh; b_ih, b_hh; w_hr."""
        names = ["weight_ih", "weight_hh"]
        names += ["bias_ih", "bias_hh"] if self.bias else []
        names += ["weight_hr"] if self.proj_size else []
        return [
            [getattr(self, f"{name}_l{layer}{suffix}") for name in names]
            for layer in range(self.num_layers)
            for suffix in self._suffixes
        ]

    def flatten_parameters(self) -> None:
        """Do nothing, for PyTorch's programs: the kernels need no flattening."""

    def _run(
        self, stack: Any, input: Any, states: tuple[Any, ...], lengths: Any, **more: Any
    ) -> tuple[Any, Any]:
        """The output and the last states of stacked scans."""
        who, batch_first, packed = type(self).__name__, self.batch_first, None
        flags(who, batch_first=batch_first, bidirectional=self.bidirectional)
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ValueError(f"{who}: input is packed, so it has its lengths; give no others.")
            packed, batch_first = input, False
            input, lengths = pad_packed_sequence(input)
        x = input if isinstance(input, Value) else np.asarray(input)
        if x.shape[-1:] != (self.input_size,):
            raise ValueError(
                f"{who}: the last axis of input {x.shape} must be input_size={self.input_size}. "
                "nn.Embedding or one-hot rows make features of numbers."
            )
        weights = self.all_weights
        y, last = stack(
            x,
            weights,
            states if len(states) > 1 else states[0],
            lengths=lengths,
            bidirectional=self.bidirectional,
            batch_first=batch_first,
            dropout=self.dropout if self.training else 0.0,
            rng=self.rng,
            **more,
        )
        return (y if packed is None else repacked(y, packed)), last

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if not self.bias:
            text += ", bias=False"
        if self.batch_first:
            text += ", batch_first=True"
        if self.dropout:
            text += f", dropout={self.dropout}"
        if self.bidirectional:
            text += ", bidirectional=True"
        return text


def _features(layer: Module, input: Any) -> int:
    """The number of features of a step."""
    steps = input.data if isinstance(input, PackedSequence) else input
    return features(type(layer).__name__, steps)


class RNN(_Recurrent):
    r"""Stacked Elman layers.

    .. math:: h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})

    Parameters
    ----------
    input_size : I, features of a step; None takes it from the first input.
    hidden_size : H, size of the hidden state.
    num_layers : number of stacked layers.
    nonlinearity : "tanh" or "relu".
    bias : whether there are b_ih and b_hh.
    batch_first : input and output as (B, T, ...) instead of (T, B, ...).
    dropout : probability of zeroing each output of all layers but the last, in training.
    bidirectional : each layer runs in both directions and concatenates the outputs.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default; for the first weights and dropout.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : Parameters, (H, I) and (H, H), uniform in ±1/√H at first.
    bias_ih_l0, bias_hh_l0 : Parameters, (H,), likewise, with `bias`.
        Then _l1 ... for further layers, whose input has H · directions features, and each with
        _reverse for the other direction.

    Input (T, B, I), (T, I), or an `nn.utils.rnn.PackedSequence`. `hx` is the first state,
    (num_layers · directions, B, H), or without B; zeros by default. `lengths` are B
    integers: steps after the end of a sequence are not read, and the output is 0 there. Returns the
    output, (T, B, H · directions) or packed like the input, and the last state, as hx.

    References
    ----------
    Elman, Finding structure in time, 1990.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.RNN(3, 4, num_layers=2)
    >>> output, h_n = layer(np.ones((5, 2, 3), np.float32), lengths=[5, 3])
    >>> output.shape, h_n.shape
    ((5, 2, 4), (2, 2, 4))
    """

    _gates = 1

    def __init__(
        self,
        input_size: int | None,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}.")
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            dtype=dtype, rng=rng,
        )  # fmt: skip
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, Value]:
        """Run over the steps."""
        return self._run(autograd.rnn, input, (hx,), lengths, nonlinearity=self.nonlinearity)

    def extra_repr(self) -> str:
        more = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        return super().extra_repr() + more


class LSTM(_Recurrent):
    r"""Stacked LSTM layers.

    .. math:: c_t = f_t c_{t-1} + i_t g_t \qquad h_t = o_t \tanh c_t

    Parameters and attributes as in `RNN`, without nonlinearity; the parameters have 4H rows, for
    input, forget, cell and output gates in this order. With `proj_size` P > 0, the last argument,
    weight_hr_l0 ... (P, H) project each h_t; outputs and h then are P wide.

    Input and `lengths` as in `RNN`. `hx` is a pair (h_0, c_0), both of shape
    (num_layers · directions, B, H), or without B; zeros by default. Returns the output,
    (T, B, H · directions), and the pair (h_n, c_n).

    References
    ----------
    Hochreiter & Schmidhuber, Long short-term memory, 1997; forget gates of Gers et al., 2000;
    projections of Sak et al., 2014.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    >>> output, (h_n, c_n) = layer(np.ones((2, 5, 3), np.float32))
    >>> output.shape, h_n.shape, c_n.shape
    ((2, 5, 8), (2, 2, 4), (2, 2, 4))
    """

    _gates = 4
    _projects = True

    def forward(
        self, input: Any, hx: Any = None, lengths: Any = None
    ) -> tuple[Any, tuple[Value, Value]]:
        """Run over the steps."""
        if hx is not None and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
            raise TypeError(f"LSTM: hx must be a pair (h_0, c_0), got {type(hx).__name__}.")
        return self._run(autograd.lstm, input, (None, None) if hx is None else tuple(hx), lengths)


class GRU(_Recurrent):
    r"""Stacked GRU layers.

    .. math:: h_t = (1 - z_t) n_t + z_t h_{t-1} \qquad
        n_t = \tanh(W_n x_t + b_n + r_t (U_n h_{t-1} + c_n))

    Parameters and attributes as in `RNN`, without nonlinearity; the parameters have 3H rows, for
    reset, update and new gates in this order.

    Input, `hx`, `lengths` and what is returned as in `RNN`.

    References
    ----------
    Cho et al., 2014; the reset gate after the product, as in cuDNN and PyTorch.

    Examples
    --------
    >>> import nn, numpy as np
    >>> output, h_n = nn.GRU(3, 4)(np.ones((5, 3), np.float32))
    >>> output.shape, h_n.shape
    ((5, 4), (1, 4))
    """

    _gates = 3

    def forward(self, input: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, Value]:
        """Run over the steps."""
        return self._run(autograd.gru, input, (hx,), lengths)
