"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, at_least_zero
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def adagrad(c: Any, p: Any, g: Any, s: Any) -> tuple[Any, ...]:
    """The gradient over the root of the sum of all squares."""
    lr, eps = c
    s += g * g
    p -= lr * g / (np.sqrt(s) + eps)
    return p, s


class Adagrad(StepwiseOptimizer):
    r"""Adaptive gradient: shorter steps in coordinates whose gradients have been large.

    s ← s + g², p ← p − lr/(1 + (t − 1) · lr_decay) · g/(√s + eps)

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    lr_decay : decay of the learning rate, see above.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    initial_accumulator_value : initial value of s.
    eps : added to the root, for numerical stability.
    maximize : maximize instead of minimize.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", 2011.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.Adagrad([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.9, 1.9], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def arrays(self, group: Group) -> dict[str, float]:
        return {"sum": group["initial_accumulator_value"]}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        lr = group["lr"] / (1 + (now["step"] - 1) * group["lr_decay"])
        return adagrad, (group["maximize"], group["weight_decay"], lr, group["eps"])
