"""Text for a stream that may not have all characters, such as cp1252 or ASCII."""

from __future__ import annotations

import sys

PLAIN = str.maketrans(
    {
        "→": "->", "←": "<-", "↑": "^", "↓": "v", "∂": "d", "µ": "u", "μ": "u", "×": "x", "·": "*",
        "−": "-", "–": "-", "—": "-", "…": "...", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=",
        "‖": "||", "√": "sqrt", "Σ": "sum", "∑": "sum", "²": "^2", "³": "^3", "±": "+-", "∞": "inf",
        "▁": "_", "▂": ".", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%", "█": "#",
        "░": ".", "▒": ":", "▓": "%", "│": "|", "─": "-", "└": "`", "├": "|",
    }
)  # fmt: skip


def printable(text: str) -> str:
    """The text, in plain characters where `sys.stdout` has no others.

    Examples
    --------
    >>> "1 → 0.25".translate(PLAIN)
    '1 -> 0.25'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        for character in {c for c in text if ord(c) > 127}:
            try:
                character.encode(encoding)
            except (UnicodeEncodeError, LookupError):
                text = text.replace(character, character.translate(PLAIN))
        text = text.encode(encoding, "replace").decode(encoding)
    return text
