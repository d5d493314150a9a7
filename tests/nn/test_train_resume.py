from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import autograd
import nn
from nn.train import Callback, CSVLogger, EarlyStopping, LearningRateScheduler, fit

X = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


class Decay:
    """A scheduler in PyTorch's form."""

    def __init__(self, optimizer):
        self.optimizer, self.count = optimizer, 0

    def step(self):
        self.count += 1
        for group in self.optimizer.param_groups:
            group["lr"] = 0.05 / (1 + 0.1 * self.count)

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


class KilledError(Exception):
    pass


class KillAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_loss(self, state):
        if state.step == self.step:
            raise KilledError


def run(path, kill=None, seed=1, folder=None, accumulate=1):
    autograd.seed(seed)
    model = nn.Sequential(
        nn.Linear(4, 8, rng=seed), nn.ReLU(), nn.Dropout(0.3), nn.Dropout(0.2, rng=seed),
        nn.BatchNorm1d(8), nn.Linear(8, 2, rng=seed),
    )  # fmt: skip
    loader = nn.data.DataLoader((X, Y), 10, shuffle=True, num_workers=1,
                                transform=Noise())  # fmt: skip
    callbacks = [LearningRateScheduler(Decay, every="step"), EarlyStopping("loss", patience=9)]
    if folder is not None:
        callbacks.append(CSVLogger(folder / "log.csv"))
    if kill is not None:
        callbacks.append(KillAt(kill))
    history = fit(
        model, loader, "cross_entropy", "adam", 4, metrics=["accuracy"], callbacks=callbacks,
        checkpoint=path, checkpoint_every=2, accumulate=accumulate, verbose=False,
    )  # fmt: skip
    return model.state_dict(), history


class Noise:
    def __call__(self, x, y, rng):
        return x + rng.normal(size=x.shape).astype(np.float32) / 10, y


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_broken_off_at_any_step_ends_with_the_same_bits(tmp_path, accumulate):
    whole, history = run(tmp_path / "whole", folder=tmp_path, accumulate=accumulate)
    log = (tmp_path / "log.csv").read_text()
    for i, kill in enumerate((1, 5, 9, 10, 17)):
        file = tmp_path / f"run{i}"
        for step in (kill, min(kill + 2, 18)):
            with pytest.raises(KilledError):
                run(file, step, folder=tmp_path, accumulate=accumulate)
        resumed, its = run(file, seed=77, folder=tmp_path, accumulate=accumulate)
        for key, array in whole.items():
            np.testing.assert_array_equal(resumed[key], array, err_msg=key)
        assert its.history == history.history
        assert (tmp_path / "log.csv").read_text() == log


def test_a_finished_run_is_not_run_again(tmp_path):
    first, _ = run(tmp_path / "run")
    again, history = run(tmp_path / "run", kill=0)
    assert len(history) == 4
    np.testing.assert_array_equal(first["0.weight"], again["0.weight"])


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    run(tmp_path / "run")
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    before = model.state_dict()["0.weight"]
    with pytest.raises(ValueError, match=r"random state|does not fit|the checkpoint is of"):
        fit(model, (X, Y), "cross_entropy", checkpoint=tmp_path / "run", verbose=False)
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before)


def trained(path, epochs=2, model=None, **settings):
    model = model or nn.Linear(4, 2, rng=0)
    given = {
        "loss": "cross_entropy",
        "optimizer": "adam",
        "batch_size": 20,
        "rng": 0,
        "verbose": False,
        **settings,
    }
    data = given.pop("data", (X, Y))
    return model, fit(model, data, epochs=epochs, checkpoint=path, **given)


def named_accuracy():
    metric = nn.metrics.F1()
    metric.name = "accuracy"
    return metric


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ({"metrics": ["accuracy"]}, {"metrics": ["f1"]}, "names"),
        ({}, {"metrics": ["f1"]}, "names"),
        ({}, {"validation": (X, Y)}, "names"),
        ({"metrics": ["accuracy"]}, {"metrics": [named_accuracy()]}, "metrics"),
        ({}, {"optimizer": "sgd"}, "optimizer"),
        ({}, {"callbacks": EarlyStopping("loss")}, "callbacks"),
        ({}, {"batch_size": 30}, "batches"),
        ({"batch_size": 46}, {"batch_size": 50}, "batch size"),
        ({}, {"accumulate": 2}, "accumulated batches"),
        ({"batch_size": 9}, {"batch_size": 9, "data": (X[:89], Y[:89])}, "samples"),
        ({}, {"loss": "nll"}, "loss"),
    ],
)
def test_a_run_that_asks_for_something_else_is_refused(tmp_path, first, second, what):
    trained(tmp_path / "run", **first)
    model = nn.Linear(4, 2, rng=5)
    before = model.weight.data.copy()
    with pytest.raises(ValueError, match=f"checkpoint is of a run with the {what}"):
        trained(tmp_path / "run", 4, model, **second)
    np.testing.assert_array_equal(model.weight.data, before)


def test_another_learning_rate_is_noted_and_not_used(tmp_path):
    whole, _ = trained(tmp_path / "whole", 4, lr=0.01)
    trained(tmp_path / "run", 2, lr=0.01)
    with pytest.warns(UserWarning, match=r"asks for the learning rates \[0.7\]"):
        resumed, _ = trained(tmp_path / "run", 4, lr=0.7)
    np.testing.assert_array_equal(resumed.weight.data, whole.weight.data)


def test_a_run_that_a_callback_stopped_goes_on(tmp_path):
    def limit(state):
        state.stop = state.epoch == 2

    whole, history = trained(tmp_path / "whole", 6)
    _, first = trained(tmp_path / "run", 6, callbacks=limit)
    assert len(first) == 2
    resumed, second = trained(tmp_path / "run", 6, callbacks=limit)
    assert second.history == history.history
    np.testing.assert_array_equal(resumed.weight.data, whole.weight.data)


def test_a_run_that_was_stopped_halfway_in_an_epoch_goes_on_there(tmp_path):
    class Stop(Callback):
        def on_step_end(self, state):
            state.stop = state.step == 7

    whole, history = trained(tmp_path / "whole", 4)
    _, first = trained(tmp_path / "run", 4, callbacks=Stop())
    assert len(first) == 2
    resumed, second = trained(tmp_path / "run", 4, callbacks=Stop())
    assert second.history == history.history
    np.testing.assert_array_equal(resumed.weight.data, whole.weight.data)


def test_ctrl_c_loses_nothing(tmp_path):
    class Press(Callback):
        def on_loss(self, state):
            if state.step == 7:
                signal.raise_signal(signal.SIGINT)

    whole, history = trained(tmp_path / "whole", 4)
    _, first = trained(tmp_path / "run", 4, callbacks=Press())
    assert first.interrupted
    resumed, second = trained(tmp_path / "run", 4)
    assert second.history == history.history
    assert not second.interrupted
    np.testing.assert_array_equal(resumed.weight.data, whole.weight.data)


def test_ctrl_c_in_the_last_validation_is_noted():
    class Press(nn.metrics.Accuracy):
        def compute(self):
            signal.raise_signal(signal.SIGINT)
            return super().compute()

    model = nn.Linear(4, 2)
    history = fit(model, (X, Y), "cross_entropy", metrics=[Press()], verbose=False)
    assert history.interrupted


def test_a_run_that_stopped_early_is_not_resumed(tmp_path):
    stopping = EarlyStopping("loss", patience=0, min_delta=9)
    _, first = trained(tmp_path / "run", 6, callbacks=stopping)
    assert len(first) == 2
    again = EarlyStopping("loss", patience=0, min_delta=9)
    _, second = trained(tmp_path / "run", 6, callbacks=again)
    assert second.history == first.history


def test_a_metric_that_keeps_a_list_counts_what_came_before(tmp_path):
    class Seen(nn.metrics.Metric):
        name = "seen"

        def reset(self):
            self.sizes = []

        def update(self, outputs, targets):
            self.sizes.append(len(targets))

        def compute(self):
            return float(sum(self.sizes))

    with pytest.raises(KilledError):
        trained(tmp_path / "run", 1, metrics=[Seen()], callbacks=KillAt(3), checkpoint_every=1)
    _, history = trained(tmp_path / "run", 1, metrics=[Seen()], checkpoint_every=1)
    assert history["seen"] == [90]


def test_what_can_not_be_saved_is_named_before_the_first_epoch(tmp_path):
    metric = nn.metrics.Accuracy()
    metric.helper = object()
    with pytest.raises(TypeError, match=r"Accuracy.helper is a object"):
        trained(tmp_path / "run", metrics=[metric])
    with pytest.raises(TypeError, match="can't be resumed"):
        fit(nn.Linear(4, 2), iter([(X, Y)]), "cross_entropy", checkpoint=tmp_path / "b")


def test_a_checkpoint_may_be_at_home_in_a_folder_to_be_made(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    trained("~/runs/first/run")
    assert (tmp_path / "runs/first/run").is_file()
    nn.train.ModelCheckpoint("~/m")
    trained(tmp_path / "b", callbacks=nn.train.ModelCheckpoint("~/models/{epoch}/m"))
    assert sorted(p.name for p in (tmp_path / "models").iterdir()) == ["1", "2"]


@pytest.mark.parametrize("kill", [1, 4, 5, 9, 11])
def test_epochs_of_some_batches_are_resumed_with_the_same_bits(tmp_path, kill):
    settings = {"steps_per_epoch": 3, "checkpoint_every": 1, "accumulate": 1}
    whole, history = trained(tmp_path / "whole", 4, **settings)
    with pytest.raises(KilledError):
        trained(tmp_path / "run", 4, callbacks=KillAt(kill), **settings)
    resumed, its = trained(tmp_path / "run", 4, **settings)
    assert its.history == history.history
    np.testing.assert_array_equal(resumed.weight.data, whole.weight.data)


def test_a_log_of_other_runs_stays_when_a_run_is_resumed(tmp_path):
    log = tmp_path / "log.csv"
    trained(tmp_path / "a", 3, callbacks=CSVLogger(log))
    callbacks = [CSVLogger(log, append=True), KillAt(12)]
    with pytest.raises(KilledError):
        trained(tmp_path / "b", 4, rng=1, callbacks=callbacks)
    trained(tmp_path / "b", 4, rng=1, callbacks=CSVLogger(log, append=True))
    rows = log.read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3", "1", "2", "3", "4"]


def test_the_carried_state_goes_on_too(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 5, 3)).astype(np.float32)

    class Net(nn.Module):
        def __init__(self):
            self.gru = nn.GRU(3, 4, batch_first=True, rng=0)
            self.head = nn.Linear(4, 3, rng=1)

        def forward(self, x, state=None):
            h, state = self.gru(x, state)
            return self.head(h), state

    def train(name, kill=None):
        net = Net()
        callbacks = [KillAt(kill)] if kill is not None else []
        loader = nn.data.DataLoader((x, x), 2)
        fit(net, loader, "mse", epochs=2, carry=True, callbacks=callbacks,
            checkpoint=tmp_path / name, checkpoint_every=1, verbose=False)  # fmt: skip
        return net.head.weight.data

    whole = train("whole")
    with pytest.raises(KilledError):
        train("run", 4)
    np.testing.assert_array_equal(train("run"), whole)


SCRIPT = """
    import sys, numpy as np, autograd, nn
    from nn.train import Callback, fit

    class Pace(Callback):
        def on_step_end(self, state):
            print(state.step, flush=True)
            sys.stdin.readline()

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)).astype(np.float32)
    Y = (X[:, 0] * X[:, 1] > 0).astype(int)
    autograd.seed(3)
    drop = nn.Dropout(0.4)
    model = nn.Sequential(nn.Linear(6, 16, rng=1), nn.ReLU(), drop, nn.Linear(16, 2, rng=2))
    loader = nn.data.DataLoader((X, Y), 10, shuffle=True)
    fit(model, loader, "cross_entropy", "adam", 8, callbacks=[Pace()], verbose=False,
        checkpoint=sys.argv[1], checkpoint_every=3)
    nn.save(model, sys.argv[2])
"""


def test_a_run_killed_eight_times_ends_with_the_same_bits(tmp_path):
    def start(checkpoint, result):
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), str(checkpoint), str(result)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    whole, broken = tmp_path / "whole.safetensors", tmp_path / "broken.safetensors"
    with start(tmp_path / "a", whole) as process:
        process.communicate()
        assert process.returncode == 0
    pick = random.Random(time.time_ns())  # any moment must do
    for _ in range(8):
        with start(tmp_path / "b", broken) as process:
            after = pick.randint(4, 12)
            process.stdin.write("\n" * (after + 3))  # it goes no further than these steps
            process.stdin.flush()
            for _ in range(after):
                assert process.stdout.readline()
            time.sleep(pick.random() / 200)
            process.send_signal(signal.SIGKILL)
            process.stdout.read()
            assert process.wait() == -signal.SIGKILL
    with start(tmp_path / "b", broken) as process:
        steps = process.communicate()[0].split()
    assert int(steps[0]) > 24  # each run got three steps further at least, and none began anew
    assert broken.read_bytes() == whole.read_bytes()
