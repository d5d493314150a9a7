"""Recurrent layers: RNN, LSTM and GRU."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np

import autograd
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import init
from nn.module import Module, Parameter


class _Recurrent(Module):
    """What the three share: parameters, unbatched input, checks."""

    _gates: ClassVar[int]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        who = type(self).__name__
        for name, size, least in (
            ("input_size", input_size, 0),
            ("hidden_size", hidden_size, 1),
            ("num_layers", num_layers, 1),
        ):
            wrong = isinstance(size, bool) or not isinstance(size, (int, np.integer))
            if wrong or size < least:
                raise ValueError(f"{who}: {name} must be an integer >= {least}, got {size!r}.")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{who}: dropout is a probability between 0 and 1, got {dropout}.")
        if dropout and num_layers == 1:
            warnings.warn(
                f"{who}: dropout={dropout} acts between layers, and there is one. Give num_layers "
                "of 2 or more, or put an nn.Dropout behind it.",
                stacklevel=2 if type(self).__init__ is _Recurrent.__init__ else 3,
            )
        self.input_size, self.hidden_size = int(input_size), int(hidden_size)
        self.num_layers, self.bias, self.batch_first = int(num_layers), bias, batch_first
        self.dropout, self.bidirectional = dropout, bidirectional
        self.rng = None if rng is None else as_generator(rng)
        generator = as_generator(self.rng)
        bound, rows = 1 / math.sqrt(hidden_size), self._gates * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size * (1 + bidirectional)
            shapes: dict[str, tuple[int, ...]]
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, hidden_size)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for suffix in ("", "_reverse")[: 1 + bidirectional]:
                for name, shape in shapes.items():
                    p = Parameter(np.zeros(shape), dtype=dtype)
                    setattr(self, f"{name}_l{layer}{suffix}", p)
                    init.uniform_(p, -bound, bound, generator)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction: w_ih, w_hh and, with a bias, b_ih, b_hh."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if self.bias else 2]
        return [
            [getattr(self, f"{name}_l{layer}{suffix}") for name in names]
            for layer in range(self.num_layers)
            for suffix in ("", "_reverse")[: 1 + self.bidirectional]
        ]

    def _checked(self, input: Any, states: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], bool]:
        """Input and states with a batch axis, and whether they had none; refuses misfits."""
        who = type(self).__name__
        x = input if isinstance(input, Value) else np.asarray(input)
        axes = "(B, T, I)" if self.batch_first else "(T, B, I)"
        if len(x.shape) not in (2, 3):
            raise ValueError(f"{who}: input must have the axes {axes} or (T, I), got {x.shape}.")
        if x.shape[-1] != self.input_size:
            raise ValueError(
                f"{who}: the last axis of input {x.shape} must be input_size={self.input_size}. "
                "nn.Embedding or one-hot rows make features of numbers."
            )
        dtype = vars(self)["weight_ih_l0"].dtype
        if x.dtype != dtype:
            raise TypeError(
                f"{who}: input is {x.dtype}, the weights {dtype}. "
                f"Use x.astype(np.{dtype}) or convert the module with .to(dtype)."
            )
        single = len(x.shape) == 2
        if single:
            x = np.expand_dims(x, 0 if self.batch_first else 1)
        count = self.num_layers * (1 + self.bidirectional)
        batch = () if single else (x.shape[0 if self.batch_first else 1],)
        wanted = (count, *batch, self.hidden_size)
        for name, s in zip(("h0", "c0"), states, strict=False):
            if s is not None and np.shape(s) != wanted:
                raise ValueError(
                    f"{who}: {name} must have shape {wanted}, (layers · directions, "
                    f"{'' if single else 'B, '}H), for input {np.shape(input)}, got {np.shape(s)}."
                )
        if single:
            states = tuple(None if s is None else np.expand_dims(s, 1) for s in states)
        return x, states, single

    def _how(self, lengths: Any) -> dict[str, Any]:
        return {
            "lengths": lengths,
            "bidirectional": self.bidirectional,
            "batch_first": self.batch_first,
            "dropout": self.dropout if self.training else 0.0,
            "rng": self.rng,
        }

    def _unbatched(self, y: Any) -> Any:
        return y[0] if self.batch_first else y[:, 0]

    def extra_repr(self) -> str:
        """Sizes, and what differs from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
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


class RNN(_Recurrent):
    r"""Elman layers on top of each other.

    .. math:: h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})

    Parameters
    ----------
    input_size : I, features of a step.
    hidden_size : H, size of the state.
    num_layers : layers on top of each other.
    nonlinearity : "tanh" or "relu".
    bias : whether there are b_ih and b_hh.
    batch_first : input and output as (B, T, ...) instead of (T, B, ...).
    dropout : probability of zero for each number handed from layer to layer in training.
    bidirectional : each layer runs in both directions and hands on both outputs.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default; for the first weights and dropout.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0 : Parameters, (H, I) and (H, H), uniform in ±1/√H at first.
    bias_ih_l0, bias_hh_l0 : Parameters, (H,), likewise, with `bias`.
        Then _l1 ... for further layers, whose input has H · directions features, and each with
        _reverse for the other direction.

    Input (T, B, I) or (T, I). `h0` is (num_layers · directions, B, H), or without B; zeros by
    default. `lengths`, B integers, are the steps of each sequence: what comes after is not read,
    and the output is 0 there. Returns the output, (T, B, H · directions), and h_n, as h0.

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
        input_size: int,
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

    def forward(self, input: Any, h0: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """Run over the steps."""
        x, (h,), single = self._checked(input, (h0,))
        y, h = autograd.rnn(
            x, self.all_weights, h, nonlinearity=self.nonlinearity, **self._how(lengths)
        )
        return (self._unbatched(y), h[:, 0]) if single else (y, h)

    def extra_repr(self) -> str:
        """Sizes, and what differs from the defaults."""
        more = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        return super().extra_repr() + more


class LSTM(_Recurrent):
    r"""LSTM layers on top of each other.

    .. math:: c_t = f_t c_{t-1} + i_t g_t \qquad h_t = o_t \tanh c_t

    Parameters and attributes as in `RNN`, without nonlinearity; the parameters have 4H rows, for
    input, forget, cell and output gates in this order.

    Input (T, B, I) or (T, I). `h0` is a pair (h_0, c_0), both of shape
    (num_layers · directions, B, H), or without B; zeros by default. `lengths` as in `RNN`.
    Returns the output, (T, B, H · directions), and the pair (h_n, c_n).

    References
    ----------
    Hochreiter & Schmidhuber, Long short-term memory, 1997; forget gates of Gers et al., 2000.

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    >>> output, (h_n, c_n) = layer(np.ones((2, 5, 3), np.float32))
    >>> output.shape, h_n.shape, c_n.shape
    ((2, 5, 8), (2, 2, 4), (2, 2, 4))
    """

    _gates = 4

    def forward(
        self, input: Any, h0: Any = None, lengths: Any = None
    ) -> tuple[Any, tuple[Any, Any]]:
        """Run over the steps."""
        if h0 is not None and not (isinstance(h0, (tuple, list)) and len(h0) == 2):
            raise TypeError(f"LSTM: h0 must be a pair (h_0, c_0), got {type(h0).__name__}.")
        x, (h, c), single = self._checked(input, (None, None) if h0 is None else tuple(h0))
        y, (h, c) = autograd.lstm(x, self.all_weights, (h, c), **self._how(lengths))
        return (self._unbatched(y), (h[:, 0], c[:, 0])) if single else (y, (h, c))


class GRU(_Recurrent):
    r"""GRU layers on top of each other.

    .. math:: h_t = (1 - z_t) n_t + z_t h_{t-1} \qquad
        n_t = \tanh(W_n x_t + b_n + r_t (U_n h_{t-1} + c_n))

    Parameters and attributes as in `RNN`, without nonlinearity; the parameters have 3H rows, for
    reset, update and new gates in this order.

    Input, `h0`, `lengths` and what is returned as in `RNN`.

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

    def forward(self, input: Any, h0: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """Run over the steps."""
        x, (h,), single = self._checked(input, (h0,))
        y, h = autograd.gru(x, self.all_weights, h, **self._how(lengths))
        return (self._unbatched(y), h[:, 0]) if single else (y, h)
