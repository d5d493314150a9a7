"""Normalisation: layer, RMS, batch, group and instance, each fused.

All five are one map of an array seen as (P, N, G, K, S), described in kernels/normalization.py. They
differ in how they get there and in whether they centre.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.ops.samples import A, case, positive
from autograd.value import Value

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

KERNEL = 256
"""Elements from which kernels are used: there they are 2 to 5 times as fast as NumPy."""

STATISTICS = (0, 3, 4)  # the axes of (P, N, G, K, S) that mean and variance are taken over
AFFINE = (0, 1, 4)  # those that a weight does not have


def _kernels(x: Array) -> Any:
    """The kernels where they pay, else None; Numba is imported on first use."""
    return None if x.size < KERNEL else _module()


@functools.cache
def _module() -> Any:
    return importlib.import_module("autograd.ops.normalization.kernel_normalization")


def _native(a: Any) -> Any:
    """An input as kernels take it; None stays."""
    if a is None or (a.ndim == 0 and a.dtype == object):  # a Symbol holds None as an array
        return None
    if a.flags.carray and a.dtype.isnative:
        return a
    return np.array(a, a.dtype.newbyteorder("="), order="C")


def _mean(a: Array) -> Array:
    """Mean over the axes of the statistics, kept; 0 of nothing."""
    count = a.shape[0] * a.shape[3] * a.shape[4]
    mean: Array = np.add.reduce(a, axis=STATISTICS, keepdims=True)
    mean /= a.dtype.type(count or 1)
    return mean


def _normalize(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    shape: Shape,
    eps: float,
    centred: bool = True,
    statistics: tuple[Array, Array] | None = None,
    fixed: bool = False,
) -> tuple[Array, Any]:
    """Forward for all: y and what the way back needs.

    `statistics` are a mean and a variance: to be used if they are `fixed`, else to be written to.
    """
    G, K = shape[2:4]
    v = x.reshape(shape)
    w = np.ones((G, K), x.dtype) if weight is None else weight.reshape(G, K)
    kernels = _kernels(v)
    if kernels is not None:
        b = np.zeros((G, K), x.dtype) if bias is None else bias.reshape(G, K)
        y, mean, scale = kernels.normalize(v, w, b, eps, centred, statistics, fixed)
    else:
        groups = (1, shape[1], G, 1, 1)
        if fixed and statistics is not None:
            mean, var = (s.reshape(groups) for s in statistics)
            y = v - mean
        else:
            mean = _mean(v) if centred else np.zeros(groups, x.dtype)
            y = v - mean if centred else v
            var = _mean(np.square(y))
            if statistics is not None:
                statistics[0][...], statistics[1][...] = mean.ravel(), var.ravel()
        scale = 1 / np.sqrt(var + x.dtype.type(eps))
        y = y * scale
        if weight is not None:
            y *= w[:, :, None]
        if bias is not None:
            y += bias.reshape(G, K, 1)
    return y.reshape(x.shape), (v, w, mean, scale, centred, fixed)


def _grad(
    g: Array, needs: Sequence[bool], y: Array, saved: Any, x: Array, weight: Any, bias: Any, *_: Any
) -> tuple[Array | None, ...]:
    """Backward for all; the order of inputs is x, weight, bias."""
    v, w, mean, scale, centred, fixed = saved
    g = _native(np.asarray(g, v.dtype)).reshape(v.shape)
    gx: Array | None = None
    gw: Array | None = None
    gb: Array | None = None
    kernels = _kernels(v)
    if kernels is not None:
        out = np.empty(x.shape, v.dtype)  # not a view, so that the engine need not copy it
        gw, gb = kernels.normalize_grad(g, v, w, mean, scale, centred, fixed, out.reshape(v.shape))
        gx = out
    else:
        hat = (v - mean) * scale
        if needs[1]:
            gw = np.add.reduce(g * hat, axis=AFFINE)
        if needs[2]:
            gb = np.add.reduce(g, axis=AFFINE)
        if needs[0]:
            gx = g * w[:, :, None]
            if not fixed:
                slope = _mean(gx * hat)
                if centred:
                    gx = gx - _mean(gx)
                gx -= hat * slope
            gx *= scale
    return tuple(
        part if part is None or a is None or part.shape == a.shape else part.reshape(a.shape)
        for part, a in zip((gx, gw, gb), (x, weight, bias), strict=True)
    )


def _composed(
    x: Any,
    weight: Any,
    bias: Any,
    shape: Shape,
    eps: float,
    centred: bool = True,
    fixed: tuple[Any, Any] | None = None,
) -> Any:
    """The same of ops, whose formulas can be read."""
    G, K = shape[2:4]
    v = np.reshape(x, shape)
    if fixed is not None:
        mean, var = (np.reshape(s, (1, 1, G, 1, 1)) for s in fixed)
        y = (v - mean) / np.sqrt(var + eps)
    else:
        if centred:
            v = v - np.mean(v, axis=STATISTICS, keepdims=True)
        y = v / np.sqrt(np.mean(np.square(v), axis=STATISTICS, keepdims=True) + eps)
    if weight is not None:
        y = y * np.reshape(weight, (G, K, 1))
    if bias is not None:
        y = y + np.reshape(bias, (G, K, 1))
    return np.reshape(y, x.shape)


def _check_float(x: Any, eps: Any, **others: Any) -> None:
    """TypeError unless all are of one float dtype; ValueError for an eps that is not >= 0."""
    if x is None:
        raise TypeError("x must be an array or Value, got None.")
    kind = x.dtype.char  # the same in either byte order
    if kind not in "fd":
        raise TypeError(f"x must be float32 or float64, got {x.dtype}; use x.astype(np.float32).")
    for name, a in others.items():
        if a is not None and a.dtype.char != kind:
            raise TypeError(f"{name} has dtype {a.dtype} but x has {x.dtype}; use one for both.")
    if not eps >= 0:
        raise ValueError(f"eps must be a number >= 0, got {eps}.")


def _check_channels(x: Any, **others: Any) -> None:
    """ValueError unless x is (N, C, ...) and the others, where given, are (C,)."""
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C, ...), got {x.shape}.")
    for name, a in others.items():
        if a is not None and a.shape != x.shape[1:2]:
            raise ValueError(
                f"{name} must have one number a channel, shape {x.shape[1:2]} for x {x.shape}, "
                f"got {a.shape}."
            )


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
    x, weight, bias = _native(x), _native(weight), _native(bias)
    _check_float(x, eps, weight=weight, bias=bias)
    shape = _rows(x, normalized_shape, weight=weight, bias=bias)
    return _normalize(x, weight, bias, shape, eps)


def _layer_norm_reference(x: Any, weight: Any, bias: Any, normalized_shape: Any, eps: float) -> Any:
    return _composed(x, weight, bias, _rows(x, normalized_shape), eps)


def _rms_norm(
    x: Any, weight: Any = None, normalized_shape: Any = (), eps: float | None = None
) -> tuple[Any, Any]:
    """Rows to mean square 1; see `rms_norm`."""
    x, weight = _native(x), _native(weight)
    _check_float(x, eps or 0.0, weight=weight)
    eps = _rms_eps(x, eps)
    shape = _rows(x, normalized_shape, weight=weight)
    return _normalize(x, weight, None, shape, eps, centred=False)


def _rms_eps(x: Any, eps: float | None) -> float:
    """PyTorch's default: the resolution of the dtype."""
    if eps is None:
        return float(np.finfo(x.dtype).eps) if x.dtype.kind == "f" else 0.0
    return eps


def _rms_norm_grad(
    g: Any, needs: Sequence[bool], y: Any, saved: Any, x: Any, weight: Any, *_: Any
) -> Any:
    return _grad(g, [*needs, False], y, saved, x, weight, None)[:2]


def _rms_norm_reference(x: Any, weight: Any, normalized_shape: Any, eps: float | None) -> Any:
    shape = _rows(x, normalized_shape)
    return _composed(x, weight, None, shape, _rms_eps(x, eps), centred=False)


def _group_norm(
    x: Any, weight: Any = None, bias: Any = None, num_groups: int = 1, eps: float = 1e-5
) -> tuple[Any, Any]:
    """Groups of channels of each sample to mean 0 and variance 1; see `group_norm`."""
    x, weight, bias = _native(x), _native(weight), _native(bias)
    _check_float(x, eps, weight=weight, bias=bias)
    _check_channels(x, weight=weight, bias=bias)
    return _normalize(x, weight, bias, _groups(x, num_groups), eps)


def _groups(x: Any, num_groups: Any) -> Shape:
    """Group norm's (1, N, groups, channels of one, pixels), checked."""
    if isinstance(num_groups, bool) or not hasattr(type(num_groups), "__index__"):
        raise TypeError(f"num_groups must be an integer, got {num_groups!r}.")
    N, C = x.shape[:2]
    if num_groups < 1 or C % num_groups:
        raise ValueError(f"num_groups={num_groups} must divide the {C} channels of x {x.shape}.")
    return (1, N, num_groups, C // num_groups, math.prod(x.shape[2:]))


def _group_norm_reference(x: Any, weight: Any, bias: Any, num_groups: int, eps: float) -> Any:
    return _composed(x, weight, bias, _groups(x, num_groups), eps)


def _batch_norm(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    mean: Any = None,
    var: Any = None,
    training: bool = True,
    eps: float = 1e-5,
) -> tuple[Any, Any]:
    """Channels to mean 0 and variance 1; see `batch_norm`.

    In training a mean and variance that are given are written to; otherwise they are constants.
    """
    x, weight, bias = _native(x), _native(weight), _native(bias)
    _check_float(x, eps, weight=weight, bias=bias)
    _check_channels(x, weight=weight, bias=bias)
    if mean is None:
        if not training:
            raise ValueError("a mean and a variance are needed where training is False.")
        statistics = None
    else:
        statistics = _native(np.asarray(mean, x.dtype)), _native(np.asarray(var, x.dtype))
        _check_channels(x, mean=statistics[0], var=statistics[1])
    shape = _channels(x)
    return _normalize(x, weight, bias, shape, eps, statistics=statistics, fixed=not training)


def _channels(x: Any) -> Shape:
    """Batch norm's (N, 1, channels, 1, pixels)."""
    return (x.shape[0], 1, x.shape[1], 1, math.prod(x.shape[2:]))


def _batch_norm_reference(
    x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, eps: float
) -> Any:
    return _composed(x, weight, bias, _channels(x), eps, fixed=None if training else (mean, var))


# fmt: off
layer_norm_op = KernelOp(_layer_norm, r"\operatorname{{layer\_norm}} {x:3}", _grad, reference=_layer_norm_reference, arity=3, name="layer_norm", rank=3,
                         cases=(case(A(3, 4), A(4), A(4), (4,)), case(A(2, 2, 3), A(2, 3), None, (2, 3)), case(A(2, 5), None, None, 5, eps=0.1)))
rms_norm_op = KernelOp(_rms_norm, r"\operatorname{{rms\_norm}} {x:3}", _rms_norm_grad, reference=_rms_norm_reference, arity=2, name="rms_norm", rank=3,
                       cases=(case(A(3, 4), A(4), (4,)), case(A(2, 3), None, 3, eps=0.1)))
group_norm_op = KernelOp(_group_norm, r"\operatorname{{group\_norm}} {x:3}", _grad, reference=_group_norm_reference, arity=3, name="group_norm", rank=3,
                         cases=(case(A(2, 4, 3), A(4), A(4), 2), case(A(2, 2, 2, 2), A(2), None, 2), case(A(2, 6), None, A(6), 2)))
batch_norm_op = KernelOp(_batch_norm, r"\operatorname{{batch\_norm}} {x:3}", _grad, reference=_batch_norm_reference, arity=3, name="batch_norm", rank=3,
                         cases=(case(A(3, 2, 4), A(2), A(2)), case(A(4, 3), None, A(3)), case(A(2, 3, 2), A(3), A(3), A(3), A(3, domain=positive), training=False)))
# fmt: on


def layer_norm(
    x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    r"""Normalise over the last axes.

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
    >>> autograd.layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    return layer_norm_op(x, weight, bias, normalized_shape, eps)


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
    >>> autograd.rms_norm(np.array([1.0, -1.0, 7.0, 7.0]), 4, eps=0.0)
    array([ 0.2, -0.2,  1.4,  1.4])
    """
    return rms_norm_op(x, weight, normalized_shape, eps)


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    r"""Normalise groups of neighbouring channels, each sample for itself.

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
    >>> autograd.group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    return group_norm_op(x, weight, bias, num_groups, eps)


def instance_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalise each channel of each sample; as `group_norm` with as many groups as channels.

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky, Instance normalization, 2016.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.instance_norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    shape = np.shape(x)
    if len(shape) < 3:
        raise ValueError(f"instance_norm: x must have shape (N, C, ...) with pixels, got {shape}.")
    return group_norm_op(x, weight, bias, shape[1], eps)


def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    r"""Normalise each channel over the batch.

    In training with the mean and variance of the batch; the running ones are moved towards them in
    place (towards the unbiased variance), as PyTorch does. Else with the running ones.

    Parameters
    ----------
    x : array or Value, (N, C, ...), float32 or float64.
    running_mean, running_var : array, (C,), optional in training. Written to.
    weight, bias : array or Value, (C,), optional.
    training : bool
    momentum : how far the running statistics move, 0 to 1.
    eps : added to the variance.

    Returns
    -------
    Value of x's shape.

    Raises
    ------
    ValueError, TypeError : shapes or dtypes that don't fit together; one number a channel in
        training; no running statistics otherwise.

    References
    ----------
    Ioffe & Szegedy, Batch normalization, 2015.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> autograd.batch_norm(np.array([[1.0], [3.0]]), mean, var, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    >>> mean, var
    (array([0.2]), array([1.1]))
    """
    given = np.asarray(x._data if isinstance(x, Value) else x)
    running = [s.data if isinstance(s, Value) else s for s in (running_mean, running_var)]
    names = dict(zip(("running_mean", "running_var"), running, strict=True))
    try:
        _check_float(given, eps)
        for name, s in names.items():
            if s is not None and not (isinstance(s, np.ndarray) and s.dtype.kind == "f"):
                raise TypeError(f"{name} is written to: it must be an array of floats, got {s!r}.")
        _check_channels(given, **names)
        if (running[0] is None) != (running[1] is None):
            raise ValueError("running_mean and running_var must be given together.")
        if not training and running[0] is None:
            raise ValueError("running_mean and running_var are needed where training is False.")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be between 0 and 1, got {momentum}.")
        count = given.size // max(given.shape[1], 1)
        if training and count < 2 and given.shape[1]:
            raise ValueError(
                f"training needs more than one number a channel, got x {given.shape}; "
                "call it with training=False, or drop the last, short batch."
            )
    except (TypeError, ValueError) as error:
        raise type(error)(f"batch_norm: {error}") from None
    if not training:  # copies: the running statistics may move before the backward pass
        mean, var = (np.array(s, given.dtype) for s in running)
        return batch_norm_op(x, weight, bias, mean, var, False, eps)
    mean, var = np.empty((2, given.shape[1]), given.dtype.newbyteorder("="))
    y = batch_norm_op(x, weight, bias, mean, var, True, eps)
    for kept, new in zip(running, (mean, var * (count / max(count - 1, 1))), strict=True):
        if kept is not None:
            kept += momentum * (new - kept)
    return y
