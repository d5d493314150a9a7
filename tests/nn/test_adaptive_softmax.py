from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_start():
    """Layers start alike, and so do the samples, whichever tests run."""
    global RNG
    RNG = np.random.default_rng(0)
    autograd.seed(0)


X = RNG.normal(size=(9, 8)).astype(np.float32)
TARGET = np.array([0, 3, 4, 11, 12, 19, 1, 4, 15])


def layer(**how):
    return nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 12], 2.0, rng=0, **how)


def test_keys_and_shapes_are_pytorchs():
    shapes = {key: x.shape for key, x in layer(head_bias=True).state_dict().items()}
    assert shapes == {
        "head.weight": (6, 8),
        "head.bias": (6,),
        "tail.0.0.weight": (4, 8),
        "tail.0.1.weight": (8, 4),
        "tail.1.0.weight": (2, 8),
        "tail.1.1.weight": (8, 2),
    }


def test_log_prob_is_a_distribution():
    p = np.exp(layer().log_prob(X).data)
    assert p.shape == (9, 20)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_outputs_are_the_targets_entries_of_log_prob():
    softmax = layer()
    output, loss = softmax(X, TARGET)
    expected = softmax.log_prob(X).data[np.arange(9), TARGET]
    np.testing.assert_allclose(output.data, expected, rtol=1e-5)
    np.testing.assert_allclose(loss.data, -expected.mean(), rtol=1e-6)


def test_gradients_are_those_of_the_whole_distribution():
    softmax = layer(dtype=np.float64)
    twin, x = copy.deepcopy(softmax), X.astype(np.float64)
    v, w = Value(x), Value(x)
    softmax(v, TARGET).loss.backward()
    (-np.mean(twin.log_prob(w)[np.arange(9), TARGET])).backward()
    np.testing.assert_allclose(v.grad, w.grad, atol=1e-12)
    for p, q in zip(softmax.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, atol=1e-12)
    assert autograd.gradcheck(lambda a: softmax(a, TARGET).loss, x)


def test_a_cluster_without_targets_gets_no_gradient():
    softmax = layer()
    softmax(X[:2], [0, 5]).loss.backward()
    assert softmax.tail[0][0].weight.grad is not None
    assert softmax.tail[1][0].weight.grad is None


def test_predict_is_the_argmax_of_log_prob():
    softmax = layer()
    x = RNG.normal(size=(200, 8)).astype(np.float32) * 5
    found = softmax.predict(x)
    assert {bool(c < 4) for c in found} == {True, False}
    np.testing.assert_array_equal(found, np.argmax(softmax.log_prob(x).data, axis=1))


def test_one_sample_has_no_axis_of_samples():
    softmax = layer()
    output, loss = softmax(X[0], np.array(13))
    assert output.shape == loss.shape == ()
    np.testing.assert_allclose(output.data, softmax(X[:1], [13]).output.data[0])


@pytest.mark.parametrize("cutoffs", [[], [4, 4], [5, 3], [0, 3], [20], [2.5]])
def test_cutoffs_that_do_not_fit_are_refused(cutoffs):
    with pytest.raises(ValueError, match="increasing integers from 1 to n_classes - 1 = 19"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)


@pytest.mark.parametrize(
    ("x", "target", "kind", "text"),
    [
        (X, TARGET[:3], ValueError, r"got \(9, 8\) and \(3,\)"),
        (X[0], TARGET, ValueError, r"got \(8,\) and \(9,\)"),
        (X, TARGET + 5, ValueError, "between 0 and n_classes - 1 = 19, got 5 to 24"),
        (X, TARGET - 1, ValueError, "got -1 to 18"),
        (X, TARGET * 1.0, TypeError, "integers, got float64"),
        (X[:, :3], TARGET, ValueError, "in_features=8"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x, target, kind, text):
    with pytest.raises(kind, match=text):
        layer()(x, target)


@pytest.mark.torch
@pytest.mark.parametrize("bias", [False, True])
def test_numbers_are_pytorchs(bias):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    mine = layer(head_bias=bias)
    other = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 12], 2.0, head_bias=bias)
    assert list(mine.state_dict()) == list(other.state_dict())
    other.load_state_dict({k: torch.from_numpy(x) for k, x in mine.state_dict().items()})
    v, t = Value(X), torch.from_numpy(X.copy()).requires_grad_()
    a, b = mine(v, TARGET), other(t, torch.from_numpy(TARGET))
    np.testing.assert_allclose(a.output.data, b.output.detach().numpy(), rtol=1e-5)
    a.loss.backward()
    b.loss.backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), rtol=1e-4, atol=1e-7)
    for p, q in zip(mine.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        mine.log_prob(X).data, other.log_prob(torch.from_numpy(X)).detach().numpy(), rtol=1e-5
    )
    np.testing.assert_array_equal(mine.predict(X), other.predict(torch.from_numpy(X)).numpy())
