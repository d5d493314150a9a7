"""Layers: a graph drawn in layers, one after the other along the flow, as Sugiyama does it.

Positions are in two directions: `along` the flow, where layers follow each other, and `across` it,
where the boxes of a layer lie side by side.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 6
"""Sweeps over the layers for their order, and as many for positions."""

LANE = 12.0
"""Room across for a line that passes a layer."""


@dataclass
class Spread:
    """Room that a node needs across the flow, on either side of the line through its center."""

    before: float
    after: float

    @property
    def total(self) -> float:
        return self.before + self.after


Links = list[list[tuple[int, float]]]


@dataclass
class Layered:
    """A graph in layers.

    Attributes
    ----------
    layers : the nodes of each layer, in order across; numbers from `count` on are passages, where
        a line passes a layer.
    lines : for each edge, the nodes and passages that it goes through, from layer to layer.
    spreads : of nodes and passages.
    up, down : for each node and passage its neighbors in the layer before and after, with weights.
    """

    count: int
    layers: list[list[int]]
    lines: list[list[int]]
    spreads: list[Spread]
    up: Links
    down: Links


def ranks(
    spreads: Sequence[Spread], edges: Sequence[tuple[int, int]], room: float, gap: float
) -> list[int]:
    """The layer of each node: as late as possible, and no layer wider than `room`.

    Results that nothing in the graph uses come right after their inputs instead.
    """
    count = len(spreads)
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        after[a].append(b)
        before[b].append(a)
    order = _topological(before, after)
    last = max(range(count), key=order.__getitem__, default=0)
    found = [0] * count
    filled: list[float] = []
    for k in sorted(range(count), key=order.__getitem__, reverse=True):
        at = max((found[u] + 1 for u in after[k]), default=0)
        need = spreads[k].total + gap
        while at < len(filled) and filled[at] > 0 and filled[at] + need > room:
            at += 1
        filled += [0.0] * (at + 1 - len(filled))
        filled[at] += need
        found[k] = at
    high = max(found, default=0)
    found, filled = [high - at for at in found], filled[::-1]
    for k in sorted(range(count), key=order.__getitem__):
        if not after[k] and before[k] and k != last:
            need, first = spreads[k].total + gap, 1 + max(found[u] for u in before[k])
            free = (at for at in range(first, found[k]) if filled[at] + need <= room)
            at = next(free, found[k])
            filled[found[k]] -= need
            filled[at] += need
            found[k] = at
    used = {at: k for k, at in enumerate(sorted(set(found)))}
    return [used[at] for at in found]


def _topological(before: Sequence[list[int]], after: list[list[int]]) -> list[int]:
    """The place of each node in an order with inputs first; edges that close a circle are dropped.

    Nodes that are ready come in the order of their numbers, which is that of the forward pass.
    """
    count = len(before)
    waiting = [len(set(b)) for b in before]
    ready = [k for k in range(count) if not waiting[k]]
    left = set(range(count))
    place = [0] * count
    for at in range(count):
        if not ready:  # a circle: cut it open at its first node
            k = min(left)
            for a in before[k]:
                if a in left:
                    after[a] = [b for b in after[a] if b != k]
            before[k][:] = [a for a in before[k] if a not in left]
            ready.append(k)
        k = ready.pop(0)
        left.discard(k)
        place[k] = at
        for b in dict.fromkeys(after[k]):
            waiting[b] -= 1
            if not waiting[b] and b in left:
                insort(ready, b)
    return place


def layered(
    spreads: Sequence[Spread], edges: Sequence[tuple[int, int]], rank: Sequence[int]
) -> Layered:
    """Order the nodes of each layer, with few crossings."""
    count = len(spreads)
    layers: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    for k in range(count):
        layers[rank[k]].append(k)
    passages: dict[tuple[int, int], int] = {}
    lines: list[list[int]] = []
    weights: dict[tuple[int, int], float] = {}
    for a, b in edges:
        step = 1 if rank[b] > rank[a] else -1
        line = [a]
        for at in range(rank[a] + step, rank[b], step):
            # All lines of a node share their passages, as a bus does.
            if (a, at) not in passages:
                passages[a, at] = count + len(passages)
                layers[at].append(passages[a, at])
            line.append(passages[a, at])
        line.append(b)
        lines.append(line)
        for x, y in pairwise(line):
            # Straight lines first where they pass layers.
            weight = 8.0 if min(x, y) >= count else 3.0 if max(x, y) >= count else 1.0
            weights[(x, y) if step > 0 else (y, x)] = weight
    total = count + len(passages)
    up: Links = [[] for _ in range(total)]
    down: Links = [[] for _ in range(total)]
    for (x, y), weight in weights.items():
        down[x].append((y, weight))
        up[y].append((x, weight))
    _order(layers, up, down)
    wide = [*spreads, *[Spread(LANE / 2, LANE / 2)] * len(passages)]
    return Layered(count, layers, lines, wide, up, down)


def _order(layers: list[list[int]], up: Links, down: Links) -> None:
    """Sort each layer by the middle of its neighbors, to and fro; keep the order that is best."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers, down)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        links = up if sweep % 2 == 0 else down
        place: dict[int, float] = {}
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            middles = []
            for at, k in enumerate(layer):
                near = sorted(place[x] for x, _ in links[k] if x in place)
                if not near:
                    middles.append(float(at))
                elif sweep < 4:
                    middles.append(sum(near) / len(near))
                else:
                    middles.append((near[(len(near) - 1) // 2] + near[len(near) // 2]) / 2)
            order = sorted(range(len(layer)), key=lambda at: (middles[at], at))
            layer[:] = [layer[at] for at in order]
            place |= {k: float(at) for at, k in enumerate(layer)}
        now = _crossings(layers, down)
        if now < fewest:
            best, fewest = [list(layer) for layer in layers], now
    layers[:] = best
    _swap(layers, up, down)


def _swap(layers: list[list[int]], up: Links, down: Links) -> None:
    """Exchange neighbors in a layer while that removes crossings."""
    place = {k: at for layer in layers for at, k in enumerate(layer)}

    def between(a: int, b: int) -> int:
        """Crossings of the lines of a and b, if a comes before b."""
        found = 0
        for links in (up, down):
            for x, _ in links[a]:
                found += sum(place[y] < place[x] for y, _ in links[b])
        return found

    for _ in range(3):
        changed = False
        for layer in layers:
            for at in range(len(layer) - 1):
                a, b = layer[at], layer[at + 1]
                if between(b, a) < between(a, b):
                    layer[at], layer[at + 1] = b, a
                    place[a], place[b] = at + 1, at
                    changed = True
        if not changed:
            return


def _crossings(layers: Sequence[Sequence[int]], down: Links) -> int:
    place = {k: at for layer in layers for at, k in enumerate(layer)}
    found = 0
    for layer in layers:
        ends: list[int] = []
        for k in layer:
            targets = sorted(place[x] for x, _ in down[k])
            found += sum(len(ends) - bisect_right(ends, x) for x in targets)
            for x in targets:
                insort(ends, x)
    return found


def positions(
    graph: Layered, first: int, last: int, gap: float, room: float = 0.0
) -> dict[int, float]:
    """Center across of each node and passage in the layers from `first` up to `last`.

    Each layer is placed near its neighbors, to and fro, within `room`, or the width of the widest
    layer if that is more; then lines are made straight.
    """
    layers, spreads = graph.layers[first:last], graph.spreads
    inside = {k for layer in layers for k in layer}
    up = {k: [x for x in graph.up[k] if x[0] in inside] for k in inside}
    down = {k: [x for x in graph.down[k] if x[0] in inside] for k in inside}
    across: dict[int, float] = {}
    apart: list[list[float]] = []
    for layer in layers:
        offsets, at = [], 0.0
        for i, k in enumerate(layer):
            if i:
                lanes = k >= graph.count and layer[i - 1] >= graph.count
                at += spreads[layer[i - 1]].after + spreads[k].before + (0 if lanes else gap)
            offsets.append(at)
        apart.append(offsets)
        across |= {k: at - offsets[-1] / 2 for k, at in zip(layer, offsets, strict=True)}
    ends = [(spreads[layer[0]].before, spreads[layer[-1]].after) for layer in layers]
    needs = [a + offsets[-1] + z for (a, z), offsets in zip(ends, apart, strict=True)]
    room = max([room, *needs])
    # Where the first node of each layer can lie.
    bounds = [(a - room / 2, a + room / 2 - need) for (a, _), need in zip(ends, needs, strict=True)]
    for sweep in range(SWEEPS + 2):
        ahead, both = sweep % 2 == 0, sweep >= SWEEPS - 2
        for at in range(len(layers)) if ahead else reversed(range(len(layers))):
            wanted, pulls = [], []
            for k in layers[at]:
                near = up[k] if ahead else down[k]
                if both or not near:
                    near = [*up[k], *down[k]]
                pull = sum(w for _, w in near)
                wanted.append(sum(across[x] * w for x, w in near) / pull if pull else across[k])
                pulls.append(pull or 0.1)
            placed = _monotone(wanted, pulls, apart[at], bounds[at])
            across |= dict(zip(layers[at], placed, strict=True))
    _straighten(graph, layers, apart, bounds, across)
    return across


def _straighten(
    graph: Layered,
    layers: Sequence[Sequence[int]],
    apart: Sequence[Sequence[float]],
    bounds: Sequence[tuple[float, float]],
    across: dict[int, float],
) -> None:
    """Move the passages of each line to one height, as far as their neighbors leave room."""
    place = {k: (at, i) for at, layer in enumerate(layers) for i, k in enumerate(layer)}

    def room(k: int) -> tuple[float, float]:
        at, i = place[k]
        layer, offsets = layers[at], apart[at]
        low, high = bounds[at]
        if i:
            low = across[layer[i - 1]] - offsets[i - 1]
        if i + 1 < len(layer):
            high = across[layer[i + 1]] - offsets[i + 1]
        return low + offsets[i], high + offsets[i]

    def port(k: int | None) -> tuple[float, float] | None:
        """Where a line can meet a node straight."""
        if k is None or k not in across:
            return None
        own = graph.spreads[k]
        free = max(min(own.before, own.after) - 12, 0) if k < graph.count else 0.0
        return across[k] - free, across[k] + free

    for line in graph.lines:
        run: list[int] = []
        low, high = -math.inf, math.inf
        before: int | None = None
        for k in line:
            if k >= graph.count and k in place:
                a, b = room(k)
                if run and max(low, a) > min(high, b):
                    _level(run, low, high, port(before), port(k), across)
                    before, run, low, high = run[-1], [], -math.inf, math.inf
                run.append(k)
                low, high = max(low, a), min(high, b)
            else:
                if run:
                    _level(run, low, high, port(before), port(k), across)
                before, run, low, high = k, [], -math.inf, math.inf


def _level(
    run: Sequence[int],
    low: float,
    high: float,
    start: tuple[float, float] | None,
    end: tuple[float, float] | None,
    across: dict[int, float],
) -> None:
    """Give passages one height, at which the line also leaves or meets its nodes straight."""
    if low > high:
        return
    mean = sum(across[k] for k in run) / len(run)
    for wishes in ((start, end), (end,), (start,), ()):
        a, b = low, high
        for wish in wishes:
            if wish is not None:
                a, b = max(a, wish[0]), min(b, wish[1])
        if a <= b:
            across.update(dict.fromkeys(run, min(max(mean, a), b)))
            return


def _monotone(
    wanted: list[float], pulls: list[float], offsets: list[float], bounds: tuple[float, float]
) -> list[float]:
    """Positions nearest to those wanted, in least squares, in order, at distances, in bounds."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, count
    for y, weight, offset in zip(wanted, pulls, offsets, strict=True):
        mean, n = y - offset, 1
        while blocks and blocks[-1][0] >= mean:
            other, heavy, many = blocks.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, n = weight + heavy, n + many
        blocks.append((mean, weight, n))
    low, high = bounds
    means = [min(max(mean, low), high) for mean, _, n in blocks for _ in range(n)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
