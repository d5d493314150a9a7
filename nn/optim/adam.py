"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, at_least_zero, check_betas
from nn.optim.rules import Rule, UpdateRule, lerp
from nn.optim.stepwise import StepwiseOptimizer, settings


def moments(c: Any, p: Any, g: Any, m: Any, v: Any) -> tuple[Any, Any, Any]:
    """Decoupled weight decay by `shrink`, and the running means of g and g²."""
    shrink, keep, rise, keep2, rise2 = c
    if shrink != 1:
        p *= shrink
    m = lerp(keep, rise, m, g)
    v *= keep2
    v += rise2 * g * g
    return p, m, v


@UpdateRule
def adam(c: Any, p: Any, g: Any, m: Any, v: Any) -> tuple[Any, ...]:
    """The mean gradient over its root mean square."""
    root, eps, lr = c[5:]
    p, m, v = moments(c[:5], p, g, m, v)
    p -= lr * m / (np.sqrt(v) / root + eps)
    return p, m, v


@UpdateRule
def amsgrad(c: Any, p: Any, g: Any, m: Any, v: Any, top: Any) -> tuple[Any, ...]:
    """`adam` over the largest mean square so far."""
    root, eps, lr = c[5:]
    p, m, v = moments(c[:5], p, g, m, v)
    top = np.maximum(top, v)
    p -= lr * m / (np.sqrt(top) / root + eps)
    return p, m, v, top


class Adam(StepwiseOptimizer):
    r"""Adaptive moment estimation: the mean gradient over its root mean square.

    m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
    p ← p − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + eps)

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    betas : β₁ and β₂, the decay rates of the two running means.
    eps : added to the root, for numerical stability.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    amsgrad : use the maximum of all v so far in place of v.
    maximize : maximize instead of minimize.
    decoupled_weight_decay : decay the parameter itself, as `AdamW` does.

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

    @settings()
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
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "eps", "weight_decay")
        check_betas(group)

    def arrays(self, group: Group) -> dict[str, float]:
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if group["amsgrad"] else 2]
        return dict.fromkeys(names, 0.0)

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        step, (beta1, beta2) = now["step"], group["betas"]
        root = math.sqrt(1 - beta2**step)
        length = group["lr"] / (1 - beta1**step)
        constants = (*first(group), root, group["eps"], length)
        return amsgrad if group["amsgrad"] else adam, constants


class AdamW(Adam):
    r"""Adam with decoupled weight decay: first p ← p − lr · λ · p, outside the moments.

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

    @settings(decoupled_weight_decay=True)
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
    ) -> None: ...


def first(group: Group) -> tuple[float, ...]:
    """The constants of `start` and `moments`."""
    beta1, beta2 = group["betas"]
    decay, shrink = group["weight_decay"], 1.0
    if group["decoupled_weight_decay"]:
        decay, shrink = 0.0, 1 - group["lr"] * decay
    return group["maximize"], decay, shrink, beta1, 1 - beta1, beta2, 1 - beta2
