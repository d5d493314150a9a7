"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.engine import Array
from nn.optim.optimizer import Group, Optimizer, at_least_zero, require


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum.

    With d the gradient plus weight_decay · p:
    b ← momentum · b + (1 − dampening) · d (b ← d in the first step), p ← p − lr · b;
    nesterov: p ← p − lr · (d + momentum · b).

    Parameters
    ----------
    params : parameters or groups.
    lr : step length.
    momentum, dampening, weight_decay : see above.
    nesterov : look ahead; needs momentum > 0 and dampening 0.
    maximize : climb instead.

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
    >>> p
    Value([0.8, 1.6], dtype=float32)
    """

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
    ) -> None:
        settings = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        """As in `Optimizer`."""
        at_least_zero(group, "lr", "momentum", "weight_decay")
        if group["nesterov"]:
            fits = group["momentum"] > 0 and group["dampening"] == 0
            require(fits, "nesterov", "used with momentum > 0 and dampening = 0", True)

    def names(self, group: Group) -> tuple[str, ...]:
        """As in `Optimizer`."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def update(
        self, group: Group, step: int, p: Array, g: Array, state: list[Array], work: list[Array]
    ) -> None:
        """As in `Optimizer`."""
        lr, momentum = group["lr"], group["momentum"]
        w, d = work
        g = descent(g, p, group, out=d)
        if momentum:
            (b,) = state
            if step == 1:
                b[...] = g
            else:
                b *= momentum
                np.multiply(g, 1 - group["dampening"], out=w)
                b += w
            if group["nesterov"]:
                np.multiply(b, momentum, out=w)
                w += g
                g = w
            else:
                g = b
        np.multiply(g, lr, out=w)
        p -= w


def descent(g: Array, p: Array, group: Group, out: Array) -> Array:
    """The gradient to descend: turned round by `maximize`, with weight_decay · p added."""
    if group["weight_decay"]:
        np.multiply(p, group["weight_decay"], out=out)
        (np.subtract if group["maximize"] else np.add)(out, g, out=out)
        return out
    return np.negative(g, out=out) if group["maximize"] else g
