"""`glassgrad play`: scripts run as under `python`, and every failure says why."""

from __future__ import annotations

import sys
import textwrap

import pytest

from nn.cli import main

SCRIPT = """
    import argparse, sys
    from autograd import Value
    from friend import make
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--o")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    loss = make() * given.rate
    assert __name__ == "__main__" and sys.modules["__main__"].loss is loss
    assert sys.argv[0] == __file__
    print(given.rate, given.o, given.names)
"""


@pytest.fixture
def play(tmp_path, capsys):
    """Write a script, play it, and return status, output, errors and whether there is a page."""
    (tmp_path / "friend.py").write_text(
        "from autograd import Value\ndef make(): return Value(3.0)\n"
    )

    def run(code, *more, out="page.html", name="loss"):
        (tmp_path / "script.py").write_text(textwrap.dedent(code), "utf-8")
        before = sys.argv[:], sys.path[:], sys.modules["__main__"]
        try:
            target = f"{tmp_path / 'script.py'}:{name}"
            status = main(["play", target, "--out", str(tmp_path / out), *more])
        finally:
            sys.modules.pop("friend", None)
            assert (sys.argv[:], sys.path[:], sys.modules["__main__"]) == before
        shown = capsys.readouterr()
        return status, shown.out, shown.err, (tmp_path / "page.html").exists()

    return run


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ((), "2.0 None []"),
        (("--rate", "5", "a"), "5.0 None ['a']"),
        (("b", "--o", "x", "--rate=1"), "1.0 x ['b']"),
        (("--", "--rate", "3", "--o", "y", "c"), "3.0 y ['c']"),
    ],
)
def test_a_script_has_its_own_arguments_and_folder(play, more, shown):
    status, out, _, page = play(SCRIPT, *more)
    assert status == 0
    assert out.startswith(shown)
    assert page


@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(0)", "raise SystemExit"])
def test_a_script_that_ends_well_is_played(play, end):
    status, out, _, page = play(f"import sys, friend\nloss = friend.make() * 2\n{end}\n")
    assert (status, page) == (0, True)
    assert "Wrote" in out


@pytest.mark.parametrize("code", ["3", "'no data'"])
def test_a_script_that_ends_badly_says_so(play, code):
    status, _, err, page = play(f"import sys, friend\nloss = friend.make() * 2\nsys.exit({code})\n")
    assert (status, page) == (2, False)
    assert f"ended with sys.exit({code})" in err


def test_a_missing_name_lists_those_that_are_there(play):
    status, _, err, _ = play("import friend\ny = friend.make()\n")
    assert status == 2
    assert "defines no global 'loss'; its global Values are y" in err
    assert "it has no global Values" in play("def main(): loss = 1\n")[2]


def test_a_page_that_can_not_be_written_is_refused_before_the_script_runs(play, tmp_path):
    (tmp_path / "dir.html").mkdir()
    for out, problem in (("dir.html", "is a directory"), ("no/a.html", "existing directory")):
        status, shown, err, _ = play("print('ran')\n", out=out)
        assert (status, shown) == (2, "")
        assert problem in err


def test_a_script_in_another_encoding_is_read_as_python_reads_it(play, tmp_path):
    script = "# coding: latin-1\nimport friend\nloss = friend.make() * len('é')\n"
    (tmp_path / "other.py").write_text(script, "latin-1")
    out = str(tmp_path / "a.html")
    assert main(["play", f"{tmp_path / 'other.py'}:loss", "--out", out]) == 0
    sys.modules.pop("friend", None)


def test_the_page_is_where_it_was_asked_for(play, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    code = "import os, friend\nos.chdir('elsewhere')\nloss = friend.make() * 2\n"
    (tmp_path / "other.py").write_text(code)
    assert main(["play", "other.py:loss", "--out", "page.html"]) == 0
    assert (tmp_path / "page.html").exists()
    sys.modules.pop("friend", None)


def test_a_script_keeps_its_own_meaning_of_annotations(play):
    code = """
        from friend import make
        def scaled(x: float): return x * 2
        assert scaled.__annotations__ == {"x": float}
        loss: object = scaled(make())
    """
    assert play(code)[0] == 0


def test_other_commands_refuse_arguments_that_they_do_not_know(capsys):
    with pytest.raises(SystemExit) as done:
        main(["tour", "--speed", "3"])
    assert done.value.code == 2
    assert "unrecognized arguments: --speed 3" in capsys.readouterr().err
