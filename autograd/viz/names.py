"""Names that users choose, made harmless and short enough to draw."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    r"""The text with what can't be seen (line breaks, control characters) spelled out.

    Examples
    --------
    >>> from autograd.viz.names import visible
    >>> print(visible("a\nb"))
    a\nb
    """
    if text.isprintable():
        return text
    return "".join(
        c if not unicodedata.category(c).startswith("C") else ascii(c)[1:-1] for c in text
    )


def shortened(text: str, limit: int = 40) -> str:
    """The text, its middle left out where it is longer than `limit` characters.

    Examples
    --------
    >>> from autograd.viz.names import shortened
    >>> shortened("encoder.layers.0.weight", 12)
    'encode…eight'
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}…{text[len(text) - (limit - half - 1) :]}"
