"""The paths that a gradient takes through a graph, each with its factors and contribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from autograd.contribution import Unreached
from autograd.engine import add_gradient, gradients, topological
from autograd.node import Array, Node
from autograd.op import SELECT
from autograd.value import Value, seed_like
from autograd.viz.gradients import passed_back
from autograd.viz.labels import full_name, node_labels
from autograd.viz.summary import number
from autograd.viz.trace import Trace


class Step(NamedTuple):
    """One op on a path, with the input through which the path enters and its local derivative.

    Attributes
    ----------
    node : the op's result.
    place : index of the input.
    factor : the local derivative if input and output are single numbers, else None.
    gain : norm of what the op passes back over the norm of what came in; where nothing came in,
        for an incoming gradient of ones. Of single numbers it is |factor|.
    title : name of the result; else module and op.
    """

    node: Node
    place: int
    factor: float | None
    gain: float
    title: str


class Path(NamedTuple):
    """One path from x to y, and its contribution to the gradient.

    Attributes
    ----------
    steps : the ops on the path, from x to y.
    contribution : array of x's shape; over all paths they sum to the gradient.
    """

    steps: tuple[Step, ...]
    contribution: Array

    @property
    def shown(self) -> list[Step]:
        """The steps without the selection of one of an op's results."""
        return [step for step in self.steps if step.node.op is not SELECT]

    @property
    def title(self) -> str:
        """The ops on the path, in one line."""
        return " → ".join(self.titles)

    @property
    def titles(self) -> list[str]:
        """The title of each step; a module is named only where the path enters it."""
        found, inside = [], ""
        for step in self.shown:
            module, _, op = step.title.rpartition(": ")
            within = module if op.startswith(str(step.node.op.name)) else ""
            found.append(op if within and within == inside else step.title)
            inside = within
        return found

    @property
    def factors(self) -> list[float | None]:
        """The local derivative of each step."""
        return [step.factor for step in self.shown]

    @property
    def gains(self) -> list[float]:
        """The gain of each step."""
        return [step.gain for step in self.shown]


class Names:
    """What nodes are called: Values by name or path, results else by module and op.

    Parameters
    ----------
    y : the graph's result.
    given : id of a Value or array -> a name that has precedence.
    result : what y is called if it has no name.
    """

    def __init__(self, y: Node, given: Mapping[int, str] | None = None, result: str = "y") -> None:
        self.trace = Trace([y])
        self._labels = node_labels(self.trace)
        self._given = given or {}
        self._result = result

    def op(self, v: Node) -> str:
        """The name of a result, else its module and op."""
        return self._given.get(id(v)) or self._labels.get(id(v)) or str(v.op.name)

    def value(self, x: Any) -> str | None:
        """The path of a parameter, else the name of a Value or array."""
        own = self._given.get(id(x)) or full_name(self.trace, x)
        return own or (x.name if isinstance(x, Node) else None)

    def pair(self, x: Node) -> tuple[str, str]:
        """What y and x are called in ∂y/∂x."""
        return self.value(self.trace.roots[0]) or self._result, self.value(x) or "x"


class Reach:
    """The part of a graph through which a gradient flows from y to x.

    Parameters
    ----------
    who : the reader, for its errors.
    gradient : the incoming gradient of y; None for 1, if y is a single number.
    """

    def __init__(self, who: str, y: Value, x: Value, gradient: Any) -> None:
        self.y, self.x = y, x
        self.seed = seed(who, y, gradient)
        order, _, self.stale = topological([y], stop={x})
        self.live: set[Node] = {x}
        self.order: list[Node] = []
        for v in order:
            if any(isinstance(a, Node) and a in self.live for a in v.inputs):
                self.live.add(v)
                self.order.append(v)
        self.hidden: Unreached = {}  # of each node, as in a pass over the whole graph
        self.gradients: dict[Node, Any] = {}
        unreached: Unreached = {}

        def keep(v: Node, g: Any) -> None:
            self.gradients[v] = g
            if v in unreached:
                self.hidden[v] = unreached[v]

        if self.connected:
            gradients([y], [self.seed], [x], watch=keep, stop={x}, unreached=unreached)

    @property
    def connected(self) -> bool:
        """Whether y depends on x, and x requires a gradient."""
        return self.y in self.live and self.x.requires_grad

    def places(self, v: Node) -> list[int]:
        """The inputs of v that have a path to x."""
        return [i for i, a in enumerate(v.inputs) if isinstance(a, Node) and a in self.live]

    def pull(self, v: Node, i: int, g: Any) -> Any:
        """The contribution of v's op to its input i, as the engine would add it."""
        hidden = {v: self.hidden[v]} if v in self.hidden else {}
        return passed_back(v, g, only(v, i), self.stale, unreached=hidden)[i]

    def local(self, v: Node, i: int, g: Any) -> Any:
        """What v's op passes back for ones in place of g."""
        ones = {k: np.ones_like(x) for k, x in g.items()} if isinstance(g, dict) else _ones(g)
        return passed_back(v, ones, only(v, i), self.stale)[i]


def seed(who: str, y: Any, gradient: Any) -> Array:
    """The incoming gradient of y."""
    if not isinstance(y, Value):
        raise TypeError(f"{who}: y must be a Value, not {type(y).__name__}.")
    try:
        return seed_like(y, gradient)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{who}: {error}") from None


def place_of(who: str, x: Value, element: int | Sequence[int] | None) -> tuple[int, ...] | None:
    """The index of one element of x, or None for all of it; raises if there is no such element."""
    if element is None:
        return None
    where = tuple(element) if isinstance(element, Sequence) else (element,)
    try:
        alone = np.ndim(x.data[where]) == 0
    except IndexError:
        alone = False
    if not alone:
        raise IndexError(f"{who}: element={element!r} is no element of x {x.shape}.")
    return where


def only(v: Node, i: int) -> list[bool]:
    """Which inputs of v need a contribution: input i."""
    return [j == i for j in range(len(v.inputs))]


def _ones(g: Any) -> Any:
    return np.ones_like(g)


def norm(g: Any) -> float:
    """The Euclidean norm of a gradient, without overflow; of several outputs, of all together."""
    if isinstance(g, dict):
        return math.hypot(*(norm(part) for part in g.values()))
    wide = np.abs(np.asarray(g, np.float64))
    largest = float(wide.max(initial=0.0))
    if not largest or not math.isfinite(largest):
        return largest
    return float(np.sqrt(np.square(wide / largest).sum()) * largest)


class _Partial(NamedTuple):
    """A path from y to some node: the gradient there, and the last step with those before it."""

    g: Any
    last: tuple[Step, Any] | None

    @property
    def size(self) -> float:
        size = norm(self.g)
        return size if size == size else np.inf

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps from the node to y."""
        found, last = [], self.last
        while last is not None:
            step, last = last
            found.append(step)
        return tuple(found)


class Followed(NamedTuple):
    """What arrived at x: separate paths, the sum of all others, and how many these are."""

    paths: list[Path]
    rest: Array
    others: int


def follow(reach: Reach, names: Names, limit: int) -> Followed:
    """Walk from y back to x, with at most `limit` separate paths at each node."""
    return _Walk(reach, names, limit).found()


class _Walk:
    """Paths that meet at a node beyond the limit are merged there, so that their sum is exact."""

    def __init__(self, reach: Reach, names: Names, limit: int) -> None:
        self.reach, self.names, self.limit = reach, names, limit
        self.partials: dict[Node, list[_Partial]] = {reach.y: [_Partial(reach.seed, None)]}
        self.rest: dict[Node, Any] = {}
        self.merged: dict[Node, int] = {}
        self.locals: dict[tuple[Node, int, Any], Any] = {}

    def found(self) -> Followed:
        """Walk, and collect what has arrived at x."""
        x = self.reach.x
        with np.errstate(all="ignore"):
            for v in reversed(self.reach.order):
                self._leave(v)
        self._cut(x)
        paths = [Path(p.steps, np.asarray(p.g)) for p in self.partials.get(x, [])]
        rest = self.rest.get(x)
        if rest is None:
            rest = np.zeros(x.shape, x.dtype)
        return Followed(paths, rest, self.merged.get(x, 0))

    def _cut(self, v: Node) -> None:
        """Merge the smaller partial paths at v beyond the limit."""
        here = self.partials.get(v, [])
        if len(here) <= self.limit:
            return
        here.sort(key=lambda partial: -partial.size)
        for partial in here[self.limit :]:
            add_gradient(self.rest, v, partial.g)
            self.merged[v] = self.merged.get(v, 0) + 1
        del here[self.limit :]

    def _leave(self, v: Node) -> None:
        """Extend every partial path at v to each input that has a path to x."""
        self._cut(v)
        here, rest = self.partials.pop(v, []), self.rest.pop(v, None)
        count = self.merged.pop(v, 0)
        for i in self.reach.places(v):
            a = v.inputs[i]
            for g, last in here:
                gx = self.reach.pull(v, i, g)
                if gx is not None:
                    step = self._step(v, i, g, gx)
                    self.partials.setdefault(a, []).append(_Partial(gx, (step, last)))
            if rest is not None:
                gx = self.reach.pull(v, i, rest)
                if gx is not None:
                    add_gradient(self.rest, a, gx)
                    self.merged[a] = self.merged.get(a, 0) + count

    def _step(self, v: Node, i: int, g: Any, gx: Any) -> Step:
        if _size(g) == 1 and _size(gx) == 1:
            factor = _single(self._local(v, i, g))
            return Step(v, i, factor, abs(factor), self.names.op(v))
        size = norm(g)
        gain = norm(gx) / size if size else norm(self._local(v, i, g)) / math.sqrt(_size(g) or 1)
        return Step(v, i, None, gain, self.names.op(v))

    def _local(self, v: Node, i: int, g: Any) -> Any:
        key = (v, i, tuple(g) if isinstance(g, dict) else None)
        if key not in self.locals:
            self.locals[key] = self.reach.local(v, i, g)
        return self.locals[key]


def _size(g: Any) -> int:
    return sum(np.size(part) for part in g.values()) if isinstance(g, dict) else int(np.size(g))


def _single(g: Any) -> float:
    (part,) = g.values() if isinstance(g, dict) else (g,)
    return float(np.asarray(part).reshape(()))


def told_apart(paths: Iterable[Path], order: Sequence[Node]) -> list[Path]:
    """The paths, with an operand or number in the title of the step where two equal titles part.

    Two uses of one Value by one op are its left and right operand; two nodes of the same title get
    numbers, in the order of computation.
    """
    born = {id(v): k for k, v in enumerate(order)}
    found = list(paths)
    shown = [path.shown for path in found]
    titles = [[step.title for step in steps] for steps in shown]
    groups: dict[tuple[str, ...], list[int]] = {}
    for k, title in enumerate(titles):
        groups.setdefault(tuple(title), []).append(k)
    stack = [(same, 0) for same in groups.values()]
    while stack:
        same, at = stack.pop()
        if len(same) == 1 or at == len(titles[same[0]]):
            continue
        parts: dict[Node, dict[int, list[int]]] = {}
        for k in same:
            step = shown[k][at]
            parts.setdefault(step.node, {}).setdefault(step.place, []).append(k)
        for count, v in enumerate(sorted(parts, key=lambda v: born[id(v)]), 1):
            for place, those in parts[v].items():
                for k in those:
                    titles[k][at] += f" {count}" * (len(parts) > 1)
                    titles[k][at] += f" ({operand(v, place)})" * (len(parts[v]) > 1)
                stack.append((those, at + 1))
    return [_titled(path, title) for path, title in zip(found, titles, strict=True)]


def _titled(path: Path, titles: Iterable[str]) -> Path:
    title = iter(titles)
    steps = [s if s.node.op is SELECT else s._replace(title=next(title)) for s in path.steps]
    return path._replace(steps=tuple(steps))


def operand(v: Node, i: int) -> str:
    """What input i of v's op is: left or right, its parameter's name, or its index."""
    names = v.op.input_names(len(v.inputs))
    if names == ["a", "b"]:
        return ("left", "right")[i]
    return names[i] if i < len(names) and len(set(names)) == len(v.inputs) else str(i)


def passed(step: Step) -> float:
    """The factor of a step if it has one, else its gain."""
    return step.gain if step.factor is None else step.factor


def chips(
    x: str,
    path: Path,
    passed: Callable[[Step], float | None] = passed,
    marked: Container[Node | None] = (),
) -> str:
    """A path as HTML for a notebook or page: each op with its factor or gain.

    What stops the gradient, and a `marked` node, has a heavy border.
    """
    box = (
        "display:inline-block;border:{};border-radius:6px;padding:1px 7px;margin:2px 0;"
        "text-align:center;vertical-align:middle;white-space:nowrap"
    )
    cells = [f"<span style='{box.format('1px solid #2f855a')}'><b>{escape(x)}</b></span>"]
    for title, step in zip(path.titles, path.shown, strict=True):
        size = passed(step)
        heavy = step.node in marked or size == 0 or size != size
        line = "3px solid #d9480f" if heavy else "1px solid #7c82a8"
        sign = "×" if step.factor is not None or not size else "gain"
        text = "" if size is None else f"<br><small>{sign} {number(size)}</small>"
        cells.append(f"<span style='{box.format(line)}'>{escape(title)}{text}</span>")
    return " → ".join(cells)
