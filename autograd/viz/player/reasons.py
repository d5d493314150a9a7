"""Reasons: why the gradients on the page are what they are, and the chain rule of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.op import SELECT
from autograd.readers.derivation import Derivation, Letters
from autograd.readers.explain import Explanation
from autograd.readers.paths import Names, Path, Reach, passed
from autograd.readers.why.detached import copied_from
from autograd.readers.why.why import Why, asked
from autograd.recording import no_grad
from autograd.value import Value
from autograd.viz import formula
from autograd.viz.gradients import gradients
from autograd.viz.player.digest import rounded
from autograd.viz.player.story import Event, Story

WORK = 5_000
"""About how many ops are looked at in all for reasons: 0.05 to 0.1 ms each."""

FOLLOWED = 16
"""Most paths that are followed separately."""

ELEMENTS = 350
"""Elements of an array that take as long as one op more."""

PATHS = 6
"""Most paths of one gradient that are kept apart."""

STEPS = 8_000
"""Most steps on the paths of all gradients together."""

WRITTEN = 25_000
"""Most characters of LaTeX of all chain rules together."""

SMALL = 16
"""Most elements of an array whose numbers are asked for one by one."""

_FEW = 60  # events of a graph whose small arrays are kept whole


class Reasons:
    """For the leaves of a graph, its named results and, as far as time allows, all others: why.

    A kernel is one op here, as in the graph that was recorded; what it is opened into has none.
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        (root,) = story.trace.roots
        self.root: Any = root
        self._steps, self._written = STEPS, WRITTEN
        self.found: dict[int, dict[str, Any]] = {}
        self.derivations: dict[int, Derivation] = {}
        self.small: dict[int, list[Any]] = {}
        if isinstance(self.root._data, tuple) or not self.root.requires_grad:
            return
        with no_grad(), np.errstate(all="ignore"):
            self._ask()
            if len(story.events) <= _FEW:
                self._keep_small()

    def as_dict(self, number: Callable[[str], int]) -> dict[str, Any]:
        """The reasons as plain data; `number` takes a formula and returns its index."""
        for k, derivation in self.derivations.items():
            self.found[k]["lines"] = [
                [number(line.left) if line.left else -1, number(line.right), line.remark]
                for line in derivation.lines
            ]
        return {"why": self.found, "small": self.small}

    def _ask(self) -> None:
        story, given = self.story, {}
        for event, x in zip(story.events, story.nodes, strict=True):
            if event.title and (event.kind != "op" or event.sign):
                given[id(x)] = event.title
        used = formula.names_in(story.trace) | set(given.values())
        free = next((name for name in ("L", "loss", "result") if name not in used), "y")
        self.names = names = Names(self.root, given, free)
        letters = Letters(names)
        left = float(WORK)
        costs = self._costs(names)
        for k, x in self._candidates():
            left -= (cost := costs.get(id(x), 0.0))  # a leaf alone is no op's
            if left < 0:
                left += cost
                continue
            reach = Reach("play", self.root, x, np.ones_like(self.root._data))
            most = WORK // max(len(reach.order), 1)
            answer = asked(reach, names, limit=max(2, min(FOLLOWED, most)), work=WORK)
            self._note(k, answer, reach, letters)
        if len(names.trace.order) <= 10 * _FEW:
            self._detached(names)

    def _candidates(self) -> Iterator[tuple[int, Value]]:
        """Leaves, then named results, then all others, as events with their nodes."""
        closed = {id(v) for v in Names(self.root).trace.order}
        events = [
            (k, event, x)
            for k, (event, x) in enumerate(zip(self.story.events, self.story.nodes, strict=True))
            if event.tracked and isinstance(x, Value) and type(x._data) is not tuple
        ]
        tests: list[Callable[[Event], bool]] = [
            lambda e: e.kind == "leaf",
            lambda e: e.kind == "op" and bool(e.sign),
            lambda e: e.kind == "op" and not e.sign,
        ]
        for test in tests:
            yield from ((k, x) for k, e, x in events if test(e) and (not e.op or id(x) in closed))

    @staticmethod
    def _costs(names: Names) -> dict[int, float]:
        """How much work the reason of each node is: the ops from its first use to the end."""
        costs: dict[int, float] = {}
        after = 0.0
        for v in reversed(names.trace.order):
            costs.setdefault(id(v), after)
            size = sum(map(np.size, v._data)) if type(v._data) is tuple else np.size(v._data)
            after += 1 + size / ELEMENTS
            costs.update((id(x), after) for x in v.inputs if isinstance(x, Node) and not x.op)
        return costs

    def _note(self, k: int, answer: Why, reach: Reach, letters: Letters) -> None:
        entry: dict[str, Any] = {"said": answer.sentence, "kind": answer.kind}
        if answer.notes:
            entry["notes"] = answer.notes
        self.found[k] = entry
        if answer.followed is None or answer.path is None:
            return
        paths, rest, others = answer.followed
        shown = [*paths[:PATHS]]
        if not any(path is answer.path for path in shown):
            shown[-1] = answer.path
        kept = set(map(id, shown))
        merged = [path for path in paths if id(path) not in kept]
        rest = sum((path.contribution for path in merged), start=rest)
        explained = Explanation(
            self.root, reach.x, shown, rest, others + len(merged), None, self.names, reach
        )
        self._steps -= sum(len(path.steps) for path in explained.paths)
        if self._steps < 0:
            self._steps += sum(len(path.steps) for path in explained.paths)
            return
        marked = {answer.node, *answer.marked}
        entry["marked"] = sorted({e for v in marked if v is not None for e in self._events(v)})
        entry["start"], entry["norm"] = answer.start, reach.x.size != 1
        entry["shown"] = [*map(id, explained.paths)].index(id(answer.path))
        entry["paths"] = [
            {
                "gives": rounded(explained.size(path.contribution)),
                "share": rounded(explained.share(path.contribution)),
                "titles": path.titles,
                "on": self._on(path),
                "by": [rounded(passed(step)) for step in path.shown],
                "gains": None in path.factors,
            }
            for path in explained.paths
        ]
        if explained.others:
            entry["others"] = explained.others
            entry["rest"] = rounded(explained.size(explained.rest))
        derivation = Derivation(
            self.names,
            reach.x,
            explained.paths,
            explained.rest,
            explained.others,
            reach.seed,
            reach.gradients[reach.x],
            letters=letters,
        )
        size = sum(len(line.left) + len(line.right) for line in derivation.lines)
        if size <= self._written:
            self._written -= size
            self.derivations[k] = derivation

    def _events(self, v: Node) -> list[int]:
        """The event of a result; of several results, those of all."""
        own = self.story.index.get(id(v))
        if own is not None:
            return [own]
        parts = [u for u in self.names.trace.users.get(id(v), []) if u.op is SELECT]
        return [self.story.index[id(u)] for u in parts if id(u) in self.story.index]

    def _on(self, path: Path) -> list[list[int]]:
        """The events of each step that is shown: its result, or that which is selected of it."""
        found: list[list[int]] = []
        for step in path.steps:
            own = self.story.index.get(id(step.node))
            if step.node.op is not SELECT:
                found.append([])
            if own is not None and found:
                found[-1].append(own)
        return found

    def _detached(self, names: Names) -> None:
        """Say of constants whose numbers they are."""
        for k, (event, x) in enumerate(zip(self.story.events, self.story.nodes, strict=True)):
            if event.kind == "constant" and (name := copied_from(names, x)):
                self.found[k] = {
                    "said": f"The numbers of {name}, detached: no gradient flows back to it.",
                    "kind": "detached",
                }

    def _keep_small(self) -> None:
        """Values and gradients of small arrays, element by element."""
        found = gradients(self.story.trace)
        for k, x in enumerate(self.story.nodes):
            data = x._data if isinstance(x, Node) else x
            if type(data) is tuple or not 1 < np.size(data) <= SMALL or np.ndim(data) > 2:
                continue
            g = found.get(id(x)) if isinstance(x, Node) else None
            if np.asarray(data).dtype.kind in "fiub":
                self.small[k] = [_listed(data), None if g is None else _listed(g)]


def _listed(a: Any) -> list[float | str]:
    return [rounded(x) for x in np.asarray(a, np.float64).ravel()]
