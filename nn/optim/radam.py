"""RAdam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from autograd.ops import updates
from nn.optim.adam import shares, start
from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.stepwise import StepwiseOptimizer


class RAdam(StepwiseOptimizer):
    r"""Adam whose first steps, where v says little yet, go without it.

    ρₜ = ρ − 2tβ₂ᵗ/(1 − β₂ᵗ) with ρ = 2/(1 − β₂) − 1; m and v as in `Adam`, m̂ = m/(1 − β₁ᵗ);
    where ρₜ > 5: p ← p − lr · m̂ · √(1 − β₂ᵗ)/(√v + eps) ·
    √((ρₜ − 4)(ρₜ − 2)ρ / ((ρ − 4)(ρ − 2)ρₜ)), before: p ← p − lr · m̂

    Parameters
    ----------
    params : parameters or groups.
    lr : step length.
    betas : β₁, β₂, how much of the past the two means keep.
    eps : added to the root, against division by zero.
    weight_decay : weight_decay · p is added to the gradient.
    decoupled_weight_decay : decay as `AdamW` does.
    maximize : climb instead.

    References
    ----------
    Liu et al., "On the variance of the adaptive learning rate and beyond", 2020.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.RAdam([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.8, 1.6], dtype=float32)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        """As in `Optimizer`."""
        at_least_zero(group, "lr", "eps", "weight_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        """As in `StepwiseOptimizer`."""
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[updates.Rule, tuple[float, ...]]:
        """As in `StepwiseOptimizer`."""
        step, (beta1, beta2) = now["step"], group["betas"]
        correction1, correction2 = 1 - beta1**step, 1 - beta2**step
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * step * beta2**step / correction2
        rectify = 0.0
        if rho > 5:
            ratio = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
            rectify = math.sqrt(ratio)
        rest = (correction1, math.sqrt(correction2), group["eps"], group["lr"], rectify)
        return updates.radam, (*start(group), *shares(group), *rest)
