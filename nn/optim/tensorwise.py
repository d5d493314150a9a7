"""TensorwiseOptimizer: an optimizer whose step looks at a whole parameter at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd.node import Array, tick
from autograd.recording import enable_grad
from autograd.value import Value
from nn.optim.optimizer import Group, Optimizer, label


class TensorwiseOptimizer(Optimizer):
    """Base of optimizers that update each parameter by NumPy code of the whole array.

    Parameters
    ----------
    params, defaults : as in `Optimizer`.
    """

    @abstractmethod
    def start(self, group: Group, p: Array) -> dict[str, Any]:
        """A parameter's state before its first step: arrays, and numbers such as "step"."""

    @abstractmethod
    def updated(self, group: Group, p: Array, g: Array, state: dict[str, Any]) -> Array:
        """The parameter after a step; `state` is changed in place."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place; see `StepwiseOptimizer.step`."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        pairs = [(g, p) for g in self.param_groups for p in g["params"] if p.grad is not None]
        for _, p in pairs:
            if p.grad.shape != p.shape:
                raise ValueError(
                    f"{type(self).__name__}: the gradient of {label(p)} has shape "
                    f"{p.grad.shape}, the parameter {p.shape}."
                )
        epoch = tick()
        with np.errstate(all="ignore"):  # as the backward pass does
            for group, p in pairs:
                state = self.state[p]
                if not state:
                    state.update(self.start(group, p._data))
                p._data[...] = self.updated(group, p._data, p.grad, state)
                p.birth = epoch
        return loss

    def taken_over(self, group: Group, p: Value, state: Mapping[str, Any]) -> dict[str, Any]:
        wanted, mine = self.start(group, p._data), super().taken_over(group, p, state)
        missing = [name for name in wanted if name not in mine]
        if missing:
            raise ValueError(f"its state has no {', '.join(missing)}.")
        for name, first in wanted.items():
            if np.shape(mine[name]) != np.shape(first):
                raise ValueError(
                    f"{name} has shape {np.shape(mine[name])}, it must be {np.shape(first)}."
                )
            if isinstance(first, np.ndarray):
                mine[name] = mine[name].astype(first.dtype)
            else:
                mine[name] = type(first)(mine[name])
        return mine
