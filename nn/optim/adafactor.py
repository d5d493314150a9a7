"""Adafactor: Adam's second moments, factored into rows and columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.node import Array
from nn.optim.optimizer import Group, at_least_zero, real, require
from nn.optim.sums import norm
from nn.optim.tensorwise import TensorwiseOptimizer


class Adafactor(TensorwiseOptimizer):
    r"""Adam without a mean, whose squared gradients are kept as row and column means.

    For a matrix r ← r + t^c (mean of g² along rows − r), likewise k along columns, v = r k / mean r
    and u = g/√v; for a vector v itself is kept. Then p ← p − α u / max(1, rms(u)/d), where
    α = max(ε₂, rms(p)) · min(lr, 1/√t) makes steps relative to the parameter's size.

    Parameters
    ----------
    params : parameters, or groups of parameters.
    lr : upper bound of the relative step.
    beta2_decay : c <= 0, how fast the means forget.
    eps : ε₁, the least √v, by default the dtype's resolution; and ε₂, the least size of p.
    d : how far u may exceed rms 1.
    weight_decay : decoupled, as in `AdamW`.
    maximize : maximize instead of minimize.

    References
    ----------
    Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter(np.ones((100, 50)))
    >>> optimizer = nn.optim.Adafactor([p], lr=0.1)
    >>> np.sum(p * p).backward()
    >>> optimizer.step()
    >>> p.data[0, 0].round(3), sum(x.size for x in optimizer.state[p].values() if np.ndim(x))
    (np.float32(0.9), 150)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "weight_decay")
        decay, d, eps = group["beta2_decay"], group["d"], group["eps"]
        require(real("beta2_decay", decay) <= 0, "beta2_decay", "at most 0", decay)
        require(1 <= real("d", d) < math.inf, "d", "a finite number >= 1", d)
        pair = isinstance(eps, (tuple, list)) and len(eps) == 2
        fits = pair and all(e is None or real("eps", e) >= 0 for e in eps) and eps[1] is not None
        require(fits, "eps", "a number or None, and a number, both >= 0", eps)

    def start(self, group: Group, p: Array) -> dict[str, Any]:
        if p.ndim < 2:
            return {"step": 0, "variance": np.zeros_like(p)}
        rows, columns = (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])
        return {
            "step": 0,
            "row_var": np.zeros(rows, p.dtype),
            "col_var": np.zeros(columns, p.dtype),
        }

    def updated(self, group: Group, p: Array, g: Array, state: dict[str, Any]) -> Array:
        least = np.finfo(p.dtype).eps if group["eps"][0] is None else group["eps"][0]
        state["step"] += 1
        t, lr = state["step"], group["lr"]
        rise = t ** group["beta2_decay"]
        alpha = max(group["eps"][1], _rms(p)) * min(lr, 1 / math.sqrt(t))
        if group["maximize"]:
            g = -g
        p = p * (1 - lr * group["weight_decay"])
        if p.ndim < 2:
            state["variance"] += rise * (g * g - state["variance"])
            v = state["variance"]
        else:
            rows, columns = state["row_var"], state["col_var"]
            rows += rise * (np.mean(g * g, axis=-1, keepdims=True) - rows)
            columns += rise * (np.mean(g * g, axis=-2, keepdims=True) - columns)
            v = rows * columns / np.maximum(np.mean(rows, axis=-2, keepdims=True), least)
        u = g / np.sqrt(np.maximum(v, least * least))
        moved: Array = p - alpha / max(1.0, _rms(u) / group["d"]) * u
        return moved


def _rms(x: Array) -> float:
    return norm(x, 2.0) / math.sqrt(max(x.size, 1))
