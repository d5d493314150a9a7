"""The HTML page of `Watch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograd.viz.pages import embedded, fill

_TEMPLATE = Path(__file__).with_name("watch.html")


def page(data: dict[str, Any], title: str) -> str:
    """Self-contained HTML that shows the data."""
    return fill(_TEMPLATE, title=title, data=embedded(data))
