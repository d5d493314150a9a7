"""The page: a template, its style and script, and the numbers, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograd.viz.pages import embedded, fill

_TEMPLATE = Path(__file__).with_name("watch.html")


def page(data: dict[str, Any], title: str) -> str:
    """HTML that shows the data, without anything from elsewhere."""
    return fill(_TEMPLATE, title=title, data=embedded(data))
