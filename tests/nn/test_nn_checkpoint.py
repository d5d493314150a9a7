"""A run that was killed goes on as if it had not been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn

RUN = """
import os, random, signal, sys, threading
import numpy as np
import nn

path, kill_after = sys.argv[1], float(sys.argv[2])
rng = np.random.default_rng(1)
data = nn.data.TensorDataset(
    rng.normal(size=(60, 8)).astype(np.float32), rng.integers(0, 3, 60)
)
loader = nn.data.DataLoader(data, batch_size=7, shuffle=True, rng=2)
model = nn.Sequential(
    nn.Linear(8, 40, rng=3), nn.BatchNorm1d(40), nn.Dropout(0.3, rng=4), nn.ReLU(),
    nn.Dropout(0.1), nn.Linear(40, 3, rng=5),
)
optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
import autograd
autograd.seed(6)
loss = nn.CrossEntropyLoss()
run = nn.Checkpoint(path, model=model, optimizer=optimizer, loader=loader)
epoch = (run.load() or {"epoch": 0})["epoch"]
if kill_after:
    threading.Timer(kill_after, os.kill, (os.getpid(), signal.SIGKILL)).start()
for epoch in range(epoch, 12):
    for x, y in loader:
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
        run.save(epoch=epoch)
    run.save(epoch=epoch + 1)
"""
ROOT = Path(autograd.__file__).parents[1]


def run(path, kill_after=0.0):
    command = [sys.executable, "-c", RUN, str(path), str(kill_after)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path):
    whole = run(tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    waits, kills = np.random.default_rng().uniform(0.02, 0.12, 2), 0
    for wait in waits:
        kills += run(tmp_path / "killed", wait).returncode == -signal.SIGKILL
    assert kills
    last = run(tmp_path / "killed")
    assert last.returncode == 0, last.stderr
    a, b = (nn.load(tmp_path / name) for name in ("whole", "killed"))
    for key, x in a["things"]["model"].items():
        np.testing.assert_array_equal(x, b["things"]["model"][key])
    assert a["notes"] == b["notes"] == {"epoch": 12}
    assert a["rngs"] == b["rngs"]


def parts(sizes=(3, 2)):
    model = nn.Sequential(nn.Linear(*sizes), nn.Dropout(rng=1))
    return {
        "model": model,
        "adam": nn.optim.Adam(model.parameters()),
        "rng": np.random.default_rng(2),
    }


def test_without_a_file_there_is_nothing_to_load(tmp_path):
    assert nn.Checkpoint(tmp_path / "a", **parts()).load() is None


def test_random_numbers_go_on_where_they_were(tmp_path):
    things = parts()
    checkpoint = nn.Checkpoint(tmp_path / "a", **things)
    checkpoint.save(note=(1, "two"))

    def draws():
        dropped = things["model"][1](np.ones(9))
        return [dropped, things["rng"].random(3), autograd.default_generator().random(3)]

    before = draws()
    assert checkpoint.load() == {"note": (1, "two")}
    for a, b in zip(before, draws(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (lambda: parts((4, 2)), "0.weight has shape"),
        (
            lambda: {"model": parts()["model"]},
            "checkpoint of model, adam, rng, but this Checkpoint has model",
        ),
        (
            lambda: {**(p := parts()), "model": nn.Sequential(p["model"][0], nn.Dropout())},
            "random state",
        ),
        (
            lambda: {**parts(), "adam": nn.optim.Adam([nn.Parameter([1.0])])},
            "Adam",
        ),
    ],
)
def test_a_checkpoint_of_other_things_changes_nothing(tmp_path, other, text):
    nn.Checkpoint(tmp_path / "a", **parts()).save()
    things = other()
    weight = next(things["model"].parameters())
    before, draws = weight.data.copy(), autograd.default_generator().bit_generator.state
    with pytest.raises(ValueError, match=text):
        nn.Checkpoint(tmp_path / "a", **things).load()
    np.testing.assert_array_equal(weight.data, before)
    assert autograd.default_generator().bit_generator.state == draws


def test_what_is_no_checkpoint_is_refused(tmp_path):
    nn.save(nn.Linear(1, 1), tmp_path / "a")
    with pytest.raises(ValueError, match=r"not a checkpoint; nn\.load"):
        nn.Checkpoint(tmp_path / "a", **parts()).load()


@pytest.mark.parametrize("part", ["things", "rngs", "notes"])
def test_a_checkpoint_with_a_part_of_another_kind_is_refused(tmp_path, part):
    state = {"things": {}, "rngs": {}, "notes": {}, part: 3}
    nn.save(state, tmp_path / "a")
    with pytest.raises(ValueError, match="not a checkpoint"):
        nn.Checkpoint(tmp_path / "a").load()


def test_a_random_state_of_another_generator_is_refused(tmp_path):
    nn.Checkpoint(tmp_path / "a", r=np.random.Generator(np.random.MT19937(0))).save()
    mine = np.random.default_rng(0)
    before = mine.bit_generator.state
    with pytest.raises(ValueError, match=r"a: the random state of r is damaged.*than PCG64"):
        nn.Checkpoint(tmp_path / "a", r=mine).load()
    assert mine.bit_generator.state == before


def test_things_without_state_are_refused():
    with pytest.raises(TypeError, match=r"epoch is a int.*go into save"):
        nn.Checkpoint("a", epoch=3)
