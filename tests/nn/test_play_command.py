"""`glassgrad play`: scripts run as under `python`, and every failure says why."""

from __future__ import annotations

import sys
import textwrap

import numpy as np
import pytest

import autograd
from nn.cli import main
from nn.commands import play as commands
from nn.commands.play import executed

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
            target = f"{tmp_path / 'script.py'}" + (f":{name}" if name else "")
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


def test_a_script_may_have_an_option_that_onnx_files_have(play):
    code = """
        import argparse, friend
        parser = argparse.ArgumentParser()
        parser.add_argument("--input")
        parser.add_argument("--rate", type=float)
        loss = friend.make() * parser.parse_args().rate
        print(parser.parse_args().input)
    """
    status, out, _, page = play(code, "--rate", "2", "--input", "data.csv")
    assert (status, page) == (0, True)
    assert out.startswith("data.csv")


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


TRAINED = """
    import numpy as np, nn
    from nn.functional import cross_entropy
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    x, t = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32), np.arange(6) % 2
    before = []
    def step():
        before[:] = [p.data.copy() for p in model.parameters()]
        optimizer.zero_grad()
        loss = cross_entropy(model(x), t)
        total = loss * 2.0
        total.backward()
        optimizer.step()
        return loss, total
    for _ in range(6):
        loss, total = step()
    after = [p.data.copy() for p in model.parameters()]
    grads = [p.grad.copy() for p in model.parameters()]
"""


@pytest.mark.parametrize("name", ["loss", "total", ""])
def test_a_script_that_called_backward_is_played_as_it_was_before(
    play, tmp_path, name, monkeypatch
):
    made = []
    original = autograd.play
    monkeypatch.setattr(
        autograd, "play", lambda *a, **k: made.append(original(*a, **k)) or made[-1]
    )
    seen = {}
    monkeypatch.setattr(commands, "executed", lambda *a: seen.update(executed(*a)) or seen)
    status, _, err, page = play(TRAINED, name=name)
    assert (status, page) == (0, True), err
    story = made[0].story
    scale = 2.0 if name == "loss" else 1.0  # the gradient of the loss alone is half of that kept
    parameters = list(seen["model"].parameters())
    for p, before, after, grad in zip(
        parameters, seen["before"], seen["after"], seen["grads"], strict=True
    ):
        event = story.events[story.index[id(p)]]
        rms = np.sqrt(np.mean(np.square(before)))
        assert event.value["rms"] == pytest.approx(rms, rel=1e-5)
        rms = np.sqrt(np.mean(np.square(grad)))
        assert event.gradient["rms"] * scale == pytest.approx(rms, rel=1e-4)
        assert np.array_equal(p.data, after)


def test_a_name_that_only_a_function_knows_can_be_left_out(play):
    code = "import friend\ndef main():\n    y = friend.make() * 2\n    y.backward()\nmain()\n"
    assert "plays what backward() was last called on" in play(code)[2]
    assert play(code, name="")[0] == 0
    assert "called no backward()" in play("x = 1\n", name="")[2]


LOOP = """
    import numpy as np, nn
    from nn.functional import cross_entropy
    model = nn.Linear(3, 2)
    x, t = np.ones((4, 3), np.float32), np.array([0, 1, 0, 1])
"""


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "def main():\n    loss = cross_entropy(model(x), t)\n    loss.backward()\n"
            "if __name__ == '__main__':\n    main()\n",
            "defines no global 'loss'",
        ),
        ("loss = cross_entropy(model(x), t)\nloss.backward()\nloss = loss.item()\n", "a float"),
        (
            "history = nn.train.fit(model, (x, t), 'cross_entropy', verbose=False)\n",
            "defines no global 'loss'",
        ),
        (
            "losses = [cross_entropy(model(x), t) for _ in range(6)]\n"
            "for loss in losses:\n    loss.backward()\n"
            "loss = losses[0]\n",
            "released by an earlier backward()",
        ),
    ],
    ids=["main", "item", "fit", "first of six"],
)
def test_a_loss_that_is_gone_is_that_of_the_last_backward(play, code, problem):
    status, _, err, page = play(textwrap.dedent(LOOP) + code)
    assert (status, page) == (0, True), err
    assert problem in err
    assert "this plays what backward() was last called on" in err


def test_a_script_that_fails_is_played_as_far_as_it_came(play):
    code = "import friend\nloss = friend.make() * 2\nloss.backward()\nraise ValueError('boom')\n"
    status, _, err, page = play(code)
    assert (status, page) == (1, True)
    assert "ValueError: boom" in err
    assert "failed; this plays what backward() was last called on" in err
    with pytest.raises(ValueError, match="boom"):
        play("raise ValueError('boom')\n")


def test_a_script_that_is_stopped_is_played_as_far_as_it_came(play):
    code = "import friend\nloss = friend.make() * 2\nloss.backward()\nraise KeyboardInterrupt\n"
    status, _, err, page = play(code)
    assert (status, page) == (0, True)
    assert "was stopped" in err


def test_a_backward_in_another_thread_is_named(play):
    code = """
        import threading, friend
        def work():
            global loss
            loss = friend.make() * 2
            loss.backward()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """
    status, _, err, page = play(code)
    assert (status, page) == (2, False)
    assert "in another thread; there, call backward(retain_graph=True)" in err


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
