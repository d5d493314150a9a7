"""Roofline plot: what a machine can reach at each arithmetic intensity, and what rows reach."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

from benchmarks.case import OURS
from benchmarks.plot import STYLE, text
from benchmarks.record import Result
from benchmarks.report import readable

LEFT, RIGHT, TOP, BOTTOM = 64, 620, 52, 470  # of the axes
SIDES = (OURS, "torch")
SPOTS = ((9, 4), (-9, 4), (0, -8), (0, 16), (10, -7), (-10, -7), (10, 15), (-10, 15))
REACHES = (1.0, 1.6, 2.4)
Box = tuple[float, float, float, float]
LINE = 15  # height of a line of the legend


class Row(NamedTuple):
    """A row: FLOP per byte, and FLOP/s of each side that ran."""

    name: str
    kind: int
    intensity: float
    rates: dict[str, float]


def rows(results: list[Result]) -> tuple[list[str], list[Row]]:
    """Subjects, and the rows on all cores that have a count of operations and bytes."""
    found = [
        r for r in results if r["flops"] and r["bytes"] and not r["cores"] and OURS in r["sides"]
    ]
    subjects = list(dict.fromkeys(r["subject"] for r in found))
    made = [
        Row(
            r["case"].removesuffix(", f+b"),
            subjects.index(r["subject"]),
            r["flops"] / r["bytes"],
            {s: r["flops"] / r["sides"][s]["median"] for s in SIDES if s in r["sides"]},
        )
        for r in found
    ]
    return subjects, made


class Axes:
    """Logarithmic axes around points and the two roofs."""

    def __init__(self, points: list[tuple[float, float]], peaks: Result) -> None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        ridge = peaks["flops"] / peaks["bytes"]
        self.x0, self.x1 = min([ridge, *xs]) / 1.6, max([ridge, *xs]) * 1.6
        self.y0, self.y1 = min([peaks["flops"] / 4, *ys]) / 1.6, peaks["flops"] * 1.9
        self.peaks = peaks

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        return (
            LEFT + (RIGHT - LEFT) * math.log(x / self.x0) / math.log(self.x1 / self.x0),
            BOTTOM - (BOTTOM - TOP) * math.log(y / self.y0) / math.log(self.y1 / self.y0),
        )

    def roof(self) -> str:
        """The path of both roofs."""
        flops, speed = self.peaks["flops"], self.peaks["bytes"]
        start = max(self.x0, self.y0 / speed)
        path = [self.at(x, min(flops, speed * x)) for x in (start, flops / speed, self.x1)]
        return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in path)

    def grid(self) -> list[str]:
        """Lines at powers of two of the intensity, and at 1, 2 and 5 times powers of ten."""
        out = []
        for power in range(math.ceil(math.log2(self.x0)), math.floor(math.log2(self.x1)) + 1):
            x, _ = self.at(2.0**power, self.y0)
            out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{BOTTOM}"/>')
            out.append(text(x, BOTTOM + 16, f"{2.0**power:g}", "middle"))
        for power in range(3, 16):
            for y in (factor * 10.0**power for factor in (1, 2, 5)):
                if self.y0 <= y <= self.y1:
                    _, v = self.at(self.x0, y)
                    line = f'x1="{LEFT}" x2="{RIGHT}" y1="{v:.1f}" y2="{v:.1f}"'
                    out.append(f'<line class="grid" {line}/>')
                    out.append(text(LEFT - 6, v + 4, readable(y, "").strip(), "end"))
        return out


def svg(results: list[Result], peaks: Result, title: str) -> str:
    """The plot, with a numbered legend; empty if no row can be shown.

    A disc is glassgrad, a ring PyTorch on the same work, joined by a line.
    """
    subjects, shown = rows(results)
    if not shown or not peaks.get("flops") or not peaks.get("bytes"):
        return ""
    axes = Axes([(r.intensity, y) for r in shown for y in r.rates.values()], peaks)
    height = max(BOTTOM + 46, TOP + LINE * (len(shown) + len(subjects) + 3) + 12)
    width = RIGHT + 390
    flops, speed = peaks["flops"], peaks["bytes"]
    ridge_x, ridge_y = axes.at(flops / speed, flops)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>{STYLE}",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="ink" x="8" y="18" font-size="13">{escape(title)}</text>',
        text(8, 36, "disc: glassgrad, ring: PyTorch on the same work; logarithmic axes", cls="dim"),
        *axes.grid(),
        f'<path class="roof" d="{axes.roof()}"/>',
        text(ridge_x + 4, ridge_y - 6, f"{readable(flops, 'FLOP/s')} on all cores"),
        text(ridge_x + 8, ridge_y + 15, f"↖ {readable(speed, 'B/s')}", cls="dim"),
        text((LEFT + RIGHT) / 2, BOTTOM + 34, "FLOP per byte of operands and results", "middle"),
    ]
    marks, pairs = list[str](), list[list[tuple[float, float]]]()
    for row in shown:
        spots = [axes.at(row.intensity, rate) for rate in row.rates.values()]
        pairs.append(spots)
        (x, a), (_, b) = spots[0], spots[-1]
        ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{a:.1f}" y2="{b:.1f}"'
        out.append(f'<line class="k{row.kind} pair" {ends}/>')
        for side, (_, y) in zip(row.rates, spots, strict=True):
            cls = f"k{row.kind} {'disc' if side == OURS else 'ring'}"
            marks.append(f'<circle class="{cls}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
    out += marks
    roof = [
        (ridge_x, ridge_y - 1, RIGHT, ridge_y + 1),
        (ridge_x, ridge_y - 18, ridge_x + 150, ridge_y),
    ]
    for number, (x, y) in enumerate(numbers(pairs, roof), 1):
        out.append(text(x, y, str(number), "middle"))
    return "\n".join([*out, *legend(subjects, shown, flops), "</svg>"]) + "\n"


def numbers(pairs: list[list[tuple[float, float]]], taken: list[Box]) -> list[tuple[float, float]]:
    """A place for the number of each pair of marks, where it covers nothing if there is one."""
    taken = [*taken, *((x - 5, y - 5, x + 5, y + 5) for pair in pairs for x, y in pair)]
    found = []
    for (x, y), *_ in pairs:
        spots = [(x + dx * reach, y + dy * reach) for reach in REACHES for dx, dy in SPOTS]
        best = min(spots, key=lambda at: sum(overlap(box_of(at), other) for other in taken))
        found.append(best)
        taken.append(box_of(best))
    return found


def box_of(at: tuple[float, float]) -> Box:
    """What a number covers."""
    x, y = at
    return x - 7, y - 9, x + 7, y + 2


def overlap(a: Box, b: Box) -> float:
    """Common area of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def legend(subjects: list[str], shown: list[Row], flops: float) -> list[str]:
    """Number, name and shares of the peak of each row, by subject."""
    x, y = RIGHT + 24, TOP
    out = [text(width := x + 356, y - 6, "of peak: ours, PyTorch's", "end", "dim")]
    for kind, subject in enumerate(subjects):
        y += LINE + 2
        out.append(f'<circle class="k{kind} disc" cx="{x + 4}" cy="{y - 4}" r="4"/>')
        out.append(text(x + 14, y, subject))
        for number, row in enumerate(shown, 1):
            if row.kind == kind:
                y += LINE
                shares = ", ".join(f"{rate / flops:.0%}" for rate in row.rates.values())
                out += [text(x + 20, y, str(number), "end", "dim"), text(x + 26, y, row.name)]
                out.append(text(width, y, shares, "end"))
    return out
