"""Layer and RMS normalization, over the last axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.machine.workspace import native
from autograd.ops.normalization.normalization import (
    Shape,
    check_float,
    composed,
    normalize,
    normalize_grad,
)
from autograd.ops.samples import A, case, cases


def _rows(x: Any, normalized_shape: Any, **others: Any) -> Shape:
    """Layer and RMS norm's (1, rows, 1, features, 1), checked."""
    single = hasattr(type(normalized_shape), "__index__")
    size = (normalized_shape,) if single else tuple(normalized_shape)
    if not size or x.shape[-len(size) :] != size:
        raise ValueError(f"normalized_shape {size} must be the last axes of x {x.shape}.")
    for name, a in others.items():
        if a is not None and a.shape != size:
            raise ValueError(f"{name} must have shape {size} as normalized_shape, got {a.shape}.")
    return (1, math.prod(x.shape[: x.ndim - len(size)]), 1, math.prod(size), 1)


def _layer_norm(
    x: Any, weight: Any = None, bias: Any = None, normalized_shape: Any = (), eps: float = 1e-5
) -> tuple[Any, Any]:
    """Rows to mean 0 and variance 1; see `layer_norm`."""
    x, weight, bias = native(x), native(weight), native(bias)
    check_float(x, eps, weight=weight, bias=bias)
    shape = _rows(x, normalized_shape, weight=weight, bias=bias)
    return normalize(x, weight, bias, shape, eps)


def _layer_norm_reference(x: Any, weight: Any, bias: Any, normalized_shape: Any, eps: float) -> Any:
    return composed(x, weight, bias, _rows(x, normalized_shape), eps)


def _rms_norm(
    x: Any, weight: Any = None, normalized_shape: Any = (), eps: float | None = None
) -> tuple[Any, Any]:
    """Rows to mean square 1; see `rms_norm`."""
    x, weight = native(x), native(weight)
    check_float(x, eps or 0.0, weight=weight)
    eps = _rms_eps(x, eps)
    shape = _rows(x, normalized_shape, weight=weight)
    return normalize(x, weight, None, shape, eps, centered=False)


def _rms_eps(x: Any, eps: float | None) -> float:
    """PyTorch's default: the resolution of the dtype."""
    if eps is None:
        return float(np.finfo(x.dtype).eps) if x.dtype.kind == "f" else 0.0
    return eps


def _rms_norm_grad(
    g: Any, needs: Sequence[bool], y: Any, saved: Any, x: Any, weight: Any, *_: Any
) -> Any:
    return normalize_grad(g, [*needs, False], y, saved, x, weight, None)[:2]


def _rms_norm_reference(x: Any, weight: Any, normalized_shape: Any, eps: float | None) -> Any:
    shape = _rows(x, normalized_shape)
    return composed(x, weight, None, shape, _rms_eps(x, eps), centered=False)


layer_norm_op = KernelOp(
    _layer_norm,
    r"\operatorname{{layer\_norm}} {x:3}",
    normalize_grad,
    reference=_layer_norm_reference,
    arity=3,
)
rms_norm_op = KernelOp(
    _rms_norm,
    r"\operatorname{{rms\_norm}} {x:3}",
    _rms_norm_grad,
    reference=_rms_norm_reference,
    arity=2,
)


def layer_norm(
    x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    r"""Normalize over the last axes.

    .. math:: y = \frac{x - \operatorname{mean} x}{\sqrt{\operatorname{var} x + ε}} \, w + b

    Parameters
    ----------
    x : array or Value, (..., *normalized_shape), float32 or float64.
    normalized_shape : int or tuple of ints, the last axes of x.
    weight, bias : array or Value of shape normalized_shape, optional.
    eps : added to the variance.

    Returns
    -------
    Value of x's shape.

    Raises
    ------
    ValueError, TypeError : shapes or dtypes that don't fit together.

    References
    ----------
    Ba, Kiros & Hinton, Layer normalization, 2016.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.ops.layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    return layer_norm_op.call(x, weight, bias, _plain(normalized_shape), eps)


def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    r"""Divide by the root mean square over the last axes.

    .. math:: y = \frac{x}{\sqrt{\operatorname{mean} x^2 + ε}} \, w

    Parameters
    ----------
    x : array or Value, (..., *normalized_shape), float32 or float64.
    normalized_shape : int or tuple of ints, the last axes of x.
    weight : array or Value of shape normalized_shape, optional.
    eps : added to the mean square; by default the resolution of x's dtype.

    Returns
    -------
    Value of x's shape.

    Raises
    ------
    ValueError, TypeError : shapes or dtypes that don't fit together.

    References
    ----------
    Zhang & Sennrich, Root mean square layer normalization, 2019.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.ops.rms_norm(np.array([1.0, -1.0, 7.0, 7.0]), 4, eps=0.0)
    array([ 0.2, -0.2,  1.4,  1.4])
    """
    return rms_norm_op.call(x, weight, _plain(normalized_shape), eps)


def _plain(normalized_shape: Any) -> Any:
    """A shape of one axis as its size, which needs no look inside."""
    one = type(normalized_shape) is tuple and len(normalized_shape) == 1
    return normalized_shape[0] if one else normalized_shape


# What tests sample
cases(
    "layer_norm",
    case(A(3, 4), A(4), A(4), (4,)),
    case(A(2, 2, 3), A(2, 3), None, (2, 3)),
    case(A(2, 5), None, None, 5, eps=0.1),
)
cases("rms_norm", case(A(3, 4), A(4), (4,)), case(A(2, 3), None, 3, eps=0.1))
