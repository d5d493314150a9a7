"""DOT source to SVG and PNG, with graphviz-pure or the system's `dot`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import warnings
from pathlib import Path

from autograd.viz.metrics import squeezed

_FONTS = 'font-family="Arial,Helvetica,Liberation Sans,Arimo,sans-serif"'
_ABOUT_FONTS = re.compile(r"font|metrics|no value for width|pango", re.IGNORECASE)


def programs() -> list[str]:
    """Paths of Graphviz programs, the best first.

    graphviz-pure draws the same everywhere; the system's `dot` is the fallback.
    """
    folders = [
        str(Path(sys.executable).parent),
        sysconfig.get_path("scripts"),
        sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")),
    ]
    found = [shutil.which("graphviz-pure", path=folder) for folder in folders]
    found += [shutil.which("graphviz-pure"), shutil.which("dot")]
    return list(dict.fromkeys(path for path in found if path))


def render(dot: str, kind: str) -> bytes:
    """Render DOT source.

    Parameters
    ----------
    dot : the source.
    kind : "svg" or "png".

    Raises
    ------
    RuntimeError
        No Graphviz program, or all fail.
    """
    complaint = ""
    for program in programs():
        command = [program, f"-T{kind}", *(["-Gdpi=144"] if kind == "png" else [])]
        try:
            done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False)
        except OSError as error:
            complaint += f"\n{program}: {error}"
            continue
        said = done.stderr.decode(errors="replace")
        if done.returncode or not done.stdout:
            complaint += f"\n{program}: {said.strip() or f'exit code {done.returncode}'}"
            continue
        for line in said.splitlines():
            if line.strip() and not _ABOUT_FONTS.search(line):
                warnings.warn(f"dot: {line}", RuntimeWarning, stacklevel=2)
        return _portable(done.stdout) if kind == "svg" else done.stdout
    if complaint:
        raise RuntimeError(f"The drawing could not be laid out.{complaint}")
    raise RuntimeError(
        "Drawing needs Graphviz: `pip install graphviz-pure` (or `apt install graphviz`). "
        "Without it, .save('graph.dot') and .dot still work."
    )


def _portable(svg: bytes) -> bytes:
    """Only the svg element, with texts of the same width on every system."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    return squeezed(text).replace('font-family="Arial"', _FONTS).encode()
