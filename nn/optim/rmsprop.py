"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, at_least_zero, real, require
from nn.optim.rules import Rule, UpdateRule, lerp
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def rmsprop(c: Any, p: Any, g: Any, v: Any) -> tuple[Any, ...]:
    """The gradient over its root mean square."""
    lr, keep, rise, eps, _ = c
    v *= keep
    v += rise * g * g
    p -= lr * g / (np.sqrt(v) + eps)
    return p, v


@UpdateRule
def rmsprop_momentum(c: Any, p: Any, g: Any, v: Any, b: Any) -> tuple[Any, ...]:
    """`rmsprop`, its steps accumulated in b."""
    lr, keep, rise, eps, carry = c
    v *= keep
    v += rise * g * g
    b *= carry
    b += g / (np.sqrt(v) + eps)
    p -= lr * b
    return p, v, b


@UpdateRule
def rmsprop_centered(c: Any, p: Any, g: Any, v: Any, m: Any) -> tuple[Any, ...]:
    """The gradient over its standard deviation."""
    lr, keep, rise, eps, _ = c
    v *= keep
    v += rise * g * g
    m = lerp(keep, rise, m, g)
    p -= lr * g / (np.sqrt(v - m * m) + eps)
    return p, v, m


@UpdateRule
def rmsprop_centered_momentum(c: Any, p: Any, g: Any, v: Any, b: Any, m: Any) -> tuple[Any, ...]:
    """`rmsprop_centered`, its steps accumulated in b."""
    lr, keep, rise, eps, carry = c
    v *= keep
    v += rise * g * g
    m = lerp(keep, rise, m, g)
    b *= carry
    b += g / (np.sqrt(v - m * m) + eps)
    p -= lr * b
    return p, v, b, m


class RMSprop(StepwiseOptimizer):
    r"""The gradient over its root mean square.

    v ← αv + (1 − α)g², p ← p − lr · g/(√v + eps);
    centered: √(v − m²) instead of √v, where m ← αm + (1 − α)g;
    momentum: b ← momentum · b + g/(√v + eps), p ← p − lr · b.

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : learning rate.
    alpha : α, the decay rate of the running means.
    eps : added to the root, for numerical stability.
    weight_decay : L2 penalty: weight_decay · p is added to the gradient.
    momentum : momentum factor, see above.
    centered : divide by the standard deviation of the gradient.
    maximize : maximize instead of minimize.

    References
    ----------
    Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    Graves, "Generating sequences with recurrent neural networks", 2013 (centered).

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.RMSprop([p], lr=0.01)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data.round(3)
    array([0.9, 1.9], dtype=float32)
    """

    @settings()
    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "eps", "weight_decay", "momentum")
        alpha = real("alpha", group["alpha"])
        require(0 <= alpha <= 1, "alpha", "from 0 to 1", group["alpha"])

    def arrays(self, group: Group) -> dict[str, float]:
        names = ["square_avg"]
        if group["momentum"]:
            names.append("momentum_buffer")
        if group["centered"]:
            names.append("grad_avg")
        return dict.fromkeys(names, 0.0)

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        rule: Rule
        alpha, momentum = group["alpha"], group["momentum"]
        if group["centered"]:
            rule = rmsprop_centered_momentum if momentum else rmsprop_centered
        else:
            rule = rmsprop_momentum if momentum else rmsprop
        start = (group["maximize"], group["weight_decay"], group["lr"])
        return rule, (*start, alpha, 1 - alpha, group["eps"], momentum)
