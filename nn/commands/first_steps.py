"""One training step of each common architecture, large enough to run the kernel of every layer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd
import nn
from nn import optim

BATCH, CLASSES, TOKENS, CONTEXT, WIDTH = 64, 10, 65, 32, 64
OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": functools.partial(optim.SGD, lr=0.01),
    "momentum": functools.partial(optim.SGD, lr=0.01, momentum=0.9),
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
    "RMSprop": optim.RMSprop,
}


class Recurrent(nn.Module):
    """A character model with one recurrent layer."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.table = nn.Embedding(TOKENS, WIDTH)
        self.layer = kind(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, TOKENS)

    def forward(self, x: Any) -> Any:
        """Logits (N · T, TOKENS) of the next token, for token indices x (N, T)."""
        y, _ = self.layer(self.table(x))
        return self.head(y).reshape(-1, TOKENS)


class Transformer(nn.Module):
    """A character model with one Transformer block."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.norm, self.qkv = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 3 * WIDTH)
        self.mlp = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )
        self.head = nn.Linear(WIDTH, TOKENS)

    def forward(self, x: Any) -> Any:
        """Logits (N · T, TOKENS) of the next token, for token indices x (N, T)."""
        h = self.tokens(x) + self.places(np.arange(CONTEXT))
        qkv = self.qkv(self.norm(h)).reshape(*x.shape, 3, 4, WIDTH // 4)
        q, k, v = (qkv[:, :, i].swapaxes(1, 2) for i in range(3))  # (N, heads, T, E)
        y = autograd.ops.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + y.swapaxes(1, 2).reshape(*x.shape, WIDTH)
        return self.head(h + self.mlp(h)).reshape(-1, TOKENS)


def lenet() -> nn.Module:
    """LeNet-5."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, CLASSES),
    )  # fmt: skip


def residual() -> nn.Module:
    """A small ResNet without shortcuts: the same kernels."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, 2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES),
    )  # fmt: skip


def step(build: Callable[[], nn.Module], optimizer: str, data: tuple[Any, Any], dtype: str) -> None:
    """Build a network and run one training step on (x, classes)."""
    x, classes = data
    net = build().astype(dtype)
    update = OPTIMIZERS[optimizer](net.parameters())
    y = net(x.astype(dtype) if x.dtype.kind == "f" else x)
    nn.functional.cross_entropy(y, classes).backward()
    update.step()


def steps(dtype: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Name and training step of each architecture and optimizer."""
    images = np.ones((BATCH, 1, 28, 28)), np.zeros(BATCH, int)
    text = np.zeros((BATCH, CONTEXT), int), np.zeros(BATCH * CONTEXT, int)
    kinds: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...], tuple[Any, Any]]] = {
        "LeNet": (lenet, ("momentum", "SGD", "RMSprop"), images),
        "ResNet": (residual, ("momentum",), images),
        **{
            kind: (functools.partial(Recurrent, getattr(nn, kind)), ("Adam",), text)
            for kind in ("LSTM", "GRU", "RNN")
        },
        "Transformer": (Transformer, ("AdamW",), text),
    }
    for name, (build, optimizers, data) in kinds.items():
        for optimizer in optimizers:
            yield f"{name}, {optimizer}", functools.partial(step, build, optimizer, data, dtype)
