"""Random arguments to recurrent ops and layers: a result of the right shape, or a clear refusal."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

OPS = {
    "rnn": (autograd.rnn_scan, autograd.rnn, 1, 1),
    "lstm": (autograd.lstm_scan, autograd.lstm, 4, 2),
    "gru": (autograd.gru_scan, autograd.gru, 3, 1),
}
ODD = [
    None, 3, -1, 1.5, "abc", b"abc", True, [], [[1.0, 2.0], [3.0]], {}, object(), np.nan,
    np.zeros(()), np.zeros((0,)), np.zeros((2, 0, 3)), np.zeros((1, 1, 1, 1)),
    np.zeros((3, 2, 4), np.complex64), np.zeros((3, 2, 4), np.float16), np.zeros((3, 2, 4), int),
    np.array(["a"]), np.array([None]), np.zeros((3, 2, 4), ">f8"), np.zeros((6, 4, 8))[::-2, ::2],
]  # fmt: skip
LENGTHS = [
    [1, 2], [3, 0], [4, 1], [-1, 2], [2], [1, 2, 3], 2, "ab", [1.0, 2.0], [True, False], [None, 1],
    np.array([2, 3], np.uint8), np.array([2, 2**63], np.uint64), np.array([[1], [2]]), [np.nan, 1],
    np.array([-(2**63), 1]), [[1], [1, 2]], [10**30, 1], Value([1.0, 2.0]),
]  # fmt: skip


def arguments(rng, gates, states):
    """Inputs of a scan that fit together."""
    T, B, D, H = 3, 2, 4, int(rng.integers(1, 5))
    shapes = [(T, B, D), *[(B, H)] * states, (gates * H, D), (gates * H, H)]
    shapes += [(gates * H,)] * 2
    return [rng.normal(size=s) for s in shapes]


def spoiled(rng, array):
    """Something like the array, or nothing like it."""
    kind = rng.integers(7)
    if kind == 0:
        return ODD[rng.integers(len(ODD))]
    if kind == 1:
        return rng.normal(size=rng.integers(0, 5, rng.integers(0, 5)))
    if kind == 2:
        return array.astype(rng.choice(["f4", "f2", "i8", ">f8", "c16", "?"]))
    if kind == 3:
        return array[..., :-1]
    if kind == 4:
        return np.repeat(array, 2, axis=0)
    if kind == 5:
        return array.T
    return array.tolist()


def tried(function, *args, **kwargs):
    """What the function gives; None if it refuses in words."""
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError):
        return None


@pytest.mark.parametrize("kind", OPS)
def test_scans_compute_or_refuse(kind):
    op, _, gates, states = OPS[kind]
    rng, computed, refused = np.random.default_rng(0), 0, 0
    for _ in range(250):
        args = arguments(rng, gates, states)
        for i in rng.integers(0, len(args), rng.integers(0, 3)):
            if isinstance(args[i], np.ndarray) and args[i].ndim:
                args[i] = spoiled(rng, args[i])
        if rng.random() < 0.1:
            args[rng.integers(len(args))] = ODD[rng.integers(len(ODD))]
        lengths = LENGTHS[rng.integers(len(LENGTHS))] if rng.random() < 0.4 else None
        reverse = bool(rng.integers(2))
        found = tried(op, *args, lengths=lengths, reverse=reverse)
        refused += found is None
        computed += found is not None
        if found is not None:
            arrays = [None if a is None else np.asarray(a) for a in args]
            expected = op.reference(*arrays, lengths=lengths, reverse=reverse)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert computed > 40
    assert refused > 40


@pytest.mark.parametrize("kind", OPS)
def test_gradients_that_do_not_fit_are_refused(kind):
    op, _, gates, states = OPS[kind]
    rng = np.random.default_rng(1)
    for odd in ODD:
        leaf, *rest = arguments(rng, gates, states)
        y = op(Value(leaf), *rest)[0]
        if odd is not None and getattr(odd, "dtype", None) != np.complex64:
            tried(y.backward, odd)


@pytest.mark.parametrize("kind", OPS)
def test_stacks_compute_or_refuse(kind):
    _, stack, gates, states = OPS[kind]
    rng, computed, refused = np.random.default_rng(2), 0, 0
    for _ in range(150):
        x, *rest = arguments(rng, gates, states)
        firsts, weights = [s[None] for s in rest[:states]], [tuple(rest[states:])]
        hx = tuple(firsts) if kind == "lstm" else firsts[0]
        what = rng.integers(6)
        if what == 0:
            x = spoiled(rng, x)
        elif what == 1:
            hx = spoiled(rng, firsts[0])
        elif what == 2:
            weights = [tuple(rest[states : states + rng.integers(0, 5)])] * rng.integers(0, 3)
        more = {}
        if what == 3:
            more["lengths"] = LENGTHS[rng.integers(len(LENGTHS))]
        if what == 4:
            more["dropout"] = ODD[rng.integers(len(ODD))]
        more["bidirectional"], more["batch_first"] = rng.random(2) < 0.2
        found = tried(stack, x, weights, hx, **more)
        refused += found is None
        computed += found is not None
    assert computed > 20
    assert refused > 20


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layers_and_cells_compute_or_refuse(kind):
    rng, layer, cell = np.random.default_rng(3), getattr(nn, kind)(4, 3), getattr(nn, f"{kind}Cell")
    cell, x = cell(4, 3), np.ones((3, 2, 4), np.float32)
    state = np.zeros((1, 2, 3), np.float32)
    refused = 0
    for odd in [*ODD, *(spoiled(rng, x) for _ in range(40))]:
        refused += tried(layer, odd) is None
        refused += tried(cell, odd) is None
    for odd in [*ODD, *(spoiled(rng, state) for _ in range(40))]:
        hx = (odd, state) if kind == "LSTM" else odd
        if odd is not None:
            refused += tried(layer, x, hx) is None
            refused += tried(cell, x[0], hx) is None
    fine = [tried(layer, x, lengths=lengths) is not None for lengths in LENGTHS]
    assert fine == [k in (0, 1, 11) for k in range(len(LENGTHS))]
    assert refused > 100
