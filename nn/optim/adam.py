"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from autograd.ops import updates
from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.stepwise import StepwiseOptimizer


class Adam(StepwiseOptimizer):
    r"""Steps of about lr in every coordinate: the mean gradient over its root mean square.

    m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
    p ← p − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + eps)

    Parameters
    ----------
    params : parameters or groups.
    lr : step length.
    betas : β₁, β₂, how much of the past the two means keep.
    eps : added to the root, against division by zero.
    weight_decay : weight_decay · p is added to the gradient.
    amsgrad : divide by the largest v so far.
    maximize : climb instead.
    decoupled_weight_decay : decay as `AdamW` does.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    Reddi et al., "On the convergence of Adam and beyond", 2018 (amsgrad).

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.Adam([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.9, 1.9], dtype=float32)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        settings = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        """As in `Optimizer`."""
        at_least_zero(group, "lr", "eps", "weight_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        """As in `StepwiseOptimizer`."""
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if group["amsgrad"] else 2]
        return dict.fromkeys(names, 0.0)

    def rule(self, group: Group, now: dict[str, float]) -> tuple[updates.Rule, tuple[float, ...]]:
        """As in `StepwiseOptimizer`."""
        step, (beta1, beta2) = now["step"], group["betas"]
        root = math.sqrt(1 - beta2**step)
        length = group["lr"] / (1 - beta1**step)
        constants = (*start(group), *shares(group), root, group["eps"], length)
        return updates.amsgrad if group["amsgrad"] else updates.adam, constants


class AdamW(Adam):
    r"""Adam whose weight decay does not pass through the moments: first p ← p − lr · λ · p.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize : as in `Adam`.
    weight_decay : λ.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.AdamW([p], lr=0.1, weight_decay=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.89, 1.88], dtype=float32)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
        )


def start(group: Group) -> tuple[float, float, float]:
    """What a rule does first: whether to climb, how to decay through g, and p directly."""
    decay = group["weight_decay"]
    if group["decoupled_weight_decay"]:
        return group["maximize"], 0.0, 1 - group["lr"] * decay
    return group["maximize"], decay, 1.0


def shares(group: Group) -> tuple[float, float, float, float]:
    """What the two means keep and take: β₁, 1 − β₁, β₂, 1 − β₂."""
    beta1, beta2 = group["betas"]
    return beta1, 1 - beta1, beta2, 1 - beta2
