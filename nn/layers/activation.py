"""Activation functions as modules. `inplace` is accepted as in PyTorch; nothing is overwritten."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count, integers, reals
from nn.layers.function_layer import FLAGS, FunctionLayer
from nn.module import Module, Parameter


class _Activation(FunctionLayer):
    def __init__(self, **settings: Any) -> None:
        for name, given in settings.items():
            if isinstance(given, (Value, np.ndarray)):
                raise TypeError(
                    f"{type(self).__name__}({name}): takes settings, not the input; make it first, "
                    f"then call it: nn.{type(self).__name__}()(x)."
                )
        who = type(self).__name__
        reals(who, **{n: x for n, x in settings.items() if n not in (*FLAGS, "approximate", "dim")})
        super().__init__(**settings)

    def extra_repr(self) -> str:
        return super().extra_repr().removesuffix("inplace=False").removesuffix(", ")


class _InPlace(_Activation):
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class _AlongDim(_Activation):
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        integers(type(self).__name__, dim=0 if dim is None else dim)
        super().__init__(dim=dim)


class ReLU(_InPlace):
    """max(x, 0).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    _function = staticmethod(functional.relu)


class ReLU6(_InPlace):
    """min(max(x, 0), 6)."""

    _function = staticmethod(functional.relu6)


class LeakyReLU(_Activation):
    """x where x > 0, else negative_slope · x."""

    _function = staticmethod(functional.leaky_relu)
    negative_slope: float

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)


class ELU(_Activation):
    """x where x > 0, else alpha (exp(x) − 1)."""

    _function = staticmethod(functional.elu)
    alpha: float

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class CELU(_Activation):
    """x where x > 0, else alpha (exp(x / alpha) − 1)."""

    _function = staticmethod(functional.celu)
    alpha: float

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class SELU(_InPlace):
    """Scaled ELU, whose fixed point is mean 0 and variance 1."""

    _function = staticmethod(functional.selu)


class GELU(_Activation):
    """x Φ(x), Φ the standard normal CDF; approximate="tanh" uses the tanh approximation."""

    _function = staticmethod(functional.gelu)
    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}.")
        super().__init__(approximate=approximate)


class SiLU(_InPlace):
    """x σ(x)."""

    _function = staticmethod(functional.silu)


class Mish(_InPlace):
    """x tanh(softplus(x))."""

    _function = staticmethod(functional.mish)


class Sigmoid(_Activation):
    """1 / (1 + exp(−x))."""

    _function = staticmethod(functional.sigmoid)


class LogSigmoid(_Activation):
    """log σ(x)."""

    _function = staticmethod(functional.logsigmoid)


class Tanh(_Activation):
    """Hyperbolic tangent."""

    _function = staticmethod(functional.tanh)


class Softplus(_Activation):
    """log(1 + exp(βx)) / β, and x where βx > threshold."""

    _function = staticmethod(functional.softplus)
    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)


class Softsign(_Activation):
    """x / (1 + |x|)."""

    _function = staticmethod(functional.softsign)


class Tanhshrink(_Activation):
    """x − tanh(x)."""

    _function = staticmethod(functional.tanhshrink)


class Softshrink(_Activation):
    """Soft shrinkage: x shrunk towards 0 by lambd, 0 where |x| <= lambd."""

    _function = staticmethod(functional.softshrink)
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)


class Hardshrink(_Activation):
    """Hard shrinkage: 0 where |x| <= lambd, else x."""

    _function = staticmethod(functional.hardshrink)
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)


class Hardtanh(_Activation):
    """x clamped to [min_val, max_val]."""

    _function = staticmethod(functional.hardtanh)
    min_val: float
    max_val: float

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        *,
        min_value: float | None = None,  # older names, as old programs have them
        max_value: float | None = None,
    ) -> None:
        min_val = min_val if min_value is None else min_value
        max_val = max_val if max_value is None else max_value
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val={min_val} must be below max_val={max_val}.")
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)


class Hardsigmoid(_InPlace):
    """relu6(x + 3) / 6."""

    _function = staticmethod(functional.hardsigmoid)


class Hardswish(_InPlace):
    """x · hardsigmoid(x)."""

    _function = staticmethod(functional.hardswish)


class PReLU(Module):
    """x where x > 0, else weight · x, with a learned weight.

    Parameters
    ----------
    num_parameters : 1, or the number of channels of an input (N, C, ...).
    init : first value of the weight.
    dtype : of the weight, float32 by default.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = count("PReLU", "num_parameters", num_parameters, 1)
        reals("PReLU", init=init)
        self.weight = Parameter(np.full(num_parameters, init), dtype=dtype)

    def forward(self, input: Any) -> Value:
        """Give negative elements their slope."""
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Softmax(_AlongDim):
    """Softmax along the axis `dim`: exp(x) over its sum.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Softmax(dim=-1)(np.zeros((1, 4)))
    array([[0.25, 0.25, 0.25, 0.25]])
    """

    _function = staticmethod(functional.softmax)


class LogSoftmax(_AlongDim):
    """log(softmax(x)) along the axis `dim`, computed without overflow."""

    _function = staticmethod(functional.log_softmax)


class Softmin(_AlongDim):
    """Softmax of −x along the axis `dim`."""

    _function = staticmethod(functional.softmin)


class Softmax2d(_Activation):
    """Softmax over the channels of (N, C, H, W) or (C, H, W), at each pixel."""

    def forward(self, input: Any) -> Value:
        """Normalize over the channels."""
        if np.ndim(input) not in (3, 4):
            raise ValueError(
                f"Softmax2d: input must be (N, C, H, W) or (C, H, W), got {np.shape(input)}."
            )
        return functional.softmax(input, -3)


class Threshold(_Activation):
    """x where x > threshold, else value."""

    _function = staticmethod(functional.threshold)
    threshold: float
    value: float

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)


class GLU(_Activation):
    """Gated linear unit: a σ(b), a and b the two halves of the input along `dim`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.GLU()(np.zeros((2, 6))).shape
    (2, 3)
    """

    _function = staticmethod(functional.glu)
    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim=dim)


class RReLU(_Activation):
    """Randomized leaky ReLU: the negative slope is random in training, else the mean.

    Parameters
    ----------
    lower, upper : range of the uniform distribution of the slopes.
    inplace : accepted as in PyTorch; nothing is overwritten.
    rng : generator, seed or None for the default generator at the time of each call.
    """

    lower: float
    upper: float

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        inplace: bool = False,
        *,
        rng: Rng = None,
    ) -> None:
        if not lower <= upper:
            raise ValueError(f"RReLU: lower={lower} must be at most upper={upper}.")
        super().__init__(lower=lower, upper=upper, inplace=inplace)
        self.rng = None if rng is None else as_generator(rng)

    def forward(self, input: Any) -> Value:
        """Give negative elements their slope, drawn anew while training."""
        return functional.rrelu(input, self.lower, self.upper, self.training, rng=self.rng)
