"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, at_least_zero, real, require
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def adadelta(c: Any, p: Any, g: Any, v: Any, u: Any) -> tuple[Any, ...]:
    """The gradient times the root mean square of steps over that of gradients."""
    lr, keep, rise, eps = c
    v *= keep
    v += rise * g * g
    d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    u *= keep
    u += rise * d * d
    p -= lr * d
    return p, v, u


class Adadelta(StepwiseOptimizer):
    r"""Steps in the parameter's own unit: RMS of past steps over RMS of gradients, times g.

    v ← ρv + (1 − ρ)g², d = √(u + eps)/√(v + eps) · g, u ← ρu + (1 − ρ)d², p ← p − lr · d

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate, a factor of all steps.
    rho : ρ, the decay rate of the two running means.
    eps : added under the roots; it sets the length of the first steps.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    maximize : maximize instead of minimize.

    References
    ----------
    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.Adadelta([p])
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.997, 1.997], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "eps", "weight_decay")
        require(0 <= real("rho", group["rho"]) <= 1, "rho", "from 0 to 1", group["rho"])

    def arrays(self, group: Group) -> dict[str, float]:
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        rho = group["rho"]
        start = (group["maximize"], group["weight_decay"], group["lr"])
        return adadelta, (*start, rho, 1 - rho, group["eps"])
