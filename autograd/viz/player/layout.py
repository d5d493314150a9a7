"""The layout of each view: boxes in layers, wrapped into bands, or downward on narrow screens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from autograd.viz.player.layers import LANE, Layered, Spread, layered, positions, ranks
from autograd.viz.player.views import View

STAGE = 1168, 720
"""Width and height of the graph's part of a window of 1600 x 900, in pixels."""

STRIP = 150
"""Height of a strip below it."""

PHONE = 338
"""Width that fits a window of 360 pixels at the smallest zoom."""

NARROW = 184
"""Widest box of a tall layout."""

LEAST = 0.92
"""Smallest zoom at which text of 12 pixels is readable."""

LARGEST = 1.2
"""Zoom from which on larger boxes are no gain."""

TURNED = 0.08
"""Zoom that a layout without one more band may lose."""

APART = 14
"""Room between boxes of a layer; less in a tall layout."""

TRIED = 4
"""How many layouts are made, of which the best is taken."""

CARE = 600
"""Arrows up to which views are laid out with care, and for narrow screens too."""

NEAR = 12
"""Room between a box and those attached to it."""

GAP = 32
"""Room between layers, for arrows."""

BETWEEN = 26
"""Room between bands."""

TURN = 30
"""Room at the end of a band, where arrows turn to the next."""

Size = tuple[int, int]


@dataclass
class Layout:
    """A view with coordinates.

    Attributes
    ----------
    width, height : in pixels.
    boxes : (center x, center y, width, height) of each item.
    paths : for each edge, the points of its Bézier curves, x and y alternating.
    """

    width: int
    height: int
    boxes: list[tuple[int, ...]]
    paths: list[list[int]]


class Layouts:
    """The different layouts of all views, each once; equal views, such as steps, share theirs.

    After views with `CARE` arrows in all, those that follow have only a wide layout, made quickly.
    """

    def __init__(self) -> None:
        self.all: list[Layout] = []
        self._known: dict[object, int] = {}
        self._arrows = 0

    def pair(
        self, view: View, sizes: Sequence[Size], strip: bool = False, first: bool = False
    ) -> tuple[int, int]:
        """The indices of the wide and the tall layout of a view."""
        count = len(self.all)
        careful = first or self._arrows < CARE
        wide = self.place(view, sizes, False, strip, careful)
        if len(self.all) > count:
            self._arrows += len(view.edges)
        return wide, self.place(view, sizes, True, strip) if careful else wide

    def place(
        self,
        view: View,
        sizes: Sequence[Size],
        tall: bool,
        strip: bool = False,
        careful: bool = True,
    ) -> int:
        """The index of the layout of a view, whose boxes have these widths and heights.

        A wide layout flows to the right and wraps into bands, every other one back to the left; a
        tall one flows down.
        """
        if tall:
            sizes = [(min(w, NARROW), h) for w, h in sizes]
        key = (tall, strip, tuple(view.edges), tuple(sizes), tuple(sorted(view.hosts.items())))
        if key not in self._known:
            self._known[key] = len(self.all)
            self.all.append(_best(view, sizes, tall, STAGE[1] - STRIP * strip, careful))
        return self._known[key]


@dataclass
class _Cell:
    """A box and those attached to it, which are laid out as one.

    Attributes
    ----------
    item : the box.
    length : its extent along the flow.
    spread : its extent across.
    sides : (item, along, across) of each attached box, from the center of the box.
    """

    item: int
    length: float
    spread: Spread
    sides: list[tuple[int, float, float]]


def _cells(view: View, sizes: Sequence[Size], tall: bool) -> list[_Cell]:
    attached: dict[int, list[int]] = {}
    for item, host in view.hosts.items():
        attached.setdefault(host, []).append(item)
    return [
        (_beside if tall else _around)(i, attached.get(i, []), sizes)
        for i in range(len(sizes))
        if i not in view.hosts
    ]


def _around(item: int, attached: Sequence[int], sizes: Sequence[Size]) -> _Cell:
    """A box with those attached above and below it."""
    w, h = sizes[item]
    length, sides, ends = float(w), [], [h / 2, h / 2]
    for below, row in enumerate((attached[::2], attached[1::2])):
        if not row:
            continue
        long = sum(sizes[x][0] for x in row) + 8 * (len(row) - 1)
        high = max(sizes[x][1] for x in row)
        at, sign = -long / 2, 1 if below else -1
        for x in row:
            sides.append((x, at + sizes[x][0] / 2, sign * (h / 2 + NEAR + sizes[x][1] / 2)))
            at += sizes[x][0] + 8
        length, ends[below] = max(length, long), h / 2 + NEAR + high
    return _Cell(item, length, Spread(*ends), sides)


def _beside(item: int, attached: Sequence[int], sizes: Sequence[Size]) -> _Cell:
    """A box with those attached to the left of it, or above it where that is too wide."""
    w, h = sizes[item]
    wide = max((sizes[x][0] for x in attached), default=0)
    if attached and w + NEAR + wide > PHONE - 2 * LANE:
        above, sides = h / 2, []
        for x in reversed(attached):
            sides.append((x, -above - NEAR - sizes[x][1] / 2, 0.0))
            above += NEAR + sizes[x][1]
        across = max(w, wide) / 2
        return _Cell(item, 2 * above, Spread(across, across), sides)
    high = sum(sizes[x][1] for x in attached) + 6 * max(len(attached) - 1, 0)
    at, sides = -high / 2, []
    for x in attached:
        sides.append((x, at + sizes[x][1] / 2, -(w / 2 + NEAR + sizes[x][0] / 2)))
        at += sizes[x][1] + 6
    before = w / 2 + (NEAR + wide if attached else 0)
    return _Cell(item, max(h, high), Spread(before, w / 2), sides)


def _best(
    view: View, sizes: Sequence[Size], tall: bool, stage: float, careful: bool = True
) -> Layout:
    """The layout whose text is largest on its screen, of several widths of layers and bands."""
    cells = _cells(view, sizes, tall)
    index = {cell.item: k for k, cell in enumerate(cells)}
    spreads = [cell.spread for cell in cells]
    links = [
        (index[a], index[b])
        for a, b in view.edges
        if a not in view.hosts and b not in view.hosts and a != b
    ]
    apart = APART - 4 * tall
    rooms = (PHONE - 2 * LANE, 230.0, 150.0) if tall else (stage / LEAST, 380.0, 250.0, 150.0)
    plans: dict[tuple[object, ...], tuple[float, list[int], list[int]]] = {}
    for room in rooms if careful else rooms[:2]:
        rank = ranks(spreads, links, room, apart)
        lengths, widths = _extents(cells, rank, links)
        for cuts in [[0]] if tall else _cuts(lengths, _crossing(rank, links, len(lengths))):
            hope = -sum(lengths) if tall else _estimate(lengths, widths, cuts, stage)
            plans.setdefault((tuple(rank), tuple(cuts)), (hope, rank, cuts))
    found: _Drawing | None = None
    graphs: dict[tuple[int, ...], Layered] = {}
    for hope, rank, cuts in sorted(plans.values(), key=lambda plan: -plan[0])[
        : TRIED if careful else 1
    ]:
        if found and found.score(stage) >= hope:
            break  # no later one can be better
        graph = graphs.get(tuple(rank)) or layered(spreads, links, rank)
        graphs[tuple(rank)] = graph
        drawing = _Drawing(view, sizes, cells, graph, cuts, tall)
        if not found or drawing.score(stage) > found.score(stage):
            found = drawing
    assert found
    return found.layout()


def _extents(
    cells: Sequence[_Cell], rank: Sequence[int], links: Sequence[tuple[int, int]]
) -> tuple[list[float], list[float]]:
    """Length of each layer along the flow, with the gap after it, and width across."""
    count = max(rank, default=0) + 1
    lengths, widths = [0.0] * count, [0.0] * count
    for cell, at in zip(cells, rank, strict=True):
        lengths[at] = max(lengths[at], cell.length)
        widths[at] += cell.spread.total + APART
    passing = {(a, at) for a, b in links for at in range(rank[a] + 1, rank[b])}
    for _, at in passing:
        widths[at] += LANE
    return [length + GAP for length in lengths], widths


def _crossing(rank: Sequence[int], links: Sequence[tuple[int, int]], count: int) -> list[int]:
    """How many lines arrive at each layer from those before it."""
    found = [{a for a, b in links if rank[a] < at <= rank[b]} for at in range(count)]
    return [len(lines) for lines in found]


def _cuts(lengths: Sequence[float], crossing: Sequence[int]) -> list[list[int]]:
    """First layers of bands, for one band and more."""
    total = sum(lengths)
    found = [[0]]
    for count in range(2, min(len(lengths) // 2, 12) + 1):
        limit = total / count
        for stretch in (1.06, 1.15, 1.3):
            cuts = _filled(lengths, crossing, limit * stretch)
            if len(cuts) <= count:
                break
        found.append(cuts)
        if limit < 3 * max(lengths):
            break
    return found


def _filled(lengths: Sequence[float], crossing: Sequence[int], limit: float) -> list[int]:
    """Bands of at most this length, cut where few lines cross."""
    cuts, start = [0], 0.0
    ends = [0.0]
    for length in lengths:
        ends.append(ends[-1] + length)
    at = 1
    while at < len(lengths):
        if ends[at + 1] - start > limit:
            near = [k for k in range(cuts[-1] + 1, at + 1) if ends[k] - start >= 0.75 * limit]
            cut = min(near or [at], key=lambda k: (crossing[k], -k))
            cuts.append(cut)
            start, at = ends[cut], cut
        at += 1
    return cuts


def _estimate(
    lengths: Sequence[float], widths: Sequence[float], cuts: Sequence[int], stage: float
) -> float:
    """The score of bands that are as narrow as their widest layer."""
    ends = [*cuts[1:], len(lengths)]
    width = max(sum(lengths[a:b]) for a, b in zip(cuts, ends, strict=True)) - GAP
    height = sum(max(widths[a:b]) + BETWEEN for a, b in zip(cuts, ends, strict=True)) - BETWEEN
    return _score(width + TURN * 2 * (len(cuts) > 1), height, len(cuts), stage)


def _score(width: float, height: float, bands: int, stage: float) -> float:
    """How good a wide layout is: its zoom on the screen, less for turns and for scrolling."""
    zoom = min(LARGEST, STAGE[0] / width, max(stage / height, LEAST))
    scrolled = max(0.0, height * zoom / stage - 1)
    return zoom - TURNED * (bands - 1) - 0.1 * scrolled - 2 * (zoom < LEAST)


class _Drawing:
    """Turns layers into pixels."""

    def __init__(
        self,
        view: View,
        sizes: Sequence[Size],
        cells: Sequence[_Cell],
        graph: Layered,
        cuts: Sequence[int],
        tall: bool,
    ) -> None:
        self.view, self.sizes, self.cells = view, sizes, cells
        self.graph, self.tall = graph, tall
        self.layer = {k: at for at, layer in enumerate(graph.layers) for k in layer}
        ends = [*cuts[1:], len(graph.layers)]
        bands = list(zip(cuts, ends, strict=True))
        self.band = [b for b, (a, z) in enumerate(bands) for _ in range(a, z)]
        self.across: dict[int, float] = {}
        self.low, self.high, self.top = [], [], [0.0]
        for a, z in bands:
            own = positions(graph, a, z, APART - 4 * tall, PHONE if tall else 0)
            self.across |= own
            spreads = [(y, graph.spreads[k]) for k, y in own.items()]
            self.low.append(min(y - spread.before for y, spread in spreads))
            self.high.append(max(y + spread.after for y, spread in spreads))
            self.top.append(self.top[-1] + self.high[-1] - self.low[-1] + BETWEEN)
        self.deep = self.top[-1] - BETWEEN
        self._along(bands)

    def _along(self, bands: Sequence[tuple[int, int]]) -> None:
        """Begin and end of each layer along the flow of its band."""
        layers = self.graph.layers
        lengths = [
            max((self.cells[k].length for k in layer if k < len(self.cells)), default=0.0)
            for layer in layers
        ]
        gaps = [0.0] * len(layers)
        for line in self.graph.lines:
            for a, b in pairwise(line):
                rise = abs(self.across[a] - self.across[b])
                at = min(self.layer[a], self.layer[b])
                gaps[at] = max(gaps[at], min(0.14 * rise, 40.0))
        turn = TURN if len(bands) > 1 else 0
        self.begins, self.stops = [0.0] * len(layers), [0.0] * len(layers)
        self.long = 0.0
        for a, z in bands:
            along = float(turn)
            for k in range(a, z):
                self.begins[k], self.stops[k] = along, along + lengths[k]
                along += lengths[k] + (24 if self.tall else GAP) + gaps[k]
            self.long = max(self.long, self.stops[z - 1] + turn)

    def score(self, stage: float) -> float:
        """How good the layout is, on its screen."""
        return (
            -self.long - 100 * max(0, self.deep - PHONE)
            if self.tall
            else _score(self.long, self.deep, len(self.low), stage)
        )

    def _point(self, layer: int, along: float, across: float) -> tuple[float, float]:
        band = self.band[layer]
        if band % 2:
            along = self.long - along
            across = self.top[band] + self.high[band] - across
        else:
            across = self.top[band] + across - self.low[band]
        return (across, along) if self.tall else (along, across)

    def layout(self) -> Layout:
        boxes: list[tuple[int, ...]] = [()] * len(self.sizes)
        center: dict[int, float] = {}
        for k, cell in enumerate(self.cells):
            at = self.layer[k]
            center[k] = along = (self.begins[at] + self.stops[at]) / 2
            across = self.across[k]
            for item, da, dc in [(cell.item, 0.0, 0.0), *cell.sides]:
                x, y = self._point(at, along + da, across + dc)
                boxes[item] = (round(x), round(y), *self.sizes[item])
        lines = iter(self.graph.lines)
        paths = []
        for a, b in self.view.edges:
            if a in self.view.hosts or b in self.view.hosts:
                paths.append(_short(boxes[a], boxes[b]))
            else:
                paths.append(self._path(next(lines), center))
        width, height = (self.deep, self.long) if self.tall else (self.long, self.deep)
        return Layout(round(width), round(height), boxes, paths)

    def _path(self, line: Sequence[int], center: dict[int, float]) -> list[int]:
        """The curve through the passages of a line, which leaves and meets boxes at their sides."""
        ahead = self.layer[line[-1]] >= self.layer[line[0]]
        points: list[tuple[int, float, float]] = []  # layer, along, across
        for i, k in enumerate(line):
            at, y = self.layer[k], self.across[k]
            if k >= len(self.cells):
                ends = [self.begins[at], self.stops[at]]
                points += [(at, along, y) for along in (ends if ahead else ends[::-1])]
                continue
            w, h = self.sizes[self.cells[k].item]
            half, side = (h, w) if self.tall else (w, h)
            other = self.across[line[1 if i == 0 else -2]]
            free = max(side / 2 - 12, 0)
            if line[1 if i == 0 else -2] < len(self.cells):
                other = (y + other) / 2  # both ends give way
            y += min(max(other - y, -free), free)
            out = (i == 0) == ahead
            points.append((at, center[k] + (half / 2 if out else -half / 2), y))
        for i in range(len(points) - 2, 0, -1):  # what goes straight on is one piece
            around = points[i - 1 : i + 2]
            if len({y for _, _, y in around}) == len({self.band[at] for at, _, _ in around}) == 1:
                del points[i]
        path = [*self._point(*points[0])]
        for p, q in pairwise(points):
            path += self._curve(p, q)
        return [round(x) for x in path]

    def _curve(self, p: tuple[int, float, float], q: tuple[int, float, float]) -> list[float]:
        (x1, y1), (x2, y2) = self._point(*p), self._point(*q)
        if self.band[p[0]] != self.band[q[0]]:
            end = self.long - TURN if self.band[min(p[0], q[0])] % 2 == 0 else TURN
            out = TURN * 0.4 + min(abs(y2 - y1) * 0.12, TURN)
            x = end + out if end > TURN else end - out
            return [x, y1, x, y2, x2, y2]
        if self.tall:
            half = (y2 - y1) / 2
            return [x1, y1 + half, x2, y2 - half, x2, y2]
        half = (x2 - x1) / 2
        return [x1 + half, y1, x2 - half, y2, x2, y2]


def _short(a: tuple[int, ...], b: tuple[int, ...]) -> list[int]:
    """The straight line between two boxes, one above or beside the other."""
    x1, y1, w1, h1 = map(float, a)
    x2, y2, w2, h2 = map(float, b)
    if abs(y1 - y2) >= (h1 + h2) / 2:
        sign = math.copysign(1, y2 - y1)
        x = min(max(x1, x2 - w2 / 2 + 14), x2 + w2 / 2 - 14)
        start, end = (x1, y1 + sign * h1 / 2), (x, y2 - sign * h2 / 2)
    else:
        sign = math.copysign(1, x2 - x1)
        y = min(max(y1, y2 - h2 / 2 + 6), y2 + h2 / 2 - 6)
        start, end = (x1 + sign * w1 / 2, y1), (x2 - sign * w2 / 2, y)
    (ax, ay), (bx, by) = start, end
    third = (bx - ax) / 3, (by - ay) / 3
    path = [ax, ay, ax + third[0], ay + third[1], bx - third[0], by - third[1], bx, by]
    return [round(p) for p in path]
