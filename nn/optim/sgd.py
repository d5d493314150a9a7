"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autograd.value import Value
from nn.optim.optimizer import Group, at_least_zero, real, require
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def sgd(c: Any, p: Any, g: Any) -> tuple[Any, ...]:
    """Gradient descent."""
    (lr,) = c
    p -= lr * g
    return (p,)


@UpdateRule
def momentum(c: Any, p: Any, g: Any, b: Any) -> tuple[Any, ...]:
    """Gradient descent along b, and `ahead` of it."""
    lr, keep, take, ahead = c
    b *= keep
    b += take * g
    if ahead:
        p -= lr * (g + ahead * b)
    else:
        p -= lr * b
    return p, b


class SGD(StepwiseOptimizer):
    r"""Stochastic gradient descent, with momentum.

    With d the gradient plus weight_decay · p:
    b ← momentum · b + (1 − dampening) · d (b ← d in the first step), p ← p − lr · b;
    nesterov: p ← p − lr · (d + momentum · b).

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    momentum, dampening : see above.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    nesterov : Nesterov momentum; needs momentum > 0 and dampening 0.
    maximize : maximize instead of minimize.

    References
    ----------
    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.SGD([p], lr=0.1)
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
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "momentum", "weight_decay")
        real("dampening", group["dampening"])
        if group["nesterov"]:
            fits = group["momentum"] > 0 and group["dampening"] == 0
            require(fits, "nesterov", "used with momentum > 0 and dampening = 0", True)

    def arrays(self, group: Group) -> dict[str, float]:
        return {"momentum_buffer": 0.0} if group["momentum"] else {}

    def numbers(self, group: Group) -> dict[str, float]:
        """The count of steps with momentum."""
        return {"step": 0} if group["momentum"] else {}

    def begin(self, group: Group, p: Value, state: dict[str, Any]) -> None:
        """As in PyTorch, the first step is the one that finds no buffer."""
        if group["momentum"]:
            state["step"] = state.get("step", 1) if "momentum_buffer" in state else 0

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        mu, start = group["momentum"], (group["maximize"], group["weight_decay"], group["lr"])
        if not mu:
            return sgd, start
        keep, take = (0, 1) if now["step"] == 1 else (mu, 1 - group["dampening"])
        return momentum, (*start, keep, take, mu if group["nesterov"] else 0)

    def taken_over(self, group: Group, p: Value, state: Mapping[str, Any]) -> dict[str, Any]:
        """A checked copy of saved state; PyTorch saves no step, but a buffer after the first."""
        return super().taken_over(group, p, {"step": 1, **state})
