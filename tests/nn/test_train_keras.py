from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nn
from nn.train.compiled import Compiled

X = np.random.default_rng(0).normal(size=(100, 3))
Y = (X[:, 0] > 0).astype(int)


def model():
    net = nn.Sequential(nn.Linear(3, 8, rng=0), nn.ReLU(), nn.Linear(8, 1, rng=1), nn.Sigmoid())
    net.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"], lr=0.01)
    return net


@pytest.mark.trains
def test_the_beginners_example_learns():
    sk = pytest.importorskip("sklearn.datasets", reason="scikit-learn makes the data")
    X, y = sk.make_classification(1000, 20, random_state=0)
    net = nn.Sequential(
        nn.Linear(20, 64, rng=0), nn.ReLU(), nn.Linear(64, 32, rng=1), nn.ReLU(),
        nn.Linear(32, 1, rng=2), nn.Sigmoid(),
    )  # fmt: skip
    net.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    history = net.fit(X, y, epochs=8, batch_size=10, validation_split=0.2, verbose=0, rng=0)
    assert np.mean(history["val_accuracy"][-4:]) >= 0.92


def test_modules_declare_the_methods_that_training_binds_to_them():
    bound = {name for name in vars(Compiled) if not name.startswith("_")}
    assert bound <= set(nn.Module.__annotations__)
    assert all(getattr(nn.Module, name) is getattr(Compiled, name) for name in bound)


def test_the_last_samples_are_held_out():
    seen = set()

    class Look(nn.train.Callback):
        def on_step_end(self, state):
            seen.update(state.batch[0][:, 0].tolist())

    net = model()
    net.fit(X, Y, epochs=2, validation_split=0.25, callbacks=[Look()], verbose=0)
    assert seen == set(X[:75, 0].astype(np.float32).tolist())


def test_fitting_twice_trains_on_with_the_same_optimizer():
    once, twice = model(), model()
    once.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    twice.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    twice.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(once.parameters(), twice.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_a_summary_is_printed_once_the_input_is_known(capsys):
    net = model()
    net.summary()  # the first layer tells it
    assert capsys.readouterr().out == f"{nn.summary(net, X[:1])}\n"
    for unknown in (nn.Conv2d(1, 2, 3), nn.Linear(None, 3), nn.MaxPool1d(2)):
        with pytest.raises(RuntimeError, match=r"summary: .*before fit.*summary\(\(1, 3, 32, 32\)"):
            nn.Sequential(unknown, nn.Linear(9, 1)).summary()
    net.summary(X[:2])
    assert capsys.readouterr().out == f"{nn.summary(net, X[:2])}\n"
    net.fit(X, Y, verbose=0)
    net.summary()
    assert capsys.readouterr().out == f"{nn.summary(net, X[:1])}\n"


def test_evaluate_and_predict_agree():
    net = model()
    history = net.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    loss, accuracy = net.evaluate(X, Y)
    assert loss == pytest.approx(history["val_loss"][-1])
    assert accuracy == nn.metrics.accuracy(net.predict(X), Y)
    assert net.predict(X).shape == (100, 1)


def test_a_loader_goes_in_alone():
    net = model()
    loader = nn.data.DataLoader((X.astype(np.float32), Y), 10)
    net.fit(loader, epochs=1, validation_data=loader, verbose=0)
    assert len(net.evaluate(loader)) == 2


def test_a_copy_of_a_fitted_model_trains_itself_only():
    net = model()
    net.fit(X, Y, verbose=0)
    before = {k: v.copy() for k, v in net.state_dict().items()}
    copy.deepcopy(net).fit(X, Y, verbose=0)
    for key, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_a_fitted_model_learns_what_the_original_does(copied):
    net = model()
    net.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    twin = copied(net)
    histories = [m.fit(X, Y, epochs=3, verbose=0, shuffle=False) for m in (net, twin)]
    assert histories[0]["loss"] == histories[1]["loss"]
    assert histories[1]["loss"][2] < histories[1]["loss"][0]


def test_a_compiled_model_has_pytorchs_keys_still():
    assert list(model().state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model().fit(X, Y[:50]), "different numbers of samples"),
        (lambda: model().fit(X[:0], Y[:0]), "empty"),
        (lambda: model().fit(X, Y, batch_size=0), "batch_size"),
        (lambda: model().fit(X, Y, validation_split=1), "between 0 and 1, got 1"),
        (lambda: model().fit(X, Y, validation_split=0.999), "one side without any"),
        (lambda: model().fit(X, Y, validation_split=0.2, validation_data=(X, Y)), "not both"),
        (lambda: model().fit(nn.data.DataLoader((X, Y)), validation_split=0.2), "random_split"),
        (lambda: model().compile("adam"), "loss is needed; choose from"),
        (lambda: model().compile("adam", "msee"), "no loss 'msee'"),
        (lambda: model().compile("adams", "mse"), "no optimizer 'adams'"),
        (lambda: model().compile("adam", "mse", ["acuracy"]), "no metric 'acuracy'"),
        (lambda: model().compile("adam", "mse", "accuracy"), "must be a list"),
        (lambda: nn.Sequential(nn.Linear(3, 1)).fit(X, Y), r"call compile\("),
        (lambda: nn.Sequential(nn.Linear(3, 1)).evaluate(X, Y), r"call compile\("),
        (lambda: model().fit(X, Y + 1, verbose=0), "target"),
    ],
)
def test_bad_arguments_of_the_keras_face_are_refused(call, message):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=message):
        call()
