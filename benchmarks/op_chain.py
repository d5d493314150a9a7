"""Recording overhead: one small op compared with NumPy's, a chain of 200 ops, loops over steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.case import OURS, Case, Unavailable

LENGTH = 200


def data() -> tuple[Any, Any]:
    """The same two (8, 8) float32 arrays for every side.

    With w near -1 and x = w², the chain stays near its fixed point -w, where every link multiplies
    the gradient by w: numbers and gradients stay near 1.
    """
    import numpy as np

    w = np.random.default_rng(0).normal(-1.0, 0.02, (8, 8)).astype(np.float32)
    return w * w, w


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


def steps(t: int, *size: int) -> Any:
    """What a loop reads step by step, (t, *size); so small that no tanh is flat."""
    import numpy as np

    return np.random.default_rng(1).normal(scale=0.3, size=(t, *size)).astype(np.float32)


def loop(z: Any, tanh: Callable[[Any], Any], stack: Callable[[Any], Any]) -> Any:
    """A recurrence that reads z[t] in each step; all its states, so that no gradient vanishes."""
    h, states = 0.0, []
    for t in range(len(z)):
        h = tanh(h * 0.9 + z[t])
        states.append(h)
    return stack(states)


def lstm(x: Any, w: Any, tanh: Callable[[Any], Any], sigmoid: Callable[[Any], Any]) -> Any:
    """A cell of one's own: an LSTM in plain ops, x (T, B, 4H) and w (H, 4H)."""
    n = len(w)
    h = c = None
    for t in range(len(x)):
        gates = x[t] if h is None else x[t] + h @ w
        i, f, o = (sigmoid(gates[:, k * n : (k + 1) * n]) for k in range(3))
        new = i * tanh(gates[:, 3 * n :])
        c = new if c is None else f * c + new
        h = o * tanh(c)
    return h


def our_steps(f: Callable[..., Any], *arrays: Any, order: int = 1) -> Callable[[], Any]:
    """The gradients of sum(f(...)) in glassgrad; for order 2 those of their squares."""
    import numpy as np

    from autograd import Value, grad

    leaves = [Value(a) for a in arrays]

    def work() -> Any:
        for x in leaves:
            x.grad = None
        y = np.sum(f(*leaves))
        if order > 1:
            y = sum(np.sum(g * g) for g in grad(y, leaves, create_graph=True))
        y.backward()
        return [x.grad for x in leaves]

    return work


def torch_steps(f: Callable[..., Any], *arrays: Any, order: int = 1) -> Callable[[], Any]:
    """The same in PyTorch."""
    import torch

    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]

    def work() -> Any:
        for x in leaves:
            x.grad = None
        y = f(*leaves).sum()
        if order > 1:
            y = sum((g * g).sum() for g in torch.autograd.grad(y, leaves, create_graph=True))
        y.backward()
        return [x.grad for x in leaves]

    return work


def our_loop(t: int, order: int = 1) -> Callable[[], Any]:
    """The loop over z[t] in glassgrad."""
    import numpy as np

    return our_steps(lambda z: loop(z, np.tanh, np.stack), steps(t, 32, 64), order=order)


def torch_loop(t: int, order: int = 1) -> Callable[[], Any]:
    """The loop over z[t] in PyTorch."""
    import torch

    return torch_steps(lambda z: loop(z, torch.tanh, torch.stack), steps(t, 32, 64), order=order)


def added(z: Any) -> Any:
    """The rows of z, read one by one and added up."""
    y = z[0]
    for t in range(1, len(z)):
        y = y + z[t]
    return y


def our_slices() -> Callable[[], Any]:
    """1,600 slices of a leaf in glassgrad."""
    return our_steps(added, steps(1600, 32, 8))


def torch_slices() -> Callable[[], Any]:
    """1,600 slices of a leaf in PyTorch."""
    return torch_steps(added, steps(1600, 32, 8))


def our_lstm() -> Callable[[], Any]:
    """The plain LSTM in glassgrad."""
    import numpy as np

    from autograd import Value

    x, w = steps(100, 16, 128), 0.5 * steps(32, 128)
    return our_steps(lambda x, w: lstm(x, w, np.tanh, Value.sigmoid), x, w)


def torch_lstm() -> Callable[[], Any]:
    """The plain LSTM in PyTorch."""
    import torch

    x, w = steps(100, 16, 128), 0.5 * steps(32, 128)
    return torch_steps(lambda x, w: lstm(x, w, torch.tanh, torch.sigmoid), x, w)


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
    *(
        Case(
            f"z[t] over {t} steps, {what}",
            {OURS: partial(our_loop, t, order), "torch": partial(torch_loop, t, order)},
            rounds=most,
            tolerance=1e-4 if order == 1 else 1e-2,  # numbers up to 1,500, some nearly cancel
        )
        for t, order, what, most in (
            (125, 1, "f+b", None),
            (500, 1, "f+b", 5),
            (2000, 1, "f+b", 3),
            (200, 2, "twice", 5),
        )
    ),
    Case("1,600 slices of one leaf, f+b", {OURS: our_slices, "torch": torch_slices}, rounds=5),
    Case("LSTM in plain ops, 100 steps, f+b", {OURS: our_lstm, "torch": torch_lstm}),
)
