"""check: what it measures is right, and what it is given stays as it was."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest

import autograd
import nn
from autograd import check
from autograd.readers.check.learning import limits

F = nn.functional
RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def network(*more):
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3), *more)


def adam(model, lr=1e-2):
    return nn.optim.Adam(model.parameters(), lr=lr)


def everything(model, optimizer):
    """All numbers of a model and an optimizer, its gradients and the random generators."""
    arrays = [x.copy() for x in model.state_dict().values()]
    arrays += [p.grad.copy() for p in model.parameters() if p.grad is not None]
    state = optimizer.state_dict()
    arrays += [x for p in state["state"].values() for x in p.values()]
    generators = autograd.default_generator().bit_generator.state, random.getstate()
    return arrays, state["param_groups"], generators, [m.training for m in model.modules()]


def test_what_it_is_given_is_the_same_bit_for_bit_afterwards():
    model = network(nn.BatchNorm1d(3))
    optimizer = adam(model)
    F.cross_entropy(model(X), Y).backward()
    optimizer.step()
    loader = nn.data.DataLoader((X, Y), 16, shuffle=True, rng=3)
    twin = copy.deepcopy(loader)
    next(iter(loader)), next(iter(twin))
    before, data = everything(model, optimizer), (X.copy(), Y.copy())
    check(model, loader, nn.CrossEntropyLoss(), optimizer, validation=(X, Y))
    after = everything(model, optimizer)
    assert all(np.array_equal(a, b) for a, b in zip(before[0], after[0], strict=True))
    assert before[1:] == after[1:]
    assert np.array_equal(X, data[0])
    assert np.array_equal(Y, data[1])
    for ours, theirs in zip(loader, twin, strict=True):
        assert np.array_equal(ours[0], theirs[0])


def test_a_graph_that_was_recorded_before_is_still_good_afterwards():
    model = network()
    loss = F.cross_entropy(model(X), Y)
    check(model, (X, Y), F.cross_entropy, adam(model))
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_loss_that_closes_over_the_model_leaves_its_gradients_alone():
    model = network()

    def loss(y, t):
        return F.cross_entropy(y, t) + 1e-3 * sum(np.sum(p**2) for p in model.parameters())

    check(model, (X, Y), loss, adam(model))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_a_constant_prediction_of_even_classes_has_the_loss_ln_c(classes):
    t = np.arange(7 * classes) % classes
    z = autograd.Value(RNG.normal(size=(len(t), classes)))
    found = limits(F.cross_entropy, z, t)
    assert found.constant == pytest.approx(np.log(classes), rel=1e-4)
    assert found.floor < 1e-2


def test_a_constant_prediction_of_numbers_has_their_variance_as_loss():
    t = 300 + 5 * RNG.normal(size=(40, 1))
    z = autograd.Value(RNG.normal(size=(40, 1)))
    found = limits(F.mse_loss, z, t)
    assert found.constant == pytest.approx(t.var(), rel=1e-4)
    assert found.floor < 1e-6


def test_yes_and_no_have_ln_2_with_and_without_a_sigmoid():
    t = np.arange(20)[:, None] % 2.0
    z = autograd.Value(RNG.normal(size=(20, 1)))
    for loss, outputs in (
        (F.binary_cross_entropy_with_logits, z),
        (F.binary_cross_entropy, F.sigmoid(z)),
    ):
        assert limits(loss, outputs, t).constant == pytest.approx(np.log(2), rel=1e-4)


def test_what_was_measured_is_told_with_the_findings():
    found = check(network(), (X, Y), F.cross_entropy, None)
    assert not found
    assert str(found).startswith("No finding")
    assert float(found.measured["loss at the start"]) > 1
    assert "8 samples overfitted to" in str(found)


def test_a_finding_has_its_node():
    (found,) = check(network(nn.Softmax(1)), (X, Y), F.cross_entropy)
    assert found.node.op.name == "softmax"


def test_the_page_says_what_the_text_says(tmp_path):
    found = check(network(nn.Softmax(1)), (X, Y), F.cross_entropy)
    html = found.save(tmp_path / "check.html").read_text("utf-8")
    for text in (found.verdict, *found.measured.values(), found[0].saw, found[0].fix):
        assert text in html
    assert "<html" not in found._repr_html_()
    with pytest.raises(ValueError, match="must end in"):
        found.save(tmp_path / "check.txt")


def test_the_line_of_the_users_model_is_named_without_its_folder():
    class Own(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(6, 3)

        def forward(self, x):
            return F.softmax(self.layer(x), 1)

    (found,) = check(Own(), (X, Y), F.cross_entropy)
    assert "(test_check.py:" in found.where


def test_batches_of_a_list_are_as_good_as_a_loader():
    batches = [(X[i : i + 12], Y[i : i + 12]) for i in range(0, 48, 12)]
    assert not check(network(), batches, F.cross_entropy)


def test_a_sequence_along_time_first_is_no_mixed_batch():
    class Tagger(nn.Module):
        def __init__(self):
            self.cell, self.end = nn.GRU(3, 8), nn.Linear(8, 2)

        def forward(self, x):
            return np.swapaxes(self.end(self.cell(x)[0]), 1, 2)

    x = RNG.normal(size=(12, 7, 3)).astype(np.float32)
    batches = [(x, (x[..., 0] > 0).astype(int))]
    assert not check(Tagger(), batches, F.cross_entropy)


def test_what_can_not_be_checked_is_refused():
    model = network()
    with pytest.raises(TypeError, match="must be a Module"):
        check(lambda x: x, (X, Y), F.cross_entropy)
    with pytest.raises(TypeError, match="must be a function"):
        check(model, (X, Y), "cross_entropy")
    with pytest.raises(TypeError, match="iterator"):
        check(model, iter([(X, Y)]), F.cross_entropy)
    with pytest.raises(TypeError, match="must be arrays"):
        check(model, {"x": X}, F.cross_entropy)
    with pytest.raises(TypeError, match="single number"):
        check(model, (X, Y), lambda y, t: y)
    with pytest.raises(ValueError, match="no batch"):
        check(model, [], F.cross_entropy)
    with pytest.raises(ValueError, match="as many in each array"):
        check(model, (X, Y[:-1]), F.cross_entropy)
    with pytest.raises(ValueError, match="at least 10"):
        check(model, (X, Y), F.cross_entropy, steps=3)
