"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.adam import first, moments
from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def nadam(c: Any, p: Any, g: Any, m: Any, v: Any) -> tuple[Any, ...]:
    """`adam` with Nesterov's look ahead: a part along g, a part along m."""
    correction, eps, along_g, along_m = c[5:]
    p, m, v = moments(c[:5], p, g, m, v)
    d = np.sqrt(v / correction) + eps
    p -= along_g * g / d
    p -= along_m * m / d
    return p, m, v


class NAdam(StepwiseOptimizer):
    r"""Adam with Nesterov's momentum.

    μₜ = β₁(1 − 0.96^(t · momentum_decay)/2), m and v as in `Adam`,
    p ← p − lr · ((1 − μₜ)/(1 − μ₁…μₜ) · g + μₜ₊₁/(1 − μ₁…μₜ₊₁) · m) / (√(v/(1 − β₂ᵗ)) + eps)

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    betas : β₁ and β₂, the decay rates of the two running means.
    eps : added to the root, for numerical stability.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    momentum_decay : how fast μ rises to β₁.
    decoupled_weight_decay : decay the parameter itself, as `AdamW` does.
    maximize : maximize instead of minimize.

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.NAdam([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.894, 1.894], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "eps", "weight_decay", "momentum_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def numbers(self, group: Group) -> dict[str, float]:
        """The step count and μ₁…μₜ, a product because settings may change between steps."""
        return {"step": 0, "mu_product": 1.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        step, (beta1, beta2), lr = now["step"], group["betas"], group["lr"]
        mu, mu_next = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
        )
        now["mu_product"] *= mu
        product = now["mu_product"]
        along_g = lr * (1 - mu) / (1 - product)
        along_m = lr * mu_next / (1 - product * mu_next)
        rest = (1 - beta2**step, group["eps"], along_g, along_m)
        return nadam, (*first(group), *rest)
