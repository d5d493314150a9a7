"""Recurrent layers: our fused scans where the cell is theirs, step by step where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
from nn import functional as F  # noqa: N812
from nn.onnx.table import Unsupported, plain, reads

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "Relu": lambda x, a, b: F.relu(x),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Sigmoid": lambda x, a, b: F.sigmoid(x),
    "Affine": lambda x, a, b: (1.0 if a is None else a) * x + (0.0 if b is None else b),
    "LeakyRelu": lambda x, a, b: F.leaky_relu(x, 0.01 if a is None else a),
    "ThresholdedRelu": lambda x, a, b: F.threshold(x, 1.0 if a is None else a, 0.0),
    "ScaledTanh": lambda x, a, b: (
        (1.0 if a is None else a) * np.tanh((1.0 if b is None else b) * x)
    ),
    "HardSigmoid": lambda x, a, b: np.clip(
        (0.2 if a is None else a) * x + (0.5 if b is None else b), 0, 1
    ),
    "Elu": lambda x, a, b: F.elu(x, 1.0 if a is None else a),
    "Softsign": lambda x, a, b: F.softsign(x),
    "Softplus": lambda x, a, b: F.softplus(x),
}
TAKES = {
    "Affine": 2,
    "LeakyRelu": 1,
    "ThresholdedRelu": 1,
    "ScaledTanh": 2,
    "HardSigmoid": 2,
    "Elu": 1,
}
NAMES = {name.lower(): name for name in ACTIVATIONS}


def _activations(default: list[str], count: int, names: Any, alpha: Any, beta: Any) -> list[Any]:
    """For each direction its activations: (name, function of x)."""
    chosen = list(names or default * count)
    if len(chosen) != len(default) * count:
        raise ValueError(f"{len(chosen)} activations where {len(default) * count} are needed.")
    alphas, betas = list(alpha or ()), list(beta or ())
    found: list[Any] = []
    for given in chosen:
        name = NAMES.get(given.lower())
        if name is None:
            raise Unsupported(f"the activation {given!r} in a recurrent layer")
        a = alphas.pop(0) if TAKES.get(name, 0) > 0 and alphas else None
        b = betas.pop(0) if TAKES.get(name, 0) > 1 and betas else None
        found.append((name, lambda x, f=ACTIVATIONS[name], a=a, b=b: f(x, a, b)))
    size = len(default)
    return [found[i * size : (i + 1) * size] for i in range(count)]


class _Layer:
    """The arguments that all three layers share, one direction after another."""

    def __init__(
        self, x: Any, W: Any, R: Any, B: Any, lengths: Any, states: list[Any], gates: int,
        direction: str, hidden_size: int | None, layout: int, node: Any,
    ) -> None:  # fmt: skip
        if layout:
            x = np.swapaxes(x, 0, 1)
            states = [None if s is None else np.swapaxes(s, 0, 1) for s in states]
        if direction not in ("forward", "reverse", "bidirectional"):
            raise ValueError(f"direction={direction!r} of a recurrent layer.")
        self.x, self.W, self.R, self.B, self.layout = x, W, R, B, layout
        self.states, self.gates, self.direction, self.node = states, gates, direction, node
        self.H, self.directions = R.shape[-1], W.shape[0]
        self.lengths = None if lengths is None else tuple(int(n) for n in plain(lengths))
        if self.lengths is not None and min(self.lengths, default=1) == x.shape[0]:
            self.lengths = None

    def reverse(self, d: int) -> bool:
        return self.direction == "reverse" or d == 1

    def weights(self, d: int, order: tuple[int, ...]) -> list[Any]:
        """The weights and biases of a direction, with their gates in this order."""
        w, u = self.W[d], self.R[d]
        b = (None, None) if self.B is None else np.split(self.B[d], 2)
        if order == tuple(range(self.gates)):
            return [w, u, *b]
        rows = np.concatenate([np.arange(self.H) + self.H * g for g in order])
        return [w[rows], u[rows], *(None if part is None else part[rows] for part in b)]

    def state(self, i: int, d: int) -> Any:
        if self.states[i] is None:
            return None
        return self.states[i][d]

    def joined(self, ys: list[Any], *lasts: list[Any]) -> tuple[Any, ...]:
        """Outputs of all directions, (T, D, B, H), and the last states, (D, B, H)."""
        wanted = [bool(name) for name in self.node.outputs] + [False] * 3
        y = last = None
        if wanted[0]:
            y = np.expand_dims(ys[0], 1) if len(ys) == 1 else np.stack(ys, axis=1)
            y = np.transpose(y, (2, 0, 1, 3)) if self.layout else y
        found = [y]
        for i, states in enumerate(lasts, 1):
            last = None
            if wanted[i]:
                last = np.expand_dims(states[0], 0) if len(states) == 1 else np.stack(states)
                last = np.swapaxes(last, 0, 1) if self.layout else last
            found.append(last)
        return tuple(found)

    def stepped(self, d: int, cell: Callable[..., tuple[Any, ...]], count: int) -> tuple[Any, ...]:
        """Run a cell step by step: outputs and last states; steps beyond a length leave both."""
        T, B = self.x.shape[0], self.x.shape[1]
        zero = np.zeros((B, self.H), self.x.dtype)
        state = [s if s is not None else zero for s in (self.state(i, d) for i in range(count))]
        ys: list[Any] = [None] * T
        for t in reversed(range(T)) if self.reverse(d) else range(T):
            new = cell(self.x[t], *state)
            if self.lengths is not None:
                runs = np.array([t < n for n in self.lengths])[:, None]
                new = tuple(np.where(runs, a, b) for a, b in zip(new, state, strict=True))
                ys[t] = np.where(runs, new[0], 0)
            else:
                ys[t] = new[0]
            state = list(new)
        y = np.stack(ys) if ys else np.zeros((0, B, self.H), self.x.dtype)
        return (y, *state)


def _held(x: Any, clip: float | None) -> Any:
    return x if clip is None else np.clip(x, -clip, clip)


@reads("LSTM")
def _lstm(
    x: Any, W: Any, R: Any, B: Any = None, lengths: Any = None, h0: Any = None, c0: Any = None,
    P: Any = None, *, activations: Any = None, activation_alpha: Any = None,
    activation_beta: Any = None, clip: float | None = None, direction: str = "forward",
    hidden_size: int | None = None, input_forget: int = 0, layout: int = 0, node: Any,
) -> Any:  # fmt: skip
    layer = _Layer(x, W, R, B, lengths, [h0, c0], 4, direction, hidden_size, layout, node)
    default = ["Sigmoid", "Tanh", "Tanh"]
    chosen = _activations(default, layer.directions, activations, activation_alpha, activation_beta)
    ys, hs, cs = [], [], []
    for d in range(layer.directions):
        theirs = [name for name, _ in chosen[d]] == default and clip is None
        if theirs and P is None and not input_forget:
            w, u, b1, b2 = layer.weights(d, (0, 2, 3, 1))  # theirs are input, output, forget, cell
            y, h, c = autograd.lstm_scan(
                layer.x, layer.state(0, d), layer.state(1, d), w, u, b1, b2,
                lengths=layer.lengths, reverse=layer.reverse(d),
            )  # fmt: skip
        else:
            w, u, b1, b2 = layer.weights(d, (0, 1, 2, 3))
            f, g, k = (function for _, function in chosen[d])
            pi, po, pf = np.split(P[d], 3) if P is not None else (None,) * 3

            def cell(
                x: Any, h: Any, c: Any, w: Any = w, u: Any = u, b1: Any = b1, b2: Any = b2,
                f: Any = f, g: Any = g, k: Any = k, pi: Any = pi, po: Any = po, pf: Any = pf,
            ) -> tuple[Any, Any]:  # fmt: skip
                a = x @ np.transpose(w) + h @ np.transpose(u)
                a = a if b1 is None else a + (b1 + b2)
                i, o, forget, new = np.split(a, 4, axis=-1)
                i = f(_held(i if pi is None else i + pi * c, clip))
                forget = (
                    1 - i
                    if input_forget
                    else f(_held(forget if pf is None else forget + pf * c, clip))
                )
                c = forget * c + i * g(_held(new, clip))
                o = f(_held(o if po is None else o + po * c, clip))
                return o * k(c), c

            y, h, c = layer.stepped(d, cell, 2)
        ys.append(y)
        hs.append(h)
        cs.append(c)
    return layer.joined(ys, hs, cs)


@reads("GRU")
def _gru(
    x: Any, W: Any, R: Any, B: Any = None, lengths: Any = None, h0: Any = None, *,
    activations: Any = None, activation_alpha: Any = None, activation_beta: Any = None,
    clip: float | None = None, direction: str = "forward", hidden_size: int | None = None,
    layout: int = 0, linear_before_reset: int = 0, node: Any,
) -> Any:  # fmt: skip
    layer = _Layer(x, W, R, B, lengths, [h0], 3, direction, hidden_size, layout, node)
    default = ["Sigmoid", "Tanh"]
    chosen = _activations(default, layer.directions, activations, activation_alpha, activation_beta)
    ys, hs = [], []
    for d in range(layer.directions):
        theirs = [name for name, _ in chosen[d]] == default and clip is None
        if theirs and linear_before_reset:
            w, u, b1, b2 = layer.weights(d, (1, 0, 2))  # theirs are update, reset, new
            y, h = autograd.gru_scan(
                layer.x, layer.state(0, d), w, u, b1, b2,
                lengths=layer.lengths, reverse=layer.reverse(d),
            )  # fmt: skip
        else:
            w, u, b1, b2 = layer.weights(d, (0, 1, 2))
            f, g = (function for _, function in chosen[d])

            def cell(
                x: Any, h: Any, w: Any = w, u: Any = u, b1: Any = b1, b2: Any = b2, f: Any = f,
                g: Any = g,
            ) -> tuple[Any]:  # fmt: skip
                H = layer.H
                a = x @ np.transpose(w)
                a = a if b1 is None else a + b1
                q = h @ np.transpose(u[: 2 * H])
                q = q if b2 is None else q + b2[: 2 * H]
                z = f(_held(a[:, :H] + q[:, :H], clip))
                r = f(_held(a[:, H : 2 * H] + q[:, H:], clip))
                last = 0 if b2 is None else b2[2 * H :]
                if linear_before_reset:
                    new = r * (h @ np.transpose(u[2 * H :]) + last)
                else:
                    new = (r * h) @ np.transpose(u[2 * H :]) + last
                n = g(_held(a[:, 2 * H :] + new, clip))
                return ((1 - z) * n + z * h,)

            y, h = layer.stepped(d, cell, 1)
        ys.append(y)
        hs.append(h)
    return layer.joined(ys, hs)


@reads("RNN")
def _rnn(
    x: Any, W: Any, R: Any, B: Any = None, lengths: Any = None, h0: Any = None, *,
    activations: Any = None, activation_alpha: Any = None, activation_beta: Any = None,
    clip: float | None = None, direction: str = "forward", hidden_size: int | None = None,
    layout: int = 0, node: Any,
) -> Any:  # fmt: skip
    layer = _Layer(x, W, R, B, lengths, [h0], 1, direction, hidden_size, layout, node)
    chosen = _activations(
        ["Tanh"], layer.directions, activations, activation_alpha, activation_beta
    )
    ys, hs = [], []
    for d in range(layer.directions):
        w, u, b1, b2 = layer.weights(d, (0,))
        ((name, f),) = chosen[d]
        if name in ("Tanh", "Relu") and clip is None:
            y, h = autograd.rnn_scan(
                layer.x, layer.state(0, d), w, u, b1, b2, lengths=layer.lengths,
                reverse=layer.reverse(d), nonlinearity=name.lower(),
            )  # fmt: skip
        else:

            def cell(
                x: Any, h: Any, w: Any = w, u: Any = u, b1: Any = b1, b2: Any = b2, f: Any = f
            ) -> tuple[Any]:
                a = x @ np.transpose(w) + h @ np.transpose(u)
                return (f(_held(a if b1 is None else a + (b1 + b2), clip)),)

            y, h = layer.stepped(d, cell, 1)
        ys.append(y)
        hs.append(h)
    return layer.joined(ys, hs)
