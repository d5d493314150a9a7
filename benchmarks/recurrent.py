"""Recurrent layers, forward and backward, in five shapes each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case

SHAPES = (  # T, B, input, hidden
    (28, 64, 28, 128),
    (100, 32, 64, 128),
    (64, 16, 128, 256),
    (50, 1, 32, 64),
    (200, 8, 16, 32),
)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def data(kind: str, shape: tuple[int, int, int, int]) -> tuple[Any, list[Any], Any]:
    """Inputs, weights in PyTorch's order, and the incoming gradient, the same for every side."""
    import numpy as np

    T, B, D, H = shape
    rng = np.random.default_rng(0)

    def draw(*size: int) -> Any:
        return rng.uniform(-(H**-0.5), H**-0.5, size).astype(np.float32)

    G = GATES[kind] * H
    x, g = (rng.normal(size=s).astype(np.float32) for s in ((T, B, D), (T, B, H)))
    return x, [draw(G, D), draw(G, H), draw(G), draw(G)], g


class Norms:
    """Few numbers that tell large results apart; computed when asked for, not while timing."""

    def __init__(self, *arrays: Any) -> None:
        self.arrays = arrays

    def tolist(self) -> list[float]:
        """Of each array its norm, and that of its sum with a wave: signs and places count."""
        import numpy as np

        flat = [np.asarray(a, np.float64).ravel() for a in self.arrays]
        waves = [np.sin(np.arange(a.size)) * np.abs(a).max() for a in flat]
        return [float(np.linalg.norm(a + w)) for a, w in zip(flat, waves, strict=True)] + [
            float(np.linalg.norm(a)) for a in flat
        ]


def ours(kind: str, shape: tuple[int, int, int, int]) -> Callable[[], Any]:
    """One layer in glassgrad."""
    import autograd

    x, weights, g = data(kind, shape)
    leaves = [autograd.Value(a) for a in (x, *weights)]
    layer = getattr(autograd, kind.lower() + "_scan")
    states = (None, None) if kind == "LSTM" else (None,)

    def work() -> Any:
        for v in leaves:
            v.grad = None
        y = layer(leaves[0], *states, *leaves[1:])[0]
        y.backward(g)
        return Norms(y.data, *(v.grad for v in leaves))

    return work


def torch(kind: str, shape: tuple[int, int, int, int]) -> Callable[[], Any]:
    """One layer in PyTorch."""
    import torch

    x, weights, g = data(kind, shape)
    _, _, D, H = shape
    layer = getattr(torch.nn, kind)(D, H)
    for p, w in zip(layer.parameters(), weights, strict=True):
        p.data.copy_(torch.tensor(w))
    leaves = [torch.tensor(x, requires_grad=True), *layer.parameters()]
    seed = torch.tensor(g)

    def work() -> Any:
        for v in leaves:
            v.grad = None
        y = layer(leaves[0])[0]
        y.backward(seed)
        return Norms(y.detach(), *(v.grad for v in leaves))

    return work


CASES = tuple(
    Case(
        f"{kind} T{T} B{B} I{D} H{H}, f+b",
        {
            OURS: functools.partial(ours, kind, (T, B, D, H)),
            "torch": functools.partial(torch, kind, (T, B, D, H)),
        },
    )
    for kind in GATES
    for T, B, D, H in SHAPES
)
