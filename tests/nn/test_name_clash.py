"""HIPS's autograd has the same import name; a fake of it stands in for the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def fake_hips(site: Path) -> None:
    package = site / "autograd"
    package.mkdir(parents=True, exist_ok=True)
    package.joinpath("__init__.py").write_text("from autograd.core import grad\n")
    package.joinpath("core.py").write_text("def grad(f):\n    return f\n")
    record(site)


def record(site: Path) -> None:
    info = site / "autograd-1.8.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: autograd\nVersion: 1.8.0\n")
    info.joinpath("RECORD").write_text("autograd/__init__.py,,\nautograd/core.py,,\n")


def install_ours(site: Path) -> None:
    for name in ("autograd", "nn"):
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))


def run(code: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd=Path(__file__).parent,  # not the root: Python looks there first
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def site(tmp_path):
    return tmp_path / "site-packages"


def test_hips_found_first_is_named_with_file_and_distribution(site):
    fake_hips(site)
    done = run("import nn", site, ROOT)
    assert done.returncode == 1
    assert f"found {site / 'autograd' / '__init__.py'}" in done.stderr
    assert "from the distribution autograd 1.8.0" in done.stderr
    assert "python -m venv .venv" in done.stderr


def test_hips_written_over_ours_is_noticed(site):
    install_ours(site)
    fake_hips(site)
    done = run("import nn", site)
    assert done.returncode == 1
    assert "autograd 1.8.0 has overwritten it" in done.stderr


def test_ours_written_over_hips_warns(site):
    site.mkdir()
    record(site)
    install_ours(site)
    done = run("import nn; print(nn.Linear(1, 1))", site)
    assert done.returncode == 0
    assert "HIPS autograd (autograd-1.8.0) is installed in the same directory" in done.stderr
    assert "Linear" in done.stdout


def test_ours_alone_is_silent(site):
    site.mkdir()
    install_ours(site)
    done = run("import nn", site)
    assert (done.returncode, done.stderr) == (0, "")


def test_ours_in_a_zip_archive_is_not_taken_for_hips(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    install_ours(site)
    archive = shutil.make_archive(str(tmp_path / "glassgrad"), "zip", site)
    page = str(tmp_path / "page.html")
    code = f"import autograd, nn; autograd.play(autograd.Value(2.0) ** 2).save({page!r})"
    done = run(code, Path(archive))
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in (tmp_path / "page.html").read_text("utf-8")


def test_importing_nn_loads_nothing_heavy():
    heavy = ["numba", "graphviz", "rich", "sklearn", "scipy", "matplotlib", "jinja2"]
    code = f"import nn, sys; print([m for m in {heavy} if m in sys.modules])"
    done = run(code, ROOT)
    assert done.stdout.strip() == "[]", done.stderr
