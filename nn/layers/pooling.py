"""Pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nn import functional
from nn.module import Module


class _MaxPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Any) -> Any:
        """Pool (N, C, ...) or (C, ...)."""
        return type(self)._function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Geometry."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest of each window along one axis.

    Parameters
    ----------
    kernel_size : pixels of a window.
    stride : pixels between windows; by default kernel_size.
    padding : pixels of -inf at both ends, at most half of a window.
    dilation : pixels between those of a window.
    return_indices : whether to return also where the largest are.
    ceil_mode : whether to keep a last window that hangs over the end.

    Input (N, C, L) or (C, L), output (N, C, L') or (C, L') with
    L' = (L + 2 padding − dilation (kernel_size − 1) − 1) // stride + 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MaxPool1d(2)(np.ones((5, 8))).shape
    (5, 4)
    """

    _function = staticmethod(functional.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest of each window along two axes.

    Parameters as in `MaxPool1d`; sizes are integers or one for each axis.

    Input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MaxPool2d(2)(np.ones((5, 8, 8))).shape
    (5, 4, 4)
    """

    _function = staticmethod(functional.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest of each window along three axes.

    Parameters as in `MaxPool1d`; sizes are integers or one for each axis.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MaxPool3d(2)(np.ones((5, 8, 8, 8))).shape
    (5, 4, 4, 4)
    """

    _function = staticmethod(functional.max_pool3d)


class _AvgPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Any) -> Any:
        """Pool (N, C, ...) or (C, ...)."""
        more = () if self.divisor_override is None else (self.divisor_override,)
        return type(self)._function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, *more,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Geometry."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window along one axis.

    Parameters
    ----------
    kernel_size : pixels of a window.
    stride : pixels between windows; by default kernel_size.
    padding : zeros at both ends, at most half of a window.
    ceil_mode : whether to keep a last window that hangs over the end.
    count_include_pad : whether padding counts in the mean.

    Input (N, C, L) or (C, L), output (N, C, L') or (C, L') with
    L' = (L + 2 padding − kernel_size) // stride + 1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AvgPool1d(2)(np.array([[1.0, 3.0, 5.0, 7.0]]))
    array([[2., 6.]])
    """

    _function = staticmethod(functional.avg_pool1d)

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window along two axes.

    Parameters as in `AvgPool1d`; sizes are integers or one for each axis. `divisor_override` is
    what the sum is divided by instead of the number of pixels.

    Input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AvgPool2d(2)(np.ones((5, 8, 8))).shape
    (5, 4, 4)
    """

    _function = staticmethod(functional.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window along three axes.

    Parameters as in `AvgPool1d`; sizes are integers or one for each axis. `divisor_override` is
    what the sum is divided by instead of the number of pixels.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AvgPool3d(2)(np.ones((5, 8, 8, 8))).shape
    (5, 4, 4, 4)
    """

    _function = staticmethod(functional.avg_pool3d)


class _LPPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def forward(self, input: Any) -> Any:
        """Pool (N, C, ...) or (C, ...)."""
        return type(self)._function(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        """The norm and the geometry."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window along one axis, (Σ xᵖ)^(1/p).

    Parameters
    ----------
    norm_type : p, above 0.
    kernel_size, stride, ceil_mode : as in `AvgPool1d`.

    Input (N, C, L) or (C, L), output as that of `AvgPool1d`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.LPPool1d(2, 2)(np.array([[3.0, 4.0]]))
    array([[5.]])
    """

    _function = staticmethod(functional.lp_pool1d)


class LPPool2d(_LPPool):
    """The p-norm of each window along two axes.

    Parameters as in `LPPool1d`; sizes are integers or one for each axis.

    Input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.LPPool2d(2, 2)(np.ones((5, 8, 8))).shape
    (5, 4, 4)
    """

    _function = staticmethod(functional.lp_pool2d)


class LPPool3d(_LPPool):
    """The p-norm of each window along three axes.

    Parameters as in `LPPool1d`; sizes are integers or one for each axis.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.LPPool3d(2, 2)(np.ones((5, 8, 8, 8))).shape
    (5, 4, 4, 4)
    """

    _function = staticmethod(functional.lp_pool3d)


class _AdaptiveAvgPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """Pool (N, C, ...) or (C, ...)."""
        return type(self)._function(input, self.output_size)

    def extra_repr(self) -> str:
        """Parts along each axis."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPool(Module):
    _function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Any) -> Any:
        """Pool (N, C, ...) or (C, ...)."""
        return type(self)._function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """Parts along each axis."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The mean of each of so many even parts of one axis.

    Parameters
    ----------
    output_size : parts; None keeps an axis as it is.

    Input (N, C, L) or (C, L),
    output (N, C, L') or (C, L'), with L' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveAvgPool1d(3)(np.ones((5, 8))).shape
    (5, 3)
    """

    _function = staticmethod(functional.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean of each of so many even parts of two axes.

    Parameters
    ----------
    output_size : parts, an integer or one for each axis; None keeps an axis as it is.

    Input (N, C, H, W) or (C, H, W),
    output (N, C, H', W') or (C, H', W'), with H', W' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveAvgPool2d(3)(np.ones((5, 8, 8))).shape
    (5, 3, 3)
    """

    _function = staticmethod(functional.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean of each of so many even parts of three axes.

    Parameters
    ----------
    output_size : parts, an integer or one for each axis; None keeps an axis as it is.

    Input (N, C, D, H, W) or (C, D, H, W),
    output (N, C, D', H', W') or (C, D', H', W'), with D', H', W' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveAvgPool3d(3)(np.ones((5, 8, 8, 8))).shape
    (5, 3, 3, 3)
    """

    _function = staticmethod(functional.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of each of so many even parts of one axis.

    Parameters
    ----------
    output_size : parts; None keeps an axis as it is.
    return_indices : whether to return also where the largest are.

    Input (N, C, L) or (C, L),
    output (N, C, L') or (C, L'), with L' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveMaxPool1d(3)(np.ones((5, 8))).shape
    (5, 3)
    """

    _function = staticmethod(functional.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of each of so many even parts of two axes.

    Parameters
    ----------
    output_size : parts, an integer or one for each axis; None keeps an axis as it is.
    return_indices : whether to return also where the largest are.

    Input (N, C, H, W) or (C, H, W),
    output (N, C, H', W') or (C, H', W'), with H', W' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveMaxPool2d(3)(np.ones((5, 8, 8))).shape
    (5, 3, 3)
    """

    _function = staticmethod(functional.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest of each of so many even parts of three axes.

    Parameters
    ----------
    output_size : parts, an integer or one for each axis; None keeps an axis as it is.
    return_indices : whether to return also where the largest are.

    Input (N, C, D, H, W) or (C, D, H, W),
    output (N, C, D', H', W') or (C, D', H', W'), with D', H', W' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveMaxPool3d(3)(np.ones((5, 8, 8, 8))).shape
    (5, 3, 3, 3)
    """

    _function = staticmethod(functional.adaptive_max_pool3d)
