from __future__ import annotations

import importlib.util
import io
import re
import sys

import numpy as np
import pytest

import autograd
from nn.cli import main
from nn.commands import tour

needs_digits = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None,
    reason="the digits come with scikit-learn",
)


def run(out, *extra):
    return main(["tour", "--out", str(out), *extra])


@needs_digits
def test_two_runs_with_one_seed_end_with_the_same_bits(tmp_path, capsys):
    sums = []
    for seed in ("5", "5", "6"):
        assert run(tmp_path, "--epochs", "2", "--seed", seed) == 0
        sums += re.findall(r"sha256 (\w{16})", capsys.readouterr().out)
    assert sums[0] == sums[1] != sums[2]


@needs_digits
def test_the_tour_says_first_where_it_writes_and_names_its_files(tmp_path, capsys):
    out = tmp_path / "a" / "b"
    assert run(out, "--epochs", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"The drawings go to {out}"
    files = {p.name for p in out.iterdir()}
    assert files == {"neuron.svg", "neuron.png", "network.svg", "network.png"}
    assert all(f"  {out / name}" in lines for name in files)


@pytest.mark.trains
@needs_digits
def test_the_tours_network_reads_97_percent_of_digits_it_has_not_seen(tmp_path, capsys):
    assert run(tmp_path) == 0
    [percent] = re.findall(r"Test accuracy: ([\d.]+)%", capsys.readouterr().out)
    assert float(percent) >= 97


def test_a_file_in_the_way_is_refused_and_stays(tmp_path, capsys):
    file = tmp_path / "notes"
    file.write_text("mine")
    assert run(file) == run(file / "below") == 2
    assert f"{file} is a file" in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_missing_scikit_learn_is_refused_before_anything_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert run(tmp_path / "out") == 2
    assert "glassgrad[data]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("extra", [("--epochs", "0"), ("--seed", "-1"), ("--epochs", "x")])
def test_bad_numbers_are_refused(tmp_path, extra, capsys):
    with pytest.raises(SystemExit) as done:
        run(tmp_path, *extra)
    assert done.value.code == 2
    assert extra[0] in capsys.readouterr().err


def test_the_table_of_steps_multiplies_incoming_by_local():
    from rich.console import Console

    a, b = autograd.Value(2.0, name="a"), autograd.Value(3.0, name="b")
    p = a * b
    p.name = "p"
    y = np.square(p)
    y.name = "y"
    console = Console(file=io.StringIO(), width=100)
    console.print(tour.backward_steps(y))
    text = console.file.getvalue()
    assert "1 × 12 = 12" in text
    assert "12 × 3 = 36" in text
    assert "12 × 2 = 24" in text


def test_a_digit_is_shown_in_blocks():
    assert tour.picture(np.ones(64)).splitlines() == ["    " + "█" * 16] * 8
