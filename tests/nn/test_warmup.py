"""`glassgrad warmup`."""

from __future__ import annotations

import numpy as np
import pytest

from nn.cli import main
from nn.commands import first_steps, warmup


@pytest.fixture
def few(monkeypatch):
    """Two ops, so that a test need not call all."""
    rows = [row for row in warmup.ROWS if row.name in ("tanh", "concatenate")]
    monkeypatch.setattr(warmup, "ROWS", rows)
    monkeypatch.setattr(warmup, "steps", lambda dtype: iter(()))


def test_it_says_how_long_it_took_and_where_the_kernels_are(few, capsys):
    assert main(["warmup"]) == 0
    said = capsys.readouterr().out
    assert "Compiled all kernels for float32 in" in said
    assert "cached in" in said or "NUMBA_CACHE_DIR" in said


def test_all_is_both_dtypes(few, capsys):
    assert main(["warmup", "--dtype", "all"]) == 0
    assert "float32 and float64" in capsys.readouterr().out


def test_every_op_is_called():
    named = {name for name, _ in warmup.calls("float32")}
    assert {"LeNet, momentum", "LSTM, Adam", "GRU, Adam", "Transformer, AdamW"} <= named
    assert {"lstm_scan", "attention", "conv", "tanh", "softmax", "max_pool2d"} <= named


def test_inputs_are_of_the_dtype_asked_for(monkeypatch):
    found = []
    monkeypatch.setattr(warmup, "both", lambda function, args: found.extend(args))
    for row in warmup.ROWS:
        if row.name in ("conv", "tanh"):
            warmup.on_samples(row, "float32", (2, 3))
    assert {x.dtype for x in found} == {np.dtype("float32")}


def test_another_dtype_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["warmup", "--dtype", "int8"])
    assert "invalid choice" in capsys.readouterr().err


def test_a_first_step_trains_a_network_of_the_dtype():
    nets = []

    def build():
        nets.append(first_steps.residual())
        return nets[0]

    before = [p.data.copy() for p in build().parameters()]
    images = np.ones((4, 1, 8, 8)), np.zeros(4, int)
    first_steps.step(lambda: nets[0], "momentum", images, "float64")
    after = [p.data for p in nets[0].parameters()]
    assert {p.dtype for p in after} == {np.dtype("float64")}
    assert any(not np.array_equal(p, q) for p, q in zip(before, after, strict=True))


def test_every_first_step_runs(monkeypatch):
    monkeypatch.setattr(first_steps, "BATCH", 2)
    for _, call in first_steps.steps("float32"):
        call()
