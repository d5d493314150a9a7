"""Bar chart of a run's ratios, as SVG without dependencies."""

from __future__ import annotations

import math
from html import escape

from benchmarks.harness import ratio
from benchmarks.record import Result

COLORS = ("#2f6fb0", "#c8792c", "#4c9a5b", "#a04fa0", "#8a6d3b", "#5f6b7a", "#b04a4a")
DARK = ("#6aa6e0", "#e09a52", "#71bd80", "#c983c8", "#b99b5c", "#93a0b0", "#dc7d7d")


def theme(page: str, ink: str, dim: str, grid: str, colors: tuple[str, ...]) -> str:
    """CSS of one colour scheme; .kN are marks, .tN texts in the N-th colour."""
    kinds = [
        f".k{i} {{ fill: {c}; stroke: {c} }} .t{i} {{ fill: {c} }}" for i, c in enumerate(colors)
    ]
    return f"""
.page {{ fill: {page} }} .ink {{ fill: {ink} }} .dim {{ fill: {dim} }} .grid {{ stroke: {grid} }}
.axis, .roof {{ stroke: {ink} }} .roof {{ stroke-width: 2; fill: none }}
{" ".join(kinds)}
.ring {{ fill: {page}; stroke-width: 1.6 }} .pair {{ stroke-opacity: .5 }}
"""


LIGHT_THEME = theme("#fff", "#222", "#666", "#ddd", COLORS)
DARK_THEME = theme("#16181d", "#e4e6ea", "#9aa1ac", "#33373f", DARK)
STYLE = f"<style>{LIGHT_THEME}@media (prefers-color-scheme: dark) {{{DARK_THEME}}}</style>"
ROW, LABELS, WIDTH, TOP = 18, 330, 420, 46
FLOOR = 1 / 16  # smallest ratio shown


def bars(results: list[Result]) -> list[tuple[str, str, float]]:
    """Case, side and ratio of every side except ours."""
    return [
        (f"{result['subject']}: {result['case']}", side, r)
        for result in results
        for side in result["sides"]
        if (r := ratio(result, side)) is not None
    ]


def text(x: float, y: float, content: str, anchor: str = "start", cls: str = "ink") -> str:
    """A line of text."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{cls}" {place}>{escape(content)}</text>'


def svg(results: list[Result], title: str) -> str:
    """Times relative to ours, on a logarithmic axis with bars starting at 1."""
    rows = bars(results)
    sides = list(dict.fromkeys(side for _, side, _ in rows))
    color = {side: i % len(COLORS) for i, side in enumerate(sides)}
    low = min([1.0, *(max(r, FLOOR) for *_, r in rows)])
    high = max([2.0, *(r for *_, r in rows)])
    low, high = math.floor(math.log2(low)), math.ceil(math.log2(high))

    def x(r: float) -> float:
        return LABELS + WIDTH * (math.log2(max(r, FLOOR)) - low) / (high - low)

    height, width = TOP + ROW * len(rows) + 30, LABELS + WIDTH + 70
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>{STYLE}",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="ink" x="8" y="16" font-size="13">{escape(title)}</text>',
    ]
    for i, side in enumerate(sides):
        out.append(f'<text class="t{color[side]}" x="{8 + 90 * i}" y="34">■ {escape(side)}</text>')
    for power in range(low, high + 1):
        at, bottom = x(2.0**power), TOP + ROW * len(rows)
        kind = "axis" if power == 0 else "grid"
        out.append(f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}"/>')
        out.append(text(at, bottom + 14, f"{2.0**power:g}×", "middle"))
    shown = ""
    for i, (case, side, r) in enumerate(rows):
        y = TOP + ROW * i
        if case != shown:
            out.append(text(LABELS - 8, y + 13, case, "end"))
            shown = case
        left, right = sorted((x(1.0), x(r)))
        size = f'width="{right - left:.1f}" height="{ROW - 6}"'
        out.append(f'<rect class="t{color[side]}" x="{left:.1f}" y="{y + 3}" {size}/>')
        out.append(text(right + 5, y + 13, f"{r:.2f}"))
    return "\n".join([*out, "</svg>"]) + "\n"
