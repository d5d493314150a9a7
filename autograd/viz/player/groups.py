"""Groups of events (module calls, opened kernels, steps of loops), and a view of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autograd.viz.blocks import Loop, loop
from autograd.viz.labels import call_labels
from autograd.viz.names import shortened, visible
from autograd.viz.player.story import Story
from autograd.viz.symbols import PUBLIC
from autograd.viz.trace import Call

MOST = 80
"""Most boxes of a view before it is cut into parts."""

FEW = 60
"""Graphs with at most this many events are shown flat, except for opened kernels."""

FAN = 6
"""Most arrows between one box and groups that are all shown."""

SIDES = 4
"""Most leaves and constants that are drawn beside a box."""

PART = 40
"""Events per part of a long stretch without modules or loops."""


@dataclass
class Group:
    """A box that opens into its own view.

    Attributes
    ----------
    index : its index; 0 is the whole graph.
    parent : index of the enclosing group; -1 for the whole graph.
    title : the heading of its box.
    events : indices of its events, without those of groups within it.
    groups : indices of the groups within it.
    repeat : whether its groups are repetitions of each other, of which one is shown at a time.
    strips : for a loop, name of a state -> norm of the gradient with respect to it after each step.
    states : for a loop, name of a state -> its event after each step.
    out : event of its result: its last event that is used outside, or the root.
    ops : how many ops are in it, with those of groups within it.
    """

    index: int
    parent: int
    title: str
    events: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    repeat: bool = False
    strips: dict[str, list[float | None]] = field(default_factory=dict)
    states: dict[str, list[int]] = field(default_factory=dict)
    out: int = -1
    ops: int = 0


class Groups:
    """All groups of a story.

    Attributes
    ----------
    all : the groups.
    of : event -> its innermost group.
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self.all = [Group(0, -1, "the whole graph")]
        self.of = [0] * len(story.events)
        self._kernels: set[int] = set()  # groups that are opened kernels
        self._calls()
        self._sources()
        for group in list(self.all):
            self._loop(group)
        for group in list(self.all):
            self._parts(group)
        self._results()

    def _new(self, parent: int, title: str) -> Group:
        group = Group(len(self.all), parent, title)
        self.all.append(group)
        self.all[parent].groups.append(group.index)
        return group

    def _put(self, event: int, group: Group) -> None:
        self.of[event] = group.index
        group.events.append(event)

    def _calls(self) -> None:
        """Make a group for each module call and opened kernel."""
        trace, story = self.story.trace, self.story
        calls = [c for c in trace.calls.values() if c]
        labels = call_labels(calls)
        known: dict[int, Group] = {}
        flat = len(story.events) <= FEW

        def group_of(call: Call | None) -> Group:
            if call is None:
                return self.all[0]
            if flat and not call.title:  # a module; an opened kernel has a title
                return group_of(call.parent)
            if id(call) not in known:
                title = shortened(visible(_closed(labels[id(call)])), 40)
                known[id(call)] = self._new(group_of(call.parent).index, title)
                if call.title:
                    self._kernels.add(known[id(call)].index)
            return known[id(call)]

        for v in trace.order:
            self._put(story.index[id(v)], group_of(trace.calls[id(v)]))

    def _sources(self) -> None:
        """Put leaves and constants into the innermost group of all their users."""
        for k, event in enumerate(self.story.events):
            if event.kind != "op":
                chains = [self.chain(self.of[u]) for u in self.story.users[k]]
                shared = set.intersection(*map(set, chains)) if chains else {0}
                self._put(k, self.all[max(shared, key=lambda g: len(self.chain(g)))])
        for group in self.all:
            group.events.sort()

    def chain(self, group: int) -> list[int]:
        """A group and its enclosing groups, outermost first."""
        found = []
        while group >= 0:
            found.append(group)
            group = self.all[group].parent
        return found[::-1]

    def _loop(self, group: Group) -> None:
        """Make a group for each step of a loop within a group."""
        story = self.story
        nodes = [story.nodes[k] for k in group.events if story.events[k].kind == "op"]
        found: Loop | None = loop(story.trace, nodes) if len(nodes) > PART // 4 else None
        if found is None or len(found.steps[0]) < 2:
            return
        step_of: dict[int, Group] = {}
        steps = self._new(group.index, f"step × {len(found.steps)}")
        steps.repeat = True
        for k, step in enumerate(found.steps):
            inner = self._new(steps.index, f"step {k + 1} of {len(found.steps)}")
            for v in step:
                step_of[story.index[id(v)]] = inner
        for event in group.events:
            users = set(story.users[event])
            homes = {id(step_of.get(u)) for u in users}
            if story.events[event].kind != "op" and len(homes) == 1 and users:
                only = step_of.get(next(iter(users)))
                if only is not None:
                    step_of[event] = only
        for event, inner in step_of.items():
            self._put(event, inner)
        group.events = [event for event in group.events if event not in step_of]
        for name, states in zip(
            self._state_names(group, found), zip(*found.carried, strict=True), strict=True
        ):
            steps.strips[name] = [self.story.norms.get(id(v)) for v in states]
            steps.states[name] = [story.index[id(v)] for v in states]

    def _state_names(self, group: Group, found: Loop) -> list[str]:
        """Names of a loop's states: their own, else h, and for an LSTM's kernel c and h."""
        last = found.carried[-1]
        if group.index in self._kernels and len(last) == 2:
            return ["c", "h"]  # in this order: h is made of c
        own = [shortened(visible(self.story.trace.name(v) or ""), 24) for v in last]
        if len(set(own)) < len(own) or not all(own):
            return ["h"] if len(last) == 1 else [f"h{k + 1}" for k in range(len(last))]
        return own

    def _parts(self, group: Group) -> None:
        """Cut a group that is too large for one view into parts, in forward order."""
        ops = [k for k in group.events if self.story.events[k].kind == "op"]
        if len(group.events) > MOST and len(ops) > PART:
            count = -(-len(ops) // PART)
            bounds = [ops[i * len(ops) // count] for i in range(count)]
            parts = [self._new(group.index, f"part {k + 1} of {count}") for k in range(count)]
            kept = []
            for event in group.events:
                k = sum(bound <= event for bound in bounds) - 1
                users = self.story.users[event]
                outside = self.story.events[event].kind != "op" and len(users) > 1
                if outside:
                    kept.append(event)
                else:
                    self._put(event, parts[max(k, 0)])
            group.events = kept
        self._fold_siblings(group)

    def _fold_siblings(self, group: Group) -> None:
        """Group too many siblings, such as the steps of a long loop, into ranges."""
        if len(group.groups) <= MOST or group.repeat:
            return
        children, group.groups = group.groups, []
        count = -(-len(children) // PART)
        for k in range(count):
            cut = children[k * len(children) // count : (k + 1) * len(children) // count]
            first, last = self.all[cut[0]].title, self.all[cut[-1]].title
            outer = self._new(group.index, f"{first.partition(' of ')[0]} … {last}")
            outer.groups = list(cut)
            for child in cut:
                self.all[child].parent = outer.index

    def _results(self) -> None:
        """Find the result of each group, and count its ops."""
        story = self.story
        for k, event in enumerate(story.events):
            chain = self.chain(self.of[k])
            users = [set(self.chain(self.of[u])) for u in story.users[k]]
            around = set.intersection(*users) if users and not event.root else set()
            for group in (self.all[g] for g in chain):
                group.ops += event.kind == "op"
                if group.index not in around or group.out < 0:
                    group.out = k


def _closed(label: str) -> str:
    """The label of a call as a box that is closed; an opened kernel with its public name."""
    name, opened, rest = label.partition(", opened")
    return f"{PUBLIC.get(name, name)}{rest}" if opened else label


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
    items: list[tuple[str, int]]
    outside: int
    edges: list[tuple[int, int]]
    hosts: dict[int, int]


def views(groups: Groups) -> list[View]:
    """One view for each group."""
    story = groups.story
    found = []
    chains = [groups.chain(g) for g in groups.of]
    inside: dict[int, list[int]] = {}
    for k, chain in enumerate(chains):
        for g in chain:
            inside.setdefault(g, []).append(k)
    for group in groups.all:
        depth = len(groups.chain(group.index))
        place: dict[tuple[str, int], int] = {}

        def box(k: int, group: Group = group, depth: int = depth, place: Any = place) -> int:
            """The index of the box that shows an event."""
            chain = chains[k]
            if depth - 1 < len(chain) and chain[depth - 1] == group.index and len(chain) > depth:
                key = ("g", chain[depth])
            else:
                key = ("e", k)
            at: int = place.setdefault(key, len(place))
            return at

        own = inside.get(group.index, [])
        mine = set(own)
        for k in own:
            box(k)
        own_boxes = len(place)
        edges: dict[tuple[int, int], None] = {}
        for k in own:
            for x in story.events[k].inputs:
                if x:
                    edges[box(x["from"]), box(k)] = None
            for u in story.users[k]:
                if u not in mine:
                    edges[box(k), box(u)] = None
        items = list(place)
        kept = _thinned([pair for pair in edges if pair[0] != pair[1]], items)
        hosts = _hosts(story, items, kept)
        found.append(View(group.index, items, len(place) - own_boxes, kept, hosts))
    return found


def _hosts(
    story: Story, items: list[tuple[str, int]], edges: list[tuple[int, int]]
) -> dict[int, int]:
    """The leaves and constants that are drawn beside the one box that uses them.

    A box keeps one input that leads to it: its first, if all are leaves and constants.
    """
    after: dict[int, list[int]] = {}
    before: dict[int, list[int]] = {}
    for a, b in edges:
        after.setdefault(a, []).append(b)
        before.setdefault(b, []).append(a)
    found: dict[int, int] = {}
    for b, inputs in before.items():
        sides = [
            a
            for a in inputs
            if len(after[a]) == 1
            and a not in before
            and items[a][0] == "e"
            and story.events[items[a][1]].kind != "op"
        ]
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
