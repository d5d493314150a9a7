"""The page: a template, its style and script, and the numbers, in one file."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def page(data: dict[str, Any], title: str) -> str:
    """HTML that shows the data, without anything from elsewhere."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    html: str = _template().render(
        title=title,
        style=(_HERE / "watch.css").read_text("utf-8"),
        script=(_HERE / "watch.js").read_text("utf-8"),
        data=text.replace("<", "\\u003c").replace("\u2028", "\\u2028"),
    )
    return html


@functools.cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("watch.html")
