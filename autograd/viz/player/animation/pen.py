"""Pen: markup that is visible at its times, by the keyframes of a style sheet."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html import escape

from autograd.viz.metrics import width
from autograd.viz.pages import joined
from autograd.viz.player.animation.colors import CSS, colored, palettes, resolved, shaded
from autograd.viz.player.animation.shapes import Point, along

STILL = "still"
"""The picture stands still at the address ``story.svg#still``."""

_FADE = 0.02
"""How long a change takes, counted in steps."""

Window = tuple[tuple[float, float], ...]
"""When something is visible: intervals, counted in steps."""


class Pen:
    """Collects markup and the style that shows each piece at its time.

    With a `moment`, only what is visible then is kept, and nothing moves.
    """

    def __init__(self, moment: float | None, length: float, seconds: float) -> None:
        self.moment, self.length, self.seconds = moment, length, seconds
        self.parts: list[str] = []
        self.windows: dict[Window, str] = {}
        self.moves: list[str] = []
        self.tints: set[int] = set()

    def add(self, markup: str, window: Window | None) -> None:
        """Add markup that is visible in these intervals, or always."""
        if window == ():
            return
        if window is not None and self.moment is not None:
            if not any(start <= self.moment < end for start, end in window):
                return
            window = None
        if window is None or window == ((0.0, self.length),):
            self.parts.append(markup)
            return
        name = self.windows.setdefault(window, f"w{len(self.windows)}")
        self.parts.append(f'<g class="{name}">{markup}</g>')

    def text(
        self,
        kind: str,
        x: float,
        y: float,
        text: str,
        window: Window | None,
        room: float | None = None,
    ) -> None:
        """Add a text; squeezed if it is wider than its room."""
        size = 15 if "heading" in kind else 14 if kind == "says" else 12.5
        wide = text_width(text, "heading" in kind or kind == "title", size)
        wide = min(wide, room) if room else wide
        self.add(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" textLength="{wide:.1f}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>',
            window,
        )

    def token(self, kind: str, text: str, route: Sequence[Point], start: float, end: float) -> None:
        """Add a number that runs along a route."""
        wide = text_width(text, bold=True) + 12
        body = (
            f'<rect class="{kind}" x="{-wide / 2:.1f}" y="-9" width="{wide:.1f}" height="18" '
            f'rx="9"/><text class="token-text" y="4">{escape(text)}</text>'
        )
        if self.moment is not None:
            if start <= self.moment < end:
                x, y = along(route, (self.moment - start) / (end - start))
                self.parts.append(f'<g transform="translate({x:.1f},{y:.1f})">{body}</g>')
            return
        name = f"t{len(self.moves)}"
        frames = []
        for k in range(9):
            x, y = along(route, k / 8)
            at = self._percent(start + (end - start) * k / 8)
            frames.append(f"{at}{{transform:translate({x:.1f}px,{y:.1f}px);opacity:1}}")
        before, after = self._percent(start - 0.01), self._percent(end + 0.01)
        first, last = frames[0].partition("{")[2], frames[-1].partition("{")[2]
        hidden = [frame.replace("opacity:1", "opacity:0") for frame in (first, last)]
        self._move(name, f"0%,{before}{{{hidden[0]}{''.join(frames)}{after},100%{{{hidden[1]}")
        self.parts.append(f'<g class="run {name}">{body}</g>')

    def bar(self, across: float, high: float, start: float) -> None:
        """Add a bar that fills up from `start` to the end."""
        place = f'y="{high - 4}" height="4"'
        if self.moment is not None:
            done = max(self.moment - start, 0) / (self.length - start)
            self.parts.append(f'<rect class="bar" x="0" width="{done * across:.1f}" {place}/>')
            return
        self.parts.append(f'<rect class="bar run fill" x="0" width="{across}" {place}/>')
        empty = f"0%,{self._percent(start)}{{transform:scaleX(0);opacity:1}}"
        self._move("fill", empty + "100%{transform:scaleX(1);opacity:1}")

    def _move(self, name: str, frames: str) -> None:
        seconds = f"{self.length * self.seconds:.2f}s"
        self.moves.append(
            f"@keyframes {name}{{{frames}}}.{name}{{animation:{name} {seconds} linear infinite}}"
        )

    def _percent(self, time: float) -> str:
        return f"{min(max(time / self.length, 0), 1) * 100:.3f}".rstrip("0").rstrip(".") + "%"

    def style(self) -> str:
        """The style sheet: colors in light and dark, then the times."""
        css = joined(CSS)
        light, dark = palettes()
        text = resolved(css, light) + shaded(light, self.tints)
        if self.moment is not None:
            return text
        text += f"@media (prefers-color-scheme:dark){{{colored(css, dark)}"
        text += f"{shaded(dark, self.tints)}}}.run{{opacity:0}}"
        still = "".join(
            f".{name}{{opacity:0}}" for window, name in self.windows.items() if window[0][0] > 0
        )
        for window, name in self.windows.items():
            self._move(name, self._fades(window))
        moving = "".join(self.moves)
        text += f"{still}@media (prefers-reduced-motion:no-preference){{{moving}}}"
        return text + f"#{STILL}:target~*{{animation:none!important}}"

    def _fades(self, window: Window) -> str:
        """Keyframes of what is visible in these intervals."""
        marks = {0.0: int(window[0][0] <= 0)}
        for start, end in window:
            if start > 0:
                marks |= {start: 0, start + _FADE: 1}
            if end < self.length:
                marks |= {end: 1, end + _FADE: 0}
        marks[self.length] = int(window[-1][1] >= self.length)
        return "".join(f"{self._percent(t)}{{opacity:{on}}}" for t, on in sorted(marks.items()))

    def markup(self) -> str:
        """All that was added."""
        return "".join(self.parts)


def text_width(text: str, bold: bool = False, size: float = 12.5) -> float:
    """Width of a text in Arial; a character whose width is unknown counts as a digit."""
    known = "".join(
        c if width(c, 1) is not None else "0" for c in text if not unicodedata.combining(c)
    )
    return width(known, size, bold) or 0.0
