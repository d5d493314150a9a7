"""Tables that a run prints: results, skipped sides, changes."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from benchmarks.harness import means, ratio
from benchmarks.load import BUSY
from benchmarks.record import Result

PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
SMALL = (*PREFIXES[-1:], (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def readable(x: float, unit: str) -> str:
    """A measurement with three digits and its unit."""
    prefixes = SMALL if unit == "s" else PREFIXES
    scale, prefix = next((p for p in prefixes if abs(x) >= p[0]), prefixes[-1])
    return f"{x / scale:.3g} {prefix}{unit}".rstrip()


def share(result: Result, side: str, peaks: Result) -> float | None:
    """Fraction of the machine's peak that a side reaches; None if not applicable."""
    for kind in ("flops", "bytes"):
        if result[kind] is not None and peaks.get(kind):
            part = (result["cores"] or peaks["cores"]) / peaks["cores"]
            return float(result[kind] / result["sides"][side]["median"] / peaks[kind] / part)
    return None


def table(subject: str, results: list[Result], peaks: Result) -> Table:
    """One row per side, ours first; then the geometric means of the groups."""
    peak = any(share(r, side, peaks) is not None for r in results for side in r["sides"])
    t = Table(title=subject, title_justify="left")
    t.add_column("case", overflow="fold")
    t.add_column("side", no_wrap=True)
    for name in ("median", "spread", "× ours", *(("of peak",) if peak else ())):
        t.add_column(name, justify="right")
    for result in results:
        case = escape(result["case"]) + "".join(f" [yellow]{m}[/yellow]" for m in marks(result))
        if "wrong" in result:
            t.add_row(case, f"[bold red]not timed: {escape(result['wrong'])}[/bold red]")
        for side, s in result["sides"].items():
            r, part = ratio(result, side), share(result, side, peaks)
            t.add_row(
                case,
                side,
                readable(s["median"], result["unit"]),
                f"{spread(s):.0%}",
                "" if r is None else f"{r:.2f}",
                *(("" if part is None else f"{part:.0%}",) if peak else ()),
            )
            case = ""
    for group, sides in means(results).items():
        t.add_section()
        for side, (mean, rows) in sides.items():
            name = f"geometric mean of {rows} × {group}"
            t.add_row(name, side, "", "", f"{mean:.2f}", *(("",) if peak else ()))
    return t


def spread(s: dict[str, Any]) -> float:
    """Interquartile range relative to the median."""
    return float((s["high"] - s["low"]) / s["median"]) if s["median"] else 0.0


def is_busy(result: Result) -> bool:
    """Whether something else kept the machine busy while a row was measured."""
    return (result.get("others") or 0.0) > BUSY


def marks(result: Result) -> list[str]:
    """What makes the times of a row doubtful."""
    return ["busy"] * is_busy(result) + ["subnormal"] * (result.get("subnormal", 0.0) > 0)


def doubts(results: list[Result]) -> list[str]:
    """A line about each mark."""
    lines = []
    for result in results:
        if is_busy(result):
            lines.append(f"Busy: other work took {result['others']:.1f} cores in {result['case']}")
        if (part := result.get("subnormal", 0.0)) > 0:
            lines.append(f"Subnormal: {part:.2g} of an array's numbers in {result['case']}")
    return lines


def skipped(results: list[Result]) -> dict[str, str]:
    """Side -> reason why it was skipped."""
    return {side: why for result in results for side, why in result["skipped"].items()}


def comparison(found: list[dict[str, Any]]) -> Table:
    """Old and new medians, and whether they differ by more than the spread."""
    relative = any(change["unit"] == "×" for change in found)
    title = "compared with the other machine: peers' times relative to glassgrad's"
    t = Table(title=title if relative else "compared with the earlier run", title_justify="left")
    for name in ("subject", "case", "side"):
        t.add_column(name)
    for name in ("old", "new", "new / old"):
        t.add_column(name, justify="right")
    t.add_column("beyond the spread")
    colors = {"slower": "bold red", "worse": "bold red", "faster": "green", "better": "green"}
    for change in found:
        verdict, color = change["verdict"], colors.get(change["verdict"])
        t.add_row(
            change["subject"],
            change["case"],
            change["side"],
            readable(change["old"], change["unit"]),
            readable(change["new"], change["unit"]),
            f"{change['factor']:.2f}",
            f"[{color}]{verdict}[/{color}]" if color else verdict,
        )
    return t
