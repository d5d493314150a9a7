"""README's table of ratios: one column a processor, made from the files in benchmarks/results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import record, report, roofline
from benchmarks.case import EAGER, OURS
from benchmarks.harness import ROOT, means, ratio
from benchmarks.processor import described

FOLDER = ROOT / "benchmarks" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- bench --publish: begin -->\n", "<!-- bench --publish: end -->\n"
TITLES = {  # of the rows of a subject that have no group
    "op_chain": "small ops on (8, 8)",
    "scalar_graph": "scalars",
    "elementwise": "elementwise",
    "matmul": "matrix products",
    "pooling": "pooling",
    "norm_softmax_attention": "normalization, softmax, attention, embedding",
    "optimizer": "optimizer steps",
    "import_time": "import",
}
LIBRARIES = {"torch": "PyTorch", "jax": "JAX jit", EAGER: "eager"}
Run = dict[str, Any]


def publish(run: Run) -> Path:
    """Write a run without its samples, as the one of its processor; return the file's path.

    Its roofline plot lies beside it.
    """
    path = FOLDER / f"{slug(run)}.json"
    FOLDER.mkdir(exist_ok=True)
    path.write_text(json.dumps(record.without_samples(run), indent=1) + "\n", encoding="utf-8")
    plot = roofline.svg(run["results"], run["peaks"], f"Roofline of {described(run['machine'])}")
    if plot:
        path.with_suffix(".svg").write_text(plot, encoding="utf-8")
    return path


def slug(run: Run) -> str:
    """Name of the files of a run's processor."""
    return re.sub(r"[^a-z0-9]+", "-", run["machine"]["processor"].lower()).strip("-")


def published() -> list[Run]:
    """The runs of all processors."""
    return [record.read(path) for path in sorted(FOLDER.glob("*.json"))]


def update(readme: Path = README) -> None:
    """Put the table of the published runs into the README.

    Raises
    ------
    ValueError
        It has no marks to put it between.
    """
    readme.write_text(replaced(readme.read_text(encoding="utf-8"), published()), encoding="utf-8")


def replaced(text: str, runs: list[Run]) -> str:
    """A README with the table of some runs between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no lines {BEGIN.strip()} and {END.strip()}")
    return before + begin + markdown(runs) + end + after


def markdown(runs: list[Run]) -> str:
    """What was run where, and the table."""
    lines = [*(source(run, letter) for run, letter in lettered(runs)), ""]
    heads, columns = ["work", "rows"], list[Callable[[str], str]]()
    for run, letter in lettered(runs):
        of = grouped(run["results"])
        sides = dict.fromkeys(side for r in run["results"] for side in r["ratios"])
        for side in [side for side in LIBRARIES if side in sides]:
            heads.append(letter + LIBRARIES[side])
            columns.append(lambda name, of=of, side=side: cell(of.get(name, []), side))
        peaks = {**run["peaks"], "cores": run["machine"]["cores"]}
        heads.append(f"{letter}of peak (PyTorch)")
        columns.append(lambda name, of=of, peaks=peaks: shares(of.get(name, []), peaks))
    lines += [line(heads), line(["---"] * len(heads))]
    groups = dict[str, list[Any]]()
    for run in runs:
        for name, results in grouped(run["results"]).items():
            groups.setdefault(name, results)
    for name, results in groups.items():
        cells = [column(name) for column in columns]
        if any(cells):
            lines.append(line([name, str(len(results)), *cells]))
    return "\n".join(lines) + "\n"


def lettered(runs: list[Run]) -> list[tuple[Run, str]]:
    """Runs with the letters that tell their columns apart; without any if there is only one."""
    return [(run, f"{chr(65 + i)}: " if len(runs) > 1 else "") for i, run in enumerate(runs)]


def source(run: Run, letter: str) -> str:
    """Where, when and with what a run was made."""
    where, versions = run["machine"], run["versions"]
    peers = [f"{LIBRARIES[s]} {versions[s][s]}" for s in LIBRARIES if s in versions.get(s, {})]
    text = f"{letter}{described(where)}; {where['date'][:10]}, commit {where['commit']}"
    text = "; ".join([text, *([", ".join(peers)] if peers else [])]) + "."
    left = sum(1 for r in run["results"] if not counts(r))
    text += f" {left} rows measured beside other work are left out." if left else ""
    plot = FOLDER / f"{slug(run)}.svg"
    if plot.exists():
        text += f" [Its roofline]({plot.relative_to(ROOT).as_posix()})."
    return text


def counts(result: Run) -> bool:
    """Whether the table has a row."""
    return "wrong" not in result and not report.is_busy(result)


def grouped(results: list[Run]) -> dict[str, list[Run]]:
    """Name of a group -> its rows, for which a peer has a ratio."""
    found: dict[str, list[Run]] = {}
    for r in results:
        name = r["group"] or TITLES.get(r["subject"])
        if name and counts(r) and r["ratios"]:
            found.setdefault(name, []).append(r)
    return found


def cell(results: list[Run], side: str) -> str:
    """Geometric mean of a side's ratios, the least and the largest."""
    found = [x for r in results if (x := ratio(r, side)) is not None]
    if not found:
        return ""
    mean = means([{**r, "group": "all"} for r in results])["all"][side][0]
    return short(mean) + (f" ({short(min(found))}–{short(max(found))})" if len(found) > 1 else "")


def shares(results: list[Run], peaks: Run) -> str:
    """Mean share of the machine's peak FLOP/s, ours and PyTorch's."""
    counted = [r for r in results if r["flops"] and "torch" in r["sides"]]
    if not counted or not peaks.get("flops"):
        return ""
    ours, theirs = (
        sum(report.share(r, side, peaks) or 0.0 for r in counted) / len(counted)
        for side in (OURS, "torch")
    )
    return f"{ours:.0%} ({theirs:.0%})"


def short(x: float) -> str:
    """A ratio in two digits."""
    return f"{x:.0f}" if x >= 10 else f"{x:.1f}" if x >= 1 else f"{x:.2f}"


def line(cells: list[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"
