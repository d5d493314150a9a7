"""Flatten and Unflatten axes, Unfold images into patches and Fold them back."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.value import Value
from nn import functional
from nn.layers.function_layer import FunctionLayer
from nn.module import Module


class Flatten(FunctionLayer):
    """Merge the axes from start_dim to end_dim into one: (N, C, H, W) becomes (N, C·H·W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Flatten()(np.zeros((2, 3, 4, 4))).shape
    (2, 48)
    """

    _function = staticmethod(functional.flatten)
    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(start_dim=start_dim, end_dim=end_dim)


class Unflatten(Module):
    """Split one axis into several: (N, C·H·W) becomes (N, C, H, W).

    Parameters
    ----------
    dim : the axis.
    unflattened_size : what it becomes; one size may be -1.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Unflatten(1, (3, -1, 4))(np.zeros((2, 48))).shape
    (2, 3, 4, 4)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)
        sizes = self.unflattened_size
        for n in (dim, *sizes):
            if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
                raise TypeError(f"Unflatten: dim and sizes must be integers, got {n!r}.")
        if not sizes or min(sizes) < -1 or sizes.count(-1) > 1:
            raise ValueError(
                f"Unflatten: unflattened_size={sizes} must be sizes, one of them -1 at most."
            )

    def forward(self, input: Any) -> Value:
        """Split the axis."""
        shape, sizes = np.shape(input), self.unflattened_size
        if not -len(shape) <= self.dim < len(shape):
            raise ValueError(f"Unflatten: dim={self.dim} is no axis of input {shape}.")
        dim = self.dim % len(shape)
        known = int(np.prod([n for n in sizes if n >= 0]))
        whole = shape[dim] == known if -1 not in sizes else known and shape[dim] % known == 0
        if not whole:
            raise ValueError(f"Unflatten: axis {dim} of input {shape} can't be split into {sizes}.")
        split = tuple(shape[dim] // known if n < 0 else n for n in sizes)
        y: Any = np.reshape(input, (*shape[:dim], *split, *shape[dim + 1 :]))
        return y

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Unfold(FunctionLayer):
    """Sliding patches of images as columns (im2col): (N, C, H, W) becomes (N, C · kernel, patches).

    Parameters
    ----------
    kernel_size, dilation, padding, stride : int or pair, as in `Conv2d`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Unfold(3, stride=2)(np.ones((1, 2, 7, 7))).shape
    (1, 18, 9)
    """

    _function = staticmethod(functional.unfold)
    kernel_size: Any
    dilation: Any
    padding: Any
    stride: Any

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


class Fold(FunctionLayer):
    """Sum columns into images (col2im), the adjoint of `Unfold`.

    Parameters
    ----------
    output_size : int or pair, H and W.
    kernel_size, dilation, padding, stride : int or pair, those of the `Unfold`.

    Input (N, C · kernel, patches) or (C · kernel, patches), output (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Fold((7, 7), 3, stride=2)(np.ones((1, 18, 9))).shape
    (1, 2, 7, 7)
    """

    _function = staticmethod(functional.fold)
    output_size: Any
    kernel_size: Any
    dilation: Any
    padding: Any
    stride: Any

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__(
            output_size=output_size,
            kernel_size=kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )
