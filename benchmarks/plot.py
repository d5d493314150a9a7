"""Bar chart of a run's ratios, as SVG without dependencies."""

from __future__ import annotations

import math
from html import escape

from benchmarks.harness import ratio
from benchmarks.record import Result

COLORS = ("#2f6fb0", "#c8792c", "#4c9a5b", "#a04fa0", "#8a6d3b", "#5f6b7a", "#b04a4a")
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


def svg(results: list[Result], title: str) -> str:
    """Times relative to ours, on a logarithmic axis with bars starting at 1."""
    rows = bars(results)
    sides = list(dict.fromkeys(side for _, side, _ in rows))
    color = dict(zip(sides, COLORS, strict=False))
    low = min([1.0, *(max(r, FLOOR) for *_, r in rows)])
    high = max([2.0, *(r for *_, r in rows)])
    low, high = math.floor(math.log2(low)), math.ceil(math.log2(high))

    def x(r: float) -> float:
        return LABELS + WIDTH * (math.log2(max(r, FLOOR)) - low) / (high - low)

    height, width = TOP + ROW * len(rows) + 30, LABELS + WIDTH + 70
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="8" y="16" font-size="13">{escape(title)}</text>',
    ]
    for i, side in enumerate(sides):
        out.append(
            f'<text x="{8 + 90 * i}" y="34" fill="{color.get(side)}">■ {escape(side)}</text>'
        )
    for power in range(low, high + 1):
        at, bottom = x(2.0**power), TOP + ROW * len(rows)
        stroke = "#333" if power == 0 else "#ddd"
        out.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}" stroke="{stroke}"/>'
        )
        out.append(
            f'<text x="{at:.1f}" y="{bottom + 14}" text-anchor="middle">{2.0**power:g}×</text>'
        )
    shown = ""
    for i, (case, side, r) in enumerate(rows):
        y = TOP + ROW * i
        if case != shown:
            out.append(
                f'<text x="{LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(case)}</text>'
            )
            shown = case
        left, right = sorted((x(1.0), x(r)))
        out.append(
            f'<rect x="{left:.1f}" y="{y + 3}" width="{right - left:.1f}" height="{ROW - 6}" '
            f'fill="{color.get(side)}"/><text x="{right + 5:.1f}" y="{y + 13}">{r:.2f}</text>'
        )
    return "\n".join([*out, "</svg>"]) + "\n"
