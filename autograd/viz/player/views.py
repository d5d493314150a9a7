"""A view of each group: its boxes and arrows, and what they are connected to outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autograd.viz.player.groups import Groups, Item

FAN = 6
"""Most arrows between one box and groups that are all shown."""

OUTSIDE = 12
"""Most events outside of a group that are shown on either side of it."""

SIDES = 6
"""Most leaves and constants that are drawn beside a box."""


@dataclass
class View:
    """What the page shows while one group is open.

    Attributes
    ----------
    items : ("e", event) and ("g", group) boxes; then the events outside that it is connected to.
    outside : how many of the items, at the end, are outside of the group.
    edges : pairs of indices into `items`.
    hosts : leaf or constant that one box uses, drawn beside it -> that box; indices into `items`.
    """

    group: int
    items: list[Item]
    outside: int = 0
    edges: list[tuple[int, int]] = field(default_factory=list)
    hosts: dict[int, int] = field(default_factory=dict)


def views(groups: Groups) -> list[View]:
    """One view for each group."""
    chains = [groups.chain(g.index) for g in groups.all]
    inside: list[list[int]] = [[] for _ in groups.all]
    for k, g in enumerate(groups.of):
        for outer in chains[g]:
            inside[outer].append(k)
    return [
        View(group.index, [("g", g) for g in group.groups])
        if group.repeat
        else _view(groups, group.index, inside[group.index], chains)
        for group in groups.all
    ]


def _view(groups: Groups, group: int, own: Sequence[int], chains: Sequence[Sequence[int]]) -> View:
    story, depth = groups.story, len(chains[group])
    place: dict[Item, int] = {}

    def box(k: int) -> int:
        """The index of the box that shows an event."""
        chain = chains[groups.of[k]]
        inner = len(chain) > depth and chain[depth - 1] == group
        return place.setdefault(("g", chain[depth]) if inner else ("e", k), len(place))

    def user(k: int) -> int:
        """The index of the box that shows an event outside: it, or the group that it is in."""
        chain = chains[groups.of[k]]
        common = sum(a == b for a, b in zip(chain, chains[group], strict=False))
        inner = len(chain) > common
        return place.setdefault(("g", chain[common]) if inner else ("e", k), len(place))

    own = [k for k in own if k not in story.told]
    for k in own:
        box(k)
    boxes = len(place)
    mine = set(own)
    edges: dict[tuple[int, int], None] = {}
    before: set[int] = set()
    after: set[int] = set()
    for k in own:
        for x in (place["from"] for place in story.events[k].inputs if place):
            if x in story.told:
                continue
            if x in mine or (not (groups.fixed[x] and groups.of[k] != group) and _room(x, before)):
                edges[box(x), box(k)] = None
    for k in own:
        for u in dict.fromkeys(story.users[k]):
            if u not in mine and _room(groups.of[u], after):
                edges[box(k), user(u)] = None
    items = list(place)
    kept = _thinned([pair for pair in edges if pair[0] != pair[1]], items)
    return View(group, items, len(place) - boxes, kept, _hosts(groups, items, kept, boxes))


def _room(k: int, shown: set[int]) -> bool:
    """Whether one more of what is outside is shown; not too many are."""
    if len(shown) >= OUTSIDE and k not in shown:
        return False
    shown.add(k)
    return True


def _hosts(
    groups: Groups, items: list[Item], edges: list[tuple[int, int]], boxes: int
) -> dict[int, int]:
    """The leaves, constants and slices of weights that are drawn beside their only user.

    A box keeps one input that leads to it: its first, if all could lie beside it.
    """
    after: dict[int, list[int]] = {}
    before: dict[int, list[int]] = {}
    for a, b in edges:
        after.setdefault(a, []).append(b)
        before.setdefault(b, []).append(a)
    found: dict[int, int] = {}
    for b, inputs in before.items():
        sides = []
        for a in inputs:
            sort, k = items[a]
            alone = sort == "e" and len(after[a]) == 1 and a not in before
            if alone and (groups.story.events[k].kind != "op" or (a >= boxes and groups.fixed[k])):
                sides.append(a)
        if len(sides) == len(inputs):
            sides = sides[1:]
        found |= dict.fromkeys(sides[-SIDES:], b)
    return found


def _thinned(edges: list[tuple[int, int]], items: list[tuple[str, int]]) -> list[tuple[int, int]]:
    """Drop all but the first of many arrows into groups, and all but the last out of groups."""
    into: dict[int, list[int]] = {}
    out: dict[int, list[int]] = {}
    for a, b in edges:
        if items[b][0] == "g":
            into.setdefault(a, []).append(b)
        if items[a][0] == "g":
            out.setdefault(b, []).append(a)
    dropped = {(a, b) for a, targets in into.items() if len(targets) > FAN for b in targets[1:]}
    dropped |= {(a, b) for b, sources in out.items() if len(sources) > FAN for a in sources[:-1]}
    return [edge for edge in edges if edge not in dropped]
