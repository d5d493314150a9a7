"""Animation: the story of one view as a moving picture, an SVG without script or a GIF."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from autograd.files import write
from autograd.viz.player.animation.colors import share, tint
from autograd.viz.player.animation.faces import Face
from autograd.viz.player.animation.pen import STILL, Pen, Window, text_width
from autograd.viz.player.animation.raster import gif
from autograd.viz.player.animation.scenes import Look, Scene, Scenes, shades
from autograd.viz.player.animation.shapes import Point, Tiles, arrowhead, curve, sampled
from autograd.viz.player.layout import PHONE, Layouts

_ARRIVES = 0.55
"""Share of a step after which what runs along the arrows has arrived."""

_STILL_STEPS = 2.0
"""How many steps long the finished picture stands between two rounds."""

_MOVES = 5
"""Frames of a GIF, per step, in which numbers run along the arrows."""

_PAD, _HEAD = 14, 42
"""Pixels around the graph, and above it for the title."""

_LEADING = 18
"""Pixels from one line of the words below the graph to the next."""

_NARROWEST = 460
"""Least width of a picture that is not for phones."""

_SIGNS = {1: " plus", -1: " minus", 0: ""}
"""Classes of signs."""

_GAP = "\u2003\u2003"
"""Between parts of a line."""


class Animation:
    """A moving picture of the forward and the backward pass. A notebook shows it.

    It opens with the finished picture, and shows only that to readers who asked for less motion,
    and at the address ``story.svg#still``.

    Attributes
    ----------
    scenes : the steps, as text.
    seconds : how long a step takes.
    width, height : of the picture, in pixels.
    """

    def __init__(
        self,
        scenes: Scenes,
        title: str,
        steps: tuple[int, int] | None,
        seconds: float,
        narrow: bool,
    ) -> None:
        if not 0.1 <= seconds <= 60:
            raise ValueError(f"animation: seconds must be from 0.1 to 60, got {seconds!r}.")
        count = len(scenes.all)
        first, last = (0, count) if steps is None else steps
        if steps is not None and not 0 <= first < last <= count:
            raise ValueError(
                f"animation: steps must be (first, last) with 0 ≤ first < last ≤ {count}, "
                f"got {steps!r}."
            )
        self.scenes, self.title, self.seconds = scenes, title, seconds
        self._before = scenes.all[first - 1].looks if first else scenes.before
        self._shown = scenes.all[first:last]
        self._count = len(self._shown)
        self._numbers = range(first + 1, last + 1)
        looks = self._all_looks(last == count)
        self._lay_out(looks, narrow)
        if narrow and self._layout.width > PHONE:
            self._lay_out(looks, narrow, stacked=True)
        least = PHONE + 2 * _PAD if narrow else _NARROWEST
        self.width = max(self._layout.width + 2 * _PAD, least)
        self._words = self._written(4 if narrow else 2)
        lines = max(len(words) for _, _, words, _ in self._words)
        self._foot = 24 + _LEADING * lines + 16
        self.height = self._layout.height + 2 * _PAD + _HEAD + self._foot
        self._left = (self.width - self._layout.width) / 2
        self._top = _HEAD + _PAD

    def _lay_out(
        self, looks: Sequence[Sequence[Look]], narrow: bool, stacked: bool = False
    ) -> None:
        """Give every box its inside and its place."""
        self._faces = [
            Face(self.scenes.title(i), [all_[i] for all_ in looks], stacked)
            for i in range(len(self.scenes.items))
        ]
        layouts = Layouts()
        sizes = [(face.width, face.height) for face in self._faces]
        self._layout = layouts.all[layouts.place(self.scenes.view, sizes, narrow)]

    def _all_looks(self, whole: bool) -> list[list[Look]]:
        """Every box before the first step, after each, and at rest."""
        found = [self._before, *(scene.looks for scene in self._shown)]
        return [*found, self.scenes.after if whole else found[-1]]

    @property
    def description(self) -> str:
        """The picture in words."""
        return (
            f"{self.title}: a graph of {len(self.scenes.items)} boxes. Values flow forward through "
            "it, then gradients flow back."
        )

    def svg(self) -> str:
        """The picture as one SVG element, animated by its style sheet."""
        return self._picture(None)

    def gif(self) -> bytes:
        """The picture as a GIF.

        Raises
        ------
        RuntimeError
            Pillow or resvg is not installed, or the system has no font.
        """
        return gif((self._picture(moment), seconds) for moment, seconds in self._moments())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, atomically; its suffix is .svg or .gif."""
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in (".svg", ".gif"):
            raise ValueError(f"Animation.save: the name {target.name!r} must end in .svg or .gif.")
        return write(target, self.svg().encode() if suffix == ".svg" else self.gif())

    def __repr__(self) -> str:
        return f"<Animation of {self._count} steps; .save('story.svg'), .save('story.gif')>"

    def _repr_html_(self) -> str:
        svg = b64encode(self.svg().encode()).decode()  # an element's style would be the notebook's
        return f'<img src="data:image/svg+xml;base64,{svg}" alt="{escape(self.description)}">'

    # ---- places ----------------------------------------------------------------------------------

    # ---- times -----------------------------------------------------------------------------------

    @property
    def _length(self) -> float:
        """Length of one round, counted in steps."""
        return _STILL_STEPS + self._count

    def _at(self, step: float) -> float:
        """When a step begins; the finished picture comes first."""
        return _STILL_STEPS + step

    def _moments(self) -> Iterable[tuple[float, float]]:
        """Times of the frames of a GIF, and for how many seconds each is shown."""
        yield 0.0, _STILL_STEPS * self.seconds
        for k in range(self._count):
            for move in range(_MOVES):
                share = _ARRIVES / _MOVES
                yield self._at(k + (move + 0.5) * share), share * self.seconds
            yield self._at(k + (1 + _ARRIVES) / 2), (1 - _ARRIVES) * self.seconds

    def _periods(self, states: Sequence[Any], starts: Sequence[float]) -> dict[Any, Window]:
        """When each of several successive states is there; the last one also between rounds."""
        found: dict[Any, list[tuple[float, float]]] = {}
        merged = [
            (state, start)
            for k, (state, start) in enumerate(zip(states, starts, strict=True))
            if not k or state != states[k - 1]
        ]
        for (state, start), (_, end) in pairwise([*merged, (None, self._length)]):
            if start < end:
                found.setdefault(state, []).append((start, end))
        still = found.setdefault(merged[-1][0], [])
        if still and still[0][0] == _STILL_STEPS:  # the same as before the first step
            still[0] = (0.0, still[0][1])
        else:
            still.insert(0, (0.0, _STILL_STEPS))
        return {state: tuple(windows) for state, windows in found.items()}

    # ---- drawing ---------------------------------------------------------------------------------

    def _picture(self, moment: float | None) -> str:
        """The whole picture: moving, or as it is at a moment."""
        pen = Pen(moment, self._length, self.seconds)
        self._draw_edges(pen)
        for i in range(len(self.scenes.items)):
            self._draw_box(pen, i)
        self._draw_tokens(pen)
        self._draw_words(pen)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{escape(self.description)}">'
            f'<style>{pen.style()}</style><g id="{STILL}"/>'
            f'<rect class="card" x="0.5" y="0.5" width="{self.width - 1}" '
            f'height="{self.height - 1}" rx="10"/>'
            f'<text class="heading" x="{_PAD}" y="27">{escape(self.title)}</text>'
            f"{pen.markup()}</svg>"
        )

    def _points(self, e: int) -> list[Point]:
        path = self._layout.paths[e]
        return [(path[j] + self._left, path[j + 1] + self._top) for j in range(0, len(path), 2)]

    def _draw_edges(self, pen: Pen) -> None:
        scale = shades([flow.size for s in self._shown for flow in s.edges])
        for e in range(len(self.scenes.edges)):
            turned = [k for k, s in enumerate(self._shown) if not s.forward and e in _lit(s)]
            points = self._points(e)
            line = curve(points)
            pen.add(f'<path class="edge" d="{line}"/>', None)
            end = self._at(turned[0]) if turned else self._length
            pen.add(f'<path class="tip" d="{arrowhead(points)}"/>', ((0.0, end),))
            for k, scene in enumerate(self._shown):
                if e not in _lit(scene):
                    continue
                if scene.forward:
                    window = ((self._at(k), self._at(k + 1)),)
                    pen.add(
                        f'<path class="lit" d="{line}"/>'
                        f'<path class="ahead" d="{arrowhead(points, 1.5)}"/>',
                        window,
                    )
                else:
                    flow = next(flow for flow in scene.edges if flow.edge == e)
                    thick = 1.6 + 3.2 * share(flow.size, scale)
                    back, sign = points[::-1], _SIGNS[flow.sign]
                    pen.add(
                        f'<path class="flow{sign}" stroke-width="{thick:.1f}" d="{line}"/>'
                        f'<path class="back{sign}" d="{arrowhead(back, 1 + thick / 5)}"/>',
                        ((self._at(k), self._length),),
                    )

    def _draw_box(self, pen: Pen, i: int) -> None:
        x, y, w, h = self._layout.boxes[i]
        left, top = x - w / 2 + self._left, y - h / 2 + self._top
        kind = self.scenes.kind(i)
        round_ = {"op": 14, "group": 8}.get(kind.partition(" ")[0], 2)
        place = f'x="{left:.1f}" y="{top:.1f}" width="{w}" height="{h}" rx="{round_}"'
        looks = self._faces[i].looks
        starts = [self._at(0)]
        for k, scene in enumerate(self._shown):
            early = scene.box == i and not scene.forward  # a result's own gradient, 1
            starts.append(self._at(k + (0 if early else _ARRIVES)))
        starts.append(self._length)
        scale = shades([look.size for face in self._faces for look in face.looks])
        unknown = self._periods([not look.known for look in looks], starts)
        pen.add(f'<rect class="box {kind}" {place}/>', unknown.get(False, ()))
        if True in unknown:
            pen.add(f'<rect class="wait" {place}/>', unknown[True])
        sizes = [(look.size, look.sign) for look in looks]
        for (size, sign), window in self._periods(sizes, starts).items():
            if size is not None:
                shade = "odd" if isinstance(size, str) else tint(size, sign, scale)
                pen.add(f'<rect class="box {kind} {shade}" {place}/>', window)
        active = tuple(
            (self._at(k), self._at(k + 1)) for k, s in enumerate(self._shown) if s.box == i
        )
        if active:
            pen.add(f'<rect class="active" {place}/>', active)
        for piece in self._faces[i].pieces:
            for state, window in self._periods(piece.states, starts).items():
                if not state:
                    continue
                if piece.attribute.endswith("map"):
                    tiles = Tiles(piece.digest(state))
                    pen.add(tiles.drawn(left + piece.x, top + piece.y, pen.tints), window)
                else:
                    pen.text(piece.attribute, left + piece.x, top + piece.y, state, window)
        pen.text("title", left + w / 2, top + 18, self.scenes.title(i), None, w - 8)

    def _draw_tokens(self, pen: Pen) -> None:
        """Numbers that run along the arrows."""
        for k, scene in enumerate(self._shown):
            for flow in scene.edges:
                a, b = self.scenes.edges[flow.edge]
                points = sampled(self._points(flow.edge))
                ends = [self._middle(a), self._middle(b)]
                route = [ends[0], *points, ends[1]]
                if not scene.forward:
                    route.reverse()
                kind = "token" if scene.forward else f"token back{_SIGNS[flow.sign]}"
                pen.token(kind, flow.text, route, self._at(k), self._at(k + _ARRIVES))

    def _middle(self, i: int) -> Point:
        x, y, *_ = self._layout.boxes[i]
        return x + self._left, y + self._top

    def _written(self, most: int) -> list[tuple[str, str, list[str], Window]]:
        """Kind, heading, lines and time of the words of each step, after those of the rest."""
        room = self.width - 2 * _PAD
        looks = [look for face in self._faces for look in face.looks]
        parts = ["The darker a box, the larger its gradient."]
        if any(look.value_map or look.sign for look in looks):
            parts.append("Orange is above 0, and blue below.")
        headline = "Every box shows its value, and its gradient ∂."
        found: list[tuple[str, str, list[str], Window]] = [
            ("heading", headline, _wrapped(parts, room, most), ((0.0, _STILL_STEPS),))
        ]
        for number, k, scene in zip(self._numbers, range(self._count), self._shown, strict=True):
            kind = "heading " + ("ahead" if scene.forward else "back")
            heading = f"{number}/{len(self.scenes.all)}  {scene.heading}"
            window = ((self._at(k), self._at(k + 1)),)
            found.append((kind, heading, _wrapped(scene.says, room, most), window))
        return found

    def _draw_words(self, pen: Pen) -> None:
        """The heading and the numbers of each step, and a bar that fills up."""
        top = self.height - self._foot + 20
        room = self.width - 2 * _PAD
        for kind, heading, lines, window in self._words:
            pen.text(kind, _PAD, top, heading, window, room)
            for k, line in enumerate(lines):
                pen.text("says", _PAD, top + 3 + _LEADING * (k + 1), line, window, room)
        pen.add(
            f'<rect class="track" x="0" y="{self.height - 4}" width="{self.width}" height="4"/>',
            None,
        )
        if self._count:
            pen.bar(self.width, self.height, self._at(0))


def _lit(scene: Scene) -> list[int]:
    return [flow.edge for flow in scene.edges]


def _wrapped(parts: Sequence[str], room: float, most: int) -> list[str]:
    """Parts on at most so many lines, broken between words where a part is too long for one."""
    lines = [""]
    for part in parts:
        gap = _GAP if lines[-1] else ""
        if text_width(f"{lines[-1]}{gap}{part}", size=14) > room and lines[-1]:
            lines.append("")
            gap = ""
        for word in part.split(" "):
            if text_width(f"{lines[-1]}{gap}{word}", size=14) > room and lines[-1]:
                lines.append("")
                gap = ""
            lines[-1] += gap + word
            gap = " "
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} …"]
    return lines
