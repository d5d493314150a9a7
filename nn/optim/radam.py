"""RAdam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.adam import first, moments
from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def radam(c: Any, p: Any, g: Any, m: Any, v: Any) -> tuple[Any, ...]:
    """`adam`, rectified; without its denominator as long as `rectify` is 0."""
    correction, root, eps, lr, rectify = c[5:]
    p, m, v = moments(c[:5], p, g, m, v)
    if rectify:
        p -= m / correction * lr * (root / (np.sqrt(v) + eps)) * rectify
    else:
        p -= m / correction * lr
    return p, m, v


class RAdam(StepwiseOptimizer):
    r"""Rectified Adam: the first steps, where v is still unreliable, are made without it.

    ρₜ = ρ − 2tβ₂ᵗ/(1 − β₂ᵗ) with ρ = 2/(1 − β₂) − 1; m and v as in `Adam`, m̂ = m/(1 − β₁ᵗ);
    where ρₜ > 5: p ← p − lr · m̂ · √(1 − β₂ᵗ)/(√v + eps) ·
    √((ρₜ − 4)(ρₜ − 2)ρ / ((ρ − 4)(ρ − 2)ρₜ)), before: p ← p − lr · m̂

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    betas : β₁ and β₂, the decay rates of the two running means.
    eps : added to the root, for numerical stability.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    decoupled_weight_decay : decay the parameter itself, as `AdamW` does.
    maximize : maximize instead of minimize.

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

    @settings()
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
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "eps", "weight_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        step, (beta1, beta2) = now["step"], group["betas"]
        correction1, correction2 = 1 - beta1**step, 1 - beta2**step
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * step * beta2**step / correction2
        rectify = 0.0
        if rho > 5:
            ratio = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
            rectify = math.sqrt(ratio)
        rest = (correction1, math.sqrt(correction2), group["eps"], group["lr"], rectify)
        return radam, (*first(group), *rest)
