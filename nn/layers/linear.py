"""Affine maps."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count, features, flags
from nn.layers.uniform_weights import UniformStart, uniform_weights
from nn.module import Module, Parameter


class Linear(UniformStart):
    """Affine map y = x Wᵀ + b.

    Parameters
    ----------
    in_features, out_features : sizes of the last axis before and after. in_features=None takes
        it from the first input, which then makes the parameters.
    bias : whether there is a b.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight : Parameter, shape (out_features, in_features), uniform in ±1/√in_features at first.
    bias : Parameter, shape (out_features,), likewise, or None.

    Input (..., in_features), output (..., out_features).

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> layer = nn.Linear(None, 2)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> layer.weight.shape
    (2, 3)
    """

    bias: Parameter | None

    def __init__(
        self,
        in_features: int | None,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        self.out_features = count("Linear", "out_features", out_features)
        flags("Linear", bias=bias)
        rng = as_generator(rng)
        if in_features is not None:
            self._make_parameters(in_features, bias, dtype, rng)
            return
        self.make_later(
            functools.partial(type(self)._make_for, bias=bias, dtype=dtype, rng=rng),
            f"in_features=None, out_features={out_features}, bias={bias}",
        )

    def _make_for(self, input: Any, **settings: Any) -> None:
        self._make_parameters(features("Linear", input), **settings)

    def _make_parameters(
        self, in_features: int, bias: bool, dtype: Any, rng: np.random.Generator
    ) -> None:
        self.in_features = fan_in = count("Linear", "in_features", in_features)
        self.weight = uniform_weights((self.out_features, fan_in), fan_in, dtype, rng)
        self.register_parameter(
            "bias", uniform_weights((self.out_features,), fan_in, dtype, rng) if bias else None
        )

    def forward(self, input: Any) -> Value:
        """Map (..., in_features) to (..., out_features)."""
        return functional.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(UniformStart):
    """Bilinear map y_k = x1ᵀ A_k x2 + b_k.

    Parameters
    ----------
    in1_features, in2_features, out_features : sizes of the last axes.
    bias : whether there is a b.
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight : Parameter, (out, in1, in2), uniform in ±1/√in1 at first.
    bias : Parameter, (out,), likewise, or None.

    Inputs (..., in1) and (..., in2), output (..., out).

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.Bilinear(3, 4, 2)
    >>> layer(np.ones((5, 3), np.float32), np.ones((5, 4), np.float32)).shape
    (5, 2)
    """

    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        self.in1_features = count("Bilinear", "in1_features", in1_features, 1)
        self.in2_features = count("Bilinear", "in2_features", in2_features)
        self.out_features = count("Bilinear", "out_features", out_features)
        flags("Bilinear", bias=bias)
        rng, fan_in = as_generator(rng), in1_features
        shape = (out_features, in1_features, in2_features)
        self.weight = uniform_weights(shape, fan_in, dtype, rng)
        self.register_parameter(
            "bias", uniform_weights((out_features,), fan_in, dtype, rng) if bias else None
        )

    @property
    def _fan_in(self) -> int:
        return self.in1_features

    def forward(self, input1: Any, input2: Any) -> Value:
        """Map pairs of (..., in1) and (..., in2) to (..., out)."""
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Identity(Module):
    """Returns its input; ignores any constructor arguments, as PyTorch's does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        """Return the input."""
        return input
