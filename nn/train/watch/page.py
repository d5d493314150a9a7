"""The HTML page of `Watch`: written, and read again beside another run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autograd.files import located
from autograd.viz.pages import embedded, fill

_TEMPLATE = Path(__file__).with_name("watch.html")

Pages = str | os.PathLike[str]
Beside = Pages | Iterable[Pages] | Mapping[str, Pages]

KEPT = ("steps", "series", "curves", "places", "columns", "histograms")
"""What is drawn of an earlier run."""


def page(data: dict[str, Any], title: str) -> str:
    """Self-contained HTML that shows the data."""
    return fill(_TEMPLATE, title=title, data=embedded(data))


def read(who: str, beside: Beside) -> list[dict[str, Any]]:
    """The runs on other pages, each with its name: the file's, if none is given."""
    if isinstance(beside, (str, os.PathLike)):
        beside = [beside]
    if not isinstance(beside, Mapping):
        beside = {Path(path).stem: path for path in beside}
    return [{"name": name, **_run(who, located(path))} for name, path in beside.items()]


def _run(who: str, path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    data = json.loads(found[1]) if found else {}
    if not {"steps", "series", "curves", "places"} <= data.keys():
        raise ValueError(f"{who}: {path.name!r} in beside is no page of a {who}.")
    return {key: data[key] for key in KEPT if key in data}
