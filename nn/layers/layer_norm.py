"""Layer, RMS, group and local response normalization."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd.value import Value
from nn import functional
from nn.arguments import count, flags, reals
from nn.layers.scale_and_shift import ScaleAndShift
from nn.module import Module, Parameter


class _RowNorm(ScaleAndShift):
    """What LayerNorm and RMSNorm share: the shape of a row."""

    normalized_shape: tuple[int, ...]

    def _set_shape(self, normalized_shape: Any) -> None:
        who = type(self).__name__
        given = normalized_shape
        sizes = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        if not sizes:
            raise ValueError(f"{who}: normalized_shape must name at least one axis, got {given}.")
        self.normalized_shape = tuple(count(who, "normalized_shape", n, 1) for n in sizes)

    def _check(self, input: Any) -> None:
        shape, row = np.shape(input), self.normalized_shape
        if shape[-len(row) :] != row:
            raise ValueError(
                f"{type(self).__name__}: the last axes of input {shape} must be "
                f"normalized_shape={row}."
            )


class LayerNorm(_RowNorm):
    r"""Normalize over the last axes.

    .. math:: y = \frac{x - \operatorname{mean} x}{\sqrt{\operatorname{var} x + ε}} \, w + b

    Parameters
    ----------
    normalized_shape : sizes of the last axes, an integer or a tuple.
    eps : added to the variance.
    elementwise_affine : whether there are w and b.
    bias : False leaves b out.
    dtype : of the parameters, float32 by default.

    Attributes
    ----------
    weight, bias : Parameters of shape normalized_shape, at first 1 and 0, or None.

    Input (..., *normalized_shape), output likewise.

    References
    ----------
    Ba, Kiros & Hinton, Layer normalization, 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.LayerNorm(2, eps=0.0)(np.array([[1, 3], [10, 30]], np.float32)).data.tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self._set_shape(normalized_shape)
        reals("LayerNorm", eps=eps)
        flags("LayerNorm", elementwise_affine=elementwise_affine, bias=bias)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        w, b = np.ones(self.normalized_shape), np.zeros(self.normalized_shape)
        affine = elementwise_affine
        self.register_parameter("weight", Parameter(w, dtype=dtype) if affine else None)
        self.register_parameter("bias", Parameter(b, dtype=dtype) if affine and bias else None)

    def forward(self, input: Any) -> Value:
        """Normalize each row."""
        self._check(input)
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(_RowNorm):
    r"""Divide by the root mean square over the last axes.

    .. math:: y = \frac{x}{\sqrt{\operatorname{mean} x^2 + ε}} \, w

    Parameters
    ----------
    normalized_shape : sizes of the last axes, an integer or a tuple.
    eps : added to the mean square; None for the resolution of the input's dtype.
    elementwise_affine : whether there is a w.
    dtype : of the weight, float32 by default.

    Attributes
    ----------
    weight : Parameter of shape normalized_shape, at first 1, or None.

    Input (..., *normalized_shape), output likewise.

    References
    ----------
    Zhang & Sennrich, Root mean square layer normalization, 2019.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.RMSNorm(4, eps=0.0)(np.array([1, -1, 7, 7], np.float32)).data.round(3).tolist()
    [0.20000000298023224, -0.20000000298023224, 1.399999976158142, 1.399999976158142]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self._set_shape(normalized_shape)
        reals("RMSNorm", eps=0.0 if eps is None else eps)
        flags("RMSNorm", elementwise_affine=elementwise_affine)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        w = np.ones(self.normalized_shape)
        self.register_parameter("weight", Parameter(w, dtype=dtype) if elementwise_affine else None)

    def forward(self, x: Any) -> Value:
        """Scale each row."""
        self._check(x)
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(ScaleAndShift):
    """Normalize groups of neighboring channels of each sample.

    Parameters
    ----------
    num_groups : a divisor of num_channels.
    num_channels : C, or None to take it from the first input.
    eps : added to the variance.
    affine : whether there are w and b.
    dtype : of the parameters, float32 by default.
    bias : False leaves b out.

    Attributes
    ----------
    weight, bias : Parameters, (C,), at first 1 and 0, or None.

    Input (N, C, ...), output likewise.

    References
    ----------
    Wu & He, Group normalization, 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.GroupNorm(2, 4, eps=0.0)(np.array([[1, 3, 10, 30]], np.float32)).data.tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int | None,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = None,
        bias: bool = True,
    ) -> None:
        self.num_groups = count("GroupNorm", "num_groups", num_groups, 1)
        reals("GroupNorm", eps=eps)
        flags("GroupNorm", affine=affine, bias=bias)
        self.eps, self.affine = eps, affine
        if num_channels is not None:
            self._make_parameters(num_channels, dtype, bias)
            return
        self.make_later(
            functools.partial(type(self)._make_for, dtype=dtype, bias=bias),
            f"{num_groups}, None, eps={eps}, affine={affine}, bias={bias}",
        )

    def _make_for(self, input: Any, **settings: Any) -> None:
        self._make_parameters(self._channels(input), **settings)

    def _make_parameters(self, num_channels: int, dtype: Any, bias: bool) -> None:
        self.num_channels = count("GroupNorm", "num_channels", num_channels, 1)
        if num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_channels={num_channels} must be a multiple of "
                f"num_groups={self.num_groups}."
            )
        w, b, affine = np.ones(num_channels), np.zeros(num_channels), self.affine
        self.register_parameter("weight", Parameter(w, dtype=dtype) if affine else None)
        self.register_parameter("bias", Parameter(b, dtype=dtype) if affine and bias else None)

    def _channels(self, input: Any) -> int:
        shape = np.shape(input)
        if len(shape) < 2:
            raise ValueError(f"GroupNorm: input must be (N, C, ...), got {shape}.")
        return shape[1]

    def forward(self, input: Any) -> Value:
        """Normalize each group of each sample."""
        if self._channels(input) != self.num_channels:
            raise ValueError(
                f"GroupNorm: input must be (N, C, ...) with C = num_channels={self.num_channels}, "
                f"got {np.shape(input)}."
            )
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Local response normalization over neighboring channels.

    Parameters
    ----------
    size : number of neighboring channels.
    alpha, beta, k : of the divisor (k + alpha · mean square)^beta.

    Input (N, C, ...), output likewise.

    References
    ----------
    Krizhevsky, Sutskever & Hinton, ImageNet classification with deep networks, 2012.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.LocalResponseNorm(2)(np.ones((1, 3, 4, 4), np.float32)).shape
    (1, 3, 4, 4)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = count("LocalResponseNorm", "size", size, 1)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, input: Any) -> Value:
        """Scale each channel by those around it."""
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
