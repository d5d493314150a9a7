"""ASGD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nn.optim.optimizer import Group, at_least_zero, real
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def asgd(c: Any, p: Any, g: Any, ax: Any) -> tuple[Any, ...]:
    """Gradient descent; ax is the mean of all p since t0, and a copy of p while `share` is 1."""
    shrink, lr, share = c
    p *= shrink
    p -= lr * g
    if share == 1:
        ax = p
    else:
        ax += (p - ax) * share
    return p, ax


class ASGD(StepwiseOptimizer):
    r"""Averaged gradient descent: falling step lengths, and a mean of past parameters.

    p ← (1 − λη)p − ηg, ax ← ax + μ(p − ax), and then η = lr/(1 + λ · lr · t)^α,
    μ = 1/max(1, t − t0). The average is ``optimizer.state[p]["ax"]``.

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : initial η.
    lambd : λ, decay of the parameter.
    alpha : α, the power with which η falls.
    t0 : step at which averaging starts; until then ax is a copy of p.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    maximize : maximize instead of minimize.

    References
    ----------
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.ASGD([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.8, 1.6], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "lambd", "weight_decay")
        for name in ("alpha", "t0"):
            real(name, group[name])

    def arrays(self, group: Group) -> dict[str, float]:
        return {"ax": 0.0}

    def numbers(self, group: Group) -> dict[str, float]:
        """The step count, and η and μ of the next step."""
        return {"step": 0, "eta": group["lr"], "mu": 1.0}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        lr, lambd, eta, mu = group["lr"], group["lambd"], now["eta"], now["mu"]
        now["eta"] = lr / (1 + lambd * lr * now["step"]) ** group["alpha"]
        now["mu"] = 1 / max(1, now["step"] - group["t0"])
        return asgd, (group["maximize"], group["weight_decay"], 1 - lambd * eta, eta, mu)
