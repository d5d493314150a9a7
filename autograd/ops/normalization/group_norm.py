"""Group and instance normalization, of each sample by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.machine.workspace import native
from autograd.ops.normalization.normalization import (
    Shape,
    check_channels,
    check_float,
    composed,
    normalize,
    normalize_grad,
)
from autograd.ops.samples import A, case, cases


def _groups(x: Any, num_groups: Any) -> Shape:
    """Group norm's (1, N, groups, channels of one, pixels), checked."""
    if isinstance(num_groups, bool) or not hasattr(type(num_groups), "__index__"):
        raise TypeError(f"num_groups must be an integer, got {num_groups!r}.")
    N, C = x.shape[:2]
    if num_groups < 1 or C % num_groups:
        raise ValueError(f"num_groups={num_groups} must divide the {C} channels of x {x.shape}.")
    return (1, N, num_groups, C // num_groups, math.prod(x.shape[2:]))


def _group_norm(
    x: Any, weight: Any = None, bias: Any = None, num_groups: int = 1, eps: float = 1e-5
) -> tuple[Any, Any]:
    """Groups of channels of each sample to mean 0 and variance 1; see `group_norm`."""
    x, weight, bias = native(x), native(weight), native(bias)
    check_float(x, eps, weight=weight, bias=bias)
    check_channels(x, weight=weight, bias=bias)
    return normalize(x, weight, bias, _groups(x, num_groups), eps)


def _group_norm_reference(x: Any, weight: Any, bias: Any, num_groups: int, eps: float) -> Any:
    return composed(x, weight, bias, _groups(x, num_groups), eps)


group_norm_op = KernelOp(
    _group_norm,
    r"\operatorname{{group\_norm}} {x:3}",
    normalize_grad,
    reference=_group_norm_reference,
    arity=3,
)


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    r"""Normalize groups of neighboring channels of each sample.

    Parameters
    ----------
    x : array or Value, (N, C, ...), float32 or float64.
    num_groups : int, a divisor of C.
    weight, bias : array or Value, (C,), optional.
    eps : added to the variance.

    Returns
    -------
    Value of x's shape.

    Raises
    ------
    ValueError, TypeError : shapes or dtypes that don't fit together.

    References
    ----------
    Wu & He, Group normalization, 2018.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.ops.group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    return group_norm_op(x, weight, bias, num_groups, eps)


def instance_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalize each channel of each sample; as `group_norm` with as many groups as channels.

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky, Instance normalization, 2016.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.ops.instance_norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    shape = np.shape(x)
    if len(shape) < 3:
        raise ValueError(f"instance_norm: x must have shape (N, C, ...) with pixels, got {shape}.")
    return group_norm_op(x, weight, bias, shape[1], eps)


# What tests sample
cases(
    "group_norm",
    case(A(2, 4, 3), A(4), A(4), 2),
    case(A(2, 2, 2, 2), A(2), None, 2),
    case(A(2, 6), None, A(6), 2),
)
