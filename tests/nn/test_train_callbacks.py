from __future__ import annotations

import csv
import importlib.util
import json
import sys

import numpy as np
import pytest

import nn
from nn.train import (
    Callback,
    CSVLogger,
    EarlyStopping,
    GradientClipping,
    History,
    JSONLLogger,
    LearningRateScheduler,
    ModelCheckpoint,
    TensorBoard,
    fit,
)
from nn.train.callbacks import direction

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def run(epochs=3, callbacks=(), model=None, **settings):
    model = model or nn.Linear(3, 2, rng=0)
    settings = {"optimizer": "sgd", "lr": 0.1, "rng": 0, "verbose": False, **settings}
    return fit(model, (X, Y), "cross_entropy", epochs=epochs, callbacks=callbacks, **settings)


class Script(Callback):
    """Puts given numbers into the logs, and notes the weights of each epoch."""

    def __init__(self, name, numbers):
        self.name, self.numbers, self.weights = name, numbers, []

    def on_epoch_end(self, state):
        state.logs[self.name] = self.numbers[state.epoch - 1]
        self.weights.append(state.model.weight.data.copy())


@pytest.mark.parametrize(
    ("name", "numbers", "best"),
    [
        ("val_loss", [3, 2, 2.5, 2.1, 2.2, 1, 1], 2),
        ("val_accuracy", [0.1, 0.2, 0.2, 0.1, 0.1, 0.9, 0.9], 2),
        ("loss", [1, 2, 3, 4, 0, 0, 0], 1),
    ],
)
def test_early_stopping_waits_and_goes_back_to_the_best_weights(name, numbers, best):
    script, stopping = Script(name, numbers), EarlyStopping(name, patience=2)
    model = nn.Linear(3, 2, rng=0)
    run(7, [script, stopping], model)
    assert stopping.best_epoch == best
    assert stopping.best == numbers[best - 1]
    assert len(script.weights) == best + 2  # as in Keras and Lightning
    np.testing.assert_array_equal(model.weight.data, script.weights[best - 1])


@pytest.mark.parametrize(("patience", "epochs"), [(0, 3), (1, 3), (2, 4), (3, 8)])
def test_training_stops_after_as_many_epochs_without_improvement_as_patience(patience, epochs):
    script = Script("loss", [3, 2, 2.5, 2.1, 1, 1, 1, 1, 1, 1])  # Keras stops there, too
    run(10, [script, EarlyStopping("loss", patience)])
    assert len(script.weights) == epochs


def test_epochs_without_a_validation_do_not_count_as_bad_ones():
    stopping = EarlyStopping("val_loss", patience=2, mode="max")  # it falls
    history = run(9, [stopping], validation=(X, Y), validation_freq=2)
    assert history.epochs["val_loss"] == [2, 4, 6]


def test_what_does_not_beat_the_baseline_is_no_improvement():
    script = Script("loss", [5, 4, 3, 2.5, 1])
    stopping = EarlyStopping("loss", patience=3, baseline=2)
    run(5, [script, stopping])
    assert (len(script.weights), stopping.best) == (3, 3)


def test_early_stopping_does_not_look_at_the_first_epochs():
    script = Script("loss", [0, 0, 5, 4, 6])
    stopping = EarlyStopping("loss", patience=1, start_from_epoch=2)
    run(5, [script, stopping])
    assert (len(script.weights), stopping.best_epoch) == (5, 4)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1, lambda epoch, lr: lr * epoch])
def test_a_schedule_of_epochs_is_refused_with_the_way_to_write_it(schedule):
    with pytest.raises(TypeError, match=r"makes a scheduler from an optimizer.*LambdaLR"):
        run(1, [LearningRateScheduler(schedule)])


def test_hooks_that_are_never_called_are_refused():
    class Batches(Callback):
        def on_train_batch_end(self, batch, logs=None):
            """Keras's."""

    class Epochs(Callback):
        def on_epoch_end(self, epoch, logs=None):
            """Keras's."""

    class Lightning(Callback):
        def on_train_begin(self, trainer, module):
            """Lightning's, nearly."""

    with pytest.raises(TypeError, match=r"no hook is called on_train_batch_end.* on_step_end"):
        run(1, [Batches()])
    for callback in (Epochs(), Lightning()):
        with pytest.raises(TypeError, match="must take one argument, the State"):
            run(1, [callback])


def test_the_best_weights_are_kept_after_an_error_too():
    script = Script("loss", [1, 2, 3])

    def fail(state):
        if state.epoch == 3:
            raise KeyError("broken")

    model = nn.Linear(3, 2, rng=0)
    with pytest.raises(KeyError):
        run(3, [script, EarlyStopping("loss"), fail], model)
    np.testing.assert_array_equal(model.weight.data, script.weights[0])


@pytest.mark.parametrize("kind", [CSVLogger, JSONLLogger])
def test_a_log_in_another_encoding_is_kept_as_it_is(kind, tmp_path):
    before = "größe\n1\n".encode("latin-1")
    (tmp_path / "log").write_bytes(before)
    run(1, [kind(tmp_path / "log")])
    assert (tmp_path / "log-1").read_bytes() == before
    if kind is CSVLogger:
        (tmp_path / "log").write_bytes(before)
        run(1, [CSVLogger(tmp_path / "log", append=True)])
        assert (tmp_path / "log").read_bytes().startswith(before[:5])


def test_a_number_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="no number 'val_los'; there are loss"):
        run(1, [EarlyStopping("val_los")])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda folder: EarlyStopping("val_acc"),
        lambda folder: EarlyStopping("confusion_matrix"),
        lambda folder: ModelCheckpoint(folder / "m", save_best_only=True, monitor="val_los"),
        lambda folder: ModelCheckpoint(folder / "m", monitor="val_los"),
        lambda folder: ModelCheckpoint(folder / "{val_loss}"),
        lambda folder: ModelCheckpoint(folder / "{loss:q}"),
        lambda folder: ModelCheckpoint(folder),
        lambda folder: ModelCheckpoint(folder / "file" / "m"),
        lambda folder: CSVLogger(folder / "file" / "log.csv"),
        lambda folder: JSONLLogger(folder),
        lambda folder: nn.train.Watch(folder / "file" / "run.html"),
        lambda folder: LearningRateScheduler(Halving, monitor="val_los"),
        lambda folder: LearningRateScheduler(nn.optim.lr_scheduler.ReduceLROnPlateau, "step"),
        lambda folder: LearningRateScheduler(
            nn.optim.lr_scheduler.ReduceLROnPlateau, monitor="accuracy"
        ),
    ],
)
def test_wrong_names_and_paths_are_refused_before_the_first_epoch(wrong, tmp_path):
    (tmp_path / "file").write_text("")
    model = nn.Linear(3, 2, rng=0)
    before, steps = model.weight.data.copy(), []

    class Count(Callback):
        def on_step_end(self, state):
            steps.append(state.step)

    with pytest.raises(
        (ValueError, OSError), match=r"there |folder|written|epochs only|mode='max'"
    ):
        run(1, [Count(), wrong(tmp_path)], model, metrics=["accuracy", "confusion_matrix"])
    assert not steps
    np.testing.assert_array_equal(model.weight.data, before)


def test_a_callback_alone_and_none_are_taken():
    assert len(run(1, EarlyStopping("loss"))) == 1
    assert len(run(1, lambda state: None)) == 1
    assert len(run(1, None)) == 1


@pytest.mark.parametrize("name", ["iou", "auc", "r2", "top_3_accuracy", "categorical_accuracy"])
def test_metrics_tell_which_way_they_are_better(name):
    stopping = EarlyStopping(name, patience=2)
    run(5, [Script(name, [0.3, 0.5, 0.7, 0.9, 0.8]), stopping], metrics=["accuracy"])
    assert stopping.best == 0.9


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("val_auc", "max"), ("dice_coef", "max"), ("val_mAP", "max"), ("val_acc", "max"),
        ("val_mean_iou", "max"), ("mAP@0.5", "max"), ("val_f1_score", "max"),
        ("val_loss", "min"), ("rmse", "min"), ("error_rate", "min"), ("perplexity", "min"),
        ("gain", None), ("val_score", None), ("accuracy_loss", None),
        ("neg_mean_squared_error", "max"), ("val_neg_accuracy", "min"), ("acc1", "max"),
        ("map50", "max"), ("frames_per_second", None), ("policy_entropy", None),
        ("val_cross_entropy", "min"), ("false_positives", None),
    ],
)  # fmt: skip
def test_names_tell_which_way_they_are_better_or_nothing(name, way):
    assert direction(name) == way


def test_a_direction_that_is_not_known_is_asked_for():
    def gain(outputs, targets):
        return float(np.mean(outputs))

    with pytest.raises(ValueError, match=r"which way 'gain' is better; say mode='min'"):
        run(1, [EarlyStopping("gain")], metrics=[gain])
    stopping = EarlyStopping("gain", mode="max")
    run(2, [Script("gain", [1, 2]), stopping], metrics=[gain])
    assert stopping.best == 2

    class Gain(nn.metrics.Accuracy):
        name, better = "gain", "min"

    stopping = EarlyStopping("gain")
    run(2, [Script("gain", [1, 2]), stopping], metrics=[Gain()])
    assert stopping.best == 1


@pytest.mark.parametrize("numbers", [[np.nan, 4, 6, 8, 10], [3, np.nan, 4, np.nan, 5]])
def test_nan_is_never_the_best(numbers, tmp_path):
    script, stopping = Script("val_auc", numbers), EarlyStopping("val_auc", patience=2)
    saver = ModelCheckpoint(tmp_path / "best", True, "val_auc")
    model = nn.Linear(3, 2, rng=0)
    run(5, [script, stopping, saver], model)
    assert stopping.best == np.nanmax(numbers)
    assert stopping.best_epoch == 5
    np.testing.assert_array_equal(nn.load(tmp_path / "best")["weight"], script.weights[-1])


def test_only_nan_stops_too_and_leaves_the_weights():
    script, stopping = Script("loss", [np.nan] * 9), EarlyStopping("loss", patience=2)
    model = nn.Linear(3, 2, rng=0)
    run(9, [script, stopping], model)
    assert len(script.weights) == 2
    np.testing.assert_array_equal(model.weight.data, script.weights[-1])


def test_callbacks_begin_anew_with_every_fit(tmp_path):
    script = Script("loss", [3, 1, 2, 9, 8, 9])
    stopping, saver = EarlyStopping("loss"), ModelCheckpoint(tmp_path / "best", True, "loss")
    halving = LearningRateScheduler(Halving)
    for numbers in ([3, 1, 2], [9, 8, 9]):  # the second run is worse
        script.numbers, script.weights, model = numbers, [], nn.Linear(3, 2, rng=0)
        run(3, [script, stopping, saver, halving], model)
        assert (stopping.best, stopping.best_epoch) == (numbers[1], 2)
        np.testing.assert_array_equal(model.weight.data, script.weights[1])
        np.testing.assert_array_equal(nn.load(tmp_path / "best")["weight"], script.weights[1])
        assert len(halving.scheduler.seen) == 3


def test_a_file_of_the_best_stays_the_best_when_the_same_model_trains_on(tmp_path):
    script, saver = Script("loss", [3, 1, 2]), ModelCheckpoint(tmp_path / "best", True, "loss")
    model = nn.Linear(3, 2, rng=0)
    run(3, [script, saver], model)
    best = script.weights[1]
    script.numbers = [9, 8, 9]
    run(3, [script, saver], model)
    np.testing.assert_array_equal(nn.load(tmp_path / "best")["weight"], best)


def test_numbers_of_some_epochs_are_looked_at_in_these(tmp_path):
    stopping, plateau = EarlyStopping(), nn.optim.lr_scheduler.ReduceLROnPlateau
    saver = ModelCheckpoint(tmp_path / "{epoch}", True)
    history = run(
        6, [stopping, LearningRateScheduler(plateau), saver], validation=(X, Y), validation_freq=2
    )
    assert history.epochs["val_loss"] == [2, 4, 6]
    assert stopping.best == min(history["val_loss"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2", "4", "6"]


@pytest.mark.parametrize("max_norm", [0.01, 100.0])
def test_gradients_are_clipped_before_the_update(max_norm):
    clip, norms = GradientClipping(max_norm=max_norm), []

    class Look(Callback):
        def on_gradients(self, state):
            grads = [p.grad.reshape(-1) for p in state.model.parameters()]
            norms.append(float(np.linalg.norm(np.concatenate(grads))))

    run(1, [Look(), clip, Look()], batch_size=40)
    assert clip.norm == pytest.approx(norms[0], rel=1e-5)
    assert norms[1] == pytest.approx(min(norms[0], max_norm), rel=1e-3)


def test_gradients_are_clipped_by_value():
    class Look(Callback):
        def on_gradients(self, state):
            assert all(np.abs(p.grad).max() <= 0.001 for p in state.model.parameters())

    run(1, [GradientClipping(max_value=0.001), Look()])


class Halving:
    """A scheduler in PyTorch's form."""

    def __init__(self, optimizer):
        self.optimizer, self.seen = optimizer, []

    def step(self, metric=None):
        self.seen.append(metric)
        for group in self.optimizer.param_groups:
            group["lr"] /= 2

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def test_a_scheduler_steps_at_epochs_or_updates():
    rates = []

    class Look(Callback):
        def on_step_end(self, state):
            rates.append(state.optimizer.param_groups[0]["lr"])

    run(2, [Look(), LearningRateScheduler(Halving)], batch_size=20, lr=0.8)
    assert rates == [0.8, 0.8, 0.4, 0.4]
    rates.clear()
    run(2, [Look(), LearningRateScheduler(Halving, every="step")], batch_size=20, lr=0.8)
    assert rates == [0.8, 0.4, 0.2, 0.1]
    rates.clear()
    made = LearningRateScheduler(Halving, every="step")
    run(2, [Look(), made], batch_size=10, lr=0.8, accumulate=2)
    assert rates == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1]


def test_a_scheduler_is_handed_the_number_that_it_looks_at():
    schedule = LearningRateScheduler(Halving, monitor="loss")
    history = run(2, [schedule])
    assert schedule.scheduler.seen == history["loss"]
    with pytest.raises(ValueError, match="of another optimizer"):
        run(1, [LearningRateScheduler(schedule.scheduler)])


def test_pytorchs_schedulers_fit():
    scheduler = pytest.importorskip("nn.optim.lr_scheduler", reason="not there")
    model = nn.Linear(3, 2)
    optimizer = nn.optim.SGD(model.parameters(), 0.8)
    step = scheduler.StepLR(optimizer, 1, 0.5)
    run(3, [LearningRateScheduler(step)], model, optimizer=optimizer, lr=None)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
    plateau = LearningRateScheduler(
        lambda o: scheduler.ReduceLROnPlateau(o, patience=0), monitor="loss"
    )
    run(3, [Script("loss", [1, 2, 3]), plateau])
    assert plateau.scheduler.optimizer.param_groups[0]["lr"] == pytest.approx(0.001)


def test_models_are_saved_by_epoch_or_only_the_best(tmp_path):
    script = Script("val_loss", [3, 1, 2])
    model = nn.Linear(3, 2, rng=0)
    saver = ModelCheckpoint(tmp_path / "best.safetensors", save_best_only=True)
    every = ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.1f}.safetensors")
    run(3, [script, every, saver], model)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["1-3.0.safetensors", "2-1.0.safetensors", "3-2.0.safetensors",
                     "best.safetensors"]  # fmt: skip
    saved = nn.load(tmp_path / "best.safetensors")
    np.testing.assert_array_equal(saved["weight"], script.weights[1])


def test_loggers_write_each_epoch(tmp_path):
    history = run(3, [CSVLogger(tmp_path / "a/log.csv"), JSONLLogger(tmp_path / "log.jsonl")],
                  metrics=["accuracy", "confusion_matrix"])  # fmt: skip
    with open(tmp_path / "a/log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert list(rows[0]) == ["epoch", "loss", "accuracy"]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["accuracy"] for line in lines] == history["accuracy"]
    assert [line["epoch"] for line in lines] == [1, 2, 3]


def log_of(folder, kind, settings, *epochs, same=True):
    log = kind(folder / "log", **settings)
    for n in epochs:
        run(n, [log if same else kind(folder / "log", **settings)])
    if kind is JSONLLogger:
        return [json.loads(line)["epoch"] for line in (folder / "log").read_text().splitlines()]
    with open(folder / "log", newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("kind", [CSVLogger, JSONLLogger])
def test_a_log_is_not_emptied(kind, tmp_path):
    for i, (settings, same, epochs, beside) in enumerate(
        [
            ({}, True, [1, 2, 1], []),  # by default the same logger adds
            ({}, False, [1], ["log-1"]),  # and another keeps the file of before
            ({"append": True}, False, [1, 2, 1], []),
            ({"append": False}, True, [1], []),  # as asked for
        ]
    ):
        folder = tmp_path / str(i)
        assert log_of(folder, kind, settings, 2, 1, same=same) == epochs
        assert sorted(p.name for p in folder.iterdir()) == ["log", *beside]


def test_new_numbers_become_new_columns(tmp_path):
    log = CSVLogger(tmp_path / "log.csv")
    run(2, [log])
    run(2, [log], metrics=["accuracy"], validation=(X, Y), validation_freq=2)
    run(1, [log])
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [row["epoch"] for row in rows] == ["1", "2", "1", "2", "1"]
    assert [bool(row["accuracy"]) for row in rows] == [False, False, True, True, False]
    assert [bool(row["val_loss"]) for row in rows] == [False, False, False, True, False]
    assert None not in rows[0]


def test_tensorboard_gets_its_events(tmp_path):
    pytest.importorskip("tensorboardX", reason="writes TensorBoard's files")
    run(2, [TensorBoard(tmp_path)], metrics=["accuracy"])
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    for tag in (b"loss/training", b"accuracy/training", b"lr/0"):
        assert content.count(tag) == 2


def test_without_tensorboardx_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"glassgrad\[tensorboard\]"):
        TensorBoard("x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(mode="up"), "mode must be"),
        (lambda: EarlyStopping(patience=-1), "patience"),
        (lambda: GradientClipping(), "must be > 0"),
        (lambda: GradientClipping(max_norm=0), "must be > 0"),
        (lambda: LearningRateScheduler(Halving, every="batch"), "every must be"),
        (lambda: LearningRateScheduler(3), "must have a step"),
        (lambda: LearningRateScheduler(Halving, "step", "loss"), "epochs only"),
    ],
)
def test_bad_arguments_of_callbacks_are_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_history_shows_itself_as_text_and_table(monkeypatch):
    history = History()
    for i in range(50):
        history.append({"loss": 1 / (i + 1), "val_loss": float("nan"), "matrix": np.eye(2)})
    text = str(history)
    assert "loss" in text
    assert "█" in text
    assert max(map(len, text.splitlines())) < 80
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = history._repr_html_()
    assert page.count("<tr>") == 51
    with pytest.raises(ImportError, match=r"glassgrad\[plot\]"):
        history.plot()
    with pytest.raises(KeyError, match="only loss, val_loss, matrix"):
        history["accuracy"]


def test_a_history_of_numbers_that_are_there_in_some_epochs_shows_itself(monkeypatch):
    history = History()
    history.append({"loss": 1.0})
    history.append({"loss": 0.5, "val_loss": 0.75})
    assert history.epoch == [1, 2]
    assert "val_loss  0.75" in str(history)
    if importlib.util.find_spec("matplotlib"):
        assert [line.get_xdata().tolist() for line in history.plot().axes[0].lines] == [[1, 2], [2]]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "<td>1</td><td></td>" in history._repr_html_()


def test_a_history_plots_training_beside_validation(tmp_path):
    pytest.importorskip("matplotlib", reason="draws the curves")
    history = run(3, metrics=["accuracy"], validation=(X, Y))
    figure = history.plot(tmp_path / "history.png")
    panels = {axes.get_ylabel(): axes.lines for axes in figure.axes}
    assert list(panels) == ["loss", "accuracy"]
    for name, (training, validation) in panels.items():
        assert training.get_ydata().tolist() == history[name]
        assert validation.get_ydata().tolist() == history[f"val_{name}"]
    assert (tmp_path / "history.png").read_bytes()[:4] == b"\x89PNG"
    assert history._repr_html_().startswith("<svg")
