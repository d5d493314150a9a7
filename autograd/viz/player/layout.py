"""The layout of each view: Graphviz places the boxes, the page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd.viz.player.groups import View
from autograd.viz.render import render

UNIT = 72
"""Points per inch, Graphviz's unit."""

_BOUNDED = "nslimit=3, nslimit1=3, mclimit=1"
"""Limits on layout iterations: a slightly worse picture, but never minutes of waiting."""


@dataclass
class Layout:
    """A view with coordinates.

    Attributes
    ----------
    width, height : in pixels.
    boxes : (center x, center y, width, height) of each item.
    paths : for each edge, the points of its Bézier curves, x and y alternating.
    """

    width: float
    height: float
    boxes: list[tuple[int, ...]]
    paths: list[list[int]]


def lay_out(
    views: Sequence[View], sizes: Sequence[Sequence[tuple[int, int]]]
) -> tuple[list[Layout], list[int]]:
    """Lay out all views in one run of Graphviz; equal ones, such as steps of a loop, only once.

    Parameters
    ----------
    views : the views.
    sizes : for each view, width and height of each item, in pixels.

    Returns
    -------
    layouts : the different ones.
    places : for each view, the index of its layout.

    Raises
    ------
    RuntimeError
        Graphviz is missing.
    """
    sources = [_dot(view, boxes) for view, boxes in zip(views, sizes, strict=True)]
    kinds = dict(zip(sources, views, strict=True))
    lines = iter(render("\n".join(kinds), "plain").decode().splitlines())
    layouts = [_read(lines, view) for view in kinds.values()]
    index = {source: i for i, source in enumerate(kinds)}
    return layouts, [index[source] for source in sources]


def _dot(view: View, sizes: Sequence[tuple[int, int]]) -> str:
    nodes = "".join(
        f"{i} [width={w / UNIT:.3f},height={h / UNIT:.3f}];" for i, (w, h) in enumerate(sizes)
    )
    edges = "".join(f"{a}->{b};" for a, b in view.edges)
    return (
        f"digraph {{ graph [rankdir=LR, nodesep=0.2, ranksep=0.45, {_BOUNDED}];"
        f'node [shape=box, fixedsize=true, label=""]; edge [arrowhead=none]; {nodes}{edges} }}'
    )


def _read(lines: Any, view: View) -> Layout:
    """The next graph of Graphviz's plain format, with y pointing down."""
    _, _, width, height = next(lines).split()[:4]
    top = float(height) * UNIT
    boxes: list[tuple[int, ...]] = [()] * len(view.items)
    paths: dict[tuple[int, int], list[int]] = {}
    for line in lines:
        words = line.split()
        if words[0] == "stop":
            break
        if words[0] == "node":
            x, y, w, h = (float(word) * UNIT for word in words[2:6])
            boxes[int(words[1])] = (round(x), round(top - y), round(w), round(h))
        else:
            points = [float(word) * UNIT for word in words[4 : 4 + 2 * int(words[3])]]
            flipped = [round(top - p) if k % 2 else round(p) for k, p in enumerate(points)]
            paths[int(words[1]), int(words[2])] = flipped
    ordered = [paths[pair] for pair in view.edges]
    return Layout(float(width) * UNIT, top, boxes, ordered)
