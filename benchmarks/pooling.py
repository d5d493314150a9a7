"""Pooling, forward and backward."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case
from benchmarks.recurrent import Norms

CALLS: tuple[tuple[str, tuple[int, ...], tuple[Any, ...]], ...] = (  # shape of x, arguments
    ("max_pool2d", (64, 6, 28, 28), (2,)),
    ("max_pool2d", (64, 16, 10, 10), (2,)),
    ("max_pool2d", (16, 64, 56, 56), (3, 2, 1)),
    ("avg_pool2d", (64, 16, 28, 28), (2,)),
    ("adaptive_avg_pool2d", (32, 64, 8, 8), (1,)),
)


def data(shape: tuple[int, ...]) -> Any:
    """The same input for every side."""
    import numpy as np

    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def ours(name: str, shape: tuple[int, ...], how: tuple[Any, ...]) -> Callable[[], Any]:
    """In glassgrad."""
    import autograd

    x = autograd.Value(data(shape))
    pool = getattr(autograd, name)
    g = data(pool(x, *how).shape)

    def work() -> Any:
        x.grad = None
        y = pool(x, *how)
        y.backward(g)
        return Norms(y.data, x.grad)

    return work


def torchs(name: str, shape: tuple[int, ...], how: tuple[Any, ...]) -> Callable[[], Any]:
    """In PyTorch."""
    import torch

    x = torch.from_numpy(data(shape)).requires_grad_()
    pool = getattr(torch.nn.functional, name)
    g = torch.from_numpy(data(tuple(pool(x, *how).shape)))

    def work() -> Any:
        x.grad = None
        y = pool(x, *how)
        y.backward(g)
        return Norms(y.detach(), x.grad)

    return work


CASES = tuple(
    Case(
        f"{name}{how} of {shape}, f+b",
        {OURS: functools.partial(ours, *call), "torch": functools.partial(torchs, *call)},
    )
    for call in CALLS
    for name, shape, how in [call]
)
