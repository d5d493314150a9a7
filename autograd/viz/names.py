"""Users' names, made printable and short enough to draw."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    r"""The text with line breaks and control characters escaped.

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
    """The text, with its middle replaced by an ellipsis if it is longer than `limit` characters.

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
