from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nn.cli import main, version


def test_version_names_glassgrad_numpy_and_python(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out.strip() == version()
    assert version().startswith("glassgrad ")


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "tour" in capsys.readouterr().out


def test_nothing_asked_shows_the_help(capsys):
    assert main([]) == 0
    assert "usage: glassgrad" in capsys.readouterr().out


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as done:
        main(["swim"])
    assert done.value.code == 2
    assert "invalid choice: 'swim'" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="needs pipes of POSIX")
def test_a_reader_that_has_seen_enough_is_no_error():
    read, written = os.pipe()
    os.close(read)
    command = [sys.executable, "-u", "-m", "nn.cli", "--version"]
    done = subprocess.run(command, stdout=written, stderr=subprocess.PIPE, check=False)
    os.close(written)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_command_loads_no_numba_rich_or_sklearn_before_it_needs_them():
    code = (
        "import sys, nn.cli; nn.cli.parser(); "
        "print([m for m in ('numba', 'rich', 'sklearn', 'graphviz') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
