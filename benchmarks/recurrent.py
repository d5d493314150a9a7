"""Recurrent layers, forward and backward: five shapes each, more of LSTMs, both directions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.beside_torch import Norms
from benchmarks.case import OURS, Case

SHAPES = (  # T, B, input, hidden
    (28, 64, 28, 128),
    (100, 32, 64, 128),
    (64, 16, 128, 256),
    (50, 1, 32, 64),
    (200, 8, 16, 32),
)
LSTM_SHAPES = (  # widths of 100 to 512, and characters
    (50, 24, 100, 100),
    (50, 48, 128, 160),
    (64, 32, 64, 128),
    (32, 32, 64, 512),
)
BOTH_DIRECTIONS = (50, 32, 64, 128)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
UNROLL = 1  # unroll factor of JAX's scan
Shape = tuple[int, int, int, int]


def data(kind: str, shape: Shape) -> tuple[Any, list[Any], Any]:
    """Inputs, weights in PyTorch's order, and incoming gradient, the same for every side."""
    import numpy as np

    T, B, D, H = shape
    rng = np.random.default_rng(0)

    def draw(*size: int) -> Any:
        return rng.uniform(-(H**-0.5), H**-0.5, size).astype(np.float32)

    G = GATES[kind] * H
    x, g = (rng.normal(size=s).astype(np.float32) for s in ((T, B, D), (T, B, H)))
    return x, [draw(G, D), draw(G, H), draw(G), draw(G)], g


def ours(kind: str, shape: Shape) -> Callable[[], Any]:
    """One layer in glassgrad."""
    import autograd

    x, weights, g = data(kind, shape)
    leaves = [autograd.Value(a) for a in (x, *weights)]
    layer = getattr(autograd, kind.lower() + "_scan")
    states = (None, None) if kind == "LSTM" else (None,)

    return differentiated(lambda: layer(leaves[0], *states, *leaves[1:])[0], leaves, g)


def differentiated(forward: Callable[[], Any], leaves: list[Any], g: Any) -> Callable[[], Any]:
    """A call that runs our layer forward and backward."""

    def work() -> Any:
        for v in leaves:
            v.grad = None
        y = forward()
        y.backward(g)
        return Norms(y.data, *(v.grad for v in leaves))

    return work


def torch(kind: str, shape: Shape) -> Callable[[], Any]:
    """One layer in PyTorch."""
    import torch

    x, weights, g = data(kind, shape)
    _, _, D, H = shape
    layer = getattr(torch.nn, kind)(D, H)
    for p, w in zip(layer.parameters(), weights, strict=True):
        p.data.copy_(torch.tensor(w))
    leaves = [torch.tensor(x, requires_grad=True), *layer.parameters()]
    seed = torch.tensor(g)

    def work() -> Any:
        for v in leaves:
            v.grad = None
        y = layer(leaves[0])[0]
        y.backward(seed)
        return Norms(y.detach(), *(v.grad for v in leaves))

    return work


def jax(kind: str, shape: Shape) -> Callable[[], Any]:
    """One layer in JAX: input projection, then a scan, compiled as one function."""
    import jax
    import jax.numpy as np
    from jax.nn import sigmoid

    H = shape[3]
    x, weights, g = data(kind, shape)

    def lstm(state: Any, p: Any, w: Any, b: Any) -> Any:
        h, c = state
        i, f, n, o = np.split(p + h @ w.T + b, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(n)
        h = sigmoid(o) * np.tanh(c)
        return (h, c), h

    def gru(state: Any, p: Any, w: Any, b: Any) -> Any:
        (h,) = state
        q = h @ w.T + b
        r, z = np.split(sigmoid(p[:, : 2 * H] + q[:, : 2 * H]), 2, -1)
        n = np.tanh(p[:, 2 * H :] + r * q[:, 2 * H :])
        h = (1 - z) * n + z * h
        return (h,), h

    step, states = (lstm, 2) if kind == "LSTM" else (gru, 1)

    def layer(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
        first = (np.zeros((x.shape[1], H), np.float32),) * states
        one = functools.partial(step, w=w_hh, b=b_hh)
        return jax.lax.scan(one, first, x @ w_ih.T + b_ih, unroll=UNROLL)[1]

    @jax.jit
    def both(g: Any, *leaves: Any) -> Any:
        y, pull = jax.vjp(layer, *leaves)
        return y, *pull(g)

    arrays = [jax.numpy.asarray(a) for a in (g, x, *weights)]
    return lambda: Norms(*jax.block_until_ready(both(*arrays)))


def diagonal(shape: Shape) -> tuple[Any, list[Any], Any]:
    """Data for which the GRUs of MyGrad and PyTorch agree: W_hn is diagonal and b_hh is 0.

    MyGrad applies the reset gate before the product, ((r h) W), PyTorch after it, (r (h W)).
    """
    import numpy as np

    H = shape[3]
    x, (w_ih, w_hh, b_ih, b_hh), g = data("GRU", shape)
    w_hh[2 * H :] *= np.eye(H, dtype=np.float32)
    return x, [w_ih, w_hh, b_ih, np.zeros_like(b_hh)], g


def our_diagonal(shape: Shape) -> Callable[[], Any]:
    """The GRU in glassgrad; compares the gradients that both formulas share."""
    import autograd

    H = shape[3]
    x, weights, g = diagonal(shape)
    leaves = [autograd.Value(a) for a in (x, *weights)]

    def work() -> Any:
        for v in leaves:
            v.grad = None
        y = autograd.gru_scan(leaves[0], None, *leaves[1:])[0]
        y.backward(g)
        gx, gw, gu, gb, _ = (v.grad for v in leaves)
        return Norms(y.data, gx, gw, gu[: 2 * H], gu[2 * H :].diagonal(), gb)

    return work


def mygrad(shape: Shape) -> Callable[[], Any]:
    """MyGrad's compiled GRU."""
    import mygrad
    import numpy as np
    from mygrad.nnet.layers.gru import gru

    mygrad.turn_memory_guarding_off()
    H = shape[3]
    x, (w, u, b, _), g = diagonal(shape)
    r, z, h = (
        [mygrad.tensor(np.ascontiguousarray(a[i : i + H].T)) for a in (w, u, b)]
        for i in (0, H, 2 * H)
    )
    x = mygrad.tensor(x)
    seed = np.concatenate([np.zeros_like(g[:1]), g])  # its output includes the initial state

    def reorder(arrays: list[Any]) -> list[Any]:
        y, gx, *gates = arrays
        w, u, b = (np.concatenate([a.T for a in gates[i::3]]) for i in range(3))
        return [y[1:], gx, w, u[: 2 * H], u[2 * H :].diagonal(), b]

    def work() -> Any:
        y = gru(x, *z, *r, *h)
        y.backward(seed)
        return Norms(y.data, x.grad, *(p.grad for p in (*r, *z, *h)), reorder=reorder)

    return work


def case(kind: str, shape: Shape) -> Case:
    """One layer for one shape."""
    T, B, D, H = shape
    sides = {OURS: ours, "torch": torch} | ({} if kind == "RNN" else {"jax": jax})
    return Case(
        f"{kind} T{T} B{B} I{D} H{H}, f+b",
        {side: functools.partial(setup, kind, shape) for side, setup in sides.items()},
        group=kind,
        flops=work_of(kind, shape),
        bytes=traffic_of(kind, shape),
    )


def mygrads_case(shape: Shape) -> Case:
    """A GRU on data for which MyGrad's formula agrees."""
    T, B, D, H = shape
    sides = {OURS: our_diagonal, "mygrad": mygrad}
    return Case(
        f"GRU like MyGrad's T{T} B{B} I{D} H{H}, f+b",
        {side: functools.partial(setup, shape) for side, setup in sides.items()},
        group="GRU like MyGrad's",
        flops=work_of("GRU", shape),
    )


def our_directions(kind: str, shape: Shape) -> Callable[[], Any]:
    """A layer run in both directions in glassgrad."""
    import numpy as np

    import autograd

    x, weights, g = data(kind, shape)
    leaves = [autograd.Value(a) for a in (x, *weights, *weights)]
    layer, g = getattr(autograd, kind.lower()), np.concatenate((g, g), axis=2)

    return differentiated(
        lambda: layer(leaves[0], [leaves[1:5], leaves[5:]], bidirectional=True)[0], leaves, g
    )


def torch_directions(kind: str, shape: Shape) -> Callable[[], Any]:
    """The same in PyTorch."""
    import torch

    x, weights, g = data(kind, shape)
    _, _, D, H = shape
    layer = getattr(torch.nn, kind)(D, H, bidirectional=True)
    for p, w in zip(layer.parameters(), (*weights, *weights), strict=True):
        p.data.copy_(torch.tensor(w))
    leaves = [torch.tensor(x, requires_grad=True), *layer.parameters()]
    seed = torch.tensor(g).repeat(1, 1, 2)

    def work() -> Any:
        for v in leaves:
            v.grad = None
        y = layer(leaves[0])[0]
        y.backward(seed)
        return Norms(y.detach(), *(v.grad for v in leaves))

    return work


def directions_case(kind: str) -> Case:
    """One layer that runs in both directions."""
    T, B, D, H = shape = BOTH_DIRECTIONS
    sides = {OURS: our_directions, "torch": torch_directions}
    return Case(
        f"{kind} both directions T{T} B{B} I{D} H{H}, f+b",
        {side: functools.partial(setup, kind, shape) for side, setup in sides.items()},
        group=kind,
        flops=2 * work_of(kind, shape),
    )


def work_of(kind: str, shape: Shape) -> float:
    """Operations of the matrix products: forward, and twice as many backward."""
    T, B, D, H = shape
    return 3 * 2.0 * T * B * GATES[kind] * H * (D + H)


def traffic_of(kind: str, shape: Shape) -> float:
    """Bytes of input, weights, output and gates, each read or written three times."""
    T, B, D, H = shape
    G = GATES[kind] * H
    return 3 * 4.0 * (T * B * (D + H + G) + G * (D + H))


CASES = (
    *(case(kind, shape) for kind in GATES for shape in SHAPES),
    *(case("LSTM", shape) for shape in LSTM_SHAPES),
    *map(directions_case, GATES),
    *map(mygrads_case, SHAPES),
)
