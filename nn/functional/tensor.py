"""The type of what functions take and give."""

from __future__ import annotations

from typing import Any

Tensor = Any
"""A Value, or an array that takes part as a constant."""
