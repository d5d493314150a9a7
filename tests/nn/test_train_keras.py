from __future__ import annotations

import copy
import pickle
import sys

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


class Own(nn.Module):
    def __init__(self):
        self.first, self.last = nn.Linear(3, 4, rng=0), nn.Linear(4, 1, rng=1)

    def forward(self, x):
        return nn.functional.sigmoid(self.last(np.tanh(self.first(x))))


def test_a_module_of_ones_own_is_trained_by_the_same_methods(tmp_path):
    net = Own()
    net.compile("adam", "binary_crossentropy", ["acc"], lr=0.05)
    history = net.fit(X, Y, epochs=10, verbose=0, rng=0)
    assert history["loss"][-1] < history["loss"][0]
    _, acc = net.evaluate(X, Y)
    assert acc == nn.metrics.accuracy(net.predict(X), Y)
    net.save(tmp_path / "models" / "own.safetensors")
    other = Own()
    other.load_weights(tmp_path / "models" / "own.safetensors")
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    assert nn.load(tmp_path / "models" / "own.safetensors").keys() == net.state_dict().keys()


@pytest.mark.parametrize("name", ["m.h5", "m.weights.h5", "m.keras", "m.pt"])
def test_weights_are_not_written_under_the_name_of_another_format(name, tmp_path):
    for write in (model().save, model().save_weights):
        with pytest.raises(ValueError, match=r"safetensors.*Call it m\.safetensors"):
            write(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "acc", "auc", "mse", "mae", "rmse", "mean_squared_error", "root_mean_squared_error",
        "binary_accuracy", "r2_score",
    ],
)  # fmt: skip
def test_keras_names_of_metrics_go_into_the_history_as_given(name):
    net = model()
    net.compile("adam", "binary_crossentropy", [name])
    history = net.fit(X, Y, validation_data=(X, Y), verbose=0)
    assert list(history.history) == ["loss", name, "val_loss", f"val_{name}"]


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("categorical_accuracy", np.eye(4)[Y]),
        ("sparse_categorical_accuracy", Y[:, None]),
        ("top_k_categorical_accuracy", np.eye(4)[Y]),
        ("sparse_top_k_categorical_accuracy", Y),
        ("top_2_accuracy", Y),
        ("acc", Y),
    ],
)
def test_keras_names_of_categorical_metrics_are_known(name, targets):
    net = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Softmax(1))
    net.compile("adam", "categorical_crossentropy", [name])
    k = {"top_2_accuracy": 2}.get(name, 5 if "top" in name else 1)
    right = nn.metrics.top_k_accuracy(net.predict(X), Y, k)
    assert net.evaluate(X, targets)[1] == right


def test_targets_in_a_column_are_class_indices():
    net = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Softmax(1))
    net.compile("adam", "sparse_categorical_crossentropy", ["accuracy", "f1"])
    for targets in (Y[:, None], Y.astype(float), Y[:, None].astype(np.float32)):
        assert net.evaluate(X, targets) == net.evaluate(X, Y)
    with pytest.raises(TypeError, match="class indices"):
        net.evaluate(X, Y + 0.5)


def test_one_output_is_no_choice_between_classes():
    net = nn.Sequential(nn.Linear(3, 1), nn.Softmax(1))
    net.compile("adam", "categorical_crossentropy")
    with pytest.raises(ValueError, match="choose 'binary_crossentropy'"):
        net.fit(X, Y[:, None], verbose=0)


def test_measuring_within_a_callback_leaves_the_metrics_of_training():
    counts, settings = [], {"epochs": 2, "shuffle": False, "verbose": 0}
    net, plain = (nn.Sequential(nn.Linear(3, 2, rng=0)) for _ in range(2))
    for model in (net, plain):
        model.compile("sgd", "cross_entropy", [nn.metrics.Accuracy()], lr=0.1)

    class Measure(nn.train.Callback):
        def on_step_end(self, state):
            counts.append(net.evaluate(X[:3], Y[:3]))

    history = net.fit(X, Y, callbacks=Measure(), **settings)
    assert history.history == plain.fit(X, Y, **settings).history


def test_a_validation_split_of_zero_is_none():
    assert list(model().fit(X, Y, validation_split=0.0, verbose=0).history) == ["loss", "accuracy"]


def test_epochs_may_begin_later():
    net = model()
    history = net.fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [4, 5]
    assert len(net.fit(X, Y, epochs=5, initial_epoch=5, verbose=0)) == 0


def test_epochs_of_some_steps_go_through_the_data():
    seen = []

    class Look(nn.train.Callback):
        def on_step_end(self, state):
            seen.append((state.epoch, state.batch[0][0, 0]))

    net = model()
    history = net.fit(X, Y, epochs=4, steps_per_epoch=3, batch_size=20, shuffle=False,
                      callbacks=Look(), verbose=0)  # fmt: skip
    assert len(history) == 4
    firsts = X[::20, 0].astype(np.float32).tolist()
    expected = [(1 + i // 3, firsts[i % 5]) for i in range(12)]
    assert seen == expected


def test_validation_comes_every_so_many_epochs():
    net = model()
    history = net.fit(X, Y, epochs=5, validation_data=(X, Y), validation_freq=2, verbose=0)
    assert len(history["val_loss"]) == 2
    assert history.epochs["val_loss"] == [2, 4]


def test_samples_that_are_held_out_keep_their_weights():
    w = np.linspace(0, 2, 100)
    split, given = model(), model()
    a = split.fit(X, Y, validation_split=0.2, sample_weight=w, shuffle=False, verbose=0)
    b = given.fit(X[:80], Y[:80], validation_data=(X[80:], Y[80:], w[80:]), sample_weight=w[:80],
                  shuffle=False, verbose=0)  # fmt: skip
    assert a.history == b.history
    plain = model()
    plain.fit(X[:80], Y[:80], sample_weight=w[:80], shuffle=False, verbose=0)
    found = plain.evaluate(X[80:], Y[80:], sample_weight=w[80:])
    assert found == [a["val_loss"][0], a["val_accuracy"][0]]


def test_class_weights_go_to_the_loss():
    net, settings = model(), {"verbose": 0, "batch_size": 100}
    net.compile("sgd", "binary_crossentropy", lr=0.0)
    one, zero = (net.fit(X, Y, class_weight={c: 0.0}, **settings)["loss"][0] for c in (0, 1))
    assert one + zero == pytest.approx(net.evaluate(X, Y)[0], rel=1e-6)


class Both(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(5, 1, rng=0)

    def forward(self, a, b):
        return self.linear(np.concatenate([a, b], 1))


def test_several_inputs_go_in_as_tuple_or_as_keras_list():
    a, b = X, np.ones((100, 2))
    losses = []
    for inputs in ((a, b), [a, b]):
        net = Both()
        net.compile("sgd", "mse", lr=0.1)
        for held_out in ((inputs, Y), (a, b, Y)):
            history = net.fit(inputs, Y, validation_data=held_out, shuffle=False, verbose=0)
        losses.append((history["loss"], history["val_loss"], net.evaluate(inputs, Y)))
    assert losses[0] == losses[1]


def test_without_standard_output_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    net = model()
    net.fit(X, Y)
    net.summary()


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


def test_layers_that_are_added_or_unfrozen_after_a_fit_are_trained():
    net = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Linear(4, 2, rng=1))
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    y = np.arange(20) % 2
    net[0].requires_grad_(False)
    net.compile("adam", "cross_entropy")
    before = net[0].weight.data.copy()
    net.fit(x, y, verbose=0)
    np.testing.assert_array_equal(net[0].weight.data, before)
    net[0].requires_grad_(True)
    net.append(nn.Linear(2, 2, rng=2))
    added = net[2].weight.data.copy()
    net.fit(x, y, verbose=0)
    assert (net[0].weight.data != before).any()
    assert (net[2].weight.data != added).any()


def test_evaluate_and_predict_agree():
    net = model()
    history = net.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    loss, accuracy = net.evaluate(X, Y)
    assert loss == pytest.approx(history["val_loss"][-1])
    assert accuracy == nn.metrics.accuracy(net.predict(X), Y)
    assert net.evaluate(X, Y, return_dict=True) == {"loss": loss, "accuracy": accuracy}
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
