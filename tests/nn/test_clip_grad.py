"""Clipping of gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nn


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
