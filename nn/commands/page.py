"""The page that a command writes."""

from __future__ import annotations

import os
from pathlib import Path

from autograd.files import located
from nn.commands.refusal import Refusal


def output_page(given: str, name: str) -> Path:
    """The path that --out gives, checked before there is anything to write."""
    out = located(given)
    if out.is_dir():
        raise Refusal(f"--out {given!r} is a directory; give a file, such as {out / name}.html.")
    if out.suffix.lower() != ".html" or not out.parent.is_dir():
        raise Refusal(f"--out {given!r} must end in .html and be in an existing directory.")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise Refusal(f"--out {given!r} can't be written: permission denied.")
    return out.absolute()  # a script may change the directory
