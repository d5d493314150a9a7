"""Elementwise functions and sums of float32: single kernels, one op at four sizes, and chains."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks.case import OURS, Case

SIZE = 1 << 20
FUNCTIONS = ("exp", "log", "tanh", "sigmoid", "silu", "softplus", "gelu")


def data() -> Any:
    """The same input for every side."""
    import numpy as np

    return np.random.default_rng(0).uniform(0.1, 3, SIZE).astype(np.float32)


def our_three() -> Callable[[], Any]:
    """gelu(x) · sigmoid(x) + tanh(x) in glassgrad."""
    import numpy as np

    import autograd
    from autograd import Value

    x, ones = Value(data()), np.ones(SIZE, np.float32)

    def work() -> Any:
        x.grad = None
        (autograd.ops.gelu(x) * autograd.ops.sigmoid(x) + np.tanh(x)).backward(ones)
        return x.grad[:8]

    return work


def torch_three() -> Callable[[], Any]:
    """The same in PyTorch."""
    import torch

    x = torch.from_numpy(data()).requires_grad_()
    ones = torch.ones(SIZE)

    def work() -> Any:
        x.grad = None
        (torch.nn.functional.gelu(x) * torch.sigmoid(x) + torch.tanh(x)).backward(ones)
        return x.grad[:8]

    return work


def our_one(name: str) -> Callable[[], Any]:
    """One kernel of glassgrad."""
    from autograd.ops.elementwise import kernel_elementwise as elementwise

    x, kernel = data(), getattr(elementwise, name)
    return lambda: elementwise.apply(kernel, x)[:8]


def numpy_one(name: str) -> Callable[[], Any]:
    """NumPy's function."""
    import numpy as np

    x, function = data(), getattr(np, name)
    return lambda: function(x)[:8]


def torch_one(name: str) -> Callable[[], Any]:
    """PyTorch's function."""
    import torch

    x = torch.from_numpy(data())
    function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    return lambda: function(x)[:8]


def one(name: str) -> Case:
    """A single function."""
    sides = {OURS: functools.partial(our_one, name), "torch": functools.partial(torch_one, name)}
    if name in ("exp", "log", "tanh"):
        sides["numpy"] = functools.partial(numpy_one, name)
    return Case(name, sides)


Formula = Callable[..., Any]

OPS: dict[str, Formula] = {  # of the functions of a library, arrays x and y, a row b, a mask c
    "x * y": lambda f, x, y, b, c: x * y,
    "x + y": lambda f, x, y, b, c: x + y,
    "x + bias": lambda f, x, y, b, c: x + b,
    "exp": lambda f, x, y, b, c: f.exp(x),
    "sigmoid": lambda f, x, y, b, c: f.sigmoid(x),
    "tanh": lambda f, x, y, b, c: f.tanh(x),
    "gelu": lambda f, x, y, b, c: f.gelu(x),
    "relu": lambda f, x, y, b, c: f.relu(x),
    "where": lambda f, x, y, b, c: f.where(c, x, y),
    "clip": lambda f, x, y, b, c: f.clip(x, -0.5, 0.5),
    "maximum": lambda f, x, y, b, c: f.maximum(x, y),
    "sum": lambda f, x, y, b, c: x.sum(),
    "mean of rows": lambda f, x, y, b, c: x.mean(1),
}
SIZES = {1_000: "10³", 100_000: "10⁵", 1_000_000: "10⁶", 10_000_000: "10⁷"}


def plain_chain(f: Any, x: Any, y: Any, b: Any, c: Any) -> Any:
    """Ten ops that NumPy computes."""
    return (x - f.sqrt(f.square(x * y + y) + 1.0) / 3.0) * -x + y


def choosing_chain(f: Any, x: Any, y: Any, b: Any, c: Any) -> Any:
    """Eight ops, with choices between numbers among them."""
    return f.square(f.clip(f.where(c, f.maximum(x, y), x * y), -1.0, 1.0)) * f.abs(x) + y


def arrays(size: int) -> Any:
    """The same x, y, row and mask for every side."""
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, size // 100, 100)).astype(np.float32)
    return x, y, y[0].copy(), rng.normal(size=x.shape) > 0


def our_formula(formula: Formula, size: int, kernels: bool) -> Callable[[], Any]:
    """A formula in glassgrad, forward and backward."""
    import numpy as np

    from autograd import Value, ops

    *inputs, mask = arrays(size)
    mask.flags.writeable = False  # else the graph looks whether it changes
    ours = {name: getattr(ops, name) for name in ("sigmoid", "gelu", "relu")}
    f = SimpleNamespace(**{**vars(np), **ours})
    leaves = [Value(a) for a in inputs]
    ones = np.ones(formula(f, *leaves, mask).shape, np.float32)

    def work() -> Any:
        for leaf in leaves:
            leaf.grad = None
        formula(f, *leaves, mask).backward(ones)
        if not kernels and "numba" in sys.modules:
            raise RuntimeError("a kernel was loaded")
        return leaves[0].grad[0, :8]  # type: ignore[index]

    return work


def torch_formula(formula: Formula, size: int) -> Callable[[], Any]:
    """The same in PyTorch."""
    import torch

    *inputs, mask = map(torch.from_numpy, arrays(size))
    leaves = [x.requires_grad_() for x in inputs]
    f = SimpleNamespace(**{**vars(torch), "gelu": torch.nn.functional.gelu})
    ones = torch.ones(formula(f, *leaves, mask).shape)

    def work() -> Any:
        for leaf in leaves:
            leaf.grad = None
        formula(f, *leaves, mask).backward(ones)
        return leaves[0].grad[0, :8]

    return work


def forward_and_backward(
    name: str, formula: Formula, size: int, group: str | None = None, kernels: bool = True
) -> Case:
    """A formula in both libraries."""
    sides = {
        OURS: functools.partial(our_formula, formula, size, kernels),
        "torch": functools.partial(torch_formula, formula, size),
    }
    return Case(f"{name}, {SIZES[size]}, f+b", sides, group=group)


CASES = (
    Case("gelu·sigmoid + tanh, f+b", {OURS: our_three, "torch": torch_three}),
    *map(one, FUNCTIONS),
    forward_and_backward("10 plain ops, no kernel", plain_chain, 1_000_000, kernels=False),
    forward_and_backward("8 ops with choices", choosing_chain, 1_000_000),
    *[
        forward_and_backward(name, formula, size, f"elementwise, {mark} elements")
        for name, formula in OPS.items()
        for size, mark in SIZES.items()
    ],
)
