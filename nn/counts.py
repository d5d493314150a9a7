"""Sizes and counts that are given, checked."""

from __future__ import annotations

from typing import Any

import numpy as np


def count(who: str, name: str, size: Any, least: int = 0) -> int:
    """A size, checked."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < least:
        raise ValueError(f"{who}: {name} must be an integer >= {least}, got {size!r}.")
    return int(size)
