"""README's table of ratios, and the roofline plot."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations

import pytest

benchmarks = pytest.importorskip("benchmarks")

from benchmarks import record, roofline, table  # noqa: E402
from benchmarks.__main__ import main  # noqa: E402
from benchmarks.case import OURS  # noqa: E402
from benchmarks.harness import ratios, summary  # noqa: E402

MACHINE = {"processor": "Some CPU 7", "cores": 2, "caches": {"L2": 1 << 20}, "vector": 256}
PEAKS = {"flops": 100.0, "bytes": 10.0, "cores": 2}


def row(case, ours, torch, **more):
    sides = {OURS: [ours], "torch": [torch]}
    return {
        "subject": "matmul",
        "case": case,
        "unit": "s",
        "group": None,
        "skipped": {},
        "flops": 40.0,
        "bytes": 2.0,
        "cores": None,
        "sides": {side: summary(x) for side, x in sides.items()},
        "ratios": ratios(sides),
        **more,
    }


def run(*results, **machine):
    where = {**MACHINE, "date": "2026-01-02T03:04", "commit": "abc", **machine}
    return {**record.run_of(where, PEAKS, list(results)), "versions": {"torch": {"torch": "2.13"}}}


def cells(text):
    lines = [x for x in text.splitlines() if x.startswith("|")]
    return [[c.strip() for c in x.strip("|").split("|")] for x in lines if "---" not in x]


def test_rows_of_a_group_are_one_line_with_mean_least_and_most():
    text = table.markdown([run(row("a", 1.0, 2.0), row("b", 1.0, 8.0))])
    head, line = cells(text)
    assert head == ["work", "rows", "PyTorch", "of peak (PyTorch)"]
    assert line == ["matrix products", "2", "4.0 (2.0–8.0)", "40% (12%)"]
    assert text.startswith("Some CPU 7, 2 cores, L2 1 MiB, 256-bit vectors; 2026-01-02, commit abc")


def test_each_processor_has_its_columns():
    other = run(row("a", 1.0, 0.5), processor="Other CPU")
    head, line = cells(table.markdown([run(row("a", 1.0, 2.0)), other]))
    assert head[2:] == ["A: PyTorch", "A: of peak (PyTorch)", "B: PyTorch", "B: of peak (PyTorch)"]
    assert line == ["matrix products", "1", "2.0", "40% (20%)", "0.50", "40% (80%)"]


def test_what_was_measured_beside_other_work_is_left_out():
    text = table.markdown([run(row("a", 1.0, 2.0), row("b", 1.0, 9.0, others=1.0))])
    assert cells(text)[1][1:3] == ["1", "2.0"]
    assert "1 rows measured beside other work are left out" in text


def test_a_run_is_published_without_samples_under_its_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "FOLDER", tmp_path / "results")
    monkeypatch.setattr(table, "ROOT", tmp_path)
    path = table.publish(run(row("a", 1.0, 2.0)))
    assert path.name == "some-cpu-7.json"
    assert "samples" not in path.read_text()
    (read,) = table.published()
    text = table.markdown([read])
    assert "[Its roofline](results/some-cpu-7.svg)." in text
    assert text == table.markdown([run(row("a", 1.0, 2.0))])
    assert ET.parse(tmp_path / "results" / "some-cpu-7.svg")


def test_a_table_replaces_the_one_between_the_marks(tmp_path):
    text = f"before\n{table.BEGIN}old\n{table.END}after\n"
    made = table.replaced(text, [run(row("a", 1.0, 2.0))])
    assert made.startswith(f"before\n{table.BEGIN}Some CPU 7")
    assert made.endswith(f"|\n{table.END}after\n")
    with pytest.raises(ValueError, match="has no lines"):
        table.replaced("no marks", [])


def test_the_readme_has_the_table_of_the_published_runs():
    text = table.README.read_text(encoding="utf-8")
    assert table.BEGIN in text
    if runs := table.published():
        assert table.replaced(text, runs) == text


def test_the_table_alone_can_be_made_again(monkeypatch):
    made = []
    monkeypatch.setattr(table, "update", lambda: made.append(True))
    assert main(["--table"]) == 0
    assert made == [True]


def test_a_roofline_has_marks_and_shares_of_all_rows():
    rows = [row("a < b", 1.0, 2.0), row("c", 2.0, 1.0), row("d", 1.0, 1.0, cores=1)]
    root = ET.fromstring(roofline.svg(rows, PEAKS, "title & more"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [e.text for e in root.iter(f"{space}text")]
    assert {"title & more", "a < b", "40%, 20%", "20%, 40%", "matmul"} <= set(texts)
    assert "d" not in texts  # its roof is another one
    kinds = [e.get("class") for e in root.iter(f"{space}circle")]
    assert kinds.count("k0 ring") == 2
    assert kinds.count("k0 disc") == 2 + 1  # with the legend's
    assert roofline.svg([], PEAKS, "nothing") == ""
    assert roofline.svg(rows, {"cores": 2}, "no peaks") == ""


def test_numbers_cover_neither_marks_nor_each_other():
    pairs = [[(100.0 + 6 * i, 100.0 + 3 * i), (100.0 + 6 * i, 140.0)] for i in range(5)]
    boxes = [roofline.box_of(at) for at in roofline.numbers(pairs, [])]
    assert not any(roofline.overlap(a, b) for a, b in combinations(boxes, 2))
