from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import autograd
import nn
from nn.train import Callback, evaluate, fit, predict

X = np.random.default_rng(0).normal(size=(60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def net(outputs=2, last=None):
    layers = [nn.Linear(4, 8, rng=1), nn.Tanh(), nn.Linear(8, outputs, rng=2)]
    return nn.Sequential(*layers, *([last] if last else []))


def named(name):
    """An accuracy of another name."""
    metric = nn.metrics.Accuracy()
    metric.name = name
    return metric


def weights(model):
    return np.concatenate([p.data.reshape(-1) for p in model.parameters()])


def test_a_model_of_which_nothing_is_trained_says_so():
    model = net()
    for p in model.parameters():
        p.requires_grad = False
    with pytest.raises(ValueError, match="Sequential: none of the 4 parameters is trained"):
        fit(model, (X, Y), "cross_entropy", verbose=False)


def test_predict_says_when_a_loader_shuffles_and_which_shapes_do_not_fit():
    with pytest.warns(UserWarning, match="the outputs are in another order"):
        predict(nn.Tanh(), nn.data.DataLoader((X, Y), 7, shuffle=True))
    squeezed = nn.Sequential(net(1), nn.Flatten(0))
    assert predict(squeezed, X, batch_size=59).shape == (60,)

    class Squeezed(nn.Module):
        def forward(self, x):
            return np.squeeze(x[:, 0])

    with pytest.raises(ValueError, match=r"\(59,\) for a batch of 59, \(\) for a batch of 1"):
        predict(Squeezed(), X, batch_size=59)


def test_looking_for_sizes_is_no_training():
    x = np.random.default_rng(0).normal(size=(8, 2, 5, 5)).astype(np.float32)
    for weights in (None, np.ones(8)):
        known, lazy = (
            nn.Sequential(nn.Conv2d(n, 3, 3, rng=0), nn.BatchNorm2d(3), nn.Flatten(),
                          nn.Linear(27, 2, rng=1)) for n in (2, None)
        )  # fmt: skip
        for model in (known, lazy):
            nn.train.fit(model, (x, np.arange(8) % 2), "cross_entropy", "sgd", shuffle=False,
                         sample_weight=weights, verbose=False)  # fmt: skip
        assert lazy[1].num_batches_tracked == 1
        np.testing.assert_array_equal(lazy[1].running_var, known[1].running_var)


def test_batch_norm_of_rows_after_a_layer_without_a_size_is_trained():
    model = nn.Sequential(nn.Linear(None, 3), nn.BatchNorm1d(3))
    x = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
    nn.train.fit(model, (x, np.arange(8) % 3), "cross_entropy", verbose=False)
    assert model[1].num_batches_tracked == 1


def test_fit_is_the_loop_that_one_would_write():
    ours, byhand = net(), net()
    history = fit(ours, (X, Y), "cross_entropy", "adam", 3, batch_size=16, rng=5, verbose=False)
    optimizer = nn.optim.Adam(byhand.parameters())
    loader = nn.data.DataLoader((X.astype(np.float32), Y), 16, shuffle=True, rng=5)
    losses = []
    for _ in range(3):
        total = 0.0
        for x, y in loader:
            loss = nn.functional.cross_entropy(byhand(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        losses.append(total / 60)
    np.testing.assert_array_equal(weights(ours), weights(byhand))
    assert history["loss"] == losses


def test_a_list_of_samples_is_trained_on_as_its_arrays_are():
    whole, listed, x = net(), net(), X.astype(np.float32)
    fit(whole, (x, Y), "cross_entropy", epochs=2, rng=5, verbose=False)
    fit(listed, list(zip(x, Y, strict=True)), "cross_entropy", epochs=2, rng=5, verbose=False)
    np.testing.assert_array_equal(weights(whole), weights(listed))


def test_validation_and_metrics_are_those_of_the_whole_set():
    model = net()
    history = fit(
        model, (X[:40], Y[:40]), "cross_entropy", epochs=2, validation=(X[40:], Y[40:]),
        metrics=["accuracy", "f1"], verbose=False,
    )  # fmt: skip
    assert list(history.history) == [
        "loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1",
    ]  # fmt: skip
    found = evaluate(model, (X[40:], Y[40:]), "cross_entropy", ["accuracy", "f1"], batch_size=3)
    assert found["accuracy"] == history["val_accuracy"][-1]
    assert found["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)
    guesses = predict(model, X[40:], batch_size=7)
    assert nn.metrics.accuracy(guesses, Y[40:]) == found["accuracy"]


def test_measuring_leaves_the_modes_of_all_modules():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
    model[2].eval()
    evaluate(model, (X, Y), "cross_entropy")
    assert [m.training for m in model] == [True, True, False]
    a, b = predict(model, X), predict(model, X)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("accumulate", [2, 3, 100])
def test_accumulated_batches_come_to_one_large_batch(accumulate):
    small, large = net(), net()
    settings = {"optimizer": "sgd", "epochs": 2, "lr": 0.5, "shuffle": False, "verbose": False}
    fit(small, (X, Y), "cross_entropy", batch_size=7, accumulate=accumulate, **settings)
    fit(large, (X, Y), "cross_entropy", batch_size=7 * accumulate, **settings)
    np.testing.assert_allclose(weights(small), weights(large), rtol=1e-4, atol=1e-6)


class Counter(nn.Module):
    """Adds up what it has seen in the state it carries."""

    def __init__(self):
        self.weight = nn.Parameter([1.0])
        self.seen = []

    def forward(self, x, state=None):
        self.seen.append(None if state is None else float(state[0].reshape(-1)[0]))
        total = (0 if state is None else state[0]) + x.sum() * self.weight
        return x * self.weight, [total]


def test_a_carried_state_goes_on_within_an_epoch_and_not_beyond():
    model = Counter()
    x = np.ones((4, 1), np.float32)
    states = []

    class Look(Callback):
        def on_step_end(self, state):
            states.append(state.step)

    loader = nn.data.DataLoader((x, x), 1)
    fit(model, loader, "mse", nn.optim.SGD(model.parameters(), 0.0), 2, carry=True,
        callbacks=[Look()], verbose=False)  # fmt: skip
    assert model.seen == [None, 1, 2, 3] * 2
    assert states == list(range(1, 9))


def test_a_state_is_not_carried_through_shuffled_batches():
    x = np.ones((4, 1), np.float32)
    for data in ((x, x), nn.data.DataLoader((x, x), 1, shuffle=True)):
        with pytest.raises(ValueError, match="batches must keep their order; give shuffle=False"):
            fit(Counter(), data, "mse", carry=True, verbose=False)
    fit(Counter(), (x, x), "mse", carry=True, shuffle=False, verbose=False)


def test_targets_of_shape_n_fit_one_output():
    binary = net(1, nn.Sigmoid())
    fit(binary, (X, Y), "binary_cross_entropy", epochs=1, metrics=["accuracy"], verbose=False)
    a = evaluate(binary, (X, Y), "binary_cross_entropy")
    b = evaluate(binary, (X, Y[:, None].astype(float)), "binary_cross_entropy")
    assert a == b
    logits = nn.Sequential(*list(binary)[:-1])
    c = evaluate(logits, (X, Y), "binary_cross_entropy_with_logits", ["accuracy"])
    assert c["loss"] == pytest.approx(a["loss"], rel=1e-5)
    assert c["accuracy"] == nn.metrics.accuracy(predict(binary, X), Y)
    assert evaluate(net(1), (X, X[:, 0]), "mse", ["mae", "r2"])["mae"] > 0


def test_kerass_categorical_losses_take_probabilities():
    model = net(2, nn.Softmax(1))
    logits = evaluate(nn.Sequential(*list(model)[:-1]), (X, Y), "cross_entropy")["loss"]
    one_hot = np.eye(2)[Y]
    for y, name in ((Y, "sparse_categorical_crossentropy"), (one_hot, "categorical_crossentropy")):
        assert evaluate(model, (X, y), name)["loss"] == pytest.approx(logits, rel=1e-5)
    with pytest.raises(ValueError, match="must end with Softmax"):
        evaluate(net(), (X, Y), "categorical_crossentropy")


@pytest.mark.trains
def test_an_array_alone_is_its_own_target():
    history = fit(net(4), X, "mse", epochs=20, lr=0.02, verbose=False)
    assert history["loss"][-1] < history["loss"][0] / 2


def test_several_inputs_go_to_the_model():
    class Sum(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(4, 1)

        def forward(self, a, b):
            return self.linear(a + b)

    fit(Sum(), (X, X, Y), "mse", verbose=False)
    assert predict(Sum(), (X, X)).shape == (60, 1)


def test_sizes_that_are_left_out_are_found_before_the_optimizer_is_made():
    model = nn.Sequential(nn.Linear(None, 3), nn.Linear(None, 2))
    fit(model, (X, Y), "cross_entropy", epochs=1, verbose=False)
    assert model[0].weight.shape == (3, 4)


def test_hooks_come_in_order_with_a_whole_graph_at_the_loss():
    calls = []

    class All(Callback):
        def on_train_begin(self, state):
            calls.append("begin")

        def on_epoch_begin(self, state):
            calls.append(f"epoch {state.epoch}")

        def on_loss(self, state):
            assert len(autograd.grad(state.loss, list(state.model.parameters()))) == 4
            calls.append("loss")

        def on_gradients(self, state):
            assert all(p.grad is not None for p in state.model.parameters())
            calls.append("gradients")

        def on_step_end(self, state):
            calls.append(f"step {state.step}")

        def on_epoch_end(self, state):
            calls.append(sorted(state.logs))

        def on_train_end(self, state):
            calls.append("end")

    seen = []
    fit(net(), (X, Y), "cross_entropy", epochs=2, batch_size=40, verbose=False,
        callbacks=[All(), lambda state: seen.append(state.epoch)])  # fmt: skip
    step = ["loss", "gradients"]
    assert calls == [
        "begin",
        "epoch 1", *step, "step 1", *step, "step 2", ["loss"],
        "epoch 2", *step, "step 3", *step, "step 4", ["loss"],
        "end",
    ]  # fmt: skip
    assert seen == [1, 2]


class Broken(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter([0.0])

    def forward(self, x):
        return np.log(self.scale * np.abs(x)) * 0.0


def test_a_nan_loss_names_the_op_that_made_it_and_changes_nothing():
    model, ended = Broken(), []

    class End(Callback):
        def on_train_end(self, state):
            ended.append(state.epoch)

    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="log made") as info:
        fit(model, (X, X), "mse", lr=0.1, callbacks=[End()], verbose=False)
    assert "the loss is nan in epoch 1, batch 1" in str(info.value.__notes__)
    assert model.scale.data == 0
    assert ended == [1]


def test_a_parameter_that_was_nan_before_is_named():
    model = net()
    model[2].weight.data = np.full((2, 8), np.nan, np.float32)
    with pytest.raises(FloatingPointError, match=r"The parameter 2\.weight is not finite"):
        fit(model, (X, Y), "cross_entropy", verbose=False)


def test_nan_in_the_data_is_named():
    bad = X.copy()
    bad[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"affine was given . NaN"):
        fit(net(), (bad, Y), "cross_entropy", verbose=False)


def test_ctrl_c_ends_training_after_the_step_and_gives_the_handler_back():
    before = signal.getsignal(signal.SIGINT)

    class Press(Callback):
        def on_loss(self, state):
            if state.step == 5:
                os.kill(os.getpid(), signal.SIGINT)

    steps = []

    class Count(Callback):
        def on_step_end(self, state):
            steps.append(state.step)

    history = fit(net(), (X, Y), "cross_entropy", epochs=50, batch_size=20,
                  callbacks=[Press(), Count()], verbose=False)  # fmt: skip
    assert steps[-1] == 6
    assert history.interrupted
    assert len(history) == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_does_not_wait():
    class Press(Callback):
        def on_loss(self, state):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(net(), (X, Y), "cross_entropy", callbacks=[Press()], verbose=False)


def test_fit_works_in_another_thread():
    found = []
    thread = threading.Thread(
        target=lambda: found.append(fit(net(), (X, Y), "cross_entropy", verbose=False))
    )
    thread.start()
    thread.join()
    assert len(found[0]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": (X, Y[:50])}, r"different numbers of samples: \[60, 50\]"),
        ({"data": (X[:0], Y[:0])}, "empty"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1"),
        ({"epochs": 0}, "epochs must be an integer >= 1"),
        ({"accumulate": 0}, "accumulate"),
        ({"loss": "mze"}, "no loss 'mze'; choose from .*mse"),
        ({"optimizer": "adamm"}, "no optimizer 'adamm'; choose from .*adam, "),
        ({"metrics": ["acuracy"]}, "no metric 'acuracy'; choose from acc, accuracy"),
        ({"metrics": "accuracy"}, r"must be a list, such as \['accuracy'\]"),
        ({"metrics": ["f1", "f1"]}, "f1 is there twice"),
        ({"metrics": [named("val_loss")]}, "val_loss can't be the name of a metric"),
        ({"metrics": [named("epoch")]}, "epoch can't be the name of a metric"),
        ({"loss": 3}, "loss must be"),
        ({"loss": nn.MSELoss}, r"such as nn.MSELoss\(\)"),
        ({"data": (X, Y + 1)}, "class index 2, but"),
        ({"callbacks": [3]}, r"callbacks\[0\]"),
        ({"optimizer": nn.optim.SGD([nn.Parameter([1.0])], 0.1)}, "none of the model's param"),
        ({"loss": lambda outputs, y: outputs}, "one recorded number"),
        ({"data": (np.array(["a"] * 60), Y)}, "array of numbers"),
        ({"lr": 0.1, "optimizer": nn.optim.SGD([nn.Parameter([1.0])], 0.1)}, "by name"),
    ],
)
def test_bad_arguments_of_fit_are_refused_and_nothing_changes(change, message):
    model = net()
    before = weights(model)
    arguments = {"data": (X, Y), "loss": "cross_entropy", "verbose": False, **change}
    with pytest.raises((ValueError, TypeError), match=message):
        fit(model, **arguments)
    np.testing.assert_array_equal(weights(model), before)


def test_training_within_no_grad_and_of_frozen_models_is_refused():
    model = net()
    with autograd.no_grad(), pytest.raises(ValueError, match="outside no_grad"):
        fit(model, (X, Y), "cross_entropy", verbose=False)
    for p in model.parameters():
        p.requires_grad = False
    optimizer = nn.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(ValueError, match="parameters that are trained"):
        fit(model, (X, Y), "cross_entropy", optimizer, verbose=False)


class ByClass(nn.metrics.ConfusionMatrix):
    name = "by_class"

    def compute(self):
        return {"right": np.diag(self.counts).tolist(), "all": [[1], [2, 3]]}


def test_a_metric_may_give_more_than_a_number(tmp_path, capsys):
    log = nn.train.CSVLogger(tmp_path / "log.csv")
    history = fit(net(), (X, Y), "cross_entropy", metrics=[ByClass(), "accuracy"], callbacks=log,
                  checkpoint=tmp_path / "run")  # fmt: skip
    assert history["by_class"][0]["all"] == [[1], [2, 3]]
    assert "by_class" not in str(history) + capsys.readouterr().out
    assert log.path.read_text().startswith("epoch,loss,accuracy\n")


@pytest.mark.parametrize("verbose", [0, False])
def test_progress_is_off_as_in_keras(verbose, capsys):
    fit(net(), (X, Y), "cross_entropy", verbose=verbose)
    assert capsys.readouterr().out == ""


def test_gradients_of_an_update_that_ctrl_c_cut_off_are_dropped():
    class Press(Callback):
        def on_loss(self, state):
            signal.raise_signal(signal.SIGINT)

    model = net()
    history = fit(model, (X, Y), "cross_entropy", batch_size=10, accumulate=3,
                  callbacks=Press(), verbose=False)  # fmt: skip
    assert history.interrupted
    assert all(p.grad is None for p in model.parameters())


def test_progress_is_plain_lines_where_there_is_no_terminal(capsys):
    fit(net(), (X, Y), "cross_entropy", epochs=45, metrics=["accuracy"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch  1/45  loss ")
    assert lines[-1].startswith("epoch 45/45")
    assert len(lines) <= 20
    assert "accuracy" in lines[0]
    assert "samples/s  ETA" in lines[0]
    assert not any("\r" in line or "\x1b" in line for line in lines)
    fit(net(), (X, Y), "cross_entropy", verbose=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["Bar", "Line"])
def test_live_progress_shows_steps_and_the_end(kind, capsys, monkeypatch):
    from nn.train import progress

    monkeypatch.setattr(progress, "progress_for", None)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    shown = getattr(progress, kind)()
    lines = []
    status = shown.status
    shown.status = lambda state, now: lines.append(status(state, now)) or lines[-1]
    fit(net(), (X, Y), "cross_entropy", epochs=2, batch_size=20, callbacks=[shown], verbose=False)
    shares = [share for share, _ in lines]
    assert shares == pytest.approx([1 / 6, 2 / 6, 0.5, 0.5, 4 / 6, 5 / 6, 1, 1])
    assert "epoch 1/2  step 1/3  loss" in lines[0][1]
    assert "epoch 2/2" in capsys.readouterr().out


def test_training_without_a_terminal_imports_neither_rich_nor_matplotlib():
    code = (
        "import sys, numpy as np, nn\n"
        "X = np.ones((8, 3), np.float32)\n"
        "nn.train.fit(nn.Linear(3, 1), (X, X[:, :1]), 'mse')\n"
        "print(sorted({'rich', 'matplotlib', 'numba', 'IPython'} & {m.split('.')[0] for m in "
        "sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
