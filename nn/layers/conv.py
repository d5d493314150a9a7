"""Convolutions and transposed convolutions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from autograd.ops.axes import each
from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count, flags
from nn.layers.uniform_weights import UniformStart, uniform_weights
from nn.module import Parameter

PAD_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(UniformStart):
    """What both kinds share: parameters, checks of the input, repr."""

    _rank: ClassVar[int]
    _transposed: ClassVar[bool] = False
    _function: ClassVar[Callable[..., Any]]
    bias: Parameter | None

    def _set_up(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: Any,
        rng: Rng,
    ) -> None:
        flags(self._who, bias=bias)
        self.groups = count(self._who, "groups", groups, 1)
        self.out_channels = count(self._who, "out_channels", out_channels, 1)
        self._check_groups("out_channels", self.out_channels)
        self.kernel_size = self._each("kernel_size", kernel_size, 1)
        self.stride = self._each("stride", stride, 1)
        self.dilation = self._each("dilation", dilation, 1)
        self.padding = padding if isinstance(padding, str) else self._each("padding", padding, 0)
        self.padding_mode = padding_mode
        rng = as_generator(rng)
        if in_channels is not None:
            self._make_parameters(in_channels, bias, dtype, rng)
            return
        self.make_later(
            functools.partial(type(self)._make_for, bias=bias, dtype=dtype, rng=rng),
            f"in_channels=None, {self.out_channels}, kernel_size={self.kernel_size}",
        )

    def _make_for(self, input: Any, *_: Any, **settings: Any) -> None:
        self._make_parameters(self._channels(input), **settings)

    def _make_parameters(
        self, in_channels: int, bias: bool, dtype: Any, rng: np.random.Generator
    ) -> None:
        self.in_channels = count(self._who, "in_channels", in_channels, 1)
        self._check_groups("in_channels", self.in_channels)
        first, second = self.in_channels, self.out_channels
        if not self._transposed:
            first, second = second, first
        shape = (first, second // self.groups, *self.kernel_size)
        fan_in = math.prod(shape[1:])
        self.weight = uniform_weights(shape, fan_in, dtype, rng)
        self.register_parameter(
            "bias", uniform_weights((self.out_channels,), fan_in, dtype, rng) if bias else None
        )

    def _check_groups(self, name: str, channels: int) -> None:
        if channels % self.groups:
            raise ValueError(
                f"{self._who}: {name}={channels} must be a multiple of groups={self.groups}."
            )

    @property
    def _who(self) -> str:
        return type(self).__name__

    def _each(self, name: str, given: Any, least: int) -> tuple[int, ...]:
        try:
            return each(name, given, self._rank, least)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self._who}: {error}") from None

    def _channels(self, input: Any) -> int:
        """The number of channels; with too few axes one that leaves the error to the op."""
        shape: tuple[int, ...] = np.shape(input)
        return shape[-self._rank - 1] if len(shape) > self._rank else self.groups

    def extra_repr(self) -> str:
        rank = self._rank
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        if self.padding != (0,) * rank:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * rank:
            text += f", dilation={self.dilation}"
        more = vars(self).get("output_padding", (0,) * rank)
        if more != (0,) * rank:
            text += f", output_padding={more}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_Convolution):
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if padding_mode not in PAD_MODES:
            raise ValueError(
                f"{self._who}: padding_mode must be one of {', '.join(PAD_MODES)}, "
                f"got {padding_mode!r}."
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(
                f"{self._who}: padding must be 'same', 'valid' or integers, got {padding!r}."
            )
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, dtype, rng,
        )  # fmt: skip
        if padding == "same" and set(self.stride) != {1}:
            raise ValueError(f"{self._who}: padding='same' needs stride=1, got {stride}.")

    def forward(self, input: Any) -> Value:
        """Convolve (N, C, ...) or (C, ...)."""
        x: Any = input
        padding: Any = self.padding
        if self.padding_mode != "zeros" and padding != "valid":
            x, padding = self._padded(x), 0
        return type(self)._function(
            x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _padded(self, x: Any) -> Any:
        """The input, padded with its own elements."""
        if self.padding == "same":
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            pairs = [(n // 2, n - n // 2) for n in total]
        else:
            pairs = [(int(n), int(n)) for n in self.padding]
        return functional.pad(x, [n for pair in reversed(pairs) for n in pair], self.padding_mode)


class Conv1d(_Conv):
    """1-d convolution (a cross-correlation).

    Parameters
    ----------
    in_channels, out_channels : C and M, before and after. in_channels=None takes it from the first
        input, which then makes the parameters.
    kernel_size : size of the kernel.
    stride : step between outputs.
    padding : zeros added at both ends, 'same' or 'valid'.
    dilation : step between the taps of the kernel.
    groups : number of groups into which the channels are split.
    bias : whether to add a learned bias to each output channel.
    padding_mode : "zeros", "reflect", "replicate" or "circular".
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight : Parameter, (M, C / groups, kernel_size), uniform in ±1/√fan_in at first, where fan_in
        is C / groups · kernel_size.
    bias : Parameter, (M,), likewise, or None.

    Input (N, C, L) or (C, L), output (N, M, L') or (M, L') with
    L' = (L + 2 padding − dilation (kernel_size − 1) − 1) // stride + 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Conv1d(2, 8, 3, padding=1)(np.ones((5, 2, 10), np.float32)).shape
    (5, 8, 10)
    >>> layer = nn.Conv1d(None, 8, 3)
    >>> layer(np.ones((5, 2, 10), np.float32)).shape, layer.weight.shape
    ((5, 8, 8), (8, 2, 3))
    """

    _rank = 1
    _function = staticmethod(functional.conv1d)


class Conv2d(_Conv):
    """2-d convolution (a cross-correlation).

    Parameters and attributes as in `Conv1d`; sizes are integers or one for each axis.

    Input (N, C, H, W) or (C, H, W), output (N, M, H', W') or (M, H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> layer = nn.Conv2d(1, 6, 5, padding=2)
    >>> layer
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    >>> layer(np.ones((3, 1, 28, 28), np.float32)).shape
    (3, 6, 28, 28)
    """

    _rank = 2
    _function = staticmethod(functional.conv2d)


class Conv3d(_Conv):
    """3-d convolution (a cross-correlation).

    Parameters and attributes as in `Conv1d`; sizes are integers or one for each axis.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, M, D', H', W') or (M, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Conv3d(1, 2, (1, 3, 3))(np.ones((1, 1, 4, 5, 6), np.float32)).shape
    (1, 2, 4, 3, 4)
    """

    _rank = 3
    _function = staticmethod(functional.conv3d)


class _ConvTranspose(_Convolution):
    _transposed = True

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        rng: Rng = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f"{self._who}: padding_mode must be 'zeros', got {padding_mode!r}.")
        if isinstance(padding, str):
            raise ValueError(f"{self._who}: padding must be integers, got {padding!r}.")
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, dtype, rng,
        )  # fmt: skip
        self.output_padding = self._each("output_padding", output_padding, 0)

    def forward(self, input: Any, output_size: Any = None) -> Value:
        """Map (N, C, ...) or (C, ...); `output_size` chooses among the possible output sizes."""
        x, more = input, self.output_padding
        if output_size is not None:
            more = self._output_padding(x.shape, output_size)
        return type(self)._function(
            x, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )

    def _output_padding(self, shape: tuple[int, ...], output_size: Any) -> tuple[int, ...]:
        """The output padding that makes an output of this size."""
        rank = self._rank
        wanted = self._each("output_size", tuple(output_size)[-rank:], 1)
        steps, reach = (
            zip(shape[-rank:], self.stride, strict=True),
            zip(self.dilation, self.kernel_size, strict=True),
        )
        pads = [int(p) for p in self.padding]
        least = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for (n, s), (d, k), p in zip(steps, reach, pads, strict=True)
        )
        most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
        if not all(a <= w <= b for a, w, b in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"{self._who}: output_size={wanted} must lie between {least} and {most} "
                f"for input {shape}."
            )
        return tuple(w - a for w, a in zip(wanted, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """1-d transposed convolution: the gradient of a `Conv1d` with respect to its input, as a layer.

    Parameters
    ----------
    in_channels, out_channels : M and C, before and after; in_channels=None as in `Conv1d`.
    kernel_size, stride, padding, dilation, groups : those of the convolution that it transposes.
    output_padding : added to the size of each output axis; less than stride or dilation.
    bias : whether to add a learned bias to each output channel.
    padding_mode : "zeros".
    dtype : of the parameters, float32 by default.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    weight : Parameter, (M, C / groups, kernel_size), uniform in ±1/√(C / groups · kernel_size).
    bias : Parameter, (C,), likewise, or None.

    Input (N, M, L) or (M, L), output (N, C, L') or (C, L') with
    L' = (L − 1) stride − 2 padding + dilation (kernel_size − 1) + output_padding + 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> up = nn.ConvTranspose1d(4, 2, 3, stride=2)
    >>> x = np.ones((1, 4, 5), np.float32)
    >>> up(x).shape, up(x, output_size=(12,)).shape
    ((1, 2, 11), (1, 2, 12))
    """

    _rank = 1
    _function = staticmethod(functional.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """2-d transposed convolution.

    Parameters and attributes as in `ConvTranspose1d`; sizes are integers or one for each axis.

    Input (N, M, H, W) or (M, H, W), output (N, C, H', W') or (C, H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConvTranspose2d(8, 3, 2, stride=2)(np.ones((1, 8, 7, 7), np.float32)).shape
    (1, 3, 14, 14)
    """

    _rank = 2
    _function = staticmethod(functional.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """3-d transposed convolution.

    Parameters and attributes as in `ConvTranspose1d`; sizes are integers or one for each axis.

    Input (N, M, D, H, W) or (M, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConvTranspose3d(2, 1, 2, stride=2)(np.ones((1, 2, 2, 3, 4), np.float32)).shape
    (1, 1, 4, 6, 8)
    """

    _rank = 3
    _function = staticmethod(functional.conv_transpose3d)
