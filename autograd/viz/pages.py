"""HTML pages: a template with its style, script and data, in one self-contained file."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from autograd.files import write


def fill(
    template: Path, scripts: Sequence[str | Path] = (), written: str = "", **values: Any
) -> str:
    """Render a template with these values, escaped unless marked as safe; a missing one raises.

    A template that extends ``page.html`` gives only the page's body. The style sheet and script of
    the same name beside it are passed as `style` and `script`; a script reads `data`. A script in
    several files, which share one scope, is given by their names, or by paths where they lie
    elsewhere; `written` comes before them. Style sheets of their names are passed on, too.
    """
    beside = {"style": template.with_suffix(".css"), "script": template.with_suffix(".js")}
    texts = {name: text for name, file in beside.items() if (text := _text(file)) is not None}
    if scripts:
        parts = {name: _text(template.parent / name) for name in scripts}
        if missing := [name for name, text in parts.items() if text is None]:
            raise FileNotFoundError(f"{template.name}: the script {missing[0]} is missing.")
        sheets = [_text((template.parent / name).with_suffix(".css")) for name in scripts]
        texts["style"] = "\n".join(filter(None, [texts.get("style"), *sheets]))
        texts["script"] = "\n".join(
            ['"use strict";', "{", written, *filter(None, parts.values()), "}"]
        )
    html: str = _loaded(template).render(**texts, **values)
    return html


def joined(*files: Path) -> str:
    """The texts of files of these packages, one after the other."""
    return "\n".join(text for file in files if (text := _text(file)) is not None)


def _text(file: Path) -> str | None:
    """A file of these packages, which may be imported from a zip archive."""
    loader: Any = __spec__.loader
    try:
        return str(loader.get_data(str(file)), "utf-8")
    except OSError:
        return None


@functools.cache
def _loaded(template: Path) -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(
            lambda name: _text(template.with_name(name)) or _text(Path(__file__).with_name(name))
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template.name)


def embedded(data: Any) -> str:
    """Plain data as JSON that is safe inside a script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028")


def framed(html: str, title: str, height: int) -> str:
    """A page in an iframe of this height in pixels, for a notebook."""
    return (
        f'<iframe srcdoc="{escape(html)}" style="width:100%;height:{height}px;border:0" '
        f'title="{escape(title)}" sandbox="allow-scripts"></iframe>'
    )


def save(who: str, path: str | os.PathLike[str], make: Callable[[], str]) -> Path:
    """Write the page that `make` returns to a file, atomically; its suffix is .html."""
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{who}.save: the name {target.name!r} must end in .html.")
    return write(target, make().encode())
