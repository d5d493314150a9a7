"""`glassgrad bench`."""

from __future__ import annotations

import importlib

import pytest

from nn.cli import main
from nn.commands import bench

benchmarks = pytest.importorskip("benchmarks")


def test_it_passes_its_arguments_on(capfd):
    assert main(["bench", "nothing", "--quick"]) == 2
    assert "no subject nothing" in capfd.readouterr().err


def test_options_are_passed_on_too(capfd):
    assert main(["bench", "--help"]) == 0
    assert "usage: glassgrad bench" in capfd.readouterr().out


def test_without_a_checkout_it_says_where_the_benchmarks_are(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    assert main(["bench", "recurrent"]) == 2
    assert "Clone glassgrad's repository" in capsys.readouterr().err


@pytest.mark.parametrize("subject", benchmarks.SUBJECTS)
def test_every_subject_has_cases(subject):
    assert importlib.import_module(f"benchmarks.{subject}").CASES
