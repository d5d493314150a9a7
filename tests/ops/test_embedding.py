"""Embedding: rows of a table, the sums that are its derivative, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value
from autograd.machine import pool
from autograd.ops.embeddings import embedding as ops
from autograd.ops.embeddings.kernel_embedding import scatter_rows


@pytest.fixture(params=["kernel", "numpy"])
def path(request, monkeypatch):
    monkeypatch.setattr(ops, "KERNEL", 0 if request.param == "kernel" else 10**9)


def summed(g, indices, rows):
    out = np.zeros((rows, g.shape[-1]))
    np.add.at(out, indices, g)
    return out


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 9), st.integers(-1, 29))
@settings(max_examples=50, deadline=None)
def test_the_kernel_adds_the_rows_of_an_index(count, rows, width, skip):
    rng = np.random.default_rng(count)
    indices, g = rng.integers(0, rows, count), rng.normal(size=(count, width))
    expected = summed(g, indices, rows)
    if 0 <= skip < rows:
        expected[skip] = 0
    np.testing.assert_allclose(scatter_rows(g, indices, rows, skip), expected, atol=1e-12)


def test_gradients_of_any_order_agree_with_finite_differences(path):
    indices = np.array([[0, 2, 2], [1, 0, 2]])
    w = np.random.default_rng(0).normal(size=(4, 3))
    for padding in (None, 2):

        def f(v, padding=padding):
            return np.sin(autograd.ops.embedding(indices, v, padding))

        v = Value(w)
        g = autograd.grad(np.sum(f(v)), v)
        expected = summed(np.cos(w[indices]).reshape(-1, 3), indices.ravel(), 4)
        if padding is not None:
            expected[padding] = 0
        np.testing.assert_allclose(g, expected)
    assert autograd.gradgradcheck(lambda v: np.sin(autograd.ops.embedding(indices, v)), w)


def test_padding_gets_no_gradient_at_order_two(path):
    w = Value([[1.0], [2.0], [3.0]])
    y = np.sum(autograd.ops.embedding(np.array([0, 2, 2]), w, padding_idx=-1) ** 3)
    g = autograd.grad(y, w, create_graph=True)
    np.testing.assert_allclose(g.data, [[3.0], [0.0], [0.0]])
    np.testing.assert_allclose(autograd.grad(np.sum(g), w), [[6.0], [0.0], [0.0]])


def test_the_bits_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(pool, "PIECE", 1.0)
    rng = np.random.default_rng(0)
    g, indices = rng.normal(size=(500, 8)).astype(np.float32), rng.integers(0, 20, 500)
    before, bits = pool.get_num_threads(), set()
    for n in (1, 2, 3):
        pool.set_num_threads(n)
        bits.add(scatter_rows(g, indices, 20, -1).tobytes())
    pool.set_num_threads(before)
    assert len(bits) == 1


def test_broadcast_and_narrow_gradients_are_taken(path):
    w = Value(np.ones((5, 2), np.float32))
    g = autograd.grad(np.sum(autograd.ops.embedding(np.array([1, 1], np.uint8), w)), w)
    assert g.dtype == np.float32
    assert g[1].tolist() == [2.0, 2.0]


def test_nan_and_inf_pass_through(path):
    g = np.array([[np.nan, np.inf], [1.0, -np.inf]])
    with np.errstate(invalid="ignore"):
        y = ops.rows_grad(g, [1, 1], 3)
    assert np.isnan(y[1]).all()
    assert not y[[0, 2]].any()


def test_no_indices_give_no_rows(path):
    w = Value(np.ones((3, 2)))
    y = autograd.ops.embedding(np.zeros((0, 4), int), w)
    assert y.shape == (0, 4, 2)
    assert not autograd.grad(np.sum(y), w).any()


W = np.ones((3, 2))
REFUSALS = [
    (
        lambda: autograd.ops.embedding([3], W),
        ValueError,
        r"indices \(1,\) must be in \[0, 3\).*got 3",
    ),
    (lambda: autograd.ops.embedding([0, -1], W), ValueError, "got -1"),
    (lambda: autograd.ops.embedding([0.0], W), TypeError, r"astype\(np.int64\)"),
    (lambda: autograd.ops.embedding([True], W), TypeError, "indices must be integers, got bool"),
    (lambda: autograd.ops.embedding([0], None), TypeError, "weight must be an array"),
    (lambda: autograd.ops.embedding([0], W[0]), ValueError, r"\(rows, features\), got \(2,\)"),
    (lambda: autograd.ops.embedding([0], W, 3), ValueError, "padding_idx=3"),
    (lambda: autograd.ops.embedding([0], W, 1.0), TypeError, "padding_idx must be an integer"),
    (lambda: ops.rows_grad(W, [0, 1], 3), ValueError, "g must have shape"),
    (lambda: ops.rows_grad(W, [0, 1, 3], 3), ValueError, "indices"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSALS)
def test_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.torch
def test_is_what_torch_computes(path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    rng = np.random.default_rng(0)
    w, indices = rng.normal(size=(6, 3)), rng.integers(0, 6, (4, 5))
    for padding in (None, 2, -1):
        v, t = Value(w), torch.tensor(w, requires_grad=True)
        y = autograd.ops.embedding(indices, v, padding)
        z = torch.nn.functional.embedding(torch.tensor(indices), t, padding)
        torch.sin(z).sum().backward()
        np.testing.assert_array_equal(y.data, z.detach().numpy())
        np.testing.assert_allclose(autograd.grad(np.sum(np.sin(y)), v), t.grad.numpy())


@pytest.mark.parametrize(("dtype", "n", "step"), [("e", 5000, 1.0), ("f", 1_000_000, 0.1)])
def test_a_row_read_many_times_gets_a_gradient_of_all_its_digits(dtype, n, step):
    w = Value(np.zeros((4, 2), dtype))
    indices = np.append(np.full(n, 1), [3, 0])
    np.sum(ops.embedding(indices, w, 0) * np.dtype(dtype).type(step)).backward()
    np.testing.assert_allclose(w.grad, np.outer([0, n * step, 0, step], [1, 1]), rtol=1e-6)
