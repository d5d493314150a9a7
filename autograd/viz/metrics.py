"""Widths of text in Arial, so that text fits its box in any font.

Graphviz computes boxes from Arial's widths. A viewer without Arial or a metric-compatible font may
use a wider one, which would overflow; given the width, it squeezes the text.
"""

from __future__ import annotations

import re
from html import unescape

_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 "
    "556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 "
    "722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 "
    "556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 "
    "260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 "
    "556 556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 "
    "722 778 667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 "
    "556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 "
    "280 389 584"
)
_SIGNS = {"−": 584, "×": 584, "÷": 584, "…": 1000, "·": 278, "\u00a0": 278}
_TEXT = re.compile(r"<text ([^>]*)>([^<]*)</text>")
_SIZE = re.compile(r'font-size="([\d.]+)"')


def _table(widths: str) -> dict[str, int]:
    """Character -> width in thousandths of the font size."""
    return {chr(32 + i): int(width) for i, width in enumerate(widths.split())} | _SIGNS


# Adobe's font metrics of Helvetica and Helvetica Bold, whose widths Arial has.
_WIDTHS = {False: _table(_REGULAR), True: _table(_BOLD)}


def width(text: str, size: float, bold: bool = False) -> float | None:
    """Width of a text in Arial, in the unit of `size`; None if a character is unknown.

    Examples
    --------
    >>> from autograd.viz.metrics import width
    >>> round(width("grad 0.5", 10), 2)
    36.69
    """
    table = _WIDTHS[bold]
    if any(c not in table for c in text):
        return None
    return sum(table[c] for c in text) * size / 1000


def squeezed(svg: str) -> str:
    """The SVG with the width in Arial added to each text."""
    return _TEXT.sub(_with_width, svg)


def _with_width(found: re.Match[str]) -> str:
    attributes, text = found.groups()
    size = _SIZE.search(attributes)
    if size is None or "Arial" not in attributes or not text.strip():
        return found[0]
    wide = width(unescape(text), float(size[1]), 'font-weight="bold"' in attributes)
    if wide is None:
        return found[0]
    return (
        f'<text {attributes} textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs">{text}</text>'
    )
