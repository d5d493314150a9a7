"""Softmax and its logarithm: kernels against NumPy's formula, torch, and the extremes."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value, ops
from autograd.machine import pool
from autograd.ops.elementwise import softmax as rows

SHAPES = [  # and an axis
    ((7,), 0), ((3, 5), -1), ((4, 33), 1), ((2, 64), 1), ((5, 131), -1),
    ((3, 4, 16), 1), ((40, 17), 0), ((2, 3, 130), -2), ((2, 3, 2, 9, 15), 2),
]  # fmt: skip


@pytest.fixture(params=["kernel", "numpy"])
def path(request, monkeypatch):
    monkeypatch.setattr(rows, "SIZE", 0 if request.param == "kernel" else 10**9)
    return request.param


def to_order_two(function, x, g):
    """Value, gradient, and the gradient of a function of the gradient."""
    v = Value(x)
    y = function(v)
    first = autograd.grad(np.sum(y * g), v)
    again = autograd.grad(np.sum(function(v) * g), v, create_graph=True)
    return [y.data, first, autograd.grad(np.sum(np.square(again)), v)]


def formula(name, axis):
    """Composed of other ops."""

    def softmax(v):
        e = np.exp(v - np.max(v.data, axis=axis, keepdims=True))
        y = e / np.sum(e, axis=axis, keepdims=True)
        return np.log(y) if name == "log_softmax" else y

    return softmax


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_equals_its_formula_to_order_two(shape, axis, name, path):
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, *shape)) * 3
    found = to_order_two(lambda v: getattr(autograd.ops, name)(v, axis), x, g)
    for a, b in zip(found, to_order_two(formula(name, axis), x, g), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_float32_stays_and_is_close_to_float64(name, path):
    x = np.random.default_rng(0).normal(size=(9, 70, 20))
    for axis in (1, 2):
        y = getattr(autograd.ops, name)(x.astype(np.float32), axis)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, getattr(autograd.ops, name)(x, axis), rtol=3e-6)


def test_views_are_read_as_they_look(path):
    x = np.random.default_rng(0).normal(size=(30, 40))
    for view in (x.T, x[::2, ::-1], np.broadcast_to(x[0], (20, 40))):
        np.testing.assert_allclose(ops.softmax(view), formula("softmax", -1)(Value(view)).data)


@pytest.mark.parametrize("axis", [0, 1])
def test_extremes_are_as_in_the_formula(axis, path):
    x = np.zeros((4, 40))
    x[0] = 1e30
    x[1] = -np.inf
    x[2, 3], x[2, 7], x[3, 35] = np.inf, np.nan, -1e30
    if axis == 0:
        x = np.ascontiguousarray(x.T)
    with np.errstate(all="ignore"):
        y, z = ops.softmax(x, axis), ops.log_softmax(x, axis)
        e = np.exp(x - x.max(axis=axis, keepdims=True))
    np.testing.assert_allclose(y, e / e.sum(axis=axis, keepdims=True))
    bad = np.isnan(np.moveaxis(y, axis, 0)).all(axis=0)
    assert np.isfinite(np.moveaxis(y, axis, 0)[:, ~bad]).all()
    np.testing.assert_array_equal(np.isnan(z), np.isnan(y))


def test_the_bits_do_not_depend_on_threads(path, monkeypatch):
    monkeypatch.setattr(pool, "PIECE", 1.0)
    x = np.random.default_rng(0).normal(size=(50, 37, 20)).astype(np.float32)
    before, bits = pool.get_num_threads(), set()
    for n in (1, 2, 3):
        pool.set_num_threads(n)
        v = Value(x)
        y, z = ops.softmax(v, 1), ops.log_softmax(v, 2)
        grads = [autograd.grad(np.sum(np.square(part)), v) for part in (y, z)]
        bits.add(b"".join(part.tobytes() for part in (y.data, z.data, *grads)))
    pool.set_num_threads(before)
    assert len(bits) == 1


def test_an_axis_out_of_range_is_refused(path):
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        ops.softmax(np.zeros((30, 40)), 2)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_is_what_torch_computes(shape, axis, name, path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x, g = np.random.default_rng(1).normal(size=(2, *shape)) * 3
    leaf, v = torch.tensor(x, requires_grad=True), Value(x)
    theirs = getattr(torch, name)(leaf, axis)
    theirs.backward(torch.tensor(g))
    y = getattr(autograd.ops, name)(v, axis)
    np.testing.assert_allclose(y.data, theirs.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(autograd.grad(np.sum(y * g), v), leaf.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 0), -1), ((0, 5), 0), ((0,), 0), ((2, 0, 300), 1)]
)
def test_an_empty_axis_gives_an_empty_result(name, shape, axis, path):
    v = Value(np.zeros(shape))
    y = getattr(ops, name)(v, axis)
    assert y.shape == shape
    assert autograd.grad(np.sum(y), v).shape == shape


def test_a_long_float16_softmax_counts_beyond_2048(path):
    y = ops.softmax(np.zeros((60_000, 2), np.float16), 0)
    np.testing.assert_array_equal(y, np.full((60_000, 2), np.float16(1 / 60_000)))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_float16_sum_of_exponentials_may_leave_its_range(name):
    x = np.zeros(100_000, np.float16)
    v, exact = autograd.Value(x), getattr(autograd.ops, name)(x.astype(np.float64), 0)
    y = getattr(autograd.ops, name)(v, 0)
    np.testing.assert_allclose(y.data, exact, rtol=1e-2 if name == "softmax" else 1e-3)
    g = np.ones(x.shape, x.dtype)
    assert np.abs(autograd.grad(y, v, g)).max() < 1e-2


def test_the_slope_of_a_float16_log_softmax_does_not_lean_on_its_rounded_value(path):
    x = np.linspace(0, 1, 6000).astype(np.float16)
    slopes = [
        autograd.grad(ops.log_softmax(v := Value(x.astype(d)), 0)[0], v)
        for d in (np.float16, np.float64)
    ]
    np.testing.assert_allclose(slopes[0][1:], slopes[1][1:], rtol=1e-3, atol=1e-7)
