"""What fit, evaluate and predict take as data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import nn
from nn.train import Callback, evaluate, fit, predict

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def net():
    return nn.Sequential(nn.Linear(4, 2, rng=1))


def result(data, epochs=2, **settings):
    model = net()
    history = fit(model, data, "cross_entropy", "sgd", epochs, lr=0.1, batch_size=16,
                  shuffle=False, verbose=False, **settings)  # fmt: skip
    return history.history, model[0].weight.data.tolist()


def batches(times=1):
    for _ in range(times):
        for start in range(0, 60, 16):
            yield X[start : start + 16], Y[start : start + 16]


class Samples(nn.data.IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


class Overstated(Samples):
    """Says that it has more samples than it gives."""

    def __len__(self):
        return 100


class Foreign:
    """A loader of another library."""

    batch_size, collate_fn = 16, None

    def __iter__(self):
        return batches()


def test_generators_iterables_and_loaders_train_as_arrays_do():
    right = result((X, Y))
    assert result(batches(2), steps_per_epoch=4) == right
    assert result(Samples()) == right
    assert result(Foreign()) == right
    assert result(Overstated()) == right
    assert result(Overstated(), accumulate=3) == result((X, Y), accumulate=3)
    assert result(nn.data.DataLoader((X, Y), 16)) == right
    assert result(list(zip(X, Y, strict=True))) == right
    assert result((X.astype(float), Y)) == right
    assert result((X.tolist(), Y.tolist())) == right


def test_tables_train_as_arrays_do():
    pd = pytest.importorskip("pandas", reason="its tables are tried")
    frame, right = pd.DataFrame(X.astype(float), columns=list("abcd")), result((X, Y))
    assert result((frame, pd.Series(Y))) == right
    assert result((frame.convert_dtypes(), pd.Series(Y))) == right
    assert predict(net(), frame).tolist() == predict(net(), X).tolist()


@pytest.mark.parametrize("accumulate", [2, 3])
def test_gradients_are_added_up_where_the_number_of_batches_is_not_known(accumulate):
    right = result((X, Y), accumulate=accumulate)
    assert result(Samples(), accumulate=accumulate) == right


def test_evaluate_and_predict_read_what_fit_does():
    right = evaluate(net(), (X, Y), "cross_entropy", ["accuracy"])
    outputs = predict(net(), X)
    for make in (batches, Samples, Foreign, lambda: list(zip(X, Y, strict=True))):
        found = evaluate(net(), make(), "cross_entropy", ["accuracy"])
        assert found == pytest.approx(right)
        np.testing.assert_allclose(predict(net(), make()), outputs, rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: batches(), r"read once, not for 2 epochs; give steps_per_epoch"),
        (lambda: nn.data.DataLoader((X, Y), 64, drop_last=True), "60 samples, batch_size 64, drop"),
        (lambda: nn.data.DataLoader((X, Y), batch_sampler=[]), "the loader has no batch"),
        (lambda: ({"x": X}, Y), "in the order in which the model takes them"),
        (lambda: {"x": X, "y": Y}, "as a tuple"),
        (lambda: ([X, X[:, :2]], Y), "one by one, as a tuple"),
        (lambda: (X, np.array(["yes", "no"] * 30)), "return_inverse"),
        (lambda: (X.astype(complex), Y), "array of numbers"),
        (lambda: "data.csv", "is no dataset"),
        (lambda: None, "is no dataset"),
        (list, "empty"),
    ],
)
def test_data_that_can_not_be_read_says_what_to_do_before_training(data, message):
    model, steps = net(), []

    class Count(Callback):
        def on_step_end(self, state):
            steps.append(state.step)

    with pytest.raises((ValueError, TypeError), match=message):
        fit(model, data(), "cross_entropy", epochs=2, callbacks=Count(), verbose=False)
    assert not steps


def test_a_sparse_matrix_is_refused_with_the_cure():
    sparse = pytest.importorskip("scipy.sparse", reason="its matrices are tried")
    matrix = sparse.csr_matrix(X)
    for call in (lambda: result((matrix, Y)), lambda: predict(net(), matrix)):
        with pytest.raises(TypeError, match=r"\.toarray\(\)"):
            call()


def test_a_generator_that_gives_samples_or_nothing_is_refused():
    with pytest.raises(TypeError, match="must give batches"):
        fit(net(), iter(zip(X, Y, strict=True)), "cross_entropy", verbose=False)
    for call in (fit, evaluate):
        with pytest.raises(ValueError, match="no batch"):
            call(net(), iter([]), "cross_entropy")
    with pytest.raises(ValueError, match="no batch"):
        predict(net(), iter([]))


def test_a_generator_that_runs_out_ends_the_training():
    with pytest.warns(UserWarning, match="ran out in epoch 3"):
        history, _ = result(batches(), 9, steps_per_epoch=2)
    assert len(history["loss"]) == 2


def test_a_generator_for_every_validation_is_refused():
    with pytest.raises(ValueError, match="validation is a generator"):
        result((X, Y), validation=batches())
    assert len(result((X, Y), 1, validation=batches())[0]["val_loss"]) == 1


class Two(NamedTuple):
    first: object
    second: object


class Heads(nn.Module):
    def __init__(self, kind):
        self.a, self.b, self.kind = nn.Linear(4, 2, rng=0), nn.Linear(4, 2, rng=1), kind

    def forward(self, x):
        first, second = self.a(x), self.b(x)
        if self.kind == "dict":
            return {"first": first, "second": [second, None]}
        return Two(first, second) if self.kind == "named" else (first, second)


@pytest.mark.parametrize("size", [1, 2, 4, 7, 60, 256])
def test_several_outputs_come_as_the_model_returns_them(size):
    a, b = predict(nn.Linear(4, 2, rng=0), X), predict(nn.Linear(4, 2, rng=1), X)
    found = predict(Heads("tuple"), X, batch_size=size)
    assert type(found) is tuple
    named = predict(Heads("named"), X, batch_size=size)
    assert type(named) is Two
    mapping = predict(Heads("dict"), X, batch_size=size)
    assert mapping["second"][1] is None
    for first, second in (found, named, (mapping["first"], mapping["second"][0])):
        np.testing.assert_allclose(first, a, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(second, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_the_samples_of_a_recurrent_state_are_found(size):
    x = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
    layer = nn.LSTM(4, 3, 2, batch_first=True, rng=0)
    y, (h, c) = layer(x)
    found, (states, cells) = predict(layer, x, batch_size=size)
    for ours, right in ((found, y), (states, h), (cells, c)):
        np.testing.assert_allclose(ours, right.data, rtol=1e-5, atol=1e-6)


def test_outputs_without_an_axis_of_samples_are_refused():
    class Mean(nn.Module):
        def forward(self, x):
            return np.mean(x), x

    with pytest.raises(ValueError, match=r"outputs\[0\] have the shape \(\).*no axis"):
        predict(Mean(), X, batch_size=20)


def test_metrics_of_a_model_with_several_outputs_name_the_cure():
    def loss(outputs, target):
        return nn.functional.cross_entropy(outputs[0], target)

    with pytest.raises(TypeError, match=r"accuracy: outputs must be one array, not a tuple"):
        fit(Heads("tuple"), (X, Y), loss, metrics=["accuracy"], verbose=False)

    def first(outputs, target):
        return nn.metrics.accuracy(outputs[0], target)

    found = evaluate(Heads("tuple"), (X, Y), loss, [first], batch_size=7)
    right = nn.metrics.accuracy(predict(Heads("tuple"), X)[0], Y)
    assert found["first"] == pytest.approx(right)


def test_several_targets_count_their_samples():
    class Same(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(4, 2, rng=0)

        def forward(self, x):
            return self.linear(x)

    def loss(outputs, target):
        return nn.functional.cross_entropy(outputs, target["class"])

    def right(outputs, target):
        return nn.metrics.accuracy(outputs, target["class"])

    samples = [(x, {"class": y, "other": x}) for x, y in zip(X, Y, strict=True)]
    found = evaluate(Same(), samples, loss, [right], batch_size=7)
    expected = evaluate(Same(), (X, Y), "cross_entropy", ["accuracy"])
    assert list(found.values()) == pytest.approx(list(expected.values()))
