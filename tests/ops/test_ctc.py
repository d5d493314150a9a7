"""The CTC loss: against an enumeration of all paths, its reference and PyTorch."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, grad
from autograd.machine import pool
from autograd.ops import ctc_loss, log_softmax
from autograd.ops.losses.ctc import reference


def collapsed(path, blank):
    """What a path says: repetitions dropped, then blanks."""
    return tuple(c for c, _ in itertools.groupby(path) if c != blank)


def enumerated(log_probs, target, blank):
    """-log of the sum of the probabilities of all paths that say the target."""
    T, C = log_probs.shape
    total = 0.0
    for path in itertools.product(range(C), repeat=T):
        if collapsed(path, blank) == tuple(target):
            total += np.exp(log_probs[np.arange(T), path].sum())
    return -np.log(total) if total else np.inf


def drawn(T, N, C, seed=0, dtype=np.float64):
    return log_softmax(np.random.default_rng(seed).normal(size=(T, N, C)).astype(dtype), axis=-1)


def possible(rng, T, N, C, blank):
    """Targets, input lengths and target lengths that have an alignment."""
    target_lengths = rng.integers(0, (T + 1) // 2 + 1, N)  # room for a blank between labels
    targets = rng.integers(0, C - 1, (N, max(target_lengths.max(), 1)))
    targets += targets >= blank
    steps = [rng.integers(max(2 * n - 1, 1), T + 1) for n in target_lengths]
    return targets, steps, target_lengths


def run(function, log_probs, *args, order=1, **kwargs):
    x = Value(log_probs)
    y = function(x, *args, **kwargs)
    weights = np.random.default_rng(1).uniform(0.5, 1, y.shape).astype(y.dtype)
    g = grad(np.sum(y * weights), x, create_graph=order > 1)
    if order > 1:
        g = grad(np.sum(g * g), x)
    return y.data, g


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("target", [(), (1,), (1, 1), (1, 1, 1), "two"], ids=str)
def test_the_loss_is_that_of_an_enumeration_of_all_paths(target, blank):
    target = (1, 2 - blank, 1) if target == "two" else target
    x = drawn(5, 1, 3)
    y = ctc_loss(x[:, 0], target, 5, len(target), blank=blank, reduction="sum")
    np.testing.assert_allclose(y, enumerated(x[:, 0], target, blank), rtol=1e-12)


def test_the_gradient_is_minus_the_posterior_of_the_paths():
    x = drawn(4, 1, 3)[:, 0]
    posterior = np.zeros((4, 3))
    for path in itertools.product(range(3), repeat=4):
        if collapsed(path, 0) == (1, 2):
            posterior[np.arange(4), path] += np.exp(x[np.arange(4), path].sum())
    posterior /= posterior.sum(axis=1, keepdims=True)
    leaf = Value(x)
    g = grad(ctc_loss(leaf, [1, 2], 4, 2, reduction="sum"), leaf)
    np.testing.assert_allclose(g, -posterior, rtol=1e-12, atol=1e-15)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(2, 6)),
    reduction=st.sampled_from(["mean", "sum", "none"]),
    last_is_blank=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_generated_calls_agree_with_the_reference(sizes, reduction, last_is_blank, seed):
    blank = sizes[2] - 1 if last_is_blank else 0
    args = possible(np.random.default_rng(seed), *sizes, blank)
    x = drawn(*sizes, seed)
    for order in (1, 2):
        how = {"blank": blank, "reduction": reduction, "order": order}
        ours, expected = run(ctc_loss, x, *args, **how), run(reference, x, *args, **how)
        for a, b in zip(ours, expected, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_float32_sums_in_float64():
    rng = np.random.default_rng(0)
    args = possible(rng, 200, 3, 8, 0)
    x = drawn(200, 3, 8, dtype=np.float32)
    y, g = run(ctc_loss, x, *args)
    exact, exact_g = run(ctc_loss, x.astype(np.float64), *args)
    assert y.dtype == g.dtype == np.float32
    np.testing.assert_allclose(y, exact, rtol=2e-7)
    np.testing.assert_allclose(g, exact_g, rtol=1e-6, atol=1e-12)


def test_labels_in_one_row_are_those_of_padded_rows():
    x = drawn(5, 3, 4)
    padded = ctc_loss(x, [[1, 2], [3, -9], [0, 0]], [5, 4, 3], [2, 1, 0], reduction="none")
    row = ctc_loss(x, [1, 2, 3], [5, 4, 3], [2, 1, 0], reduction="none")
    np.testing.assert_array_equal(padded, row)


def test_the_mean_divides_by_the_target_lengths_first():
    x, args = drawn(5, 3, 4), ([[1, 2], [3, 1], [1, 1]], [5, 4, 3], [2, 1, 0])
    each = ctc_loss(x, *args, reduction="none")
    np.testing.assert_allclose(ctc_loss(x, *args), (each / [2, 1, 1]).mean(), rtol=1e-14)


def test_what_comes_after_the_input_length_gets_no_gradient():
    x = drawn(5, 2, 3)
    x[3:, 0] = np.nan
    y, g = run(ctc_loss, x, [[1], [2]], [3, 5], [1, 1])
    assert np.isfinite(y)
    assert not g[3:, 0].any()


def test_nan_passes_through_to_its_own_sample():
    x = drawn(4, 2, 3)
    x[1, 0, 0] = np.nan
    y, g = run(ctc_loss, x, [[1], [2]], [4, 4], [1, 1], reduction="none")
    np.testing.assert_array_equal(np.isnan(y), [True, False])
    assert np.isfinite(g[:, 1]).all()


def test_an_impossible_target_is_infinite_or_zero_as_asked():
    x, args = drawn(2, 2, 3), ([[1, 1], [1, 2]], [2, 2], [2, 2])
    y, g = run(ctc_loss, x, *args, reduction="none")
    assert y[0] == np.inf
    assert np.isnan(g[:, 0]).all()
    y, g = run(ctc_loss, x, *args, reduction="none", zero_infinity=True)
    assert y[0] == 0
    assert not g[:, 0].any()
    assert g[:, 1].any()


def test_an_empty_input_says_the_empty_target_only():
    y = ctc_loss(drawn(2, 2, 3), [[1], [1]], [0, 0], [0, 1], reduction="none")
    np.testing.assert_array_equal(y, [0, np.inf])


def test_classes_of_probability_zero_are_allowed():
    with np.errstate(divide="ignore"):
        x = np.log([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    y, g = run(ctc_loss, x, [1, 1], 3, 2, reduction="sum")
    scale = np.random.default_rng(1).uniform(0.5, 1)  # that of `run`
    np.testing.assert_allclose(y, -np.log(0.5))
    np.testing.assert_allclose(g, -scale * np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]]))


@pytest.mark.parametrize("scale", [1000.0, 1e-3])
def test_long_inputs_and_extreme_scores_are_stable(scale):
    x = log_softmax(np.random.default_rng(0).normal(size=(500, 1, 4)) * scale, axis=-1)
    y, g = run(ctc_loss, x, [[1, 2, 3]], [500], [3])
    assert np.isfinite(y)
    np.testing.assert_allclose(g.sum(axis=-1) / g[0].sum(), 1, rtol=1e-9)


def test_the_bits_do_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(pool, "PIECE", 0.001)
    x, args = drawn(30, 7, 5), possible(np.random.default_rng(0), 30, 7, 5, 0)
    before = pool.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3):
            pool.set_num_threads(n)
            found.append(run(ctc_loss, x, *args))
    finally:
        pool.set_num_threads(before)
    for y, g in found[1:]:
        np.testing.assert_array_equal(y, found[0][0])
        np.testing.assert_array_equal(g, found[0][1])


def test_as_plain_python_the_results_are_the_same(tmp_path):
    source = (
        "import sys, numpy as np, autograd as ag\n"
        "x = ag.Value(np.log(np.random.default_rng(0).dirichlet([1.0] * 3, (5, 2))))\n"
        "y = ag.ops.ctc_loss(x, [[1, 2], [1, 1]], [5, 4], [2, 1])\n"
        "np.save(sys.argv[1], np.append(ag.grad(y, x), y.data))\n"
    )
    found = []
    for setting in ("0", "1"):
        file = tmp_path / f"{setting}.npy"
        subprocess.run(
            [sys.executable, "-W", "error", "-c", source, file],
            env={**os.environ, "NUMBA_DISABLE_JIT": setting},
            check=True,
        )
        found.append(np.load(file))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-15)


GOOD = drawn(4, 2, 3)
REFUSED = {
    "shape": (GOOD[0, 0], [1], 1, 1, {}, ValueError, r"log_probs must have shape .*\(3,\)"),
    "integers": (GOOD.astype(int), [[1], [1]], [4, 4], [1, 1], {}, TypeError, "log_probs.*int64"),
    "label": (GOOD, [[1], [3]], [4, 4], [1, 1], {}, ValueError, "label 3.*3 classes"),
    "negative": (GOOD, [[1], [-1]], [4, 4], [1, 1], {}, ValueError, "label -1"),
    "blank_label": (GOOD, [[1], [0]], [4, 4], [1, 1], {}, ValueError, "must not hold the blank"),
    "float_label": (GOOD, [[1.0], [1.0]], [4, 4], [1, 1], {}, TypeError, "targets.*float64"),
    "rows": (GOOD, [[1]], [4, 4], [1, 1], {}, ValueError, r"targets.*\(2, S\).*got \(1, 1\)"),
    "in_a_row": (GOOD, [1, 1, 1], [4, 4], [1, 1], {}, ValueError, r"target_lengths say, 2.*\(3,\)"),
    "steps": (GOOD, [[1], [1]], [4, 5], [1, 1], {}, ValueError, "input_lengths .* 0 and 4 .* 5"),
    "no_steps": (GOOD, [[1], [1]], [4, -1], [1, 1], {}, ValueError, "input_lengths .* got -1"),
    "lengths": (GOOD, [[1], [1]], [4, 4], [1, 2], {}, ValueError, "target_lengths .* 0 and 1 .* 2"),
    "float_length": (GOOD, [[1], [1]], [4.0, 4], [1, 1], {}, TypeError, "input_lengths.*float64"),
    "one_length": (GOOD, [[1], [1]], [4], [1, 1], {}, ValueError, r"input_lengths.*\(2,\).*\(1,\)"),
    "blank": (GOOD, [[1], [1]], [4, 4], [1, 1], {"blank": 3}, ValueError, "blank .* got 3"),
    "reduction": (GOOD, [[1], [1]], [4, 4], [1, 1], {"reduction": "x"}, ValueError, "reduction"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_by_name(name):
    *args, kwargs, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        ctc_loss(*args, **kwargs)


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_losses_and_gradients_of_logits_are_pytorchs(reduction, zero_infinity):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    logits = np.random.default_rng(0).normal(size=(9, 4, 5))
    targets, steps, lengths = possible(np.random.default_rng(2), 9, 4, 5, 0)
    if zero_infinity:
        steps, lengths = [*steps[:3], 1], [*lengths[:3], 2]

    def ours(logits, *args, **kwargs):
        return ctc_loss(log_softmax(logits, axis=-1), *args, **kwargs)

    how = {"reduction": reduction, "zero_infinity": zero_infinity}
    y, g = run(ours, logits, targets, steps, lengths, **how)
    leaf = torch.tensor(logits, requires_grad=True)
    x = torch.log_softmax(leaf, -1)
    args = (torch.tensor(np.array(a)) for a in (targets, steps, lengths))
    theirs = torch.nn.functional.ctc_loss(x, *args, **how)
    weights = np.random.default_rng(1).uniform(0.5, 1, y.shape)
    torch.sum(theirs * torch.tensor(weights)).backward()
    np.testing.assert_allclose(y, theirs.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(g, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)
