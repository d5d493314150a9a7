"""Batch and instance normalization, with running statistics."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from autograd.node import Array
from autograd.results import happen
from autograd.tape import OPEN, Effect, kept_arrays, refuse
from autograd.value import Value
from nn import functional
from nn.arguments import count, flags, reals
from nn.functional.tensor import same_dtype
from nn.layers.scale_and_shift import ScaleAndShift
from nn.module import Parameter


class _Tracked(ScaleAndShift):
    """What batch and instance norms share: parameters and running statistics, by channel."""

    _axes: ClassVar[dict[int, str]]  # of the input, by their number
    bias: Parameter | None
    _newer = ("num_batches_tracked",)  # since PyTorch 0.4.1
    running_mean: Array | None
    running_var: Array | None
    num_batches_tracked: Array | None

    def __init__(
        self,
        num_features: int | None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
        bias: bool = True,
    ) -> None:
        reals(type(self).__name__, eps=eps, momentum=0.0 if momentum is None else momentum)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(
                f"{type(self).__name__}: momentum must be between 0 and 1, or None for the mean "
                f"of all batches, got {momentum}."
            )
        flags(
            type(self).__name__,
            affine=affine,
            track_running_stats=track_running_stats,
            bias=bias,
        )
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        if num_features is not None:
            self._make_parameters(num_features, dtype, bias)
            return
        self.make_later(
            functools.partial(type(self)._make_for, dtype=dtype, bias=bias),
            f"None, eps={eps}, momentum={momentum}, affine={affine}, "
            f"track_running_stats={track_running_stats}",
        )

    def _make_for(self, input: Any, **settings: Any) -> None:
        self._make_parameters(self._channels(np.shape(input)), **settings)

    def _make_parameters(self, num_features: int, dtype: Any, bias: bool) -> None:
        self.num_features = count(type(self).__name__, "num_features", num_features, 1)
        affine, track, kind = self.affine, self.track_running_stats, dtype or np.float32
        w, b = np.ones(num_features), np.zeros(num_features)
        self.register_parameter("weight", Parameter(w, dtype=dtype) if affine else None)
        self.register_parameter("bias", Parameter(b, dtype=dtype) if affine and bias else None)
        self.register_buffer("running_mean", np.zeros(num_features, kind) if track else None)
        self.register_buffer("running_var", np.ones(num_features, kind) if track else None)
        self.register_buffer("num_batches_tracked", np.array(0) if track else None)

    def reset_running_stats(self) -> None:
        """Set the running statistics to mean 0 and variance 1, and the count of batches to 0."""
        self._made()
        for name, start in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
            old = getattr(self, name)
            if old is not None:
                setattr(self, name, np.full_like(old, start))

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        super().reset_parameters()

    def _channels(self, shape: tuple[int, ...]) -> int:
        """The number of channels of an input; refused with other axes."""
        if len(shape) not in self._axes:
            raise ValueError(
                f"{type(self).__name__}: input must have the axes "
                f"{' or '.join(self._axes.values())}, got {shape}."
            )
        return shape[0 if self._single(shape) else 1]

    def _single(self, shape: tuple[int, ...]) -> bool:
        """Whether an input is one sample, without an axis for samples."""
        return False

    def _check_channels(self, shape: tuple[int, ...]) -> None:
        flags(type(self).__name__, track_running_stats=self.track_running_stats)
        channels = self._channels(shape)
        if channels != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: input {shape} has {channels} channels, but "
                f"num_features={self.num_features}."
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _Counted(Effect):
    """One more batch."""

    def __init__(self, count: Array) -> None:
        super().__init__("num_batches_tracked")
        self.count = count

    def keep(self) -> Callable[[], None]:
        return kept_arrays([self.count])

    def forward(self, *after: Any) -> float:
        self.count += 1
        return 0.0


class _BatchNorm(_Tracked):
    def forward(self, input: Any) -> Value:
        """Normalize each channel of (N, C, ...)."""
        shape = np.shape(input)
        self._check_channels(shape)
        mean, var, count = self.running_mean, self.running_var, self.num_batches_tracked
        if self.training and not self.track_running_stats:  # as if there were none
            mean = var = count = None
        if mean is not None:
            same_dtype(type(self).__name__, input, mean)
        of_batch = self.training or (mean is None and var is None)
        if of_batch and not self.training and math.prod(shape) == self.num_features:
            raise ValueError(
                f"{type(self).__name__}: without running statistics eval mode too uses the "
                f"batch's, which need more than one number per channel, got {shape}. Give a larger "
                "batch, or make the layer with track_running_stats=True."
            )
        momentum = self.momentum
        if momentum is None:
            if OPEN[0]:
                refuse("BatchNorm with momentum=None, which counts batches,")
            momentum = 0.0 if count is None else 1 / (int(count) + 1)
        y = functional.batch_norm(
            input, mean, var, self.weight, self.bias, of_batch, momentum, self.eps
        )
        if self.training and count is not None:
            happen(_Counted(count), y)
        return y


class BatchNorm1d(_BatchNorm):
    r"""Normalize each channel over the batch.

    .. math:: y = \frac{x - \operatorname{mean} x}{\sqrt{\operatorname{var} x + ε}} \, w + b

    In training with the mean and variance of the batch, which also move the running ones; after
    `eval` with the running ones.

    Parameters
    ----------
    num_features : C, or None to take it from the first input.
    eps : added to the variance.
    momentum : weight of the new statistics in the running ones, 0 to 1; None averages all batches.
    affine : whether there are w and b.
    track_running_stats : whether there are running statistics; else the batch's are always used.
        Set to False later, training leaves the running statistics as they are, and `eval` uses
        them.
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
    """Normalize each channel of images over the batch; all as in `BatchNorm1d`.

    Input (N, C, H, W), output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.BatchNorm2d(3)(np.ones((2, 3, 4, 4), np.float32)).shape
    (2, 3, 4, 4)
    """

    _axes: ClassVar[dict[int, str]] = {4: "(N, C, H, W)"}


class BatchNorm3d(_BatchNorm):
    """Normalize each channel of volumes over the batch; all as in `BatchNorm1d`.

    Input (N, C, D, H, W), output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.BatchNorm3d(3)(np.ones((2, 3, 4, 4, 4), np.float32)).shape
    (2, 3, 4, 4, 4)
    """

    _axes: ClassVar[dict[int, str]] = {5: "(N, C, D, H, W)"}


class _InstanceNorm(_Tracked):
    def __init__(
        self,
        num_features: int | None,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        dtype: Any = None,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, dtype=dtype, bias=bias
        )

    def _single(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == min(self._axes)

    def forward(self, input: Any) -> Value:
        """Normalize each channel of each sample of (N, C, ...) or (C, ...)."""
        shape = np.shape(input)
        self._check_channels(shape)
        single, mean, var = self._single(shape), self.running_mean, self.running_var
        if not self.track_running_stats:
            mean = var = None
        y: Any = functional.instance_norm(
            np.expand_dims(input, 0) if single else input,
            mean, var, self.weight, self.bias, self.training or mean is None,
            0.0 if self.momentum is None else self.momentum, self.eps,
        )  # fmt: skip
        return np.squeeze(y, 0) if single else y


class InstanceNorm1d(_InstanceNorm):
    """Normalize each channel of each sample.

    Parameters
    ----------
    num_features : C, or None to take it from the first input.
    eps : added to the variance.
    momentum : weight of the new statistics in the running ones, 0 to 1.
    affine : whether there are w and b.
    track_running_stats : whether there are running statistics, which are used after `eval`. Set to
        False later, they are neither used nor moved.
    dtype : of parameters and statistics, float32 by default.
    bias : False leaves b out.

    Attributes
    ----------
    weight, bias : Parameters, (C,), at first 1 and 0, or None.
    running_mean, running_var, num_batches_tracked : buffers, or None.

    Input (N, C, L) or (C, L), output likewise.

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky, Instance normalization, 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> norm = nn.InstanceNorm1d(2, eps=0.0)
    >>> norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]))
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """

    _axes: ClassVar[dict[int, str]] = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(_InstanceNorm):
    """Normalize each channel of each image; all as in `InstanceNorm1d`.

    Input (N, C, H, W) or (C, H, W), output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.InstanceNorm2d(3)(np.ones((2, 3, 4, 4), np.float32)).shape
    (2, 3, 4, 4)
    """

    _axes: ClassVar[dict[int, str]] = {3: "(C, H, W)", 4: "(N, C, H, W)"}


class InstanceNorm3d(_InstanceNorm):
    """Normalize each channel of each volume; all as in `InstanceNorm1d`.

    Input (N, C, D, H, W) or (C, D, H, W), output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.InstanceNorm3d(3)(np.ones((2, 3, 4, 4, 4), np.float32)).shape
    (2, 3, 4, 4, 4)
    """

    _axes: ClassVar[dict[int, str]] = {4: "(C, D, H, W)", 5: "(N, C, D, H, W)"}
