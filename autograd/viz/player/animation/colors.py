"""The page's colors as a picture needs them: without variables, and mixed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograd.viz.pages import joined

_PAGE_CSS = Path(__file__).parents[1] / "player.css"

CSS = Path(__file__).with_name("animation.css")
"""The picture's style sheet, with variables."""

TINTS = 12
"""Different shades of a gradient's size."""

_HUES = {0: ("h", "warm"), 1: ("hp", "plus"), -1: ("hm", "minus")}
"""Sign of a gradient -> prefix of the classes of its shades, and its color."""


def palettes() -> tuple[dict[str, str], dict[str, str]]:
    """The colors of the page, in light and in dark."""
    blocks = re.findall(r":root \{(.*?)\}", joined(_PAGE_CSS), re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+): ([^;]+);", block)) for block in blocks[:2])
    return light, light | dark


def resolved(css: str, palette: dict[str, str]) -> str:
    """A style sheet with colors in place of variables, on one line."""
    found = re.sub(r"var\(--([a-z-]+)\)", lambda name: palette[name[1]], css)
    return re.sub(r"\s*\n\s*", "", found)


def colored(css: str, palette: dict[str, str]) -> str:
    """The rules that name colors, with only these."""
    found = []
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        named = [part.strip() for part in body.split(";") if "var(--" in part]
        if named:
            found.append(f"{selector.strip()}{{{';'.join(named)}}}")
    return resolved("".join(found), palette)


def mixed(color: str, share: float, other: str) -> str:
    """Two colors mixed, as color-mix(in srgb) does."""
    a, b = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (_long(color), _long(other)))
    return "#" + "".join(
        f"{round(x * share + y * (1 - share)):02x}" for x, y in zip(a, b, strict=True)
    )


def _long(color: str) -> str:
    return color if len(color) == 7 else "#" + "".join(2 * c for c in color[1:])


def shaded(palette: dict[str, str], tints: Iterable[int]) -> str:
    """Rules of the shades: of gradients' sizes, and of the cells of heat maps."""
    heat = float(palette["heat"].rstrip("%")) / 100
    rules = [
        f".{kind}{k}{{fill:{mixed(palette[hue], 0.06 + heat * k / TINTS, palette['panel'])}}}"
        for kind, hue in _HUES.values()
        for k in range(TINTS + 1)
    ]
    rules.append(f".odd{{fill:{palette['odd']}}}.none{{fill:{palette['zero']}}}")
    for k in sorted(tints):
        if k >= 0:
            part = palette["minus" if k < 17 else "plus"]
            rules.append(f".m{k}{{fill:{mixed(part, abs(k - 17) / 17, palette['zero'])}}}")
    return "".join(rules)


def share(size: float | str | None, scale: Sequence[float]) -> float:
    """Where a size is on the logarithmic scale, from 0 to 1."""
    if not isinstance(size, (int, float)) or not size:
        return 0.0
    low, high = scale
    return min(max((math.log10(abs(size)) - low) / (high - low), 0.0), 1.0) if high > low else 1.0


def tint(size: float, sign: int, scale: Sequence[float]) -> str:
    """The class of a gradient's size and sign."""
    return f"{_HUES[sign][0]}{round(TINTS * share(size, scale))}" if size else "none"
