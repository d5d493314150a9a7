"""Faces: where the texts and heat maps of a box are, such that all that it ever shows fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd.viz.player.animation.pen import text_width
from autograd.viz.player.animation.scenes import Look
from autograd.viz.player.animation.shapes import Tiles

_LINE, _TITLE, _EDGE, _GAP = 16, 24, 8, 10
"""Pixels of a line of text, of the title, around all, and between two columns."""

_STRIP = 16
"""A heat map at most this high is a strip; two of them are placed one below the other."""


@dataclass(frozen=True)
class Piece:
    """A text or a heat map: the center of its base line or of its cells, and what it shows when.

    Attributes
    ----------
    attribute : of `Look`.
    x, y : in pixels from the top left corner of the box.
    looks : of its box.
    """

    attribute: str
    x: float
    y: float
    looks: Sequence[Look]

    @property
    def states(self) -> list[Any]:
        """What it shows at each time: a text, or the id of a digest."""
        found = [getattr(look, self.attribute) for look in self.looks]
        return [id(x) if isinstance(x, dict) else x for x in found]

    def digest(self, state: int) -> Any:
        """The digest with this id."""
        return next(x for look in self.looks if id(x := getattr(look, self.attribute)) == state)


class Face:
    """The inside of a box.

    The value is on top of the gradient; if they have heat maps, to its left unless `stacked`.

    Attributes
    ----------
    looks : what it shows at each time.
    width, height : of the box, in pixels.
    pieces : the texts and heat maps that it ever shows.
    """

    def __init__(self, title: str, looks: Sequence[Look], stacked: bool = False) -> None:
        self.looks = looks
        self.pieces: list[Piece] = []
        value = self._column("value_map", "shape", "value")
        gradient = self._column("gradient_map", "gradient")
        sizes = [self._size(column) for column in (value, gradient)]
        maps = [self._high(column) for column in (value, gradient)]
        beside = not stacked and max(maps) > _STRIP and all(wide for wide, _ in sizes)
        inner = sum(wide for wide, _ in sizes) + _GAP if beside else max(w for w, _ in sizes)
        wide = max(inner, text_width(title, bold=True)) + 2 * _EDGE
        self.width = math.ceil(max(wide, 70))
        high = max(h for _, h in sizes) if beside else sum(h for _, h in sizes)
        self.height = math.ceil(_TITLE + high + _EDGE)
        if beside:
            spare = (self.width - sum(w for w, _ in sizes)) / 3
            middles = [spare + sizes[0][0] / 2, self.width - spare - sizes[1][0] / 2]
            self._place(value, middles[0], _TITLE, max(maps), self.height)
            self._place(gradient, middles[1], _TITLE, max(maps), self.height)
        else:
            between = _TITLE + sizes[0][1]
            self._place(value, self.width / 2, _TITLE, maps[0], between + _EDGE)
            self._place(gradient, self.width / 2, between, maps[1], self.height)

    def _column(self, *attributes: str) -> list[str]:
        """Those of the attributes that are ever shown."""
        return [a for a in attributes if any(getattr(look, a) for look in self.looks)]

    def _tiles(self, column: Sequence[str]) -> list[Tiles]:
        digests = [getattr(look, a) for a in column if a.endswith("map") for look in self.looks]
        return [Tiles(digest) for digest in digests if digest]

    def _high(self, column: Sequence[str]) -> float:
        """Height of the heat map of a column."""
        return max((tiles.height for tiles in self._tiles(column)), default=0.0)

    def _size(self, column: Sequence[str]) -> tuple[float, float]:
        """Width and height of a column."""
        texts = [a for a in column if not a.endswith("map")]
        wide = [text_width(getattr(look, a)) for a in texts for look in self.looks]
        wide += [tiles.width for tiles in self._tiles(column)]
        high = self._high(column)
        return max(wide, default=0.0), len(texts) * _LINE + (high + 6 if high else 0)

    def _place(self, column: list[str], x: float, top: float, high: float, bottom: float) -> None:
        """Put the heat map at the top and the texts at the bottom."""
        for above, attribute in enumerate(reversed(column)):
            if attribute.endswith("map"):
                self.pieces.append(Piece(attribute, x, top + 3 + high / 2, self.looks))
            else:
                y = bottom - _EDGE - 3 - above * _LINE
                self.pieces.append(Piece(attribute, x, y, self.looks))
