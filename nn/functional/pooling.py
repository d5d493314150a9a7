"""Power-average pooling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.ops import avg_pool1d, avg_pool2d, avg_pool3d
from autograd.value import Value
from nn.arguments import flags, reals
from nn.functional.tensor import Tensor, floats


def _lp_pool(
    rank: int,
    mean: Callable[..., Any],
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Value:
    """The p-norm of each window."""
    flags(f"lp_pool{rank}d", ceil_mode=ceil_mode)
    reals(f"lp_pool{rank}d", norm_type=norm_type)
    if not norm_type > 0:
        raise ValueError(f"lp_pool{rank}d: norm_type must be above 0, got {norm_type}.")
    x = floats(f"lp_pool{rank}d", input)
    if x.dtype == np.float32:  # in which a power of 1e15 or 1e-15 may be inf or 0
        wide = _lp_pool(rank, mean, x.astype(np.float64), norm_type, kernel_size, stride, ceil_mode)
        return wide.astype(np.float32)
    means = mean(x**norm_type, kernel_size, stride, 0, ceil_mode)
    pixels = math.prod(kernel_size) if np.ndim(kernel_size) else kernel_size**rank
    sums = means * float(pixels)
    if norm_type <= 1:
        return sums ** (1.0 / norm_type)
    # where nothing is in a window, a power of slope 0, as a norm's there, and without a curvature
    empty = np.equal(sums, 0)
    roots: Any = np.where(empty, 1.0, sums) ** (1.0 / norm_type)
    y: Any = np.where(empty, np.where(empty, sums, 1.0) ** 1.5, roots)
    return y


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Value:
    r"""Power-average pooling: the p-norm of 1-d windows.

    .. math:: y_o = \Big(\sum_j x_{o \cdot stride + j}^p\Big)^{1/p}

    As in PyTorch, powers are taken of x and not of |x|: the root of a negative sum is NaN, and the
    gradient is not finite where a sum is 0.

    Parameters
    ----------
    input : (N, C, L) or (C, L).
    norm_type : p, above 0.
    kernel_size, stride, ceil_mode : as in `avg_pool1d`.

    Returns
    -------
    Value or array, as `avg_pool1d`.

    Raises
    ------
    ValueError, TypeError : as `avg_pool1d`; a norm_type that is not above 0.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.lp_pool1d(np.array([[3.0, 4.0]]), 2, 2)
    array([[5.]])
    """
    return _lp_pool(1, avg_pool1d, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Value:
    """Power-average pooling of (N, C, H, W) or (C, H, W); as `lp_pool1d`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.lp_pool2d(np.ones((1, 4, 4)), 2, 2)[0, 0]
    array([2., 2.])
    """
    return _lp_pool(2, avg_pool2d, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Value:
    """Power-average pooling of (N, C, D, H, W) or (C, D, H, W); as `lp_pool1d`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.lp_pool3d(np.ones((1, 2, 2, 2)), 3, 2).ravel()
    array([2.])
    """
    return _lp_pool(3, avg_pool3d, input, norm_type, kernel_size, stride, ceil_mode)
