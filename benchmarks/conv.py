"""Convolutions, forward and backward with the gradients of input, weight and bias.

The first six are typical layers; then a 1×1 convolution, narrow maps, large strides, one image
alone, depthwise and transposed ones, and those of signals.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from benchmarks.beside_torch import Norms, case, data
from benchmarks.case import Case

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
    ((16, 64, 14, 14), 64, 3, 1, 1, 1),
    ((16, 256, 4, 4), 256, 3, 1, 1, 1),
    ((8, 32, 32, 32), 64, 3, 4, 1, 1),
    ((8, 3, 112, 112), 64, 7, 2, 3, 1),
    ((8, 3, 128, 128), 96, 16, 16, 0, 1),
    ((1, 64, 28, 28), 64, 3, 1, 1, 1),
    ((16, 64, 28, 28), 64, 5, 1, 2, 64),
    ((16, 64, 28, 28), 64, 3, 2, 1, 64),
)
SIGNALS = (  # x, output channels, kernel, stride
    ((8, 1, 16_000), 64, 10, 5),
    ((8, 1, 16_000), 64, 400, 160),
    ((8, 64, 1_600), 64, 8, 4),
)
Shape = tuple[tuple[int, int, int, int], int, int, int, int, int]


def sizes(shape: Shape) -> tuple[tuple[int, ...], ...]:
    """Shapes of input, weight and bias."""
    x, M, K, _, _, groups = shape
    return x, (M, x[1] // groups, K, K), (M,)


def output(shape: Shape) -> tuple[int, int, int, int]:
    """Shape of the output."""
    (N, _, H, W), M, K, stride, padding, _ = shape
    return N, M, (H + 2 * padding - K) // stride + 1, (W + 2 * padding - K) // stride + 1


def conv2d(F: Any, x: Any, w: Any, b: Any, shape: Shape) -> Any:
    """The call of both sides."""
    return F.conv2d(x, w, b, *shape[3:5], groups=shape[5])


def jax(shape: Shape) -> Callable[[], Any]:
    """In JAX, compiled, with channels last, which is faster there."""
    import jax
    import numpy as np

    (x, w, b), (g,) = data(*sizes(shape)), data(output(shape), seed=1)
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
    """In MyGrad, without memory guarding."""
    import mygrad
    from mygrad.nnet.layers import conv_nd

    mygrad.turn_memory_guarding_off()
    x, w, b = map(mygrad.tensor, data(*sizes(shape)))
    (g,) = data(output(shape), seed=1)

    def work() -> Any:
        y = conv_nd(x, w, stride=shape[3], padding=shape[4]) + b.reshape(1, -1, 1, 1)
        y.backward(g)
        return Norms(y.data, x.grad, w.grad, b.grad)

    return work


def row(shape: Shape) -> Case:
    """A convolution; MyGrad supports neither groups nor a stride that leaves a remainder."""
    x, M, K, stride, padding, groups = shape
    N, _, h, w = output(shape)
    strided = f", stride {stride}" if stride > 1 else ""
    grouped = f", {groups} groups" if groups > 1 else ""
    found = case(
        f"{x} → {M}, {K}×{K}{strided}{grouped}",
        sizes(shape),
        functools.partial(conv2d, shape=shape),
        tolerance=3e-4,
        group="conv2d" if shape in SHAPES[:6] else "conv2d, others",
        flops=3 * 2.0 * N * M * h * w * (x[1] // groups) * K * K,
        bytes=3 * 4.0 * (sum(map(math.prod, sizes(shape))) + math.prod(output(shape))),
    )
    found.sides["jax"] = functools.partial(jax, shape)
    if groups == 1 and (x[2] + 2 * padding - K) % stride == 0:
        found.sides["mygrad"] = functools.partial(mygrad, shape)
    return found


def signal(x: tuple[int, int, int], M: int, K: int, stride: int) -> Case:
    """A convolution of signals, as at the front of a speech model."""
    out = (x[2] - K) // stride + 1
    return case(
        f"{x} → {M}, {K}, stride {stride}",
        (x, (M, x[1], K), (M,)),
        lambda F, x, w, b: F.conv1d(x, w, b, stride),
        tolerance=3e-4,
        group="conv1d, large strides",
        flops=3 * 2.0 * x[0] * M * out * x[1] * K,
    )


def transposed(x: tuple[int, int, int, int], M: int, K: int, stride: int, padding: int) -> Case:
    """A transposed convolution, as in a decoder."""
    return case(
        f"{x} → {M}, {K}×{K}, stride {stride}, transposed",
        (x, (x[1], M, K, K), (M,)),
        lambda F, x, w, b: F.conv_transpose2d(x, w, b, stride, padding),
        tolerance=3e-4,
        group="conv_transpose2d",
        flops=3 * 2.0 * x[0] * M * x[2] * x[3] * x[1] * K * K,
    )


CASES = (
    *map(row, SHAPES),
    transposed((16, 64, 8, 8), 32, 4, 2, 1),
    transposed((16, 32, 16, 16), 16, 4, 2, 1),
    *(signal(*shape) for shape in SIGNALS),
)
