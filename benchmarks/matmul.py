"""Matrix products: glassgrad, NumPy, PyTorch."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.case import OURS, Case


class Product(NamedTuple):
    """A (M, K) times B (K, N), each as it lies in memory or transposed; or a stack of them."""

    m: int
    k: int
    n: int
    stack: int = 1
    a_transposed: bool = False
    b_transposed: bool = False
    dtype: str = "float32"

    @property
    def name(self) -> str:
        """Sizes, and what is out of the ordinary."""
        stack = f"{self.stack} · " if self.stack > 1 else ""
        a, b = ("ᵀ" if t else "" for t in (self.a_transposed, self.b_transposed))
        dtype = "" if self.dtype == "float32" else f", {self.dtype}"
        return f"{stack}({self.m}×{self.k}){a} @ ({self.k}×{self.n}){b}{dtype}"

    @property
    def flops(self) -> float:
        """Of one multiplication."""
        return 2.0 * self.stack * self.m * self.k * self.n

    @property
    def bytes(self) -> float:
        """Of both factors and the product."""
        sizes = self.m * self.k + self.k * self.n + self.m * self.n
        return float(self.stack * sizes * int(self.dtype[5:]) // 8)


SQUARE = [Product(n, n, n) for n in (128, 256, 512, 1024, 2048)]  # strides are powers of two
ODD = [Product(100, 100, 100), Product(777, 777, 777), Product(448, 1920, 112)]
TALL = [Product(3584, 128, 512), Product(4096, 256, 64), Product(2160, 80, 640)]
WIDE = [Product(32, 128, 512), Product(64, 784, 256), Product(128, 512, 4096)]
TRANSPOSED = [
    Product(1024, 1024, 1024, b_transposed=True),
    Product(1024, 1024, 1024, a_transposed=True),
    # the weight gradients of recurrent layers: d.T @ h over all steps
    *(Product(4 * h, k, h, a_transposed=True) for h, k in ((128, 800), (128, 6400), (256, 3200))),
    Product(400, 1600, 100, a_transposed=True),
]
STACKS = [Product(128, 64, 128, 32, b_transposed=True), Product(128, 128, 64, 32)]
DOUBLE = [
    *(Product(n, n, n, dtype="float64") for n in (128, 512, 1024)),
    Product(512, 1600, 128, a_transposed=True, dtype="float64"),
]
SMALL = [Product(8, 8, 8)]


def data(product: Product) -> tuple[Any, Any]:
    """The same factors for every side."""
    import numpy as np

    rng = np.random.default_rng(0)
    factors = []
    for shape, transposed in (
        ((product.m, product.k), product.a_transposed),
        ((product.k, product.n), product.b_transposed),
    ):
        stacked = (product.stack, *shape) if product.stack > 1 else shape
        x = rng.uniform(size=stacked).astype(product.dtype)
        factors.append(
            np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2) if transposed else x
        )
    return factors[0], factors[1]


def corner(c: Any) -> Any:
    """The part of a product that is compared."""
    return c[..., :2, -2:]


def limit(threads: int | None) -> None:
    """Limit the number of BLAS threads; must be called before NumPy is imported."""
    if threads is not None:
        for name in ("OPENBLAS", "MKL", "OMP", "VECLIB_MAXIMUM"):
            os.environ[f"{name}_NUM_THREADS"] = str(threads)


def ours(product: Product, threads: int | None) -> Callable[[], Any]:
    """In glassgrad, with the implementation that it chooses."""
    import autograd
    from autograd.machine import choice

    if threads is not None:
        autograd.set_num_threads(threads)
    a, b = data(product)
    return lambda: corner(choice.matmul(a, b))


def numpy(product: Product, threads: int | None) -> Callable[[], Any]:
    """In NumPy."""
    limit(threads)
    a, b = data(product)
    return lambda: corner(a @ b)


def torch(product: Product, threads: int | None) -> Callable[[], Any]:
    """In PyTorch."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    a, b = map(torch.from_numpy, data(product))
    return lambda: corner(a @ b)


def case(product: Product, threads: int | None) -> Case:
    """A product on a number of threads, or on all cores."""
    sides = {OURS: ours, "numpy": numpy, "torch": torch}
    return Case(
        product.name + (", 1 thread" if threads else ""),
        {side: functools.partial(setup, product, threads) for side, setup in sides.items()},
        flops=product.flops,
        bytes=product.bytes,
        cores=threads,
    )


ALL = (*SQUARE, *ODD, *TALL, *WIDE, *TRANSPOSED, *STACKS, *DOUBLE)
CASES = (
    *(case(product, None) for product in (*ALL, *SMALL)),
    *(case(product, 1) for product in ALL),
)
