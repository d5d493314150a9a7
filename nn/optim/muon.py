"""Muon: momentum, made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.node import Array
from nn.optim.optimizer import Group, at_least_zero, label, real, require
from nn.optim.sums import norm
from nn.optim.tensorwise import TensorwiseOptimizer


class Muon(TensorwiseOptimizer):
    r"""Steps along the nearest orthogonal matrix to the momentum of a matrix.

    m ← μ m + (1 − μ) g, then p ← (1 − lr · weight_decay) p − lr · r · O(u), where u is m, or with
    Nesterov's momentum (1 − μ) g + μ m, O(U S Vᵀ) ≈ U Vᵀ is found by a Newton–Schulz iteration,
    X ← a X + (b X Xᵀ + c (X Xᵀ)²) X, and r makes up for the shape. It computes in the parameter's
    dtype, PyTorch's in bfloat16.

    Parameters
    ----------
    params : matrices, or groups of them; biases and embeddings go to another optimizer.
    lr : learning rate.
    weight_decay : decoupled, as in `AdamW`.
    momentum : μ.
    nesterov : whether to use Nesterov's momentum.
    ns_coefficients : a, b, c.
    eps : the least norm to divide by before the iteration.
    ns_steps : number of iterations, below 100.
    adjust_lr_fn : "original", r = √max(1, rows/columns), the default; or "match_rms_adamw",
        r = 0.2 √max(rows, columns).

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    Liu et al., "Muon is scalable for LLM training", 2025.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = nn.Parameter(np.zeros((2, 2)))
    >>> optimizer = nn.optim.Muon([p], lr=1.0, ns_coefficients=(1.5, -0.5, 0), ns_steps=20)
    >>> np.sum(p * np.array([[3, 1], [0, 2]], np.float32)).backward()
    >>> optimizer.step()
    >>> bool(np.allclose(p.data @ p.data.T, np.eye(2), atol=1e-3))
    True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        settings = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        at_least_zero(group, "lr", "weight_decay", "momentum", "eps")
        abc, n, adjust = group["ns_coefficients"], group["ns_steps"], group["adjust_lr_fn"]
        three = isinstance(abc, (tuple, list)) and len(abc) == 3
        fits = three and all(math.isfinite(real("ns_coefficients", x)) for x in abc)
        require(fits, "ns_coefficients", "three finite numbers", abc)
        whole = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
        require(whole and 0 <= n < 100, "ns_steps", "an integer from 0 to 99", n)
        choices = (None, "original", "match_rms_adamw")
        require(adjust in choices, "adjust_lr_fn", "None, 'original' or 'match_rms_adamw'", adjust)
        for p in group["params"]:
            if p.ndim != 2:
                raise ValueError(
                    f"Muon is for matrices, and the parameter {label(p)} is none; give it to "
                    "another optimizer, such as AdamW."
                )

    def start(self, group: Group, p: Array) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(p)}

    def updated(self, group: Group, p: Array, g: Array, state: dict[str, Any]) -> Array:
        keep, m = group["momentum"], state["momentum_buffer"]
        m += (1 - keep) * (g - m)
        u = g + keep * (m - g) if group["nesterov"] else m
        rows, columns = p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        else:
            ratio = math.sqrt(max(1.0, rows / columns)) if columns else 1.0
        o = orthogonalized(u, group["ns_coefficients"], group["ns_steps"], group["eps"])
        moved: Array = p * (1 - group["lr"] * group["weight_decay"]) - group["lr"] * ratio * o
        return moved


def orthogonalized(u: Array, abc: tuple[float, float, float], steps: int, eps: float) -> Array:
    """A matrix with about the singular vectors of u, and singular values near 1."""
    a, b, c = abc
    tall = u.shape[0] > u.shape[1]
    x = u.T if tall else u
    x = x / max(norm(np.ascontiguousarray(x), 2.0), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
