"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd.ops import updates
from nn.optim.adam import shares, start
from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.stepwise import StepwiseOptimizer


class NAdam(StepwiseOptimizer):
    r"""Adam with Nesterov's momentum.

    μₜ = β₁(1 − 0.96^(t · momentum_decay)/2), m and v as in `Adam`,
    p ← p − lr · ((1 − μₜ)/(1 − μ₁…μₜ) · g + μₜ₊₁/(1 − μ₁…μₜ₊₁) · m) / (√(v/(1 − β₂ᵗ)) + eps)

    Parameters
    ----------
    params : parameters or groups.
    lr : step length.
    betas : β₁, β₂, how much of the past the two means keep.
    eps : added to the root, against division by zero.
    weight_decay : weight_decay · p is added to the gradient.
    momentum_decay : how fast μ rises to β₁.
    decoupled_weight_decay : decay as `AdamW` does.
    maximize : climb instead.

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
    ) -> None:
        settings = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        """As in `Optimizer`."""
        at_least_zero(group, "lr", "eps", "weight_decay", "momentum_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        """As in `StepwiseOptimizer`."""
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def numbers(self, group: Group) -> dict[str, float]:
        """As in `StepwiseOptimizer`: μ₁…μₜ is a product of settings that may change."""
        return {"step": 0, "mu_product": 1.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[updates.Rule, tuple[float, ...]]:
        """As in `StepwiseOptimizer`."""
        step, (beta1, beta2), lr = now["step"], group["betas"], group["lr"]
        mu, mu_next = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
        )
        now["mu_product"] *= mu
        product = now["mu_product"]
        along_g = lr * (1 - mu) / (1 - product)
        along_m = lr * mu_next / (1 - product * mu_next)
        rest = (1 - beta2**step, group["eps"], along_g, along_m)
        return updates.nadam, (*start(group), *shares(group), *rest)
