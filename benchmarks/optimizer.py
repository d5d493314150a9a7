"""One optimizer step over the parameters of four models."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from benchmarks.beside_torch import Norms
from benchmarks.case import OURS, Case

Shapes = tuple[tuple[int, ...], ...]


def resnet20() -> Shapes:
    """Parameter shapes of ResNet-20 for 32×32 images."""
    shapes: list[tuple[int, ...]] = [(16, 3, 3, 3), (16,), (16,)]
    width = 16
    for out in (16, 32, 64):
        for _ in range(3):
            shapes += [(out, width, 3, 3), (out,), (out,), (out, out, 3, 3), (out,), (out,)]
            width = out
    return (*shapes, (10, 64), (10,))


MODELS: dict[str, Shapes] = {
    "MLP 64-64-32-10": ((64, 64), (64,), (32, 64), (32,), (10, 32), (10,)),
    "LeNet-5": (
        *((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,)),
        *((120, 400), (120,), (84, 120), (84,), (10, 84), (10,)),
    ),
    "ResNet-20": resnet20(),
    "10M": ((10_000_000,),),
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "Adam": {"lr": 1e-3},
    "AdamW": {"lr": 1e-3, "weight_decay": 0.01},
    "SGD": {"lr": 1e-3, "momentum": 0.9},
    "RMSprop": {"lr": 1e-3},
    "Adagrad": {"lr": 1e-3},
}
FUSED = ("Adam", "AdamW", "SGD", "Adagrad")


def data(model: str) -> list[tuple[Any, Any]]:
    """Parameters and gradients, the same for every side."""
    import numpy as np

    rng = np.random.default_rng(0)
    pairs = (rng.normal(size=(2, *shape)).astype(np.float32) for shape in MODELS[model])
    return [(p, g) for p, g in pairs]


def ours(name: str, model: str) -> Callable[[], Any]:
    """In glassgrad."""
    import nn

    params = []
    for p, g in data(model):
        params.append(nn.Parameter(p))
        params[-1].grad = g
    optimizer = getattr(nn.optim, name)(params, **OPTIMIZERS[name])

    def work() -> Any:
        optimizer.step()
        return Norms(*(p.data for p in params))

    return work


def torchs(name: str, model: str, **how: bool) -> Callable[[], Any]:
    """In PyTorch, by default with its own choice of `foreach`."""
    import torch

    params = []
    for p, g in data(model):
        params.append(torch.nn.Parameter(torch.from_numpy(p)))
        params[-1].grad = torch.from_numpy(g)
    optimizer = getattr(torch.optim, name)(params, **OPTIMIZERS[name], **how)

    def work() -> Any:
        optimizer.step()
        return Norms(*(p.detach() for p in params))

    return work


def case(name: str, model: str, fused: bool) -> Case:
    """A step compared with PyTorch's default or with its fused kernel."""
    how = {"fused": True} if fused else {}
    size = sum(math.prod(shape) for shape in MODELS[model])
    passes = {"SGD": 5, "RMSprop": 5, "Adagrad": 5}.get(name, 7)  # read p, g, state; write p, state
    return Case(
        f"{name}, {model}" + (", fused" if fused else ""),
        {
            OURS: functools.partial(ours, name, model),
            "torch": functools.partial(torchs, name, model, **how),
        },
        group="optimizer steps, PyTorch fused" if fused else "optimizer steps",
        bytes=4.0 * passes * size if model == "10M" else None,
    )


CASES = tuple(
    case(name, model, fused)
    for fused in (False, True)
    for model in MODELS
    for name in OPTIMIZERS
    if not fused or name in FUSED
)
