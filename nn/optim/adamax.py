"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.rules import Rule, UpdateRule, lerp
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def adamax(c: Any, p: Any, g: Any, m: Any, u: Any) -> tuple[Any, ...]:
    """The mean gradient over its decaying maximum."""
    keep, rise, keep2, eps, lr = c
    m = lerp(keep, rise, m, g)
    u = np.maximum(keep2 * u, np.abs(g) + eps)
    p -= lr * m / u
    return p, m, u


class Adamax(StepwiseOptimizer):
    r"""Adam with a decaying maximum of |g| in place of the root mean square.

    m ← β₁m + (1 − β₁)g, u ← max(β₂u, |g| + eps), p ← p − lr/(1 − β₁ᵗ) · m/u

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    betas : β₁ and β₂, the decay rates of the running mean and of the maximum.
    eps : added to |g|, for numerical stability.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    maximize : maximize instead of minimize.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.Adamax([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.9, 1.9], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "eps", "weight_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        beta1, beta2 = group["betas"]
        lr = group["lr"] / (1 - beta1 ** now["step"])
        start = (group["maximize"], group["weight_decay"])
        return adamax, (*start, beta1, 1 - beta1, beta2, group["eps"], lr)
