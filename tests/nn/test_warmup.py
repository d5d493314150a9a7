"""`glassgrad warmup`."""

from __future__ import annotations

import numpy as np
import pytest

from nn.cli import main
from nn.commands import warmup


@pytest.fixture
def few(monkeypatch):
    """Two ops, so that a test need not call all."""
    rows = [row for row in warmup.ROWS if row.name in ("tanh", "concatenate")]
    monkeypatch.setattr(warmup, "ROWS", rows)


def test_it_says_how_long_it_took_and_where_the_kernels_are(few, capsys):
    assert main(["warmup"]) == 0
    said = capsys.readouterr().out
    assert "All kernels are ready for float32, after" in said
    assert "kept in" in said or "NUMBA_CACHE_DIR" in said


def test_all_is_both_dtypes(few, capsys):
    assert main(["warmup", "--dtype", "all"]) == 0
    assert "float32 and float64" in capsys.readouterr().out


def test_every_op_is_called():
    named = {name for name, _ in warmup.calls("float32")}
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
