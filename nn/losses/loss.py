"""Loss: what all losses as modules share."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.ops.losses.cross_entropy import REDUCTIONS
from autograd.value import Value
from nn.module import Module


class Loss(Module):
    """A loss with its reduction; subclasses compare in `forward`."""

    reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, reduction: str = "mean") -> None:
        refuse_data(type(self).__name__, reduction)
        if reduction not in self.reductions:
            raise ValueError(
                f"{type(self).__name__}: reduction must be one of {self.reductions}, "
                f"got {reduction!r}."
            )
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with class weights, kept as a buffer."""

    weight: Any

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        refuse_data(type(self).__name__, weight)
        super().__init__(reduction)
        self.register_buffer("weight", as_factors(weight))


def refuse_data(name: str, setting: Any) -> None:
    """Refuse a model's outputs in place of a setting."""
    if isinstance(setting, Value) and setting.op is not None:
        raise TypeError(
            f"{name}(...) takes settings, not outputs and targets; make it first, then call it: "
            f"nn.{name}()(input, target)."
        )


def as_factors(weight: Any) -> Any:
    """Factors as an array of floats, float32 where their type does not say; None stays."""
    if weight is None:
        return None
    array = array_of(weight, "weight")
    given = isinstance(weight, np.ndarray) and array.dtype.kind == "f"
    return array if given else array.astype(np.float32)
