"""The recurrent kernels: elementary functions, threads, plain Python, memory."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from autograd.machine import pool
from autograd.machine.jit import jit
from autograd.machine.lanes import rowwise
from autograd.ops.recurrent import kernel_scan
from autograd.ops.recurrent.fused import Weights
from autograd.ops.recurrent.kernel_gru import GRU
from autograd.ops.recurrent.kernel_lstm import LSTM
from autograd.ops.recurrent.kernel_rnn import RNN

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
SCANS = {"rnn": functools.partial(RNN, relu=False), "lstm": LSTM, "gru": GRU}

_both = rowwise(lambda sigmoid, tanh, relu, gated: lambda x: (sigmoid(x), tanh(x)), 1, 2)


@jit
def sigmoid_and_tanh(x, s, t):
    """Both, over flat arrays."""
    _both(x.size, x, 0, s, 0, t, 0)


def elementary(x):
    s, t = np.empty_like(x), np.empty_like(x)
    sigmoid_and_tanh(x, s, t)
    return s, t


def ulps(y, exact, dtype):
    return np.abs((y - exact) / np.spacing(np.abs(exact).astype(dtype)))


@pytest.fixture
def always_shared(monkeypatch):
    monkeypatch.setattr(pool, "PIECE", 0.001)
    monkeypatch.setattr(kernel_scan, "SMALL", 0.0)


def scanned(kind, T, B, D, H, dtype=np.float32, lengths=None, reverse=False, seed=0, P=None):
    """The outputs of a layer, and all its gradients."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.normal(scale=0.5, size=shape).astype(dtype)

    G = GATES[kind] * H
    states = [draw(B, width) for width in (P or H, H)[: 2 if kind == "lstm" else 1]]
    x = draw(T, B, D)
    w = draw(G, D), draw(G, P or H), draw(G), draw(G), *([draw(P, H)] if P else [])
    n = None if lengths is None else np.asarray(lengths)
    scan = SCANS[kind](x, states, Weights(*w), n, reverse)
    ys = scan.outputs()
    found = scan.backward([draw(*y.shape) for y in ys], [True] * (1 + len(states) + len(w)))
    return [a for a in (*ys, *found) if a is not None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_are_within_3_ulp(dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=20_003) * 4, rng.normal(size=999) * 1e-4]).astype(dtype)
    s, t = elementary(x)
    exact = x.astype(np.longdouble)
    assert ulps(s, 1 / (1 + np.exp(-exact)), dtype).max() < 3
    assert ulps(t, np.tanh(exact), dtype).max() < 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_keep_nan_infinities_and_signed_zeros(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30], dtype)
    s, t = elementary(x)
    np.testing.assert_allclose(s, [np.nan, 1, 0, 0.5, 0.5, 1, 0], atol=1e-37)
    np.testing.assert_array_equal(t, [np.nan, 1, -1, 0.0, -0.0, 1, -1])
    np.testing.assert_array_equal(np.signbit(t[3:5]), [False, True])


@pytest.mark.parametrize(("kind", "P"), [*((kind, None) for kind in GATES), ("lstm", 5)])
@pytest.mark.parametrize("lengths", [None, [7, 0, 3, 3, 7, 1, 5, 2, 7, 7, 4]])
def test_bits_are_the_same_at_any_number_of_threads(kind, P, lengths, threads, always_shared):
    found = []
    for n in (1, 2, 3):
        threads(n)
        found.append(scanned(kind, 7, 11, 5, 18, lengths=lengths, P=P))
    for a, b in pairwise(found):
        assert [x.tobytes() for x in a] == [x.tobytes() for x in b]


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(("B", "H"), [(24, 37), (33, 20), (13, 48)])
def test_bits_of_tall_and_narrow_tiles_are_the_same_at_any_number_of_threads(
    kind, B, H, threads, always_shared
):
    found = []
    for n in (1, 2, 3):
        threads(n)
        found.append(scanned(kind, 3, B, 17, H))
    for a, b in pairwise(found):
        assert [x.tobytes() for x in a] == [x.tobytes() for x in b]


@pytest.mark.parametrize("kind", GATES)
def test_gradients_of_biases_keep_their_digits_over_many_steps(kind):
    T, H = 5000, 3
    x, w = np.zeros((T, 1, 1), np.float32), np.zeros((GATES[kind] * H, H), np.float32)
    weights = Weights(w[:, :1].copy(), w, *np.full((2, len(w)), 0.1, np.float32))
    states = (None, None) if kind == "lstm" else (None,)
    found = []
    for dtype in (np.float32, np.float64):
        cast = Weights(*(a if a is None else a.astype(dtype) for a in weights))
        scan = SCANS[kind](x.astype(dtype), states, cast, None, False)
        g = [np.ones_like(scan.outputs()[0]), *(None for _ in states)]
        needs = [False, *(False for _ in states), False, False, True, True, False]
        found.append(np.concatenate(scan.backward(g, needs)[-3 if kind == "lstm" else -2 :][:2]))
    np.testing.assert_allclose(found[0], found[1], rtol=3e-6, atol=3e-8 * found[1].max())


@pytest.mark.parametrize("kind", GATES)
def test_a_sequence_is_computed_alike_in_any_batch(kind):
    y = scanned(kind, 6, 9, 4, 20)[0]
    for b in (1, 2):
        np.testing.assert_array_equal(scanned(kind, 6, 9, 4, 20, lengths=[6] * 9)[0], y)
        part = scanned(kind, 6, 9, 4, 20, lengths=[6] * b + [0] * (9 - b))[0]
        np.testing.assert_array_equal(part[:, :b], y[:, :b])


@pytest.mark.parametrize("kind", GATES)
def test_a_scan_can_be_gone_back_twice(kind):
    rng = np.random.default_rng(0)
    x, u = rng.normal(size=(3, 2, 4)), rng.normal(size=(GATES[kind] * 4, 4))
    states = (None, None) if kind == "lstm" else (None,)
    options = {"relu": True} if kind == "rnn" else {}
    scan = SCANS[kind](x, states, Weights(u, u), None, False, **options)
    needs = [True, *(False for _ in states), True, True, False, False, False]
    g = [np.ones_like(y) for y in scan.outputs()]
    first, second = scan.backward(g, needs), scan.backward(g, needs)
    for a, b in zip(first, second, strict=True):
        assert (a is None and b is None) or a.tobytes() == b.tobytes()


PLAIN = """
import numpy as np
from autograd import Value, grad
from autograd import ops
rng = np.random.default_rng(0)
kinds = (ops.rnn_scan, 1, 1, 0), (ops.lstm_scan, 4, 2, 0), (ops.gru_scan, 3, 1, 0)
for op, k, n, P in (*kinds, (ops.lstm_scan, 4, 2, 2)):
    states, R = [(2, P or 3), (2, 3)][:n], P or 3
    shapes = [(3, 2, 2), *states, (3 * k, 2), (3 * k, R), (3 * k,), (3 * k,)]
    shapes += [(P, 3)] if P else []
    xs = [Value(rng.normal(size=s)) for s in shapes]
    results = []
    for f in (op.call, op.reference):
        ys = f(*xs, lengths=(3, 2), reverse=True)
        results.append([y.data for y in ys] + grad(sum(np.sum(y * y) for y in ys), xs))
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
print("equal")
"""


def test_kernels_run_as_plain_python():
    done = subprocess.run(
        [sys.executable, "-c", PLAIN],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "equal", done.stderr
