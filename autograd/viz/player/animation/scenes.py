"""Scenes: what each step of a view shows, as text, so that an animation can draw it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autograd.viz.player.story import Story
from autograd.viz.player.views import View
from autograd.viz.summary import number
from autograd.viz.text import readable


@dataclass(frozen=True)
class Look:
    """What a box shows at one time.

    Attributes
    ----------
    shape, value, gradient : the texts; "" before they are known.
    size : the gradient as a number, or as text if it is not finite; None before it is known.
    sign : 1 or -1 for the gradient of a single number, else 0.
    value_map, gradient_map : the digests whose maps are shown, if any.
    """

    shape: str = ""
    value: str = ""
    gradient: str = ""
    size: float | str | None = None
    sign: int = 0
    value_map: Any = None
    gradient_map: Any = None

    @property
    def known(self) -> bool:
        """Whether the value is."""
        return bool(self.shape or self.value)

    @property
    def token(self) -> str:
        """What runs along an arrow: a number, or an array's shape."""
        return self.shape or self.value

    @property
    def text(self) -> str:
        """Shape and value on one line."""
        return ", ".join(filter(None, (self.shape, self.value)))


@dataclass(frozen=True)
class Flow:
    """What runs along an edge: a text, and for a gradient its size and sign as in `Look`."""

    edge: int
    text: str
    size: float | str | None = None
    sign: int = 0


@dataclass(frozen=True)
class Scene:
    """One step.

    Attributes
    ----------
    box : index of the box whose value or contributions are computed.
    forward : whether it belongs to the forward pass.
    edges : the edges that are lit, and what runs along them.
    heading, says : what happens, in words and in numbers.
    looks : every box, after the step.
    """

    box: int
    forward: bool
    edges: list[Flow]
    heading: str
    says: list[str]
    looks: list[Look] = field(repr=False)


class Scenes:
    """All steps of one view of a player.

    Parameters
    ----------
    story : the story, for the formulas.
    data : the page's data.
    view : what is shown.

    Attributes
    ----------
    items : ("e", event) or ("g", group) of each box.
    edges : pairs of indices into `items`.
    """

    def __init__(self, story: Story, data: dict[str, Any], view: View) -> None:
        self.story = story
        self.events, self.users, self.groups = data["events"], data["users"], data["groups"]
        self.view, self.items, self.edges = view, view.items, view.edges
        self._count = len(self.events)
        self._members = self._inside(data["of"])
        self._arrivals: list[list[tuple[int, Any]]] = [[] for _ in self.events]
        for user in reversed(range(self._count)):
            for place in self.events[user].get("inputs", ()):
                if "out" in place:
                    self._arrivals[place["from"]].append((user, place))

    def _inside(self, of: Sequence[int]) -> list[list[int]]:
        """The events of each box."""
        inside: dict[int, list[int]] = {k: [] for kind, k in self.items if kind == "g"}
        for event, group in enumerate(of):
            while group >= 0:
                if group in inside:
                    inside[group].append(event)
                group = self.groups[group]["parent"]
        return [[k] if kind == "e" else inside[k] for kind, k in self.items]

    def title(self, i: int) -> str:
        """The heading of a box."""
        kind, k = self.items[i]
        return self.groups[k]["title"] if kind == "g" else self._heading(k)

    def kind(self, i: int) -> str:
        """The kind of a box: "group", or its event's kind; and "outside" of the view."""
        kind, k = self.items[i]
        own = "group" if kind == "g" else str(self.events[k]["kind"])
        return own if i < len(self.items) - self.view.outside else f"{own} outside"

    def _heading(self, k: int) -> str:
        event = self.events[k]
        return _name(event) + (f" = {event['sign']}" if event.get("sign") else "")

    @cached_property
    def before(self) -> list[Look]:
        """Every box before the first step: what it is computed from is known."""
        now = min(self._times, default=0) - 1
        return [self._look(i, now) for i in range(len(self.items))]

    @cached_property
    def after(self) -> list[Look]:
        """Every box when all is computed, also what is outside of the view."""
        return [self._look(i, 2 * self._count) for i in range(len(self.items))]

    @cached_property
    def all(self) -> list[Scene]:
        """The steps, forward and then backward."""
        return [self._scene(i, now) for now, i in sorted(self._times.items())]

    @cached_property
    def _times(self) -> dict[int, int]:
        """The time of each step -> the box that is computed."""
        times: dict[int, int] = {}
        for i in range(len(self.items) - self.view.outside):
            ops = [k for k in self._members[i] if self.events[k]["kind"] == "op"]
            if ops:
                times[max(ops)] = i
            if back := [k for k in ops if "gradient" in self.events[k]]:
                times[2 * self._count - 1 - min(back)] = i
        return times

    def _scene(self, i: int, now: int) -> Scene:
        forward = now < self._count
        edges: list[Flow] = []
        for e, (a, b) in enumerate(self.edges):
            if b == i:
                places = self._carried(a, b)
                if forward:
                    edges.append(Flow(e, self._look(a, now).token))
                elif len(places) == 1:
                    size = places[0]["out"]
                    sign = self._sign(places[0]["from"], size)
                    edges.append(Flow(e, number(size, 3), size, sign))
                elif places:
                    edges.append(Flow(e, "∂"))
        looks = [self._look(j, now) for j in range(len(self.items))]
        way = "Forward" if forward else "Backward"
        return Scene(
            i, forward, edges, f"{way}: {self.title(i)}", self._words(i, forward, looks[i]), looks
        )

    def _carried(self, a: int, b: int) -> list[Any]:
        """The contributions from box b to box a."""
        sources = set(self._members[a])
        return [
            place
            for k in self._members[b]
            for place in self.events[k].get("inputs", ())
            if "out" in place and place["from"] in sources
        ]

    def _words(self, i: int, forward: bool, look: Look) -> list[str]:
        """The step in numbers, as formulas on one line each."""
        kind, k = self.items[i]
        if kind == "g":
            name = _name(self.events[self._result(i)])
            return [f"{name} = {look.text}" if forward else "Its gradients are computed."]
        event, written = self.events[k], self.story.events[k]
        if forward:
            name = event["title"] if event.get("sign") else "y"
            parts = [readable(written.tex)] if written.tex else []
            parts += [readable(written.numbers)] if written.numbers else []
            joined = " = ".join([name, *parts])
            return [f"{joined}, {look.text}" if look.shape else f"{joined} = {look.value}"]
        said = []
        for place, own in zip(event.get("inputs", ()), written.inputs, strict=True):
            if "out" in place:
                source = self.events[place["from"]]
                name = _name(source) if source.get("title") or "op" not in source else source["op"]
                tex = readable(own["tex"]) if own.get("tex") else ""
                if "local" in place:
                    factors = f"{number(place['in'])} × {_bracketed(place['local'])}"
                    said.append(f"to {name}: {tex} = {factors} = {number(place['out'])}")
                else:
                    said.append(f"to {name}: {tex}, rms {number(place['out'], 3)}")
        return said

    def _result(self, i: int) -> int:
        """The event that a box shows: for a group its result."""
        kind, k = self.items[i]
        ops = [m for m in self._members[i] if self.events[m]["kind"] == "op"]
        if kind == "e" or not ops:
            return self._members[i][-1]
        out: int = self.groups[k].get("out", max(ops))
        return out

    def _look(self, i: int, now: int) -> Look:
        k = self._result(i)
        event = self.events[k]
        digest = event.get("value")
        if event["kind"] == "op" and k > now:
            return Look()
        if event["kind"] == "constant" and not event.get("title") and "number" in (digest or {}):
            return Look(value="constant")
        size, text, whole = self._gradient(k, now)
        return Look(
            *_brief(digest),
            text,
            size,
            self._sign(k, size),
            _mapped(digest),
            _mapped(event["gradient"]) if whole else None,
        )

    def _sign(self, k: int, size: float | str | None) -> int:
        """The sign of a gradient with respect to an event that is a single number."""
        single = "number" in (self.events[k].get("value") or {})
        return (size > 0) - (size < 0) if single and isinstance(size, (int, float)) else 0

    def _gradient(self, k: int, now: int) -> tuple[float | str | None, str, bool]:
        """Size and text of a gradient at a time, and whether it is complete."""
        event = self.events[k]
        if "gradient" not in event:
            return None, "", False
        back = 2 * self._count - 1
        users = self.users[k]
        if (event.get("root") and now >= self._count) or (users and back - min(users) <= now):
            if event["gradient"].get("noise"):
                return 0.0, "∂ ≈ 0", True
            size = _size(event["gradient"])
            return size, f"∂ {number(size, 3)}", True
        here = [place for user, place in self._arrivals[k] if back - user <= now]
        if not here:
            return None, "", False
        size = here[-1]["sum"]
        return size, f"∂ {number(size, 3)} ({len(here)}/{len(self._arrivals[k])})", False


def _name(event: dict[str, Any]) -> str:
    if event.get("title"):
        return str(event["title"])
    if event["kind"] == "op":
        return str(event["op"])
    value = event.get("value") or {}
    return number(value["number"]) if "number" in value else str(event["kind"])


def _brief(digest: Any) -> tuple[str, str]:
    """Shape and size of an array, or its number."""
    if not digest:
        return "", "several"
    if "number" in digest:
        return "", number(digest["number"])
    shape = "×".join(map(str, digest["shape"])) or "one"
    return shape, f"rms {number(digest['rms'], 2)}" if "rms" in digest else ""


def _size(digest: dict[str, Any]) -> float | str:
    size: float | str = digest.get("number", digest.get("rms", "nan"))
    return size


def _mapped(digest: Any) -> Any:
    return digest if digest and "map" in digest else None


def _bracketed(x: float | str) -> str:
    text = number(x)
    return f"({text})" if text.startswith("−") else text


def shades(sizes: Sequence[float | str | None]) -> list[float]:
    """The range of the sizes of gradients on a logarithmic scale, at most six decades."""
    logs = [math.log10(abs(x)) for x in sizes if isinstance(x, (int, float)) and x]
    high = max(logs, default=0.0)
    return [max(min(logs, default=high), high - 6, -99), high]
