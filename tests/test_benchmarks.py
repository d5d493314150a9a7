"""The harness of the benchmarks: what it checks, compares and draws. No timing is looked at."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

benchmarks = pytest.importorskip("benchmarks")

from benchmarks import harness, peers, plot, record, report  # noqa: E402
from benchmarks.__main__ import main  # noqa: E402
from benchmarks.case import OURS, Case  # noqa: E402
from benchmarks.harness import (  # noqa: E402
    Plan,
    Wrong,
    means,
    ratio,
    ratios,
    run,
    same_numbers,
    summary,
)

SUBJECT = """
from benchmarks.case import OURS, Case, Unavailable

def computing(x):
    return lambda: lambda: [x, 2.0]

def lacking():
    raise Unavailable("it needs a compiler")

def absent():
    import a_module_that_nobody_has

def dying():
    raise SystemExit(3)

CASES = (
    Case("same", {OURS: computing(1.0), "numpy": computing(1.0 + 1e-6)}, group="all"),
    Case("different", {OURS: computing(1.0), "numpy": computing(1.5)}),
    Case("skipped", {OURS: computing(1.0), "torch": absent, "tinygrad": lacking}),
    Case("dying", {OURS: dying}),
    Case("rate", {OURS: lambda: lambda: 4.0}, "B/s", measures_itself=True, compared=False),
)
"""
PLAN = Plan(["torch", "tinygrad"], rounds=2, enough=1e-4)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Each case of the subject above, run in processes as the real ones are."""
    folder = tmp_path_factory.mktemp("subjects")
    (folder / "made_up.py").write_text(SUBJECT)
    space: dict = {}
    exec(SUBJECT, space)
    with pytest.MonkeyPatch.context() as patch:
        # a worker finds benchmarks.made_up as soon as the package's path has our folder
        patch.setattr(
            "benchmarks.harness.WORKER",
            "import sys; sys.path.append(sys.argv.pop(1)); import benchmarks; "
            f"benchmarks.__path__.append({str(folder)!r}); from benchmarks.worker import main; "
            "main(*sys.argv[1:4], float(sys.argv[4]))",
        )
        return {case.name: run("made_up", case, PLAN) for case in space["CASES"]}


def made(sides, **more):
    """A result as `run` gives it, of samples that are given."""
    result = {"subject": "s", "case": "c", "unit": "s", "skipped": {}}
    result |= dict.fromkeys(("group", "flops", "bytes", "cores"))
    summaries = {side: summary(x) for side, x in sides.items()}
    return {**result, "sides": summaries, "ratios": ratios(sides), **more}


def test_sides_with_the_same_numbers_are_timed(results):
    sides = results["same"]["sides"]
    assert {side: len(s["samples"]) for side, s in sides.items()} == {OURS: 2, "numpy": 2}
    assert all(sample > 0 for s in sides.values() for sample in s["samples"])


def test_sides_with_different_numbers_are_not_timed(results):
    assert results["different"]["sides"] == {}
    assert "1.0 in glassgrad, 1.5 in numpy" in results["different"]["wrong"]


def test_a_side_that_can_not_run_says_why(results):
    assert list(results["skipped"]["sides"]) == [OURS]
    assert results["skipped"]["skipped"] == {
        "torch": "a_module_that_nobody_has is not installed",
        "tinygrad": "it needs a compiler",
    }


def test_a_side_that_breaks_down_is_named(results):
    assert "'glassgrad' exited" in results["dying"]["wrong"]


def test_a_work_may_measure_itself(results):
    assert results["rate"]["sides"][OURS]["samples"] == [4.0, 4.0]


def test_every_side_says_what_it_runs_on(results):
    assert results["same"]["versions"]["numpy"].keys() >= {"numpy", "python"}


def test_not_a_number_is_never_the_same():
    class Side:
        def __init__(self, *numbers):
            self.name, self.numbers = "side", numbers

    same_numbers(Side(1.0, 2.0), Side(1.0, 2.0001), 1e-4)
    for other in (Side(1.0), Side(1.0, 2.01), Side(1.0, float("nan"))):
        with pytest.raises(Wrong):
            same_numbers(Side(1.0, 2.0), other, 1e-4)


def test_a_ratio_is_the_median_over_rounds():
    result = made({OURS: [1.0, 2.0, 4.0], "torch": [3.0, 4.0, 4.0]})
    assert ratio(result, "torch") == 2.0
    assert ratio(result, OURS) is None


def test_means_are_geometric_and_of_one_group():
    rows = [
        made({OURS: [1.0], "torch": [2.0]}, group="a"),
        made({OURS: [1.0], "torch": [8.0], "jax": [3.0]}, group="a"),
        made({OURS: [1.0], "torch": [100.0]}),
    ]
    got = means(rows)
    assert got.keys() == {"a"}
    assert got["a"]["torch"] == pytest.approx((4.0, 2))
    assert got["a"]["jax"] == pytest.approx((3.0, 1))


def test_a_share_of_the_peak_is_work_over_time():
    result, peaks = made({OURS: [2.0]}, flops=40.0), {"flops": 100.0, "bytes": 6.0, "cores": 2}
    assert report.share(result, OURS, peaks) == pytest.approx(0.2)
    assert report.share(result, OURS, {}) is None
    assert report.share(made({OURS: [2.0]}, bytes=6.0), OURS, peaks) == pytest.approx(0.5)
    assert report.share({**result, "cores": 1}, OURS, peaks) == pytest.approx(0.4)


def test_only_what_lies_beyond_the_spread_has_changed():
    old = [made({OURS: [1.0, 1.1, 1.2, 1.3], "torch": [1.0, 1.0, 1.0, 1.0]})]
    new = [made({OURS: [1.15, 1.2, 1.3, 1.4], "torch": [2.0, 2.0, 2.0, 2.0]})]
    verdicts = {c["side"]: c["verdict"] for c in record.changes(old, new)}
    assert verdicts == {OURS: "", "torch": "slower"}
    assert record.changes(new, old)[1]["verdict"] == "faster"
    assert record.changes(old, [made({OURS: [1.0]}, case="another")]) == []


def test_between_processors_ratios_are_compared():
    old = [made({OURS: [1.0, 1.1], "torch": [2.0, 2.2]})]
    new = [made({OURS: [0.1, 0.1], "torch": [0.3, 0.3]})]
    (change,) = record.changes(old, new, relative=True)
    assert (change["side"], change["unit"], change["verdict"]) == ("torch", "×", "better")
    assert change["factor"] == pytest.approx(1.5)
    assert record.changes(new, old, relative=True)[0]["verdict"] == "worse"


def test_a_run_of_an_earlier_version_is_read(tmp_path):
    old = made({OURS: [1.0, 2.0], "torch": [3.0, 4.0]})
    del old["ratios"], old["sides"][OURS]["low"]
    path = tmp_path / record.RESULTS
    path.write_text(json.dumps({"machine": {}, "results": [old]}))
    (new,) = record.read(path)["results"]
    assert ratio(new, "torch") == 2.5
    assert new["sides"][OURS]["low"] == 1.0


def test_a_run_says_how_busy_the_machine_was(results):
    others = results["same"]["others"]
    assert others is None or others >= 0


def test_rounds_end_when_a_case_takes_too_long(monkeypatch):
    made_up = Case("rate", {OURS: int}, measures_itself=True, compared=False)
    asked = []

    class Side:
        def __init__(self, plan, subject, case, name):
            self.name, self.missing, self.samples, self.versions = name, None, [], {}
            self.process = type("Process", (), {"pid": 1})

        def greet(self): ...

        def close(self): ...

        def ask(self, what):
            asked.append(what)
            return 1.0

    monkeypatch.setattr(harness, "Side", Side)
    run("s", made_up, Plan([], rounds=50, longest=0.0))
    assert asked == ["sample"] * 3 + ["subnormal"]


def test_a_run_is_written_and_read_again(results, tmp_path):
    done = record.run_of(record.machine(), {"flops": 1.0}, list(results.values()))
    path = record.write(tmp_path, done)
    run = record.read(tmp_path)
    assert run == record.read(path)
    assert [r["case"] for r in run["results"]] == list(results)
    assert run["versions"][OURS]["numpy"]
    assert run["machine"]["cores"] >= 1
    path.write_text("[]")
    with pytest.raises(ValueError, match="no benchmark results"):
        record.read(path)


def test_a_plot_has_a_bar_for_every_peer():
    rows = [
        made({OURS: [1.0], "torch": [2.0], "jax": [0.25]}, case="a < b"),
        made({OURS: [1.0], "torch": [8.0]}),
    ]
    root = ET.fromstring(plot.svg(rows, "title & more"))
    texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"title & more", "s: a < b", "2.00", "0.25", "8.00"} <= set(texts)
    widths = {
        bar.get("class"): float(bar.get("width"))
        for bar in root.iter("{http://www.w3.org/2000/svg}rect")
        if bar.get("class") != "page"
    }
    assert len(widths) == 2
    ET.fromstring(plot.svg([], "nothing"))


def test_tables_render(results):
    from rich.console import Console

    console = Console(record=True, width=200, file=io.StringIO())
    console.print(report.table("made up", list(results.values()), {}))
    console.print(report.comparison(record.changes(list(results.values()), [results["same"]])))
    text = console.export_text()
    assert "not timed: number 0 is 1.0 in glassgrad" in text
    assert "geometric mean of 1 × all" in text


def test_peers_are_found_in_their_environments(tmp_path):
    python = peers.interpreter(tmp_path / "hips")
    python.parent.mkdir(parents=True)
    python.touch()
    found = peers.interpreters(tmp_path)
    assert found["autograd"] == str(python)
    assert found["torch"] == sys.executable
    assert set(peers.interpreters(None).values()) == {sys.executable}


def test_environments_are_made_with_pinned_versions(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(peers.venv, "create", lambda path, with_pip: done.append(path.name))
    monkeypatch.setattr(peers.subprocess, "run", lambda command, check: done.append(command))
    peers.set_up(tmp_path, peers.PEERS, print)
    assert [d for d in done if isinstance(d, str)] == ["peers", "hips"]
    wanted = [word for d in done if isinstance(d, list) for word in d[5:]]
    assert all("==" in word for word in wanted)
    assert {word.partition("==")[0] for word in wanted} >= set(peers.PEERS)
    assert [d[5:] for d in done if isinstance(d, list)][1] == ["autograd==1.9.1"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["nothing"], "no subject nothing"),
        (["--peers", "torch,caffe"], "no peer caffe"),
        (["--python", "torch"], "--python must be PEER=PATH"),
        (["--python", "caffe=x"], "--python must be PEER=PATH"),
        (
            ["--python", "torch=/no/such/python"],
            "there is no interpreter /no/such/python for torch",
        ),
        (["--peers-dir", "/no/such/folder"], "--setup-peers"),
        (["--compare", "/no/such/file"], "--compare"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(argv, text, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert text in " ".join(capsys.readouterr().err.split())


def test_subjects_need_no_library_to_be_listed():
    """A peer's environment imports subject files and has neither glassgrad nor Numba."""
    code = (
        "import sys, importlib; before = set(sys.modules)\n"
        "for name in sys.argv[1:]: importlib.import_module(f'benchmarks.{name}')\n"
        "print(*{m.split('.')[0] for m in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", code, *benchmarks.SUBJECTS, "worker"]
    root = Path(benchmarks.__file__).parents[1]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout
    assert set(out.split()) <= {"benchmarks"} | sys.stdlib_module_names


@pytest.mark.parametrize("subject", benchmarks.SUBJECTS)
def test_every_case_has_a_name_of_its_own_and_our_side(subject):
    cases = __import__(f"benchmarks.{subject}", fromlist=["CASES"]).CASES
    assert len({case.name for case in cases}) == len(cases) > 0
    assert all(OURS in case.sides for case in cases)
    json.dumps([[case.name, case.flops, case.bytes, case.group] for case in cases])
