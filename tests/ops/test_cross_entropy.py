"""Cross-entropy and NLL: all kinds of targets against the reference and torch; nn has more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value
from autograd.machine import pool
from autograd.ops.losses import cross_entropy as ops
from autograd.ops.losses import kernel_cross_entropy as kernels
from autograd.ops.losses.cross_entropy import cross_entropy

OPTIONS = st.fixed_dictionaries(
    {
        "reduction": st.sampled_from(["mean", "sum", "none"]),
        "label_smoothing": st.sampled_from([0.0, 0.25]),
        "ignore_index": st.sampled_from([-100, 1]),
    }
)
SHAPES = st.tuples(st.integers(1, 4), st.integers(2, 5), *[st.integers(1, 3)] * 2).flatmap(
    lambda s: st.sampled_from([s[:2], s[:3], s, s[1:2]])
)


@pytest.fixture(params=["kernel", "numpy"])
def path(request, monkeypatch):
    monkeypatch.setattr(ops, "KERNEL", 0 if request.param == "kernel" else 10**9)


def drawn(shape, probabilities, seed):
    """Logits, targets and weights."""
    rng = np.random.default_rng(seed)
    axis = min(1, len(shape) - 1)
    x, w = rng.normal(size=shape), rng.uniform(0.5, 2, shape[axis])
    if probabilities:
        return x, rng.dirichlet(np.ones(shape[axis]), x.size // shape[axis]).reshape(shape), w
    return x, rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :]), w


@given(SHAPES, OPTIONS, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_equals_its_reference_to_order_two(shape, options, probabilities, weighted, kernel, seed):
    x, target, weight = drawn(shape, probabilities, seed)
    weight = weight if weighted else None

    def to_order_two(f):
        leaves = [Value(x), Value(target)] if probabilities else [Value(x)]
        y = np.sum(np.square(f(leaves[0], leaves[1] if probabilities else target)))
        first = autograd.grad(y, leaves)
        again = autograd.grad(y, leaves, create_graph=True)
        return [y.data, *first, *autograd.grad(sum(np.sum(g * g) for g in again), leaves)]

    before, ops.KERNEL = ops.KERNEL, 0 if kernel else 10**9
    try:
        found = to_order_two(lambda v, t: cross_entropy(v, t, weight, **options))
    finally:
        ops.KERNEL = before
    expected = to_order_two(lambda v, t: cross_entropy.reference(v, t, weight, **options))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_and_numpy_agree_at_any_width(dtype, monkeypatch):
    for width in (1, 2, 31, 32, 33, 64, 100):
        x = np.random.default_rng(width).normal(size=(5, width)).astype(dtype)
        found = []
        for limit in (0, 10**9):
            monkeypatch.setattr(ops, "KERNEL", limit)
            v = Value(x)
            y = cross_entropy(v, np.arange(5) % width, reduction="none", label_smoothing=0.1)
            found.append((y.data, autograd.grad(np.sum(y), v)))
        for a, b in zip(*found, strict=True):
            assert a.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_is_stable_for_huge_and_impossible_logits(path):
    x = Value([[1000.0, 0.0, -1000.0], [-np.inf, 0.0, 0.0]])
    y = cross_entropy(x, [1, 2], reduction="none")
    np.testing.assert_allclose(y.data, [1000, np.log(2)])
    np.testing.assert_allclose(autograd.grad(np.sum(y), x), [[1, -1, 0], [0, 0.5, -0.5]])


@pytest.mark.parametrize("place", [0, 40])
def test_nan_spoils_its_own_row_only(path, place):
    x = np.zeros((3, 41))
    x[1, place] = np.nan
    y = cross_entropy(x, [0, 1, 2], reduction="none")
    assert np.isnan(y).tolist() == [False, True, False]


def test_the_bits_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(pool, "PIECE", 1.0)
    x, t, w = drawn((50, 37), False, 0)
    before, bits = pool.get_num_threads(), set()
    for n in (1, 2, 3):
        pool.set_num_threads(n)
        losses, _, args = kernels.cross_entropy(x, t, w, 0.1)
        bits.add(losses.tobytes() + kernels.cross_entropy_grad(losses, args).tobytes())
    pool.set_num_threads(before)
    assert len(bits) == 1


def test_ignored_rows_get_exactly_no_gradient(path):
    x = Value(np.random.default_rng(0).normal(size=(3, 4)))
    g = autograd.grad(cross_entropy(x, [0, -100, 2]), x)
    assert not g[1].any()
    assert g[0].any()


def test_nothing_but_ignored_rows_give_nan_without_gradient(path):
    x = Value(np.zeros((2, 3)))
    y = cross_entropy(x, [-100, -100])
    assert np.isnan(y.data)
    assert not autograd.grad(y, x).any()


def test_probabilities_get_a_gradient():
    x, t, w = drawn((3, 4), True, 0)
    assert autograd.gradgradcheck(lambda x, t: cross_entropy(x, t, w, label_smoothing=0.1), x, t)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 3, 4)])
def test_nll_of_log_softmax_is_cross_entropy(shape):
    x, t, w = drawn(shape, False, 0)
    log_p = autograd.ops.log_softmax(x, axis=min(1, len(shape) - 1))
    for kwargs in ({}, {"reduction": "none"}, {"weight": w}, {"ignore_index": 1, "weight": w}):
        a, b = autograd.ops.nll_loss(log_p, t, **kwargs), cross_entropy(x, t, **kwargs)
        np.testing.assert_allclose(a, b)


def test_nll_gives_ignored_rows_no_nan():
    log_p = Value([[-np.inf, 0.0], [-1.0, -2.0]])
    y = autograd.ops.nll_loss(log_p, [-100, 1])
    assert y.data == 2
    np.testing.assert_array_equal(autograd.grad(y, log_p), [[0, 0], [0, -1]])


X = np.zeros((2, 3))
REFUSALS = [
    (X, [0, 3], {}, ValueError, "class index 3, but the logits .2, 3. have 3"),
    (X, [0, -1], {}, ValueError, "class index -1"),
    (X, [[0], [1]], {}, ValueError, r"shape \(2,\) for logits \(2, 3\), got \(2, 1\).*ravel"),
    (X, [0.0, 1.0], {}, TypeError, r"astype\(np.int64\)"),
    (X[0], [0], {}, ValueError, r"shape \(\)"),
    (X, None, {}, TypeError, "got None"),
    (X[0, 0], 0, {}, ValueError, "got a number"),
    (X.astype(int), [0, 1], {}, TypeError, "logits must be floats"),
    (X, X, {"weight": [1.0]}, ValueError, r"weight .*\(3,\), got \(1,\)"),
    (X, X, {"label_smoothing": -1}, ValueError, "label_smoothing"),
    (X, X, {"reduction": "avg"}, ValueError, "reduction"),
]


@pytest.mark.parametrize(("x", "target", "kwargs", "error", "text"), REFUSALS)
def test_cross_entropy_refuses(x, target, kwargs, error, text):
    with pytest.raises(error, match=f"cross_entropy: .*{text}"):
        cross_entropy(x, target, **kwargs)


@pytest.mark.torch
@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4), (2, 3, 2, 2)])
def test_is_what_torch_computes(shape, probabilities, path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x, t, w = drawn(shape, probabilities, 3)
    for kwargs in (
        {},
        {"reduction": "none"},
        {"reduction": "sum", "label_smoothing": 0.2},
        {"weight": w, "label_smoothing": 0.2},
        {"weight": w} if probabilities else {"weight": w, "ignore_index": 1},
    ):
        theirs = {k: torch.tensor(a) if k == "weight" else a for k, a in kwargs.items()}
        leaf = torch.tensor(x, requires_grad=True)
        z = torch.nn.functional.cross_entropy(leaf, torch.tensor(t), **theirs)
        z.sum().backward()
        v = Value(x)
        y = cross_entropy(v, t, **kwargs)
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-9)
        np.testing.assert_allclose(autograd.grad(np.sum(y), v), leaf.grad.numpy(), atol=1e-12)
