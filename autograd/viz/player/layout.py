"""Where the boxes of each view go: graphviz places them, the page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd.viz.player.groups import View
from autograd.viz.render import render

UNIT = 72
"""Points to an inch, which is what graphviz measures in."""

_BOUNDED = "nslimit=3, nslimit1=3, mclimit=1"
"""Rounds that the layout may take: a picture a little worse, but never minutes late."""


@dataclass
class Layout:
    """A view with places.

    Attributes
    ----------
    width, height : in pixels.
    boxes : (centre x, centre y, width, height) of each item.
    paths : for each edge the points of its Bézier curves, x and y in turn.
    """

    width: float
    height: float
    boxes: list[tuple[int, ...]]
    paths: list[list[int]]


def lay_out(views: Sequence[View], sizes: Sequence[Sequence[tuple[int, int]]]) -> list[Layout]:
    """Lay out all views in one run of graphviz; those that are alike, as steps of a loop, once.

    Parameters
    ----------
    views : what to place.
    sizes : for each view, width and height of each of its items, in pixels.

    Raises
    ------
    RuntimeError
        There is no graphviz.
    """
    sources = [_dot(view, boxes) for view, boxes in zip(views, sizes, strict=True)]
    kinds = dict(zip(sources, views, strict=True))
    lines = iter(render("\n".join(kinds), "plain").decode().splitlines())
    placed = {source: _read(lines, view) for source, view in kinds.items()}
    return [placed[source] for source in sources]


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
    """The next graph of graphviz's plain format, upside down as pictures are."""
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
