"""Pooling, forward and backward."""

from __future__ import annotations

from typing import Any

from benchmarks.beside_torch import case

CALLS: tuple[tuple[str, tuple[int, ...], tuple[Any, ...]], ...] = (  # shape of x, arguments
    ("max_pool2d", (64, 6, 28, 28), (2,)),
    ("max_pool2d", (64, 16, 10, 10), (2,)),
    ("max_pool2d", (16, 64, 56, 56), (3, 2, 1)),
    ("avg_pool2d", (64, 16, 28, 28), (2,)),
    ("avg_pool2d", (16, 64, 28, 28), (3, 2, 1)),
    ("adaptive_avg_pool2d", (32, 64, 8, 8), (1,)),
    ("adaptive_avg_pool2d", (16, 256, 7, 7), (1,)),
    ("adaptive_avg_pool2d", (16, 64, 32, 32), (4,)),
)
CASES = tuple(
    case(
        f"{name}{how} of {shape}",
        (shape,),
        lambda F, x, name=name, how=how: getattr(F, name)(x, *how),
    )
    for name, shape, how in CALLS
)
