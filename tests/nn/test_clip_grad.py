"""Clipping of gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nn
from nn.optim.sums import dot


def parameters(rng, dtype=np.float32):
    params = [nn.Parameter(np.zeros(s), dtype=dtype) for s in ((3,), (2, 4), (), (9000,), (2,))]
    for p in params[:-1]:
        p.grad = np.asarray(rng.normal(size=p.shape), dtype)
    return params


@pytest.mark.torch
@pytest.mark.parametrize("norm_type", [0.5, 1, 2, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.0, 0.5, 1e6])
def test_norms_and_clipped_gradients_are_torchs(norm_type, max_norm, rng):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    params = parameters(rng)
    tensors = [torch.nn.Parameter(torch.zeros(p.shape)) for p in params]
    for p, t in zip(params[:-1], tensors[:-1], strict=True):
        t.grad = torch.tensor(p.grad)
    total = nn.utils.clip_grad_norm_(params, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm, norm_type)
    assert total == pytest.approx(expected.item(), rel=1e-5)
    for p, t in zip(params[:-1], tensors[:-1], strict=True):
        np.testing.assert_allclose(p.grad, t.grad.numpy(), rtol=1e-5)
    nn.utils.clip_grad_value_(params, 0.01)
    torch.nn.utils.clip_grad_value_(tensors, 0.01)
    for p, t in zip(params[:-1], tensors[:-1], strict=True):
        np.testing.assert_allclose(p.grad, t.grad.numpy(), rtol=1e-5)


def test_gradients_are_written_in_place_and_keep_their_dtype(rng):
    for dtype in (np.float16, np.float32, np.float64):
        params = parameters(rng, dtype)
        grads = [p.grad for p in params]
        nn.utils.clip_grad_norm_(params, 1.0)
        assert all(p.grad is g for p, g in zip(params, grads, strict=True))
        assert params[0].grad.dtype == dtype
        assert nn.utils.get_total_norm([p.grad for p in params[:-1]]) == pytest.approx(1, rel=2e-3)


def test_a_small_norm_changes_no_bit(rng):
    params = parameters(rng)
    before = params[0].grad.copy()
    nn.utils.clip_grad_norm_(iter(params), 1e9)
    np.testing.assert_array_equal(params[0].grad, before)


def test_one_parameter_and_one_array_will_do():
    p = nn.Parameter([3.0, 4.0])
    p.grad = p.data.copy()
    assert nn.utils.get_total_norm(p.grad) == nn.utils.clip_grad_norm_(p, 1.0) == 5
    nn.utils.clip_grad_value_(p, 0.5)
    np.testing.assert_array_equal(p.grad, [0.5, 0.5])
    assert nn.utils.clip_grad_norm_([], 1.0) == nn.utils.get_total_norm([]) == 0


def test_the_parameter_to_blame_is_named_and_nothing_changes():
    net = nn.Linear(2, 1)
    net.weight.grad, net.bias.grad = np.ones((1, 2), np.float32), np.float32([np.nan])
    with pytest.raises(RuntimeError, match=r"is nan, because of the gradient of 'bias' \(1,\)"):
        nn.utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(net.weight.grad, [[1, 1]])
    assert math.isnan(nn.utils.clip_grad_norm_(net.parameters(), 1.0))
    assert np.isnan(net.weight.grad).all()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda p: nn.utils.clip_grad_norm_(p, -1), ValueError, "max_norm must be >= 0, got -1"),
        (lambda p: nn.utils.clip_grad_norm_(p, "1"), TypeError, "max_norm must be a number"),
        (lambda p: nn.utils.clip_grad_norm_(p, 1, math.nan), ValueError, "norm_type"),
        (lambda p: nn.utils.clip_grad_value_(p, -1), ValueError, "clip_value"),
        (
            lambda p: nn.utils.clip_grad_value_([p], 1),
            TypeError,
            r"parameters\[0\] must be a Parameter",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call([nn.Parameter([1.0])])


@pytest.mark.parametrize("norm_type", [1, 2, 3.0, 0.5, -1.0, math.inf])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (np.float32, 1e30),
        (np.float32, 1e-30),
        (np.float32, 1e38),
        (np.float16, 6e4),
        (np.float16, 1e-7),
        (np.float64, 1e200),
        (np.float64, 1e-200),
    ],
)
def test_norms_are_right_at_the_ends_of_the_range(dtype, size, norm_type):
    x = np.asarray([3 * size / 4, size], dtype)
    exact = np.linalg.norm(np.asarray(x, np.longdouble), norm_type)
    total = nn.utils.get_total_norm([x], norm_type)
    assert total == pytest.approx(float(exact), rel=1e-12)
    split = nn.utils.get_total_norm([x[:1], x[1:]], norm_type)
    assert split == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e30), (np.float32, 3e38), (np.float16, 6e4), (np.float64, 1.5e308)],
)
@pytest.mark.parametrize("bound", [1.0, 1e-3])
def test_huge_gradients_are_clipped_and_not_lost(dtype, size, bound):
    params = [nn.Parameter(np.zeros(2), dtype=dtype) for _ in range(3)]
    for p in params:
        p.grad = np.full(2, size, dtype)
    total = nn.utils.clip_grad_norm_(params, bound)
    assert total == pytest.approx(float(dtype(size)) * math.sqrt(6), rel=1e-6)
    for p in params:
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad, bound / math.sqrt(6), rtol=2 * np.finfo(dtype).eps)


def test_a_value_that_float16_does_not_reach_clips_nothing():
    p = nn.Parameter(np.zeros(2), dtype=np.float16)
    p.grad = np.float16([6e4, -1.0])
    nn.utils.clip_grad_value_(p, 1e6)
    assert p.grad.tolist() == [np.float16(6e4), -1]


def test_norms_of_integers_do_not_wrap():
    assert nn.utils.get_total_norm([np.array([2**31, 2**31])]) == pytest.approx(2**31.5)
    assert nn.utils.get_total_norm([np.array([100, 100], np.int8)]) == pytest.approx(2e4**0.5)


def test_a_gradient_to_blame_is_named_also_without_a_name():
    p = nn.Parameter(np.zeros(1))
    p.grad = np.float32([np.inf])
    with pytest.raises(RuntimeError, match=r"the gradient of a parameter of shape \(1,\)"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)


def test_inner_products_are_right_at_the_ends_of_the_range():
    big, small = np.float32([1e30, -1e30, 1e25]), np.float32([1e-30, 2e-30, 0])
    assert dot(big, big[::-1].copy()) == pytest.approx(
        float(np.dot(big.astype(float), big[::-1].astype(float)))
    )
    assert dot(small, small) == pytest.approx(5e-60)
