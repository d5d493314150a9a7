"""Recording overhead: one small op compared with NumPy's, and a chain of 200 ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.case import OURS, Case, Unavailable

LENGTH = 200


def data() -> tuple[Any, Any]:
    """The same two (8, 8) float32 arrays for every side."""
    import numpy as np

    rng = np.random.default_rng(0)
    x, w = rng.normal(scale=0.5, size=(2, 8, 8)).astype(np.float32)
    return x, w


def numpy_multiply() -> Callable[[], Any]:
    """NumPy, without recording."""
    a, b = data()
    return lambda: a * b


def our_multiply() -> Callable[[], Any]:
    """Recorded by glassgrad."""
    from autograd import Value

    x, w = map(Value, data())
    return lambda: x * w


def our_multiply_backward() -> Callable[[], Any]:
    """Recorded by glassgrad, forward and backward."""
    import numpy as np

    from autograd import Value

    x, w = map(Value, data())
    ones = np.ones((8, 8), np.float32)

    def work() -> Any:
        x.grad = w.grad = None
        (x * w).backward(ones)
        return x.grad

    return work


def torch_multiply_backward() -> Callable[[], Any]:
    """Recorded by PyTorch, forward and backward."""
    import torch

    x, w = (torch.tensor(a, requires_grad=True) for a in data())
    ones = torch.ones((8, 8))

    def work() -> Any:
        x.grad = w.grad = None
        (x * w).backward(ones)
        return x.grad

    return work


def torch_multiply() -> Callable[[], Any]:
    """Recorded by PyTorch."""
    import torch

    x, w = (torch.tensor(a, requires_grad=True) for a in data())
    return lambda: x * w


def mygrad_multiply_backward() -> Callable[[], Any]:
    """Recorded by MyGrad without memory guarding, forward and backward."""
    import mygrad

    mygrad.turn_memory_guarding_off()
    x, w = map(mygrad.tensor, data())

    def work() -> Any:
        (x * w).backward()
        return x.grad

    return work


def tinygrad_multiply_backward() -> Callable[[], Any]:
    """Compiled and replayed by tinygrad's TinyJit; compiling the chain would take minutes."""
    import shutil

    from tinygrad import Tensor, TinyJit

    if shutil.which("clang") is None:
        raise Unavailable("tinygrad's CPU device needs clang")
    x, w = map(Tensor, data())
    ones = Tensor.ones(8, 8).contiguous().realize()

    @TinyJit
    def gradients() -> Any:
        gx, gw = (x * w).gradient(x, w, gradient=ones)
        return gx.contiguous().realize(), gw.contiguous().realize()

    return lambda: gradients()[0].numpy()


def chain(x: Any, w: Any, tanh: Callable[[Any], Any]) -> Any:
    """A chain of LENGTH ops."""
    y = x
    for _ in range(LENGTH // 4):
        y = tanh(y * w + x) - w
    return y


def our_chain() -> Callable[[], Any]:
    """The chain in glassgrad."""
    import numpy as np

    from autograd import Value

    x, w = map(Value, data())

    def work() -> Any:
        x.grad = w.grad = None
        np.sum(chain(x, w, Value.tanh)).backward()
        return x.grad, w.grad

    return work


def torch_chain() -> Callable[[], Any]:
    """The chain in PyTorch."""
    import torch

    x, w = (torch.tensor(a, requires_grad=True) for a in data())

    def work() -> Any:
        x.grad = w.grad = None
        chain(x, w, torch.tanh).sum().backward()
        return x.grad, w.grad

    return work


def mygrad_chain() -> Callable[[], Any]:
    """The chain in MyGrad, without memory guarding."""
    import mygrad

    mygrad.turn_memory_guarding_off()
    x, w = map(mygrad.tensor, data())

    def work() -> Any:
        chain(x, w, mygrad.tanh).sum().backward()
        return x.grad, w.grad

    return work


def hips_chain() -> Callable[[], Any]:
    """The chain in HIPS's autograd."""
    import autograd.numpy as np  # HIPS's: its environment has no glassgrad

    from autograd import grad

    x, w = data()
    gradients = grad(lambda x, w: np.sum(chain(x, w, np.tanh)), (0, 1))
    return lambda: gradients(x, w)


CASES = (
    Case(
        "one product, recorded",
        {OURS: our_multiply, "numpy": numpy_multiply, "torch": torch_multiply},
        compared=False,
    ),
    Case(
        "one product, f+b",
        {
            OURS: our_multiply_backward,
            "torch": torch_multiply_backward,
            "mygrad": mygrad_multiply_backward,
            "tinygrad": tinygrad_multiply_backward,
        },
    ),
    Case(
        f"{LENGTH} ops on (8, 8), f+b",
        {
            OURS: our_chain,
            "torch": torch_chain,
            "mygrad": mygrad_chain,
            "autograd": hips_chain,
        },
    ),
)
