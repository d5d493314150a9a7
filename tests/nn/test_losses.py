from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd
import nn
from autograd.ops.loss import cross_entropy as fused
from nn import functional

LOGITS = np.random.default_rng(1).normal(size=(5, 4))
TARGET = np.array([0, 3, -100, 1, 3])
WEIGHT = np.array([1.0, 0.5, 2.0, 3.0])


def by_hand(x, t, weight, reduction, smoothing):
    """PyTorch's definition, in a loop."""
    w = np.ones(x.shape[1]) if weight is None else weight
    losses, total = np.zeros(len(t)), 0.0
    for n, c in enumerate(t):
        if c != -100:
            log_p = x[n] - np.log(np.exp(x[n]).sum())
            losses[n] = (1 - smoothing) * -w[c] * log_p[c]
            losses[n] += smoothing / x.shape[1] * -(w * log_p).sum()
            total += w[c]
    return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / total}[reduction]


@pytest.mark.parametrize(
    ("weight", "reduction", "smoothing"),
    list(itertools.product([None, WEIGHT], ["mean", "sum", "none"], [0.0, 0.2])),
)
class TestFused:
    def test_is_what_pytorch_defines(self, weight, reduction, smoothing):
        y = fused(LOGITS, TARGET, weight, -100, reduction, smoothing)
        np.testing.assert_allclose(y, by_hand(LOGITS, TARGET, weight, reduction, smoothing))

    def test_equals_its_reference_to_order_two(self, weight, reduction, smoothing):
        def gradients(f):
            x = autograd.Value(LOGITS)
            y = np.sum(np.square(f(x, TARGET, weight, -100, reduction, smoothing)))
            first = autograd.grad(y, x)
            g = autograd.grad(y, x, create_graph=True)
            return y.data, first, autograd.grad(np.sum(np.square(g)), x)

        for a, b in zip(gradients(fused), gradients(fused.reference), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)

    def test_agrees_with_finite_differences(self, weight, reduction, smoothing):
        def f(x):
            return fused(x, TARGET, weight, -100, reduction, smoothing)

        assert autograd.gradcheck(f, LOGITS)
        assert autograd.gradgradcheck(f, LOGITS)


def test_cross_entropy_keeps_float32():
    x = autograd.Value(LOGITS.astype(np.float32))
    loss = functional.cross_entropy(x, TARGET, WEIGHT, label_smoothing=0.1)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32


def test_cross_entropy_is_stable_for_huge_logits():
    x = autograd.Value([[1e4, 0.0, -1e4], [-np.inf, 0.0, 0.0]])
    loss = functional.cross_entropy(x, np.array([1, 2]), reduction="none")
    np.testing.assert_allclose(loss.data, [1e4, np.log(2)])
    np.testing.assert_allclose(autograd.grad(np.sum(loss), x), [[1, -1, 0], [0, 0.5, -0.5]])


def test_cross_entropy_takes_more_axes():
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    t = np.arange(6).reshape(2, 3) % 4
    flat = x.transpose(0, 2, 1).reshape(6, 4)
    losses = functional.cross_entropy(autograd.Value(x), t, reduction="none")
    np.testing.assert_allclose(losses.data, fused(flat, t.ravel(), reduction="none").reshape(2, 3))
    assert autograd.gradcheck(lambda v: functional.cross_entropy(v, t), x)


def test_cross_entropy_takes_one_sample():
    assert functional.cross_entropy(autograd.Value(LOGITS[0]), np.int64(2)).shape == ()


def test_one_hot_probabilities_are_the_class():
    x, t = autograd.Value(LOGITS), np.array([0, 3, 2, 1, 3])
    for kwargs in ({}, {"label_smoothing": 0.1}, {"reduction": "none"}):
        np.testing.assert_allclose(
            functional.cross_entropy(x, np.eye(4)[t], **kwargs).data,
            functional.cross_entropy(x, t, **kwargs).data,
        )


def test_cross_entropy_of_nothing_but_ignored_rows_is_nan():
    x = autograd.Value(LOGITS)
    assert np.isnan(functional.cross_entropy(x, np.full(5, -100)).data)
    loss = functional.cross_entropy(x, np.full(5, -100), reduction="sum")
    assert loss.data == 0
    assert not autograd.grad(loss, x).any()


@pytest.mark.parametrize(
    ("target", "kwargs", "error", "text"),
    [
        (np.arange(5), {}, ValueError, "class number 4, but the logits .5, 4. have 4"),
        (np.array([0, 1, 2, 3, -1]), {}, ValueError, "class number -1"),
        (np.arange(4), {}, ValueError, r"shape \(5,\) for logits \(5, 4\), got \(4,\)"),
        (np.zeros((5, 1), int), {}, ValueError, r"\.ravel"),
        (np.zeros(5), {}, TypeError, r"astype\(np.int64\)"),
        (np.zeros(5, bool), {}, TypeError, "integers"),
        (np.zeros(5, int), {"reduction": "avg"}, ValueError, "reduction"),
        (np.zeros(5, int), {"label_smoothing": 2}, ValueError, "label_smoothing"),
        (np.zeros(5, int), {"weight": [1.0]}, ValueError, r"weight.*\(4,\).*\(1,\)"),
    ],
)
def test_cross_entropy_refuses(target, kwargs, error, text):
    with pytest.raises(error, match=text):
        functional.cross_entropy(autograd.Value(LOGITS), target, **kwargs)


def test_class_weights_are_a_buffer():
    loss = nn.CrossEntropyLoss(WEIGHT)
    assert list(loss.state_dict()) == ["weight"]
    np.testing.assert_allclose(
        loss(autograd.Value(LOGITS), TARGET).data, by_hand(LOGITS, TARGET, WEIGHT, "mean", 0)
    )


def test_log_softmax_and_nll_are_cross_entropy():
    x = autograd.Value(LOGITS)
    for weight, reduction in itertools.product([None, WEIGHT], ["mean", "sum", "none"]):
        a = nn.NLLLoss(weight, reduction=reduction)(functional.log_softmax(x, 1), TARGET)
        b = nn.CrossEntropyLoss(weight, reduction=reduction)(x, TARGET)
        np.testing.assert_allclose(a.data, b.data, rtol=1e-6)


def test_nll_refuses_under_its_own_name():
    with pytest.raises(ValueError, match="nll_loss: target"):
        functional.nll_loss(autograd.Value(LOGITS), np.arange(4))


def test_mse_is_the_mean_square():
    x = autograd.Value([[1.0, 2.0]])
    assert nn.MSELoss()(x, np.zeros((1, 2))).data == 2.5
    assert nn.MSELoss(reduction="sum")(x, np.zeros((1, 2))).data == 5
    np.testing.assert_array_equal(nn.MSELoss(reduction="none")(x, np.ones((1, 2))).data, [[0, 1]])


def test_mse_never_broadcasts():
    with pytest.raises(ValueError, match="every output with every target"):
        functional.mse_loss(autograd.Value(np.ones((3, 1))), np.ones(3))
