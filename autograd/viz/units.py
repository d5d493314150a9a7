"""Seconds, bytes and counts as short text."""

from __future__ import annotations

from autograd.viz.summary import number


def duration(seconds: float) -> str:
    """Seconds as text.

    Examples
    --------
    >>> from autograd.viz.units import duration
    >>> duration(0.0123), duration(4.56e-6), duration(0)
    ('12.3 ms', '4.56 µs', '0 ns')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(seconds) >= size:
            return f"{_three(seconds / size)} {unit}"
    return f"{number(round(seconds * 1e9))} ns"


def amount(count: float) -> str:
    """A count with the prefix k, M, G or T.

    Examples
    --------
    >>> from autograd.viz.units import amount
    >>> amount(950), amount(1_234_567)
    ('950', '1.23 M')
    """
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{_three(count / size)} {unit}"
    return number(round(count))


def bytes_of(count: int) -> str:
    """Bytes with a binary prefix.

    Examples
    --------
    >>> from autograd.viz.units import bytes_of
    >>> bytes_of(96), bytes_of(3 << 20)
    ('96 B', '3 MiB')
    """
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{_three(count / size)} {unit}"
    return f"{count} B"


def _three(x: float) -> str:
    """Three significant digits, or all digits of the integer part: 1.23, 12.3, 123, 1012."""
    return number(x, 3) if abs(x) < 100 else number(round(x))


def share(part: float) -> str:
    """A share of 1 as a percentage."""
    return f"{part:.0%}".replace("-", "−")
