"""Groups of events: module calls, opened kernels, repeated blocks, and parts of what is long."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from autograd.viz.blocks import Repetition, kind, repetition
from autograd.viz.labels import call_labels
from autograd.viz.names import shortened, visible
from autograd.viz.player.story import Story
from autograd.viz.symbols import GATES, PUBLIC
from autograd.viz.trace import Call

MOST = 80
"""Most boxes of a view before it is cut into parts."""

FEW = 60
"""Graphs with at most this many boxes are shown flat, except for opened kernels."""

INLINE = 28
"""Most boxes of a view in which the op of a module that has only one stands for the module."""

SPARSE = 6
"""Fewest boxes of the first view, or modules in it are opened into it."""

GLANCE = 20
"""Most boxes of the first view when modules have been opened into it."""

PART = 28
"""Boxes of a part of a long stretch without modules or loops."""

REPEATED = 10
"""Ops that repeated blocks have more of than this, or they are shown one by one."""

SERIES = 8
"""Most series of repetitions in one group."""

SCANS = {"gru_scan": "GRU", "lstm_scan": "LSTM", "rnn_scan": "RNN"}
"""Recurrent ops over whole sequences."""

LAYER = re.compile(r"weight_ih_l(\d+)(_reverse)?$")
"""The name of a weight of a recurrent layer."""

SHARED = 4
"""Fewest ops on what all repetitions share, such as slices of weights, that make a group."""

RESHAPED = ("getitem", "transpose", "reshape")
"""Ops on weights whose results are still weights."""

SHAPING = (*RESHAPED, "expand_dims", "squeeze", "output")
"""Ops that change nothing but a shape."""

Item = tuple[str, int]
"""("e", event) or ("g", group): a box of a view."""


@dataclass
class Group:
    """A box that opens into its own view.

    Attributes
    ----------
    index : its index; 0 is the whole graph.
    parent : index of the enclosing group; -1 for the whole graph.
    title : the heading of its box.
    module : path and class of the module that it is a call of, if any.
    noun : what each of its repetitions is: a step, a layer or a block.
    kernel : name of the op that it opens, if any.
    events : indices of its events, without those of groups within it.
    groups : indices of the groups within it.
    repeat : whether its groups are repetitions of each other, of which one is shown at a time.
    strips : for repetitions, name of a state -> norm of the gradient with respect to it after each.
    states : for repetitions, name of a state -> its event after each.
    out : event of its result: its last event that is used outside, or the root.
    ops : how many ops are in it, with those of groups within it.
    parameters : how many numbers the leaves that it uses have.
    """

    index: int
    parent: int
    title: str
    module: str = ""
    noun: str = ""
    kernel: str = ""
    events: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    repeat: bool = False
    strips: dict[str, list[float | None]] = field(default_factory=dict)
    states: dict[str, list[int]] = field(default_factory=dict)
    out: int = -1
    ops: int = 0
    parameters: int = 0


class Groups:
    """All groups of a story.

    Attributes
    ----------
    all : the groups.
    of : event -> its innermost group.
    fixed : whether each event is a leaf, or a slice or transpose of one, such as a gate's weights.
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self.all = [Group(0, -1, "the whole graph")]
        self.of = [0] * len(story.events)
        self._ops = [k for k, event in enumerate(story.events) if event.kind == "op"]
        self.fixed: list[bool] = []
        for event in story.events:
            sources = [x["from"] for x in event.inputs if x]
            slices = event.op in RESHAPED and all(self.fixed[x] for x in sources)
            self.fixed.append(event.kind == "leaf" or slices)
        self._kinds = {k: kind(story.trace, story.nodes[k]) for k in self._ops}
        self._calls()
        for group in self.all:  # also those that are made meanwhile
            if not group.repeat and not self._scan(group):
                self._repeats(group)
        for group in list(self.all):
            if not group.repeat:
                self._gates(group)
        self._open_first()
        self._inline()
        for group in list(self.all):
            if not group.repeat:
                self._parts(group)
        self._sources()
        self._results()

    def _new(self, parent: int, title: str) -> Group:
        group = Group(len(self.all), parent, title)
        self.all.append(group)
        self.all[parent].groups.append(group.index)
        return group

    def _move(self, items: Iterable[Item], group: Group) -> None:
        """Put events and groups of one group into a group within it."""
        for sort, k in items:
            if sort == "e":
                self.all[self.of[k]].events.remove(k)
                self._put(k, group)
            else:
                self.all[self.all[k].parent].groups.remove(k)
                self.all[k].parent = group.index
                group.groups.append(k)

    def _put(self, event: int, group: Group) -> None:
        self.of[event] = group.index
        group.events.append(event)

    def chain(self, group: int) -> list[int]:
        """A group and its enclosing groups, outermost first."""
        found = []
        while group >= 0:
            found.append(group)
            group = self.all[group].parent
        return found[::-1]

    def prefix(self, group: int) -> str:
        """The path of the innermost module around a view, with which names in it need not begin."""
        paths = [self.all[g].module.partition(": ") for g in self.chain(group)]
        inmost = [path for path, colon, _ in paths if colon]
        return f"{inmost[-1]}." if inmost else ""

    def has_strip(self, group: Group) -> bool:
        """Whether a strip of repetitions is shown below the view of a group."""
        around = [self.all[g] for g in (group.parent, *group.groups) if g >= 0]
        return any(g.repeat for g in around)

    # Modules and kernels

    def _calls(self) -> None:
        """Make a group for each module call and opened kernel."""
        trace, story = self.story.trace, self.story
        calls = {k: trace.calls[id(story.nodes[k])] for k in self._ops}
        labels = call_labels([c for c in calls.values() if c])
        wrapping = self._wrapping(calls)
        kernels = {id(c) for c in calls.values() if c and c.title}
        boxes = sum(not (c and c.title) for c in calls.values()) + len(kernels)
        boxes += sum(
            not all((c := calls[u]) and c.title for u in users)
            for k, users in enumerate(story.users)
            if k not in calls
        )
        flat = boxes <= FEW
        known: dict[int, Group] = {}

        def group_of(call: Call | None) -> Group:
            if call is None:
                return self.all[0]
            if flat and not call.title and id(call) not in wrapping:
                return group_of(call.parent)
            around = call.parent
            found = made(around if call.title and around and id(around) in wrapping else call)
            if call.title:
                found.kernel = call.owner.name
            return found

        def made(call: Call) -> Group:
            if id(call) not in known:
                title = visible(_closed(labels[id(call)]))
                if flat and not call.title:
                    title = type(call.owner).__name__
                if call.title:
                    title = self._layer(call, calls) or title
                parent = group_of(call.parent)
                title = title.removeprefix(self.prefix(parent.index))
                known[id(call)] = self._new(parent.index, shortened(title, 40))
                if not call.title:
                    known[id(call)].module = visible(labels[id(call)].partition(", call")[0])
            return known[id(call)]

        for k, call in calls.items():
            self._put(k, group_of(call))

    def _layer(self, kernel: Call, calls: Mapping[int, Call | None]) -> str:
        """Which layer of a recurrent module a kernel is, by the names of its weights."""
        if kernel.owner.name not in SCANS:
            return ""
        own = [k for k, call in calls.items() if call is kernel]
        sources = {x["from"] for k in own for x in self.story.events[k].inputs if x}
        names = [self.story.trace.name(self.story.nodes[k]) or "" for k in sources]
        found = next((m for name in names if (m := LAYER.search(name))), None)
        if not found:
            return ""
        backwards = ", backwards" if found[2] else ""
        return f"{SCANS[kernel.owner.name]}, layer {int(found[1]) + 1}{backwards}"

    def _wrapping(self, calls: Mapping[int, Call | None]) -> set[int]:
        """The calls of modules that do no more than to call one kernel, and shape its inputs."""
        kernels: dict[int, set[int]] = {}
        other: set[int] = set()
        for k, call in calls.items():
            kernel = call if call and call.title else None
            for outer in call.chain() if call else ():
                if kernel:
                    kernels.setdefault(id(outer), set()).add(id(kernel))
                elif self.story.events[k].op not in SHAPING:
                    other.add(id(outer))
        return {key for key, inside in kernels.items() if len(inside) == 1} - other

    def _open_first(self) -> None:
        """Show what is in the largest modules instead of them, while the first view has few boxes.

        A model that is one module would else open as that module and its loss.
        """
        whole = self.all[0]
        while len(whole.events) + len(whole.groups) < SPARSE:
            kinds = Counter(self._class(self.all[g].title) for g in whole.groups)
            found = [
                (len(self._inside(g)), g)
                for g in whole.groups
                if not self.all[g].repeat
                and not self.all[g].kernel
                and kinds[self._class(self.all[g].title)] == 1
                and (self.all[g].groups or len(self.all[g].events) > 1)
                and self._boxes(whole) - 1 + self._boxes(self.all[g]) <= GLANCE
            ]
            if not found:
                return
            opened = self.all[max(found)[1]]
            path = self.prefix(opened.index)
            for g in opened.groups:
                for inner in self.all[g].groups if self.all[g].repeat else [g]:
                    self.all[inner].title = path + self.all[inner].title
            self._move([("e", k) for k in list(opened.events)], whole)
            self._move([("g", g) for g in list(opened.groups)], whole)
            whole.groups.remove(opened.index)

    def _boxes(self, group: Group) -> int:
        """How many boxes there are in a group, with weights beside its ops."""
        return len(group.groups) + len(group.events) + sum(map(self._weights, group.events))

    def _inline(self) -> None:
        """Show modules of one op as that op, where there is room for it and its weights."""
        single = {g.index for g in self.all[1:] if len(g.events) == 1 and not g.groups}
        for group in self.all:
            own = [g for g in group.groups if g in single and not group.repeat]
            weights = sum(self._weights(self.all[g].events[0]) for g in own)
            if own and len(group.events) + len(group.groups) + weights <= INLINE:
                for g in own:
                    event = self.all[g].events.pop()
                    title = self.all[g].title.partition(", call")[0]
                    shown = self.story.events[event]
                    if not shown.sign:
                        shown.title = shortened(title, 24)
                    self._put(event, group)
        gone = {g.index for g in self.all[1:] if not g.events and not g.groups}
        kept = [g for g in self.all if g.index not in gone]
        index = {g.index: k for k, g in enumerate(kept)}
        for group in kept:
            group.groups = [index[g] for g in group.groups if g not in gone]
            group.parent = index.get(group.parent, -1)
            for k in group.events:
                self.of[k] = index[group.index]
            group.events.sort()
        for group in kept:
            group.index = index[group.index]
        self.all = kept

    def _weights(self, event: int) -> int:
        """How many leaves and constants only this event uses."""
        story = self.story
        sources = {x["from"] for x in story.events[event].inputs if x}
        return sum(story.events[k].kind != "op" and len(set(story.users[k])) == 1 for k in sources)

    # Repeated blocks

    def _scan(self, group: Group) -> bool:
        """Whether a group opens a recurrent op; then there is a group for each of its steps.

        The reference names the states h and c. What leads to one of them alone is of its step;
        what leads to several steps, such as a gate's weights, is of none.
        """
        if group.kernel not in SCANS:
            return False
        story = self.story
        events = sorted(group.events)
        named = {k: story.trace.name(story.nodes[k]) for k in events}
        states = {
            name: [k for k in events if named[k] == name and story.events[k].op != "where"]
            for name in ("c", "h")
        }
        step = {k: t for line in states.values() for t, k in enumerate(line)}
        if len(states["h"]) < 2 or len(states["c"]) not in (0, len(states["h"])):
            return False
        for k in events:  # where a sequence has ended, its state stays
            if story.events[k].op == "where" and named[k] in states:
                before = [step[x["from"]] for x in story.events[k].inputs if x.get("from") in step]
                step[k] = max(before, default=0)
        for k in reversed(events):
            users = {step.get(u) for u in story.users[k]}
            if k not in step and len(users) == 1 and (t := users.pop()) is not None:
                step[k] = t
        steps: list[list[Item]] = [[] for _ in states["h"]]
        for k in events:
            if k in step and not self.fixed[k]:
                steps[step[k]].append(("e", k))
        items, inputs = self._items(group)
        taken = {i for i, (_, k) in enumerate(items) if k in step and not self.fixed[k]}
        shared = self._shared(items, inputs, taken)
        self._repeated(group, steps, list(zip(*filter(None, states.values()), strict=True)))
        if len(shared) >= SHARED:
            self._move(
                [items[i] for i in sorted(shared)], self._new(group.index, "shared by all steps")
            )
        return True

    def _items(self, group: Group) -> tuple[list[Item], list[list[int]]]:
        """The events and groups in a group, inputs first, and for each the items that it uses."""
        home: dict[int, Item] = {k: ("e", k) for k in group.events}
        inside = list(group.events)
        for child in group.groups:
            own = self._inside(child)
            home |= dict.fromkeys(own, ("g", child))
            inside += own
        last: dict[Item, int] = {}
        for k in inside:
            last[home[k]] = max(last.get(home[k], 0), k)
        before: dict[Item, dict[Item, None]] = {item: {} for item in last}
        for k in sorted(inside):
            for x in self.story.events[k].inputs:
                item = home.get(x["from"]) if x else None
                if item is not None and item != home[k]:
                    before[home[k]][item] = None
        items = _sorted(last, before)
        index = {item: i for i, item in enumerate(items)}
        return items, [[index[x] for x in before[item]] for item in items]

    def _inside(self, group: int) -> list[int]:
        """The ops in a group and in groups within it, in the order of the forward pass."""
        found, left = [], [group]
        while left:
            at = self.all[left.pop()]
            found += at.events
            left += at.groups
        return sorted(found)

    def _kind(self, item: Item) -> tuple[object, ...]:
        """What an item has in common with its repetitions: its ops and their shapes."""
        sort, k = item
        if sort == "e":
            return self._kinds[k]
        name = self._class(self.all[k].title)
        ops = Counter(self._kinds[e] for e in self._inside(k))
        return name, frozenset(ops.items())

    def _repeats(self, group: Group) -> None:
        """Make one group of blocks that repeat each other: steps of a loop, or layers."""
        if len(self._inside(group.index)) <= REPEATED:
            return
        items, inputs = self._items(group)
        kinds = [self._kind(item) for item in items]
        single = all(sort == "e" for sort, _ in items)
        for _ in range(SERIES):
            found = repetition(kinds, inputs, REPEATED / len(items) if single else 0.0, True)
            if found is None:
                return
            steps = [[items[i] for i in step] for step in found.steps]
            taken = {i for step in found.steps for i in step}
            ops = sum(self._size(item) for step in steps for item in step)
            if ops > max(REPEATED, 2 * len(steps) - 1):
                shared = self._shared(items, inputs, taken)
                self._repeated(group, steps, self._states(items, found))
                if len(shared) >= SHARED:
                    self._move(
                        [items[i] for i in sorted(shared)],
                        self._new(group.index, "shared by all steps"),
                    )
                    taken |= shared
            for i in taken:
                kinds[i] = ("taken", i)  # like no other

    def _size(self, item: Item) -> int:
        return 1 if item[0] == "e" else len(self._inside(item[1]))

    def _repeated(
        self,
        group: Group,
        steps: Sequence[Sequence[Item]],
        states: Sequence[Sequence[int]],
    ) -> None:
        """One group for repeated blocks, with a group for each."""
        count = len(steps)
        name, noun = self._name(steps)
        whole = self._new(group.index, f"{name} × {count}")
        whole.repeat, whole.noun = True, noun
        for k, step in enumerate(steps):
            if len(step) == 1 and step[0][0] == "g":
                self._move(step, whole)
            else:
                self._move(step, self._new(whole.index, f"{name} {k + 1} of {count}"))
        lines = list(zip(*states, strict=True))
        for state, line in zip(self._state_names(lines), lines, strict=True):
            nodes = [self.story.nodes[k] for k in line]
            whole.strips[state] = [self.story.norms.get(id(v)) for v in nodes]
            whole.states[state] = list(line)

    def _shared(
        self, items: Sequence[Item], inputs: Sequence[Sequence[int]], used: set[int]
    ) -> set[int]:
        """The ops on leaves alone whose results only the repetitions use, such as slices."""
        users: list[set[int]] = [set() for _ in items]
        for i, before in enumerate(inputs):
            for x in before:
                users[x].add(i)
        events = self.story.events
        found: set[int] = set()
        for i, (sort, k) in enumerate(items):
            sources = [events[x["from"]] for x in events[k].inputs if x] if sort == "e" else []
            leaves = [e for e in sources if e.kind != "op"]
            fixed = sort == "e" and i not in used and all(e.kind == "leaf" for e in leaves)
            if fixed and len(leaves) + sum(x in found for x in inputs[i]) == len(sources):
                found.add(i)
        while lost := {i for i in found if not users[i] <= used | found}:
            found -= lost
        return found

    def _name(self, steps: Sequence[Sequence[Item]]) -> tuple[str, str]:
        """What repetitions are called: by the class of their module, else layers or steps.

        Layers and blocks have weights of their own, steps do not.
        """
        ops = [k for item in steps[1] for k in self._ops_of(item)]
        leaves = {x["from"] for k in ops for x in self.story.events[k].inputs if x}
        mine = set(ops)
        own = any(
            self.story.events[k].kind == "leaf" and mine.issuperset(self.story.users[k])
            for k in leaves
        )
        if all(len(step) == 1 and step[0][0] == "g" for step in steps):
            names = {self._class(self.all[step[0][1]].title) for step in steps}
            if len(names) == 1:
                return names.pop(), "block" if own else "step"
        noun = "layer" if own else "step"
        return noun, noun

    @staticmethod
    def _class(title: str) -> str:
        return title.partition(", call")[0].rpartition(": ")[2]

    def _ops_of(self, item: Item) -> list[int]:
        return [item[1]] if item[0] == "e" else self._inside(item[1])

    def _states(self, items: Sequence[Item], found: Repetition) -> list[list[int]]:
        """For each step the events that the next step uses; in every step the same."""
        places: list[tuple[int, int]] = []  # which of the carried items, which of its ops
        after = {k for i in found.steps[-1] for k in self._ops_of(items[i])}
        for n, i in enumerate(found.carried[-2]):
            for at, k in enumerate(self._ops_of(items[i])):
                if not after.isdisjoint(self.story.users[k]):
                    places.append((n, at))
        states = []
        for carried in found.carried:
            ops = [self._ops_of(items[i]) for i in carried]
            if any(n >= len(ops) or at >= len(ops[n]) for n, at in places):
                return [[] for _ in found.carried]
            states.append([ops[n][at] for n, at in places])
        return states

    def _state_names(self, lines: Sequence[Sequence[int]]) -> list[str]:
        """Names of states: their own, else h."""
        story = self.story
        own = [story.trace.name(story.nodes[line[-1]]) or "" for line in lines]
        names = [shortened(visible(name), 24) for name in own]
        if names.count("") == 1:
            names[names.index("")] = "h" if "h" not in names else "state"
        names = [name or f"h{k + 1}" for k, name in enumerate(names)]
        taken = Counter(names)
        return [f"{n} ({k + 1})" if taken[n] > 1 else n for k, n in enumerate(names)]

    def _gates(self, group: Group) -> None:
        """Make a group for each gate that the reference of a recurrent op names."""
        kernels = [self.all[g].kernel for g in self.chain(group.index)]
        names = next((GATES[name] for name in kernels if name in GATES), None)
        if names is None:
            return
        story = self.story
        gate_of: dict[int, str] = {}
        for k in reversed(group.events):
            name = story.trace.name(story.nodes[k])
            users = {gate_of.get(u, "") for u in story.users[k]}
            if name in names and story.events[k].op in ("sigmoid", "tanh"):
                gate_of[k] = names[name]
            elif len(users) == 1 and (gate := users.pop()):
                gate_of[k] = gate
        for gate in names.values():
            own = [k for k, name in gate_of.items() if name == gate]
            if len(own) > 1:
                self._move([("e", k) for k in sorted(own)], self._new(group.index, gate))

    # Parts

    def _parts(self, group: Group) -> None:
        """Cut a group that is too large for one view into parts, in forward order."""
        while True:
            items, _ = self._items(group)
            extra = sum(self._weights(k) for sort, k in items if sort == "e")
            if len(items) + extra <= MOST or len(items) <= PART:
                return
            count = -(-len(items) // PART)
            for k in range(count):
                cut = items[k * len(items) // count : (k + 1) * len(items) // count]
                self._move(cut, self._new(group.index, self._range(cut, k, count)))

    def _range(self, cut: Sequence[Item], k: int, count: int) -> str:
        if all(sort == "g" for sort, _ in cut):
            first, last = self.all[cut[0][1]].title, self.all[cut[-1][1]].title
            begin = first.partition(" of ")[0]
            return shortened(f"{begin} … {last.removeprefix(begin.partition(' ')[0] + ' ')}", 40)
        return f"part {k + 1} of {count}"

    # Leaves, and results

    def _sources(self) -> None:
        """Put leaves and constants into the innermost group of all their users."""
        for k, event in enumerate(self.story.events):
            if event.kind == "op":
                continue
            chains = [self.chain(g) for g in {self.of[u] for u in self.story.users[k]}]
            shared = set.intersection(*map(set, chains)) if chains else {0}
            inmost = max(
                (g for g in shared if not self.all[g].repeat), key=lambda g: len(self.chain(g))
            )
            self._put(k, self.all[inmost])
            if event.kind == "leaf":
                for g in {g for chain in chains for g in chain}:
                    self.all[g].parameters += self.story.nodes[k]._data.size
        for group in self.all:
            if len(group.events) + len(group.groups) > MOST:
                self._lend(group)
        for group in self.all:
            group.events.sort()

    def _lend(self, group: Group) -> None:
        """Put leaves and constants that parts of a group share into the first that uses them."""
        for k in [k for k in group.events if self.story.events[k].kind != "op"]:
            chain = self.chain(self.of[min(self.story.users[k])])
            if group.index != chain[-1] and not self.all[chain[-1]].repeat:
                group.events.remove(k)
                self._put(k, self.all[chain[-1]])

    def _results(self) -> None:
        """Find the result of each group, and count its ops."""
        story = self.story
        chains = [self.chain(g.index) for g in self.all]
        for k, event in enumerate(story.events):
            users = [chains[g] for g in {self.of[u] for u in story.users[k]}]
            around = set() if event.root or not users else set(users[0]).intersection(*users[1:])
            for g in chains[self.of[k]]:
                group = self.all[g]
                group.ops += event.kind == "op"
                if g not in around or group.out < 0:
                    group.out = k


def _sorted(last: dict[Item, int], before: dict[Item, dict[Item, None]]) -> list[Item]:
    """The items with inputs first, else by their last event; a circle is cut open there."""
    waiting = {item: len(inputs) for item, inputs in before.items()}
    after: dict[Item, list[Item]] = {item: [] for item in last}
    for item, inputs in before.items():
        for x in inputs:
            after[x].append(item)
    ready = [(last[item], item) for item, n in waiting.items() if not n]
    heapify(ready)
    left = sorted((k, item) for item, k in last.items())[::-1]
    found: dict[Item, None] = {}
    while len(found) < len(last):
        if not ready:
            while left[-1][1] in found:
                left.pop()
            ready.append(left.pop())
        item = heappop(ready)[1]
        if item in found:
            continue
        found[item] = None
        for user in after[item]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, (last[user], user))
    return list(found)


def _closed(label: str) -> str:
    """The label of a call as a box that is closed; an opened kernel with its public name."""
    name, opened, rest = label.partition(", opened")
    return f"{PUBLIC.get(name, name)}{rest}" if opened else label
