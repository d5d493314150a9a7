"""The page of a comparison: two runs on one graph, and a | b | difference at each place."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from autograd.node import Array, Node
from autograd.readers.compare.comparison import (
    Comparison,
    Point,
    around,
    differing,
    matrices,
)
from autograd.viz.names import shortened, visible
from autograd.viz.pages import embedded, fill
from autograd.viz.render import render
from autograd.viz.summary import number

_TEMPLATE = Path(__file__).with_name("diff.html")

MOST = 300
"""Most places on a page; of longer runs, those around the first that differs."""

DRAWN = 90
"""Most boxes of the drawing; of larger graphs, those around the first place that differs."""

MAP = 24
"""Most rows and columns of a heat map."""

SHADES = 17  # on either side of zero
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LEAST = -17.0  # decades of relative difference: an empty bar


def page(found: Comparison) -> str:
    """The whole page as HTML."""
    from markupsafe import Markup

    first = next((k for k, point in enumerate(found.points) if point.apart), None)
    start = max(0, min((first or 0) - MOST // 3, len(found.points) - MOST))
    shown = found.points[start : start + MOST]
    boxes = _boxes(shown, first, start)
    local = None if first is None else first - start
    drawing = Markup(_drawing(boxes, shown, local)) if boxes else None
    data = {
        "places": [_place(point) for point in shown],
        "first": local,
        "boxes": {f"p{k}": ids for k, (_, ids) in enumerate(boxes)},
    }
    apart = sum(point.apart for point in found.points)
    notes = []
    if len(shown) < len(found.points):
        notes.append(f"{len(shown):,} of {len(found.points):,} places are listed.")
    if found.unmatched:
        notes.append("Only in one run: " + ", ".join(visible(x) for x in found.unmatched[:20]))
    return fill(
        _TEMPLATE,
        title=_HEADINGS[found.by],
        headline=visible(found.headline.rstrip(":.")) + ".",
        apart=f"{apart:,} of {len(found.points):,} places differ.",
        notes=notes,
        drawing=drawing,
        text=str(found),
        data=embedded(data),
    )


_HEADINGS = {
    "node": "Two runs on one graph",
    "layer": "Two runs, layer by layer",
    "kernel": "Kernels and their references",
}


def _place(point: Point) -> dict[str, Any]:
    """What the page shows of one place."""
    index = point.index
    decades = math.log10(point.difference) if 0 < point.difference < math.inf else None
    level = 1.0 if point.difference == math.inf else 0.0
    if decades is not None:
        level = min(max(1 - decades / _LEAST, 0.02), 1.0)
    place: dict[str, Any] = {
        "label": visible(point.label),
        "apart": point.apart,
        "level": round(level, 3),
        "difference": number(point.difference, 2),
        "allowed": number(point.tolerance, 2),
        "about": differing(point),
        "kinds": f"a {point.a.shape} {point.a.dtype}, b {point.b.shape} {point.b.dtype}",
    }
    if index is None or point.a.size == 1:
        return place
    near = around(point, index, 2)
    a, b, away, row, column = matrices(point, index)
    both = _finite_max(a, b)
    place["near"] = near._asdict() | {"row": row, "column": column, "vector": len(index) < 2}
    place["maps"] = [_map(a, both), _map(b, both), _map(away, _finite_max(away))]
    place["at"] = [_block(row, a.shape[0]), _block(column, a.shape[1])]
    if len(index) > 2:
        place["slice"] = f"[{', '.join(map(str, index[:-2]))}, :, :]"
    return place


def _finite_max(*arrays: Array) -> float:
    sizes = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in arrays]
    return float(max(sizes)) or 1.0


def _starts(n: int) -> Array:
    return np.arange(min(n, MAP)) * n // min(n, MAP)


def _block(k: int, n: int) -> int:
    """In which row or column of the map an index is."""
    return int(np.searchsorted(_starts(n), k, side="right")) - 1


def _map(x: Array, scale: float) -> list[str]:
    """A matrix as rows of shades; of a large one, in each block the number farthest from 0."""
    rows, columns = _starts(x.shape[0]), _starts(x.shape[1])
    low, high = x, x
    with np.errstate(all="ignore"):
        for axis, starts in ((0, rows), (1, columns)):
            low = np.minimum.reduceat(low, starts, axis=axis)
            high = np.maximum.reduceat(high, starts, axis=axis)
        blocks = np.where(np.abs(high) >= np.abs(low), high, low) / scale
        levels = np.clip(np.rint(blocks * SHADES), -SHADES, SHADES)
    levels = np.where((levels == 0) & (blocks != 0), np.sign(blocks), levels)  # 0 is only for 0
    places = np.where(np.isfinite(blocks), np.nan_to_num(levels) + SHADES, -1).astype(int)
    return ["".join("-" if k < 0 else _DIGITS[k] for k in row) for row in places.tolist()]


_Box = tuple[Any, list[int]]
"""A node or constant of run a, and its places on the page: forward, then gradient."""


def _boxes(shown: list[Point], first: int | None, start: int) -> list[_Box]:
    places: dict[int, _Box] = {}
    for k, point in enumerate(shown):
        if point.node is not None:
            places.setdefault(id(point.node), (point.node, []))[1].append(k)
    boxes = list(places.values())
    if len(boxes) <= DRAWN:
        return boxes
    wanted = 0 if first is None else first - start
    middle = next((k for k, (_, ids) in enumerate(boxes) if wanted in ids), 0)
    begin = max(0, min(middle - DRAWN // 2, len(boxes) - DRAWN))
    return boxes[begin : begin + DRAWN]


def _drawing(boxes: list[_Box], shown: list[Point], first: int | None) -> str:
    """The graph as SVG; the style sheet colours it, and the script makes its boxes buttons."""
    at = {id(node): k for k, (node, _) in enumerate(boxes)}
    lines = []
    for k, (node, places) in enumerate(boxes):
        points = [shown[j] for j in places]
        kind = "same"
        if any(point.apart for point in points):
            kind = "behind" if all(point.backward for point in points if point.apart) else "apart"
        kind += " first" * (first in places)
        text = [_title(points[0]), *_differences(points)]
        label = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in text)
        lines.append(f'p{k} [id=p{k}, class="{kind}", label="{label}"];')
        if isinstance(node, Node):
            lines += [f"p{j}->p{k};" for j in sorted(_behind(node, at))]
    body = "\n".join(lines)
    return _SIZE.sub("", render(f"digraph {{ {_STYLE} {body} }}", "svg").decode(), count=1)


_SIZE = re.compile(r"<!--.*?-->|<polygon fill=\"white\"[^>]*/>")
_STYLE = (
    "graph [rankdir=LR, nodesep=0.2, ranksep=0.4, bgcolor=transparent];"
    'node [shape=box, style="rounded,filled", fillcolor=white, fontname=Arial, fontsize=12];'
    "edge [arrowsize=0.6];"
)


def _title(point: Point) -> str:
    label = point.label
    if point.backward:
        label = label.removeprefix("gradient of ")
    return shortened(visible(label), 28)


def _differences(points: list[Point]) -> list[str]:
    """A line for the values and one for the gradients, with the largest difference of each."""
    lines = []
    for sign, backward in (("Δ", False), ("∂ Δ", True)):
        found = [point.difference for point in points if point.backward is backward]
        if found:
            lines.append(f"{sign} {number(max(found), 2)}")
    return lines


def _behind(node: Node, at: dict[int, int]) -> set[int]:
    """The boxes that lead to a node, directly or through nodes that are no places."""
    found, stack, seen = set(), list(node.inputs), set()
    while stack:
        x = stack.pop()
        if id(x) in seen or x is None:
            continue
        seen.add(id(x))
        if id(x) in at:
            found.add(at[id(x)])
        elif isinstance(x, Node):
            stack.extend(x.inputs)
    return found
