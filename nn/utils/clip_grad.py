"""Gradient clipping, by norm or by value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.op import Whole
from autograd.tape import current
from autograd.value import Value
from nn.arguments import flags
from nn.optim.optimizer import label, real, require
from nn.optim.sums import norm

Parameters = Value | Iterable[Value]


def get_total_norm(
    tensors: Array | Iterable[Array], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """The p-norm of arrays, as if they were one vector: (Σ abs(x)ᵖ)^(1/p).

    Parameters
    ----------
    tensors : an array or several.
    norm_type : p; infinity gives the largest abs(x).
    error_if_nonfinite : raise if the norm is infinite or NaN.

    Raises
    ------
    RuntimeError
        A norm that is not finite, if asked for; names the first array to blame.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.utils.get_total_norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    flags("get_total_norm", error_if_nonfinite=error_if_nonfinite)
    arrays = [tensors] if isinstance(tensors, np.ndarray) else list(tensors)
    names = [f"array {i}, of shape {np.shape(x)}" for i, x in enumerate(arrays)]
    return _total(arrays, names, norm_type, error_if_nonfinite, "get_total_norm")


def clip_grad_norm_(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale all gradients in place so that their total norm is at most `max_norm`.

    g ← g · min(1, max_norm/(norm + 10⁻⁶))

    Parameters
    ----------
    parameters : a parameter or several; those without a gradient are skipped.
    max_norm : see above, >= 0.
    norm_type : p of the p-norm; infinity is the largest abs(g).
    error_if_nonfinite : raise if the norm is infinite or NaN; otherwise it spreads to all.

    Returns
    -------
    The total norm before clipping.

    Raises
    ------
    RuntimeError
        A norm that is not finite, if asked for; names the first parameter to blame. Nothing has
        changed then.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([3.0, 4.0])
    >>> np.sum(p * p).backward()
    >>> nn.utils.clip_grad_norm_([p], max_norm=1.0)
    10.0
    >>> p.grad.round(3)
    array([0.6, 0.8], dtype=float32)
    """
    if current() is not None:
        return _on_tape(clip_grad_norm_, parameters, max_norm, norm_type, error_if_nonfinite)
    flags("clip_grad_norm_", error_if_nonfinite=error_if_nonfinite)
    bound = real("clip_grad_norm_: max_norm", max_norm)
    require(bound >= 0, "clip_grad_norm_: max_norm", ">= 0", max_norm)
    params = _with_gradients(parameters, "clip_grad_norm_")
    names = [f"the gradient of {label(p)}" for p in params]
    grads = [p.grad for p in params]
    total = _total(grads, names, norm_type, error_if_nonfinite, "clip_grad_norm_")
    if math.isinf(total) and all(np.isfinite(g).all() for g in grads):  # the sum overflowed
        for g in grads:
            g *= 2.0**-64
        rest = _total(grads, names, norm_type, False, "clip_grad_norm_")
        for g in grads:
            g *= bound / rest
        return total
    _shrink(grads, bound, total)
    return total


def clip_grads_with_norm_(parameters: Parameters, max_norm: float, total_norm: float) -> None:
    """Scale all gradients in place by min(1, max_norm/(total_norm + 10⁻⁶)).

    Parameters
    ----------
    parameters : a parameter or several; those without a gradient are skipped.
    max_norm : >= 0.
    total_norm : their norm, as `get_total_norm` gives it, or that of more gradients than these.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([3.0, 4.0])
    >>> np.sum(p * p).backward()
    >>> total = nn.utils.get_total_norm([p.grad])
    >>> nn.utils.clip_grads_with_norm_([p], 1.0, total)
    >>> p.grad.round(3)
    array([0.6, 0.8], dtype=float32)
    """
    if current() is not None:
        _on_tape(clip_grads_with_norm_, parameters, max_norm, total_norm)
        return
    bound = real("clip_grads_with_norm_: max_norm", max_norm)
    require(bound >= 0, "clip_grads_with_norm_: max_norm", ">= 0", max_norm)
    total = real("clip_grads_with_norm_: total_norm", total_norm)
    params = _with_gradients(parameters, "clip_grads_with_norm_")
    _shrink([p.grad for p in params], bound, total)


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Clip every element of the gradients in place: −clip_value <= g <= clip_value.

    Parameters
    ----------
    parameters : a parameter or several; those without a gradient are skipped.
    clip_value : >= 0.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([0.2, -4.0])
    >>> np.sum(p * p).backward()
    >>> nn.utils.clip_grad_value_([p], 1.0)
    >>> p.grad
    array([ 0.4, -1. ], dtype=float32)
    """
    if current() is not None:
        _on_tape(clip_grad_value_, parameters, clip_value)
        return
    bound = real("clip_grad_value_: clip_value", clip_value)
    require(bound >= 0, "clip_grad_value_: clip_value", ">= 0", clip_value)
    for p in _with_gradients(parameters, "clip_grad_value_"):
        most = min(bound, float(np.finfo(p.dtype).max))
        np.clip(p.grad, -most, most, out=p.grad)


def _on_tape(clip: Callable[..., Any], parameters: Parameters, *settings: Any) -> Any:
    """Clip gradients that are nodes of a tape, by a call with their arrays."""
    params = _with_gradients(parameters, clip.__name__)
    varying = [x for x in settings if isinstance(x, Value)]

    def clipped(*arrays: Array) -> tuple[Any, ...]:
        numbers = iter(arrays[len(params) :])
        given = [float(next(numbers)) if isinstance(x, Value) else x for x in settings]
        twins = [Value(p._data) for p in params]
        for twin, g in zip(twins, arrays, strict=False):
            twin.grad = np.array(g)
        total = clip(twins, *given)
        return np.float64(0.0 if total is None else total), *[twin.grad for twin in twins]

    total, *grads = Whole(clip.__name__, clipped)(*[p.grad for p in params], *varying)
    for p, g in zip(params, grads, strict=True):
        p.grad = g
    return total


def _shrink(grads: list[Any], bound: float, total: float) -> None:
    factor = bound / (total + 1e-6)
    if not factor >= 1:  # NaN too
        with np.errstate(all="ignore"):
            for g in grads:
                if factor < np.finfo(g.dtype).tiny:  # it has few digits in the precision of g
                    np.multiply(g, np.float64(factor), out=g, casting="same_kind")
                else:
                    g *= factor


def _with_gradients(parameters: Parameters, function: str) -> list[Any]:
    params = [parameters] if isinstance(parameters, Value) else list(parameters)
    for i, p in enumerate(params):
        if not isinstance(p, Value):
            raise TypeError(
                f"{function}: parameters[{i}] must be a Parameter, not {type(p).__name__}."
            )
    return [p for p in params if p.grad is not None]


def _total(
    arrays: list[Any], names: list[str], norm_type: float, strict: bool, function: str
) -> float:
    order = real(f"{function}: norm_type", norm_type)
    require(not math.isnan(order), f"{function}: norm_type", "a number or infinity", norm_type)
    with np.errstate(all="ignore"):
        norms = [norm(np.asarray(x), order) for x in arrays]
        total = norm(np.array(norms), order)
    if strict and not math.isfinite(total):
        blame = next(
            (name for name, x in zip(names, norms, strict=True) if not math.isfinite(x)),
            "the sum of all",
        )
        raise RuntimeError(
            f"{function}: the total norm of order {order:g} is {total}, because of {blame}. "
            "error_if_nonfinite=False lets it pass, into every gradient."
        )
    return total
