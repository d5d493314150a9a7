"""Activation functions as modules. `inplace` is accepted as in PyTorch; nothing is overwritten."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.module import Module, Parameter


class _Activation(Module):
    """Settings are kept as attributes and shown in the repr."""

    def __init__(self, **settings: Any) -> None:
        for name, given in settings.items():
            if isinstance(given, (Value, np.ndarray)):
                raise TypeError(
                    f"{type(self).__name__}({name}): takes settings, not the input; make it first, "
                    f"then call it: nn.{type(self).__name__}()(x)."
                )
        self._settings = settings

    def extra_repr(self) -> str:
        """The settings, a False inplace left out."""
        shown = {k: v for k, v in self._settings.items() if not (k == "inplace" and not v)}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


class ReLU(_Activation):
    """max(x, 0).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.relu(input)


class ReLU6(_Activation):
    """min(max(x, 0), 6)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.relu6(input)


class LeakyReLU(_Activation):
    """Gives x where x > 0, else negative_slope · x."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.leaky_relu(input, self.negative_slope)


class ELU(_Activation):
    """Gives x where x > 0, else alpha (exp(x) − 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.elu(input, self.alpha)


class CELU(_Activation):
    """Gives x where x > 0, else alpha (exp(x / alpha) − 1)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.celu(input, self.alpha)


class SELU(_Activation):
    """ELU scaled so that mean 0 and variance 1 are a fixed point."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.selu(input)


class GELU(_Activation):
    """x Φ(x), Φ the normal distribution function; approximate="tanh" takes the tanh form."""

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}.")
        super().__init__(approximate=approximate)
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.gelu(input, self.approximate)


class SiLU(_Activation):
    """x σ(x)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.silu(input)


class Mish(_Activation):
    """x tanh(softplus(x))."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.mish(input)


class Sigmoid(_Activation):
    """1 / (1 + exp(−x))."""

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.sigmoid(input)


class LogSigmoid(_Activation):
    """log σ(x)."""

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.logsigmoid(input)


class Tanh(_Activation):
    """Hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.tanh(input)


class Softplus(_Activation):
    """log(1 + exp(βx)) / β; exact for every x, whatever the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.softplus(input, self.beta, self.threshold)


class Softsign(_Activation):
    """x / (1 + |x|)."""

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.softsign(input)


class Tanhshrink(_Activation):
    """x − tanh(x)."""

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.tanhshrink(input)


class Softshrink(_Activation):
    """x moved towards 0 by lambd, and 0 within it."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.softshrink(input, self.lambd)


class Hardshrink(_Activation):
    """x, and 0 within lambd of 0."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.hardshrink(input, self.lambd)


class Hardtanh(_Activation):
    """x held between min_val and max_val."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val={min_val} must be below max_val={max_val}.")
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.hardtanh(input, self.min_val, self.max_val)


class Hardsigmoid(_Activation):
    """relu6(x + 3) / 6."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.hardsigmoid(input)


class Hardswish(_Activation):
    """x · hardsigmoid(x)."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.hardswish(input)


class PReLU(Module):
    """Gives x where x > 0, else weight · x, with a weight that is learned.

    Parameters
    ----------
    num_parameters : 1, or the number of channels of an input (N, C, ...).
    init : first value of the weight.
    dtype : of the weight, float32 by default.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init), dtype=dtype)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Number of weights."""
        return f"num_parameters={self.num_parameters}"


class Softmax(_Activation):
    """exp(x) over its sum along the axis `dim`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Softmax(dim=-1)(np.zeros((1, 4)))
    array([[0.25, 0.25, 0.25, 0.25]])
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim=dim)
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Normalise along `dim`."""
        return functional.softmax(input, self.dim)


class LogSoftmax(_Activation):
    """Logarithm of softmax along the axis `dim`, without overflow."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim=dim)
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Normalise along `dim`."""
        return functional.log_softmax(input, self.dim)


class Softmin(_Activation):
    """exp(−x) over its sum along the axis `dim`."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim=dim)
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Normalise along `dim`."""
        return functional.softmin(input, self.dim)


class Softmax2d(_Activation):
    """Softmax over the channels of (N, C, H, W) or (C, H, W), at each pixel for itself."""

    def forward(self, input: Any) -> Any:
        """Normalise over the channels."""
        if np.ndim(input) not in (3, 4):
            raise ValueError(
                f"Softmax2d: input must be (N, C, H, W) or (C, H, W), got {np.shape(input)}."
            )
        return functional.softmax(input, -3)


class Threshold(_Activation):
    """Gives x where x > threshold, else the value."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)
        self.threshold, self.value = threshold, value

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.threshold(input, self.threshold, self.value)


class GLU(_Activation):
    """a σ(b), where a and b are the two halves of the input along an axis.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.GLU()(np.zeros((2, 6))).shape
    (2, 3)
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Gate one half by the other."""
        return functional.glu(input, self.dim)


class RReLU(_Activation):
    """Gives x where x > 0, else x times a slope: a random one in training, else the mean.

    Parameters
    ----------
    lower, upper : where the slopes are drawn from, evenly.
    inplace : accepted as in PyTorch; nothing is overwritten.
    rng : generator, seed or None for the default generator at the time of each call.
    """

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
        self.lower, self.upper = lower, upper
        self.rng = None if rng is None else as_generator(rng)

    def forward(self, input: Any) -> Any:
        """Apply it to each element."""
        return functional.rrelu(input, self.lower, self.upper, self.training, rng=self.rng)
