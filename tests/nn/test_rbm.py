"""Boltzmann machines, against sums over all their states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd
import nn
from nn.models import DBN


def states(n):
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def machine(visible=4, hidden=3, **settings):
    rbm = nn.RBM(visible, hidden, dtype=np.float64, rng=0, **settings)
    rng = np.random.default_rng(1)
    for p in rbm.parameters():
        p.data = rng.normal(size=p.shape)
    return rbm


def energy(rbm, v, h):
    b, c, W = rbm.visible_bias.data, rbm.hidden_bias.data, rbm.weight.data
    seen = -v @ b if rbm.visible == "bernoulli" else ((v - b) ** 2).sum(-1) / 2
    return seen - h @ c - np.einsum("...j,ji,...i", h, W, v)


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_free_energy_is_the_sum_over_all_hidden_states(visible):
    rbm = machine(visible=4, hidden=3)
    rbm.visible = visible
    v = np.random.default_rng(0).normal(size=(5, 4))
    each = np.exp(-energy(rbm, v[:, None], states(3)))
    np.testing.assert_allclose(rbm.free_energy(v).data, -np.log(each.sum(1)))


def test_the_gradient_of_a_long_chain_is_that_of_the_log_likelihood():
    rbm = machine(k=100)
    data = states(4)[[1, 3, 9]]
    v, h = states(4), states(3)
    log_z = np.log(np.exp(-energy(rbm, v[:, None], h)).sum())

    exact = nn.RBM(4, 3, dtype=np.float64)
    exact.load_state_dict(rbm.state_dict())
    free = exact.free_energy(v)
    loss = np.mean(exact.free_energy(data)) + np.log(np.sum(np.exp(-free)))
    assert np.log(np.exp(-free.data).sum()) == pytest.approx(log_z)
    loss.backward()

    sampled = [np.zeros(p.shape) for p in rbm.parameters()]
    for _ in range(10):
        rbm.zero_grad()
        rbm.contrastive_divergence(data.repeat(100, 0)).backward()
        for total, p in zip(sampled, rbm.parameters(), strict=True):
            total += p.grad / 10
    for mean, p in zip(sampled, exact.parameters(), strict=True):
        np.testing.assert_allclose(mean, p.grad, atol=0.06)


def test_the_gradient_of_one_step_is_hintons_difference_of_products():
    rbm = machine()
    data = np.random.default_rng(0).random((6, 4))
    rbm.rng = np.random.default_rng(3)
    samples = rbm._gibbs(data, 1)
    rbm.rng = np.random.default_rng(3)
    rbm.contrastive_divergence(data).backward()
    wanted = (rbm(samples).data.T @ samples - rbm(data).data.T @ data) / 6
    np.testing.assert_allclose(rbm.weight.grad, wanted, atol=1e-12)


def test_free_energy_has_right_gradients():
    for visible in ("bernoulli", "gaussian"):
        rbm = machine(visible=3, hidden=2)
        rbm.visible = visible
        assert autograd.gradcheck(rbm.free_energy, np.random.default_rng(0).random((2, 3)))


@pytest.mark.trains
def test_a_machine_learns_bars_and_draws_them():
    """Each picture is one of two bars; noise hides a tenth of the pixels."""
    rng = np.random.default_rng(0)
    bars = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], np.float32)
    data = bars[rng.integers(2, size=500)]
    data = np.where(rng.random(data.shape) < 0.05, 1 - data, data)
    rbm = nn.RBM(6, 6, rng=1)
    errors = rbm.fit(data, epochs=15, lr=0.2)
    assert errors[-1] < 0.06 < errors[0]
    drawn = rbm.sample(200, steps=50) > 0.5
    known = (drawn[:, None] == bars.astype(bool)).all(-1)
    assert known.any(1).mean() > 0.8
    assert known.any(0).all()


@pytest.mark.trains
def test_gaussian_units_learn_means_and_what_goes_together():
    rng = np.random.default_rng(0)
    side = rng.choice([-1.0, 1.0], size=(1000, 1))
    data = np.hstack([side, side, -side]) + rng.normal(size=(1000, 3)) + [0, 1, 0]
    rbm = nn.RBM(3, 4, k=5, visible="gaussian", rng=0)
    rbm.fit(data, epochs=20, batch_size=50, lr=0.02)
    drawn = rbm.sample(2000, steps=100)
    np.testing.assert_allclose(drawn.mean(0), [0, 1, 0], atol=0.35)
    likeness = np.corrcoef(drawn.T)
    assert likeness[0, 1] > 0.5
    assert likeness[0, 2] < -0.5


def test_a_stacks_samples_begin_where_they_are_told():
    """A net so sure of itself that a chain keeps the half of the input that is on."""
    dbn = DBN(6, 4, 4, rng=0)
    low, high = dbn.machines
    sides = np.repeat([[1, -1], [-1, 1]], 2, axis=0)
    low.weight.data[:] = 20 * np.repeat(sides, 3, axis=1)
    high.weight.data[:] = 20 * np.repeat(sides, 2, axis=1)
    start = np.repeat(np.eye(2, dtype=np.float32), 3, axis=1).repeat(5, axis=0)
    np.testing.assert_allclose(dbn.sample(10, 3, start=start), start, atol=1e-6)
    with pytest.raises(ValueError, match=r"start must be .*\(10, 6\), got \(9, 6\)"):
        dbn.sample(10, start=start[1:])


def test_persistent_chains_go_on():
    rbm = machine(persistent=True)
    data = states(4)[:8]
    rbm.contrastive_divergence(data)
    first = rbm._chains
    rbm.contrastive_divergence(data)
    assert rbm._chains is not first
    assert rbm._chains.shape == data.shape


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.RBM(4, 3, visible="poisson"), "'bernoulli' or 'gaussian'"),
        (lambda: nn.RBM(0, 3), "n_visible"),
        (lambda: nn.RBM(4, 3).fit(np.ones((5, 3))), r"\(5, 3\)"),
        (lambda: nn.RBM(4, 3).fit(np.full((5, 4), 2.0)), "visible='gaussian'"),
        (lambda: nn.RBM(4, 3)(np.ones((5, 3), np.float32)), r"\(5, 3\)"),
        (lambda: nn.RBM(4, 3).sample(0), "n must be"),
    ],
)
def test_a_machine_refuses_what_does_not_fit(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.trains
def test_a_stack_learns_layer_by_layer_and_then_with_labels():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    X, y = nn.data.load_digits()
    X = X.reshape(len(X), -1) / X.max()
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y)
    few = 400  # labels
    dbn = DBN(64, 100, 60, rng=0)
    errors = dbn.fit(X_train, epochs=8, batch_size=20, lr=0.2)
    assert len(errors) == 2
    assert errors[0][-1] < errors[0][0]
    net = nn.Sequential(dbn, nn.Linear(60, 10, rng=1))
    nn.train.fit(
        net, (X_train[:few], y_train[:few]), "cross_entropy", lr=5e-3, epochs=25, rng=0,
        verbose=False,
    )  # fmt: skip
    accuracy = (nn.train.predict(net, X_test).argmax(1) == y_test).mean()
    assert accuracy > 0.8
    assert dbn.sample(5, steps=20).shape == (5, 64)
