"""Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, at_least_zero, real, require
from nn.optim.rules import Rule, UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def rprop(c: Any, p: Any, g: Any, before: Any, length: Any) -> tuple[Any, ...]:
    """Steps along the sign: longer while it stays, shorter, and not taken, where it turned."""
    minus, plus, shortest, longest, one, zero = c
    s = g * before
    same, turned = (s > zero) * one, (s < zero) * one
    length = length * (same * plus + turned * minus + (one - same - turned))
    length = np.minimum(np.maximum(length, shortest), longest)
    stay = one - turned
    p -= ((g > zero) * one - (g < zero) * one) * stay * length
    return p, g * stay, length


class Rprop(StepwiseOptimizer):
    r"""Resilient backpropagation: steps grow while a gradient keeps its sign, shrink when it flips.

    With s = g · (g before): length ← length · η₊ where s > 0, length · η₋ where s < 0, kept within
    step_sizes; p ← p − sign(g) · length, but p stays where s < 0, and g counts as 0 there.
    For full-batch training: the noise of mini-batches flips signs.

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : initial step length.
    etas : η₋ and η₊, the factors that shrink and grow a step.
    step_sizes : minimum and maximum step length.
    maximize : maximize instead of minimize.

    References
    ----------
    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning", 1993.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter([1.0, 2.0])
    >>> optimizer = nn.optim.Rprop([p], lr=0.1)
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
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None: ...

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr")
        etas, sizes = group["etas"], group["step_sizes"]
        fits = _pair(etas) and 0 < real("etas", etas[0]) < 1 < real("etas", etas[1])
        require(fits, "etas", "two numbers, of which 0 < first < 1 < second", etas)
        fits = _pair(sizes) and 0 <= real("step_sizes", sizes[0]) <= real("step_sizes", sizes[1])
        require(fits, "step_sizes", "two numbers, of which 0 <= first <= second", sizes)

    def arrays(self, group: Group) -> dict[str, float]:
        return {"prev": 0.0, "step_size": group["lr"]}

    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        return rprop, (group["maximize"], 0, *group["etas"], *group["step_sizes"], 1, 0)


def _pair(x: Any) -> bool:
    return isinstance(x, (tuple, list)) and len(x) == 2
