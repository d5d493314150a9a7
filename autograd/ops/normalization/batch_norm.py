"""Batch normalization: each channel over the batch."""

from __future__ import annotations

import math
from collections.abc import Callable
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
from autograd.ops.samples import A, case, cases, positive
from autograd.results import happen
from autograd.tape import Effect, current, kept_arrays
from autograd.value import Value


class Statistics:
    """Where a call of batch norm leaves the mean and variance of its batch.

    Attributes
    ----------
    mean, var : arrays, (C,), float64.
    """

    def __init__(self, channels: int) -> None:
        self.mean, self.var = np.empty((2, channels))

    def __repr__(self) -> str:
        return "the batch's"


class _Moved(Effect):
    """Running statistics that move towards those of a batch."""

    def __init__(self, running: Any, of: Statistics, momentum: float, correction: float) -> None:
        super().__init__("running statistics")
        self.running, self.of = running, of
        self.momentum, self.correction = momentum, correction

    def keep(self) -> Callable[[], None]:
        return kept_arrays([x for x in self.running if x is not None])

    def forward(self, *after: Any) -> float:
        statistics = self.of.mean, self.of.var * self.correction
        for kept, new in zip(self.running, statistics, strict=True):
            if kept is not None:
                kept += self.momentum * (new - kept)
        return 0.0


def _channels(x: Any) -> Shape:
    """Batch norm's (N, 1, channels, 1, pixels)."""
    return (x.shape[0], 1, x.shape[1], 1, math.prod(x.shape[2:]))


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
    x, weight, bias = native(x), native(weight), native(bias)
    check_float(x, eps, weight=weight, bias=bias)
    check_channels(x, weight=weight, bias=bias)
    statistics = None
    if isinstance(mean, Statistics):
        statistics = mean.mean, mean.var
    elif mean is not None:
        statistics = np.asarray(mean), np.asarray(var)
        check_channels(x, mean=statistics[0], var=statistics[1])
    elif not training:
        raise ValueError("a mean and a variance are needed where training is False.")
    shape = _channels(x)
    return normalize(x, weight, bias, shape, eps, statistics=statistics, fixed=not training)


def _batch_norm_reference(
    x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, eps: float
) -> Any:
    return composed(x, weight, bias, _channels(x), eps, fixed=None if training else (mean, var))


batch_norm_op = KernelOp(
    _batch_norm,
    r"\operatorname{{batch\_norm}} {x:3}",
    normalize_grad,
    reference=_batch_norm_reference,
    arity=3,
)


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
    r"""Normalize each channel over the batch.

    Training uses the mean and variance of the batch, and moves the running statistics towards them
    in place (towards the unbiased variance), as PyTorch does. Inference uses the running ones.

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
    ValueError, TypeError : shapes or dtypes that don't fit together; one number per channel in
        training; no running statistics in inference.

    References
    ----------
    Ioffe & Szegedy, Batch normalization, 2015.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> autograd.ops.batch_norm(np.array([[1.0], [3.0]]), mean, var, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    >>> mean, var
    (array([0.2]), array([1.1]))
    """
    given = np.asarray(x._data if isinstance(x, Value) else x)
    running = [s._data if isinstance(s, Value) else s for s in (running_mean, running_var)]
    names = dict(zip(("running_mean", "running_var"), running, strict=True))
    try:
        check_float(given, eps)
        for name, s in names.items():
            if s is not None and not (isinstance(s, np.ndarray) and s.dtype.kind == "f"):
                raise TypeError(f"{name} is written to: it must be an array of floats, got {s!r}.")
        check_channels(given, **names)
        if (running[0] is None) != (running[1] is None):
            raise ValueError("running_mean and running_var must be given together.")
        if not training and running[0] is None:
            raise ValueError("running_mean and running_var are needed where training is False.")
        for name, s in zip(names, (running_mean, running_var), strict=True):
            if not training and isinstance(s, Value) and s.requires_grad:
                raise TypeError(f"no gradient is defined for {name}; pass its .data.")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be between 0 and 1, got {momentum}.")
        count = given.size // max(given.shape[1], 1)
        if training and count < 2 and given.shape[1]:
            raise ValueError(
                f"training needs more than one number per channel, got x {given.shape}; "
                "call it with training=False, or drop the last, short batch."
            )
    except (TypeError, ValueError) as error:
        raise type(error)(f"batch_norm: {error}") from None
    if not training:  # copies: the running statistics may move before the backward pass
        mean, var = (np.array(s, given.dtype) if current() is None else s for s in running)
        return batch_norm_op(x, weight, bias, mean, var, False, eps)
    batch = Statistics(given.shape[1])
    y = batch_norm_op(x, weight, bias, batch, None, True, eps)
    happen(_Moved(running, batch, momentum, count / max(count - 1, 1)), y)
    return y


# What tests sample
cases(
    "batch_norm",
    case(A(3, 2, 4), A(2), A(2)),
    case(A(4, 3), None, A(3)),
    case(A(2, 3, 2), A(3), A(3), A(3), A(3, domain=positive), training=False),
)
