"""What the losses share: checks of inputs and targets, and reduction."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.ops.arrays.reduce import mean, sum_
from autograd.ops.losses.cross_entropy import REDUCTIONS
from autograd.results import effect
from autograd.tape import OPEN, Effect, current
from autograd.value import Value
from nn.functional.tensor import Tensor, floats, numbers


def paired(who: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Input and target of one shape, the target in the input's dtype.

    Raises
    ------
    ValueError
        Different shapes, among them the classic (N, 1) against (N,).
    TypeError
        An input that holds no floats, a target that holds no real numbers.
    """
    x = floats(who, input)
    t = constant(who, target, x, "target")
    if t.shape != x.shape:
        raise ValueError(
            f"{who}: input has shape {x.shape}, target {t.shape}. They must be equal: broadcasting "
            f"would compare every output with every target.{_hint(x.shape, t.shape)}"
        )
    return x, t


def _hint(shape: tuple[int, ...], target: tuple[int, ...]) -> str:
    if shape == (*target, 1):
        return " Use input.squeeze(-1), or target[..., None]."
    if (*shape, 1) == target:
        return " Use target.squeeze(-1)."
    return ""


def constant(who: str, given: Any, like: Tensor, name: str) -> Tensor:
    """A Value as it is; anything else as an array of another one's dtype."""
    if isinstance(given, Value):
        return given
    array = array_of(given, f"{who}: {name}")
    if array.dtype.kind not in "fiub":
        if not isinstance(given, np.ndarray):
            numbers(who, given, name)
        raise TypeError(f"{who}: {name} must hold real numbers, got {array.dtype}.")
    return array.astype(like.dtype, copy=False)


def weighted(who: str, losses: Tensor, weight: Any) -> Value:
    """Losses times a weight of their shape."""
    if weight is None:
        return losses
    w = constant(who, weight, losses, "weight")
    if w.shape != losses.shape:
        raise ValueError(f"{who}: weight {w.shape} must have the losses' shape {losses.shape}.")
    return losses * w


def stretched(who: str, name: str, weight: Any, x: Tensor) -> Value:
    """A weight in the dtype of x, which must broadcast to its shape."""
    w = constant(who, weight, x, name)
    try:
        fits = np.broadcast_shapes(w.shape, x.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{who}: {name} {w.shape} must broadcast to the input's shape {x.shape}.")
    return w


class _Check(Effect):
    """A look at numbers, in every call of what was recorded."""

    def __init__(self, look: Callable[[Any], None]) -> None:
        super().__init__("check")
        self.look = look

    def forward(self, *inputs: Any) -> float:
        self.look(*inputs)
        return 0.0


def _inspected(x: Any, look: Callable[[Any], None]) -> None:
    """Call ``look(array)``, which raises for wrong numbers; an effect on a tape."""
    look(x._data if isinstance(x, Value) else x)
    if OPEN[0] and current() and isinstance(x, Value):
        effect(_Check(look), (x,))


def in_range(who: str, name: str, x: Any, low: float, high: float) -> None:
    """Refuse numbers outside, NaN let be."""
    _inspected(x, functools.partial(_in_range, who, name, low, high))


def _in_range(who: str, name: str, low: float, high: float, a: Any) -> None:
    if a.size and (a.min() < low or a.max() > high):
        wrong = a[(a < low) | (a > high)].flat[0]
        raise ValueError(f"{who}: {name} must lie between {low} and {high}, got {wrong}.")


def signs(who: str, target: Any) -> None:
    """Refuse targets that are not 1 or -1."""
    _inspected(target, functools.partial(_signs, who))


def _signs(who: str, a: Any) -> None:
    wrong = a[np.abs(a) != 1]
    if wrong.size:
        raise ValueError(f"{who}: target must hold 1 and -1 only, got {wrong.flat[0]}.")


def hinge(x: Tensor) -> Value:
    """max(0, x), whose slope at 0 is 1, as PyTorch has it; NaN stays."""
    y: Any = np.where(np.less(x, 0), 0, x)
    return y


def reduced(losses: Tensor, reduction: str, who: str) -> Value:
    """Mean, sum, or the losses themselves."""
    if reduction == "mean":
        return mean.call(losses) if losses.size else sum_.call(losses) / np.nan
    if reduction == "sum":
        return sum_.call(losses)
    if reduction == "none":
        return losses
    raise ValueError(f"{who}: reduction must be one of {REDUCTIONS}, got {reduction!r}.")
