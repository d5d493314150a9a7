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
