"""`glassgrad check`: finds what a script trains, and says what is wrong with it."""

from __future__ import annotations

import sys
import textwrap

import pytest

from nn.cli import main

SCRIPT = """
    import numpy as np, nn
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 6)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = nn.Sequential(nn.Linear(6, 16, rng=0), nn.ReLU(), nn.Linear(16, 2, rng=1))
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    for _ in range(10**9):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


@pytest.fixture
def checked(tmp_path, capsys):
    """Write a script, check it, and return status, output and errors."""

    def run(code, *more):
        script = tmp_path / "train.py"
        script.write_text(textwrap.dedent(code), "utf-8")
        before = sys.argv[:], sys.path[:], sys.modules["__main__"]
        status = main(["check", str(script), *more])
        assert (sys.argv[:], sys.path[:], sys.modules["__main__"]) == before
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def test_a_training_script_without_end_is_checked_at_its_first_updates(checked):
    status, out, _ = checked(SCRIPT)
    assert (status, out.splitlines()[0][:10]) == (0, "No finding")


def test_the_weights_are_those_before_the_first_update(checked):
    starts = [
        next(line for line in checked(code)[1].splitlines() if "at the start" in line)
        for code in (SCRIPT, SCRIPT.replace("lr=1e-2", "lr=1e-4"))
    ]
    assert starts[0] == starts[1]


def test_a_missing_zero_grad_is_seen_in_the_scripts_own_steps(checked):
    status, out, _ = checked(SCRIPT.replace("optimizer.zero_grad()", "pass"))
    assert status == 1
    assert "missing zero_grad at the training step: 7 of 8 steps" in out


def test_the_page_is_written(checked, tmp_path):
    code = SCRIPT.replace("rng=1)", "rng=1), nn.Softmax(1)")
    status, out, _ = checked(code, "--out", str(tmp_path / "found.html"))
    assert status == 1
    assert "Wrote" in out
    assert "softmax before cross_entropy" in (tmp_path / "found.html").read_text("utf-8")


def test_a_model_of_any_name_is_found(checked):
    assert checked(SCRIPT.replace("model", "made"))[0] == 0


def test_what_is_not_found_by_its_name_is_asked_for(checked):
    code = SCRIPT.replace("criterion", "compared").replace("nn.Cross", "lambda *a: nn.Cross")
    code = code.replace("Loss()", "Loss()(*a)")
    assert (checked(code)[0], "--loss NAME" in checked(code)[2]) == (2, True)
    code = SCRIPT.replace("x = rng", "table = x_ = rng").replace("x[", "x_[").replace("(x)", "(x_)")
    assert (checked(code)[0], "--data x,y" in checked(code)[2]) == (2, True)


def test_names_can_be_given(checked):
    code = SCRIPT.replace("criterion", "compared")
    assert checked(code, "--loss", "compared", "--data", "x,y", "--model", "model")[0] == 0
    assert "no global 'other'" in checked(code, "--loss", "other")[2]


def test_a_script_without_a_model_or_that_is_not_there_says_so(checked, capsys):
    assert "no global Module" in checked("x = 1\n")[2]
    assert main(["check", "nowhere.py"]) == 2
    assert "there is no script 'nowhere.py'" in capsys.readouterr().err


def test_a_loss_may_be_named_that_the_script_calls_in_its_loop(checked):
    code = SCRIPT.replace("criterion = nn.CrossEntropyLoss()", "").replace(
        "criterion(", "nn.functional.cross_entropy("
    )
    status, out, _ = checked(code, "--loss", "cross_entropy")
    assert (status, out.splitlines()[0][:10]) == (0, "No finding")
    assert "one of nn.functional, such as cross_entropy" in checked(code)[2]
