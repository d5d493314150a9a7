"""Elementwise functions on 2²⁰ float32 values: forward and backward, and single functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
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


CASES = (
    Case("gelu·sigmoid + tanh, f+b", {OURS: our_three, "torch": torch_three}),
    *map(one, FUNCTIONS),
)
