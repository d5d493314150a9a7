"""One training step: forward, backward, update. The same code builds both sides' networks."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks.case import OURS, Case

STEPS = 5  # number of steps whose losses are compared
CLASSES, TOKENS, CONTEXT = 10, 65, 64


def mlp(nn: Any, *sizes: int) -> Any:
    """Multilayer perceptron with ReLU."""
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def lenet(nn: Any) -> Any:
    """LeNet-5 for (N, 1, 28, 28), with ReLU and max pooling."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), *mlp(nn, 400, 120, 84, CLASSES),
    )  # fmt: skip


def resnet(nn: Any, blocks: int = 3) -> Any:
    """ResNet-20 for CIFAR images (N, 3, 32, 32), with 1×1 convolutions as projection shortcuts."""
    relu = nn.functional.relu

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, C: int, M: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(C, M, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(M)
            self.conv2 = nn.Conv2d(M, M, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(M)
            self.shortcut = nn.Sequential()
            if stride != 1 or C != M:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(C, M, 1, stride, bias=False), nn.BatchNorm2d(M)
                )

        def forward(self, x: Any) -> Any:
            y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
            return relu(y + self.shortcut(x))

    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    width = 16
    for M in (16, 32, 64):
        for i in range(blocks):
            layers.append(Block(width, M, 2 if i == 0 and M != 16 else 1))
            width = M
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def gpt(nn: Any, attention: Any, layers: int = 4, C: int = 128, heads: int = 4) -> Any:
    """A pre-norm GPT that predicts the next token, for tokens (N, T)."""

    class Block(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(C), nn.LayerNorm(C)
            self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)
            self.mlp = nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))

        def forward(self, x: Any) -> Any:
            N, T, _ = x.shape
            qkv = self.qkv(self.norm1(x)).reshape(N, T, 3, heads, C // heads)
            q, k, v = (qkv[:, :, i].swapaxes(1, 2) for i in range(3))  # (N, heads, T, E)
            y = attention(q, k, v, is_causal=True).swapaxes(1, 2).reshape(N, T, C)
            x = x + self.out(y)
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(TOKENS, C), nn.Embedding(CONTEXT, C)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, TOKENS, bias=False)

        def forward(self, x: Any) -> Any:
            y = self.blocks(self.tokens(x) + self.places.weight)
            return self.head(self.norm(y)).reshape(-1, TOKENS)

    return GPT()


def chars(nn: Any, kind: str, H: int = 128) -> Any:
    """A recurrent character model for characters (N, T)."""

    class Chars(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(TOKENS, 32)
            self.layer = getattr(nn, kind)(32, H, batch_first=True)
            self.head = nn.Linear(H, TOKENS)

        def forward(self, x: Any) -> Any:
            return self.head(self.layer(self.table(x))[0]).reshape(-1, TOKENS)

    return Chars()


def images(*shape: int) -> tuple[Any, Any]:
    """A batch of random inputs and class indices.

    Both halves contain the same inputs with different classes, so that no network can memorize
    them and gradients stay as large as in real training.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    half = rng.normal(size=(shape[0] // 2, *shape[1:])).astype(np.float32)
    return np.concatenate([half, half]), rng.integers(CLASSES, size=shape[0])


def text(batch: int) -> tuple[Any, Any]:
    """A batch of random tokens and next tokens."""
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.integers(TOKENS, size=(2, batch, CONTEXT))
    return x, y.reshape(-1)


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Initial parameters for both sides: biases 0, norm weights 1, the others uniform."""
    import numpy as np

    rng = np.random.default_rng(1)
    found = {}
    for name, shape in sorted(shapes.items()):
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        if len(shape) > 1:
            found[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
        else:
            found[name] = np.full(shape, 0 if "bias" in name else 1, np.float32)
    return found


class Losses:
    """Losses of the first steps and of the last, converted to numbers on demand."""

    def __init__(self, first: list[float], last: Any) -> None:
        self.first, self.last = first, last

    def tolist(self) -> list[float]:
        """All losses."""
        return [*self.first, self.last.item()]


def steps(
    nn: Any, net: Any, optimizer: Any, x: Any, y: Any, wrap: Callable[..., Any] | None = None
) -> Callable[[], Losses]:
    """Run the first steps, compiled if `wrap` does that; return a function that runs one more.

    The later steps begin at the start again, with a learning rate of 0: in thousands of steps on
    one batch units would die, and their moments become subnormal, which takes a time that no
    training has.
    """
    start = [copy.deepcopy(x.state_dict()) for x in (net, optimizer)]
    criterion = nn.CrossEntropyLoss()

    def step(x: Any, y: Any) -> Any:
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    run = wrap(step) if wrap else step
    first = [run(x, y).item() for _ in range(STEPS)]
    net.load_state_dict(start[0])
    optimizer.load_state_dict(start[1])
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    return lambda: Losses(first, run(x, y))


Build = Callable[..., Any]
Data = Callable[[], tuple[Any, Any]]


def ours(
    build: Build,
    data: Data,
    optimizer: str,
    settings: dict[str, float],
    wrap: Callable[..., Any] | None = None,
) -> Callable[[], Any]:
    """In glassgrad; `wrap` may compile the step."""
    import autograd
    import nn

    net = build(nn, autograd.ops.scaled_dot_product_attention)
    net.load_state_dict(weights({k: p.shape for k, p in net.named_parameters()}), strict=False)
    update = getattr(nn.optim, optimizer)(net.parameters(), **settings)
    return steps(nn, net, update, *data(), wrap=wrap)


def torch(build: Build, data: Data, optimizer: str, settings: dict[str, float]) -> Any:
    """In PyTorch, with fused optimizers."""
    import torch

    net = build(torch.nn, torch.nn.functional.scaled_dot_product_attention)
    first = weights({k: tuple(p.shape) for k, p in net.named_parameters()})
    net.load_state_dict({k: torch.from_numpy(a) for k, a in first.items()}, strict=False)
    update = getattr(torch.optim, optimizer)(net.parameters(), fused=True, **settings)
    return steps(torch.nn, net, update, *map(torch.from_numpy, data()))


def jax(sizes: tuple[int, ...], data: Data, lr: float) -> Callable[[], Any]:
    """A multilayer perceptron with Adam in JAX: the step is one compiled function."""
    import jax
    import jax.numpy as np

    layers = [2 * i for i in range(len(sizes) - 1)]  # indices in Sequential
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (fan_in, fan_out) in zip(layers, pairwise(sizes), strict=True):
        shapes |= {f"{i}.weight": (fan_out, fan_in), f"{i}.bias": (fan_out,)}
    p = {name: np.asarray(a) for name, a in weights(shapes).items()}
    x, y = map(np.asarray, data())

    def loss_of(p: Any) -> Any:
        h = x
        for i in layers:
            h = h @ p[f"{i}.weight"].T + p[f"{i}.bias"]
            h = jax.nn.relu(h) if i != layers[-1] else h
        return -jax.nn.log_softmax(h)[np.arange(len(y)), y].mean()

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state: Any, lr: Any) -> Any:
        p, m, v, n = state
        n = n + 1
        loss, g = jax.value_and_grad(loss_of)(p)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)

        def update(p: Any, m: Any, v: Any) -> Any:
            return p - lr / (1 - 0.9**n) * m / (np.sqrt(v / (1 - 0.999**n)) + 1e-8)

        return (jax.tree.map(update, p, m, v), m, v, n), loss

    zeros = functools.partial(jax.tree.map, np.zeros_like)
    start = jax.tree.map(np.copy, p)
    state = (p, zeros(p), zeros(p), np.float32(0))

    def one(lr: float) -> Any:
        nonlocal state
        state, loss = jax.block_until_ready(step(state, lr))
        return loss

    first = [float(one(lr)) for _ in range(STEPS)]
    state = (start, zeros(start), zeros(start), np.float32(0))
    return lambda: Losses(first, one(0.0))


def case(
    name: str,
    build: Build,
    data: Data,
    group: str,
    optimizer: str,
    tolerance: float = 1e-3,
    **settings: float,
) -> Case:
    """A row; `build(nn, attention)` creates the network."""
    sides = {OURS: ours, "torch": torch}
    return Case(
        name,
        {s: functools.partial(f, build, data, optimizer, settings) for s, f in sides.items()},
        tolerance=tolerance,
        group=group,
    )


def perceptron(sizes: tuple[int, ...], batch: int, group: str) -> Case:
    """A multilayer perceptron with Adam, also in JAX."""
    name, lr = f"MLP {'-'.join(map(str, sizes))}, batch {batch}, Adam", 1e-3
    data = functools.partial(images, batch, sizes[0])
    row = case(name, lambda nn, _: mlp(nn, *sizes), data, group, "Adam", lr=lr)
    row.sides["jax"] = functools.partial(jax, sizes, data, lr)
    return row


LIGHT, HEAVY = "training steps, small networks", "training steps, large networks"
CASES = (
    perceptron((64, 64, 32, CLASSES), 32, LIGHT),
    case(
        "LeNet-5, batch 64, SGD with momentum",
        lambda nn, _: lenet(nn),
        lambda: images(64, 1, 28, 28),
        LIGHT,
        "SGD",
        lr=0.01,
        momentum=0.9,
    ),
    *(
        case(
            f"char-{kind} H128, T{CONTEXT}, batch 32, Adam",
            lambda nn, _, kind=kind: chars(nn, kind),
            lambda: text(32),
            LIGHT,
            "Adam",
            lr=1e-3,
        )
        for kind in ("LSTM", "GRU")
    ),
    perceptron((784, 512, 256, CLASSES), 128, HEAVY),
    case(
        "ResNet-20, batch 32, SGD",
        lambda nn, _: resnet(nn),
        lambda: images(32, 3, 32, 32),
        HEAVY,
        "SGD",
        tolerance=3e-3,  # rounding errors grow: both sides differ from float64 by 1e-3
        lr=0.01,
    ),
    case("GPT 4 × 128, T64, batch 12, AdamW", gpt, lambda: text(12), HEAVY, "AdamW", lr=1e-3),
)
