"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.engine import Array
from nn.optim.optimizer import Group, Optimizer, at_least_zero, require
from nn.optim.sgd import descent


class Adam(Optimizer):
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
    >>> p
    Value([0.9, 1.9], dtype=float32)
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
    ) -> None:
        settings = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        """As in `Optimizer`."""
        at_least_zero(group, "lr", "eps", "weight_decay")
        betas = group["betas"]
        fits = len(betas) == 2 and all(0 <= beta < 1 for beta in betas)
        require(fits, "betas", "two numbers from 0 to below 1", betas)

    def names(self, group: Group) -> tuple[str, ...]:
        """As in `Optimizer`."""
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if group["amsgrad"] else 2]

    def update(
        self, group: Group, step: int, p: Array, g: Array, state: list[Array], work: list[Array]
    ) -> None:
        """As in `Optimizer`."""
        w, d = work
        _adam(group, step, p, descent(g, p, group, out=d), state, w)


class AdamW(Adam):
    r"""Adam whose weight decay does not pass through the moments: first p ← p − lr · λ · p.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize : as in `Adam`.
    weight_decay : λ.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
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
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def update(
        self, group: Group, step: int, p: Array, g: Array, state: list[Array], work: list[Array]
    ) -> None:
        """As in `Optimizer`."""
        w, d = work
        if group["weight_decay"]:
            p *= 1 - group["lr"] * group["weight_decay"]
        if group["maximize"]:
            g = np.negative(g, out=d)
        _adam(group, step, p, g, state, w)


def _adam(group: Group, step: int, p: Array, g: Array, state: list[Array], w: Array) -> None:
    """One step, in PyTorch's order of operations."""
    beta1, beta2 = group["betas"]
    m, v = state[:2]
    np.subtract(g, m, out=w)
    w *= 1 - beta1
    m += w
    v *= beta2
    np.multiply(g, g, out=w)
    w *= 1 - beta2
    v += w
    if group["amsgrad"]:
        v = np.maximum(state[2], v, out=state[2])
    np.sqrt(v, out=w)
    w *= 1 / math.sqrt(1 - beta2**step)
    w += group["eps"]
    np.divide(m, w, out=w)
    w *= group["lr"] / (1 - beta1**step)
    p -= w
