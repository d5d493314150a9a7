"""Lion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def lion(c: Any, p: Any, g: Any, m: Any) -> tuple[Any, ...]:
    """Steps along the sign of an interpolation of the mean and the gradient."""
    shrink, lr, keep, rise, keep2, rise2, one, zero = c
    if shrink != 1:
        p *= shrink
    d = keep * m + rise * g
    p -= lr * ((d > zero) * one - (d < zero) * one)
    m *= keep2
    m += rise2 * g
    return p, m


class Lion(StepwiseOptimizer):
    r"""Evolved sign momentum: steps of lr along the sign of a running mean; half of Adam's state.

    p ← p − lr · (sign(β₁m + (1 − β₁)g) + weight_decay · p), m ← β₂m + (1 − β₂)g

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate, a third to a tenth of Adam's.
    betas : β₁, which interpolates m and g for the step, and β₂, the decay rate of m.
    weight_decay : decoupled; three to ten times AdamW's, as lr is smaller.
    maximize : maximize instead of minimize.

    References
    ----------
    Chen et al., "Symbolic discovery of optimization algorithms", 2023.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.Lion([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.9, 1.9], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "weight_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        start = (group["maximize"], 0, 1 - lr * group["weight_decay"], lr)
        return lion, (*start, beta1, 1 - beta1, beta2, 1 - beta2, 1, 0)
