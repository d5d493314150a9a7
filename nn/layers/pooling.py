"""Pooling."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.layers.function_layer import FunctionLayer


class _MaxPool(FunctionLayer):
    _unshown = ("return_indices",)
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )


class MaxPool1d(_MaxPool):
    """Max pooling over 1-d windows.

    Parameters
    ----------
    kernel_size : size of the window.
    stride : step from window to window; kernel_size by default.
    padding : implicit -inf at both ends, at most half a window.
    dilation : step between the elements of a window.
    return_indices : whether to return the indices of the maxima, too.
    ceil_mode : round output sizes up, so that the last window may reach over the end.

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
    """Max pooling over 2-d windows.

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
    """Max pooling over 3-d windows.

    Parameters as in `MaxPool1d`; sizes are integers or one for each axis.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.MaxPool3d(2)(np.ones((5, 8, 8, 8))).shape
    (5, 4, 4, 4)
    """

    _function = staticmethod(functional.max_pool3d)


class _AvgPool(FunctionLayer):
    _unshown = ("ceil_mode", "count_include_pad", "divisor_override")
    kernel_size: Any
    stride: Any
    padding: Any
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None = None

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        more = {} if divisor_override is None else {"divisor_override": divisor_override}
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            **more,
        )


class AvgPool1d(_AvgPool):
    """Average pooling over 1-d windows.

    Parameters
    ----------
    kernel_size : size of the window.
    stride : step from window to window; kernel_size by default.
    padding : zeros at both ends, at most half a window.
    ceil_mode : round output sizes up, so that the last window may reach over the end.
    count_include_pad : whether padding counts in the average.

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
    """Average pooling over 2-d windows.

    Parameters as in `AvgPool1d`; sizes are integers or one for each axis. `divisor_override`
    divides the sum in place of the window's size.

    Input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AvgPool2d(2)(np.ones((5, 8, 8))).shape
    (5, 4, 4)
    """

    _function = staticmethod(functional.avg_pool2d)


class AvgPool3d(_AvgPool):
    """Average pooling over 3-d windows.

    Parameters as in `AvgPool1d`; sizes are integers or one for each axis. `divisor_override`
    divides the sum in place of the window's size.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AvgPool3d(2)(np.ones((5, 8, 8, 8))).shape
    (5, 4, 4, 4)
    """

    _function = staticmethod(functional.avg_pool3d)


class _LPPool(FunctionLayer):
    norm_type: float
    kernel_size: Any
    stride: Any
    ceil_mode: bool

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(
            norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode
        )


class LPPool1d(_LPPool):
    """Power-average pooling: the p-norm of 1-d windows, (Σ xᵖ)^(1/p).

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
    """Power-average pooling: the p-norm of 2-d windows.

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
    """Power-average pooling: the p-norm of 3-d windows.

    Parameters as in `LPPool1d`; sizes are integers or one for each axis.

    Input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.LPPool3d(2, 2)(np.ones((5, 8, 8, 8))).shape
    (5, 4, 4, 4)
    """

    _function = staticmethod(functional.lp_pool3d)


class _AdaptiveAvgPool(FunctionLayer):
    output_size: Any

    def __init__(self, output_size: Any) -> None:
        super().__init__(output_size=output_size)


class _AdaptiveMaxPool(FunctionLayer):
    _unshown = ("return_indices",)
    output_size: Any
    return_indices: bool

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size=output_size, return_indices=return_indices)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Adaptive average pooling over one axis: the mean of each of `output_size` equal parts.

    Parameters
    ----------
    output_size : size of the output; None keeps an axis as it is.

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
    """Adaptive average pooling over two axes: the mean of each of `output_size` equal parts.

    Parameters
    ----------
    output_size : an integer or one for each axis; None keeps an axis as it is.

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
    """Adaptive average pooling over three axes: the mean of each of `output_size` equal parts.

    Parameters
    ----------
    output_size : an integer or one for each axis; None keeps an axis as it is.

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
    """Adaptive max pooling over one axis: the maximum of each of `output_size` equal parts.

    Parameters
    ----------
    output_size : size of the output; None keeps an axis as it is.
    return_indices : whether to return the indices of the maxima, too.

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
    """Adaptive max pooling over two axes: the maximum of each of `output_size` equal parts.

    Parameters
    ----------
    output_size : an integer or one for each axis; None keeps an axis as it is.
    return_indices : whether to return the indices of the maxima, too.

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
    """Adaptive max pooling over three axes: the maximum of each of `output_size` equal parts.

    Parameters
    ----------
    output_size : an integer or one for each axis; None keeps an axis as it is.
    return_indices : whether to return the indices of the maxima, too.

    Input (N, C, D, H, W) or (C, D, H, W),
    output (N, C, D', H', W') or (C, D', H', W'), with D', H', W' of output_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AdaptiveMaxPool3d(3)(np.ones((5, 8, 8, 8))).shape
    (5, 3, 3, 3)
    """

    _function = staticmethod(functional.adaptive_max_pool3d)
