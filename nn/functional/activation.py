"""Activation functions, under PyTorch's names. `inplace` is accepted; nothing is overwritten."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import autograd
from autograd.dispatch import array_of
from autograd.random import Rng, draw
from autograd.value import Value
from nn.arguments import flags, integers, reals
from nn.functional.tensor import Tensor, same_dtype


def sigmoid(input: Tensor) -> Value:
    """1 / (1 + exp(−x))."""
    return autograd.ops.sigmoid.call(input)


def logsigmoid(input: Tensor) -> Value:
    """log σ(x)."""
    return autograd.ops.log_sigmoid.call(input)


def softsign(input: Tensor) -> Value:
    """x / (1 + |x|)."""
    return autograd.ops.softsign.call(input)


def tanhshrink(input: Tensor) -> Value:
    """x − tanh(x)."""
    return autograd.ops.tanhshrink.call(input)


def relu(input: Tensor, inplace: bool = False) -> Value:
    """max(x, 0)."""
    if inplace is not False:
        flags("relu", inplace=inplace)
    return autograd.ops.relu.call(input)


def relu6(input: Tensor, inplace: bool = False) -> Value:
    """min(max(x, 0), 6)."""
    if inplace is not False:
        flags("relu6", inplace=inplace)
    return autograd.ops.relu6.call(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Value:
    """x where x > 0, else negative_slope · x."""
    if inplace is not False:
        flags("leaky_relu", inplace=inplace)
    if negative_slope.__class__ is not float:
        reals("leaky_relu", negative_slope=negative_slope)
    return autograd.ops.leaky_relu(input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    rng: Rng = None,
) -> Value:
    """Randomized leaky ReLU: the negative slope is random in training, else the mean.

    Parameters
    ----------
    input : any shape.
    lower, upper : range of the uniform distribution of the slopes.
    training : whether they are drawn.
    inplace : accepted as in PyTorch; nothing is overwritten.
    rng : generator, seed or None for the default.

    References
    ----------
    Xu et al., Empirical evaluation of rectified activations, 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.rrelu(np.array([-1.0, 2.0]), 0.2, 0.4).round(6)
    array([-0.3,  2. ])
    """
    flags("rrelu", training=training, inplace=inplace)
    reals("rrelu", lower=lower, upper=upper)
    if not lower <= upper:
        raise ValueError(f"rrelu: lower={lower} must be at most upper={upper}.")
    if not training:
        return autograd.ops.leaky_relu(input, (lower + upper) / 2)
    x = input if isinstance(input, Value) else array_of(input, "rrelu: input")
    slope = draw(rng, "uniform", lower, upper, x.shape).astype(x.dtype)
    return autograd.ops.prelu(x, slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Value:
    """x where x > 0, else alpha (exp(x) − 1)."""
    if inplace is not False:
        flags("elu", inplace=inplace)
    if alpha.__class__ is not float:
        reals("elu", alpha=alpha)
    return autograd.ops.elu(input, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Value:
    """x where x > 0, else alpha (exp(x / alpha) − 1)."""
    if inplace is not False:
        flags("celu", inplace=inplace)
    if alpha.__class__ is not float:
        reals("celu", alpha=alpha)
    return autograd.ops.celu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Value:
    """Scaled ELU, whose fixed point is mean 0 and variance 1."""
    if inplace is not False:
        flags("selu", inplace=inplace)
    return autograd.ops.selu.call(input)


def gelu(input: Tensor, approximate: str = "none") -> Value:
    """x Φ(x), Φ the standard normal CDF; approximate="tanh" uses the tanh approximation."""
    return autograd.ops.gelu(input, approximate)


def silu(input: Tensor, inplace: bool = False) -> Value:
    """x σ(x)."""
    if inplace is not False:
        flags("silu", inplace=inplace)
    return autograd.ops.silu.call(input)


def mish(input: Tensor, inplace: bool = False) -> Value:
    """x tanh(softplus(x))."""
    if inplace is not False:
        flags("mish", inplace=inplace)
    return autograd.ops.mish.call(input)


def tanh(input: Tensor) -> Value:
    """Hyperbolic tangent."""
    return np.tanh(input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Value:
    """log(1 + exp(βx)) / β, and x where βx > threshold, as in PyTorch.

    `autograd.softplus` is exact everywhere.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.softplus(np.array([0.0, 3.0]), threshold=2.0)
    array([0.69314718, 3.        ])
    """
    reals("softplus", beta=beta, threshold=threshold)
    if not beta:
        raise ValueError(f"softplus: beta must not be 0, got {beta}.")
    x = input if isinstance(input, Value) else np.asarray(input)
    y: Any = autograd.ops.softplus(x, beta)
    if x.dtype == np.float32 and threshold >= 20:
        return y  # the two are one number up there
    y = np.where(np.greater(x * beta, threshold), x, y)
    return y


def softshrink(input: Tensor, lambd: float = 0.5) -> Value:
    """Soft shrinkage: x shrunk towards 0 by lambd, 0 where |x| <= lambd."""
    reals("softshrink", lambd=lambd)
    if not lambd >= 0:
        raise ValueError(f"softshrink: lambd must be at least 0, got {lambd}.")
    return autograd.ops.softshrink(input, lambd)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Value:
    """Hard shrinkage: 0 where |x| <= lambd, else x."""
    reals("hardshrink", lambd=lambd)
    return autograd.ops.hardshrink(input, lambd)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Value:
    """x clamped to [min_val, max_val]."""
    if inplace is not False:
        flags("hardtanh", inplace=inplace)
    reals("hardtanh", min_val=min_val, max_val=max_val)
    if not min_val <= max_val:
        raise ValueError(f"hardtanh: min_val={min_val} must be at most max_val={max_val}.")
    return autograd.ops.hardtanh(input, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Value:
    """relu6(x + 3) / 6."""
    if inplace is not False:
        flags("hardsigmoid", inplace=inplace)
    return autograd.ops.hardsigmoid.call(input)


def hardswish(input: Tensor, inplace: bool = False) -> Value:
    """x · hardsigmoid(x)."""
    if inplace is not False:
        flags("hardswish", inplace=inplace)
    return autograd.ops.hardswish.call(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Value:
    """x where x > threshold, else value.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.threshold(np.array([0.5, 2.0]), 1.0, -7.0)
    array([-7.,  2.])
    """
    if inplace is not False:
        flags("threshold", inplace=inplace)
    reals("threshold", threshold=threshold, value=value)
    y: Any = np.where(np.less_equal(input, threshold), value, input)  # NaN stays
    return y


def glu(input: Tensor, dim: int = -1) -> Value:
    """Gated linear unit: a σ(b), a and b the two halves of the input along `dim`.

    References
    ----------
    Dauphin et al., Language modeling with gated convolutional networks, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.glu(np.array([3.0, 0.0]))
    array([1.5])
    """
    integers("glu", dim=dim)
    x = input if isinstance(input, Value) else np.asarray(input)
    shape = x.shape
    if not -len(shape) <= dim < len(shape):
        raise ValueError(f"glu: dim={dim} is no axis of shape {shape}.")
    if shape[dim] % 2:
        raise ValueError(f"glu: input {shape} must have an even size along dim={dim}.")
    a, b = np.split(x, 2, axis=dim)
    return a * autograd.ops.sigmoid(b)


def prelu(input: Tensor, weight: Tensor) -> Value:
    """x where x > 0, else weight · x; one weight, or one for each channel of (N, C, ...)."""
    shape = np.shape(input)
    same_dtype("prelu", input, weight)
    if weight.size == 1:
        return autograd.ops.prelu(input, weight.reshape(()) if not shape else weight)
    channels = shape[min(1, len(shape) - 1)] if shape else 1
    if weight.shape != (channels,):
        raise ValueError(
            f"prelu: weight must have one number, or one for each of the {channels} channels of "
            f"input {shape}, got {weight.shape}."
        )
    return autograd.ops.prelu(
        input, weight.reshape((1, -1) + (1,) * (len(shape) - 2)) if len(shape) > 2 else weight
    )


def softmax(input: Tensor, dim: int | None = None, *, dtype: Any = None) -> Value:
    """Softmax along the axis `dim`: exp(x) over its sum.

    Parameters
    ----------
    input : any shape.
    dim : the axis. Without it, as in PyTorch, axis 0 of 0, 1 or 3 axes, else axis 1, with a
        warning: seldom what is meant, where the last axis holds the classes.
    dtype : the input is converted to this first, optional.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.softmax(np.zeros((1, 4), np.float32), -1, dtype=np.float64)
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    x, axis = _along("softmax", input, dim, dtype)
    return autograd.ops.softmax(x, axis=axis)


def softmin(input: Tensor, dim: int | None = None, *, dtype: Any = None) -> Value:
    """Softmax of −x along the axis `dim`; arguments as in `softmax`."""
    x, axis = _along("softmin", input, dim, dtype)
    return autograd.ops.softmax(np.negative(x), axis=axis)


def log_softmax(input: Tensor, dim: int | None = None, *, dtype: Any = None) -> Value:
    """log(softmax(x)) along the axis `dim`, without overflow; arguments as in `softmax`."""
    x, axis = _along("log_softmax", input, dim, dtype)
    return autograd.ops.log_softmax(x, axis=axis)


def _along(who: str, input: Tensor, dim: int | None, dtype: Any) -> tuple[Tensor, int]:
    """The input in the dtype asked for, and the axis: PyTorch's choice where there is none."""
    x = input if isinstance(input, Value) else np.asarray(input)
    if dtype is not None:
        x = x.astype(dtype)
    if dim is not None:
        return x, dim
    axis = 0 if x.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"{who}: no dim is given, so the axis is {axis}, PyTorch's choice for {x.ndim} axes. Say "
        "which one holds the classes, for example dim=-1.",
        stacklevel=3,
    )
    return x, axis


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1.0,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    rng: Rng = None,
) -> Value:
    r"""Differentiable samples from a categorical distribution.

    .. math:: \operatorname{softmax}\left(\frac{x + g}{τ}\right), \qquad g \text{ Gumbel's}

    Parameters
    ----------
    logits : unnormalized log-probabilities.
    tau : temperature, more than 0; the lower, the closer to one-hot.
    hard : return one-hot rows, whose gradient is that of the soft ones.
    eps : accepted as in PyTorch, which does not use it either.
    dim : axis of the classes.
    rng : generator, seed or None for the default.

    References
    ----------
    Jang, Gu & Poole, Categorical reparameterization with Gumbel-softmax, 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.gumbel_softmax(np.zeros((2, 3)), hard=True, rng=0)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    flags("gumbel_softmax", hard=hard)
    reals("gumbel_softmax", tau=tau)
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau must be more than 0, got {tau}.")
    x = logits if isinstance(logits, Value) else array_of(logits, "gumbel_softmax: logits")
    noise = draw(rng, "gumbel", size=x.shape).astype(x.dtype)
    y = autograd.ops.softmax((x + noise) / tau, axis=dim)
    if not hard:
        return y
    soft = y.data if isinstance(y, Value) else y
    hot: Any = np.zeros_like(soft)
    np.put_along_axis(hot, np.expand_dims(soft.argmax(dim), dim), 1, dim)
    return hot + (y - soft) if isinstance(y, Value) else hot


def one_hot(tensor: Any, num_classes: int = -1) -> np.ndarray[Any, Any]:
    """One-hot rows of class indices.

    Parameters
    ----------
    tensor : integers, any shape.
    num_classes : size of the new last axis; −1 for the largest index plus 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.one_hot(np.array([0, 2]))
    array([[1, 0, 0],
           [0, 0, 1]])
    """
    integers("one_hot", num_classes=num_classes)
    t = array_of(tensor, "one_hot: tensor")
    if t.dtype.kind not in "iu":
        raise TypeError(f"one_hot: tensor must hold integers, got {t.dtype}.")
    if num_classes == -1:
        if not t.size:
            raise ValueError("one_hot: num_classes must be given for an empty tensor.")
        num_classes = int(t.max()) + 1
    wrong = t[(t < 0) | (t >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"one_hot: tensor has the class index {wrong.flat[0]}, but num_classes={num_classes}."
        )
    return np.asarray(t[..., None] == np.arange(num_classes), np.int64)
