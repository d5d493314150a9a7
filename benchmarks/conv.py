"""Convolutions, forward and backward with all three gradients.

The first six are ordinary layers; then a 1×1 convolution, one channel by channel, and maps of 7×7.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case
from benchmarks.recurrent import Norms

SHAPES = (  # x, output channels, kernel, stride, padding, groups
    ((32, 16, 32, 32), 16, 3, 1, 1, 1),
    ((32, 32, 16, 16), 32, 3, 1, 1, 1),
    ((64, 1, 28, 28), 6, 5, 1, 0, 1),
    ((64, 6, 14, 14), 16, 5, 1, 0, 1),
    ((32, 64, 8, 8), 64, 3, 1, 1, 1),
    ((32, 16, 32, 32), 32, 3, 2, 1, 1),
    ((32, 64, 16, 16), 128, 1, 1, 0, 1),
    ((32, 64, 32, 32), 64, 3, 1, 1, 64),
    ((32, 128, 7, 7), 128, 3, 1, 1, 1),
)
Shape = tuple[tuple[int, int, int, int], int, int, int, int, int]


def data(shape: Shape) -> list[Any]:
    """Input, weight, bias and incoming gradient, the same for every side."""
    import numpy as np

    (N, C, H, W), M, K, stride, padding, groups = shape
    rng = np.random.default_rng(0)
    out = [(n + 2 * padding - K) // stride + 1 for n in (H, W)]
    sizes = (N, C, H, W), (M, C // groups, K, K), (M,), (N, M, *out)
    return [rng.normal(size=size).astype(np.float32) for size in sizes]


def ours(shape: Shape) -> Callable[[], Any]:
    """In glassgrad."""
    import autograd

    *arrays, g = data(shape)
    x, w, b = map(autograd.Value, arrays)

    def work() -> Any:
        x.grad = w.grad = b.grad = None
        y = autograd.ops.conv2d(x, w, b, *shape[3:5], groups=shape[5])
        y.backward(g)
        return Norms(y.data, x.grad, w.grad, b.grad)

    return work


def torchs(shape: Shape) -> Callable[[], Any]:
    """In PyTorch."""
    import torch

    *arrays, g = map(torch.from_numpy, data(shape))
    x, w, b = (a.requires_grad_() for a in arrays)

    def work() -> Any:
        x.grad = w.grad = b.grad = None
        y = torch.nn.functional.conv2d(x, w, b, *shape[3:5], groups=shape[5])
        y.backward(g)
        return Norms(y.detach(), x.grad, w.grad, b.grad)

    return work


def jax(shape: Shape) -> Callable[[], Any]:
    """In JAX, compiled, with the channels last, which suits it better."""
    import jax
    import numpy as np

    x, w, b, g = data(shape)
    stride, padding, groups = shape[3:]

    def layer(x: Any, w: Any, b: Any) -> Any:
        y = jax.lax.conv_general_dilated(
            x,
            w,
            (stride, stride),
            ((padding, padding),) * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        return y + b

    @jax.jit
    def both(g: Any, *leaves: Any) -> Any:
        y, pull = jax.vjp(layer, *leaves)
        return y, *pull(g)

    def reorder(arrays: list[Any]) -> list[Any]:
        y, gx, gw, gb = arrays
        first = (0, 3, 1, 2)
        return [y.transpose(first), gx.transpose(first), gw.transpose(3, 2, 0, 1), gb]

    last = (0, 2, 3, 1)
    images = [np.ascontiguousarray(a.transpose(last)) for a in (g, x)]
    w = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
    leaves = [jax.numpy.asarray(a) for a in (*images, w, b)]
    return lambda: Norms(*jax.block_until_ready(both(*leaves)), reorder=reorder)


def mygrad(shape: Shape) -> Callable[[], Any]:
    """In MyGrad, without its guard against in-place writes."""
    import mygrad
    from mygrad.nnet.layers import conv_nd

    mygrad.turn_memory_guarding_off()
    *arrays, g = data(shape)
    x, w, b = map(mygrad.tensor, arrays)

    def work() -> Any:
        y = conv_nd(x, w, stride=shape[3], padding=shape[4]) + b.reshape(1, -1, 1, 1)
        y.backward(g)
        return Norms(y.data, x.grad, w.grad, b.grad)

    return work


def title(shape: Shape) -> str:
    """As in PERFORMANCE.md."""
    x, M, K, stride, _, groups = shape
    strided = f", stride {stride}" if stride > 1 else ""
    grouped = f", {groups} groups" if groups > 1 else ""
    return f"{x} → {M}, {K}×{K}{strided}{grouped}, f+b"


def case(shape: Shape) -> Case:
    """A convolution; MyGrad has none by groups, nor where the stride leaves a rest."""
    (N, C, H, W), M, K, stride, padding, groups = shape
    pixels = ((H + 2 * padding - K) // stride + 1) * ((W + 2 * padding - K) // stride + 1)
    sides = {OURS: ours, "torch": torchs, "jax": jax}
    if groups == 1 and (H + 2 * padding - K) % stride == 0:
        sides["mygrad"] = mygrad
    return Case(
        title(shape),
        {side: functools.partial(setup, shape) for side, setup in sides.items()},
        tolerance=3e-4,
        group="conv2d" if shape in SHAPES[:6] else "conv2d, others",
        flops=3 * 2.0 * N * M * pixels * (C // groups) * K * K,
    )


CASES = tuple(map(case, SHAPES))
