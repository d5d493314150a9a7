"""Normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from autograd.engine import Array
from nn import functional
from nn.module import Module, Parameter


def _size(who: str, name: str, size: Any) -> int:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"{who}: {name} must be an integer >= 1, got {size!r}.")
    return int(size)


class _BatchNorm(Module):
    _axes: ClassVar[dict[int, str]]

    running_mean: Array | None
    running_var: Array | None
    num_batches_tracked: Array | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
        bias: bool = True,
    ) -> None:
        self.num_features = _size(type(self).__name__, "num_features", num_features)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(
                f"{type(self).__name__}: momentum must be between 0 and 1, or None for the mean "
                f"of all batches, got {momentum}."
            )
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(np.ones(num_features), dtype=dtype) if affine else None
        self.bias = Parameter(np.zeros(num_features), dtype=dtype) if affine and bias else None
        kind = dtype or np.float32
        track = track_running_stats
        self.register_buffer("running_mean", np.zeros(num_features, kind) if track else None)
        self.register_buffer("running_var", np.ones(num_features, kind) if track else None)
        self.register_buffer("num_batches_tracked", np.array(0) if track else None)

    def forward(self, input: Any) -> Any:
        """Normalise each channel of (N, C, ...)."""
        shape = np.shape(input)
        if len(shape) not in self._axes:
            raise ValueError(
                f"{type(self).__name__}: input must have the axes "
                f"{' or '.join(self._axes.values())}, got {shape}."
            )
        if shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: input {shape} has {shape[1]} channels, but "
                f"num_features={self.num_features}."
            )
        count, momentum = self.num_batches_tracked, self.momentum
        if momentum is None:
            momentum = 0.0 if count is None else 1 / (int(count) + 1)
        y = functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or self.running_mean is None, momentum, self.eps,
        )  # fmt: skip
        if self.training and count is not None:
            self.num_batches_tracked = count + 1
        return y

    def extra_repr(self) -> str:
        """Channels and settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    r"""Normalise each channel over the batch.

    .. math:: y = \frac{x - \operatorname{mean} x}{\sqrt{\operatorname{var} x + ε}} \, w + b

    In training with the mean and variance of the batch, which also move the running ones; after
    `eval` with the running ones.

    Parameters
    ----------
    num_features : C.
    eps : added to the variance.
    momentum : how far the running statistics move, 0 to 1; None for the mean of all batches.
    affine : whether there are w and b.
    track_running_stats : whether there are running statistics; else the batch's are always used.
    dtype : of parameters and statistics, float32 by default.
    bias : False leaves b out.

    Attributes
    ----------
    weight, bias : Parameters, (C,), at first 1 and 0, or None.
    running_mean, running_var : buffers, (C,), at first 0 and 1.
    num_batches_tracked : buffer, an integer.

    Input (N, C) or (N, C, L), output likewise.

    References
    ----------
    Ioffe & Szegedy, Batch normalization, 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> norm = nn.BatchNorm1d(1, eps=0.0)
    >>> norm(np.array([[1.0], [3.0]], np.float32)).data.tolist()
    [[-1.0], [1.0]]
    >>> norm.running_mean
    array([0.2], dtype=float32)
    """

    _axes: ClassVar[dict[int, str]] = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Normalise each channel of images over the batch; all as in `BatchNorm1d`.

    Input (N, C, H, W), output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.BatchNorm2d(3)(np.ones((2, 3, 4, 4), np.float32)).shape
    (2, 3, 4, 4)
    """

    _axes: ClassVar[dict[int, str]] = {4: "(N, C, H, W)"}


class BatchNorm3d(_BatchNorm):
    """Normalise each channel of volumes over the batch; all as in `BatchNorm1d`.

    Input (N, C, D, H, W), output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.BatchNorm3d(3)(np.ones((2, 3, 4, 4, 4), np.float32)).shape
    (2, 3, 4, 4, 4)
    """

    _axes: ClassVar[dict[int, str]] = {5: "(N, C, D, H, W)"}


class _RowNorm(Module):
    """What LayerNorm and RMSNorm share: the shape of a row."""

    normalized_shape: tuple[int, ...]

    def _set_shape(self, normalized_shape: Any) -> None:
        who = type(self).__name__
        given = normalized_shape
        sizes = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        if not sizes:
            raise ValueError(f"{who}: normalized_shape must name at least one axis, got {given}.")
        self.normalized_shape = tuple(_size(who, "normalized_shape", n) for n in sizes)

    def _check(self, input: Any) -> None:
        shape, row = np.shape(input), self.normalized_shape
        if shape[-len(row) :] != row:
            raise ValueError(
                f"{type(self).__name__}: the last axes of input {shape} must be "
                f"normalized_shape={row}."
            )


class LayerNorm(_RowNorm):
    r"""Normalise over the last axes.

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
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape, affine = self.normalized_shape, elementwise_affine
        self.weight = Parameter(np.ones(shape), dtype=dtype) if affine else None
        self.bias = Parameter(np.zeros(shape), dtype=dtype) if affine and bias else None

    def forward(self, input: Any) -> Any:
        """Normalise each row."""
        self._check(input)
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape and settings."""
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
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.weight = Parameter(np.ones(shape), dtype=dtype) if elementwise_affine else None

    def forward(self, input: Any) -> Any:
        """Scale each row."""
        self._check(input)
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Shape and settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """Normalise groups of neighbouring channels, each sample for itself.

    Parameters
    ----------
    num_groups : a divisor of num_channels.
    num_channels : C.
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

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = None,
        bias: bool = True,
    ) -> None:
        self.num_groups = _size("GroupNorm", "num_groups", num_groups)
        self.num_channels = _size("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels={num_channels} must be a multiple of "
                f"num_groups={num_groups}."
            )
        self.eps, self.affine = eps, affine
        self.weight = Parameter(np.ones(num_channels), dtype=dtype) if affine else None
        self.bias = Parameter(np.zeros(num_channels), dtype=dtype) if affine and bias else None

    def forward(self, input: Any) -> Any:
        """Normalise each group of each sample."""
        shape = np.shape(input)
        if len(shape) < 2 or shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm: input must be (N, C, ...) with C = num_channels={self.num_channels}, "
                f"got {shape}."
            )
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Groups, channels and settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
