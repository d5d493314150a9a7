from __future__ import annotations

import csv
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
    assert len(script.weights) == best + 3
    np.testing.assert_array_equal(model.weight.data, script.weights[best - 1])


def test_the_best_weights_are_kept_after_an_error_too():
    script = Script("loss", [1, 2, 3])

    def fail(state):
        if state.epoch == 3:
            raise KeyError("broken")

    model = nn.Linear(3, 2, rng=0)
    with pytest.raises(KeyError):
        run(3, [script, EarlyStopping("loss"), fail], model)
    np.testing.assert_array_equal(model.weight.data, script.weights[0])


def test_a_number_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="no number 'val_los'; there are loss"):
        run(1, [EarlyStopping("val_los")])


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
