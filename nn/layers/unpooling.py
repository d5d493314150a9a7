"""Max unpooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from autograd.ops.axes import each
from autograd.value import Value
from nn import functional
from nn.module import Module


class _MaxUnpool(Module):
    _rank: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel_size = self._each("kernel_size", kernel_size, 1)
        self.stride = self._each("stride", kernel_size if stride is None else stride, 1)
        self.padding = self._each("padding", padding, 0)

    def _each(self, name: str, given: Any, least: int) -> tuple[int, ...]:
        try:
            return each(name, given, self._rank, least)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(self).__name__}: {error}") from None

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Value:
        """Put (N, C, ...) or (C, ...) where the indices say, zeros elsewhere."""
        return type(self)._function(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Partial inverse of `MaxPool1d`: the maxima at their indices, zeros elsewhere.

    Parameters
    ----------
    kernel_size, stride, padding : those of the pooling.

    Called with the pooled input, the indices that ``MaxPool1d(..., return_indices=True)`` returned
    with it, and optionally output_size, since several sizes are pooled to the same.

    Input (N, C, L) or (C, L), output with L' = (L − 1) stride − 2 padding + kernel_size.

    Examples
    --------
    >>> import nn, numpy as np
    >>> y, indices = nn.MaxPool1d(2, return_indices=True)(np.array([[1.0, 2.0, 4.0, 3.0]]))
    >>> nn.MaxUnpool1d(2)(y, indices)
    array([[0., 2., 4., 0.]])
    """

    _rank = 1
    _function = staticmethod(functional.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Partial inverse of `MaxPool2d`: the maxima at their indices, zeros elsewhere.

    As `MaxUnpool1d`; sizes are integers or one for each axis.

    Input (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> y, indices = nn.MaxPool2d(2, return_indices=True)(np.ones((1, 4, 4)))
    >>> nn.MaxUnpool2d(2)(y, indices).sum()
    np.float64(4.0)
    """

    _rank = 2
    _function = staticmethod(functional.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Partial inverse of `MaxPool3d`: the maxima at their indices, zeros elsewhere.

    As `MaxUnpool1d`; sizes are integers or one for each axis.

    Input (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> y, indices = nn.MaxPool3d(2, return_indices=True)(np.ones((1, 4, 4, 4)))
    >>> nn.MaxUnpool3d(2)(y, indices).shape
    (1, 4, 4, 4)
    """

    _rank = 3
    _function = staticmethod(functional.max_unpool3d)
