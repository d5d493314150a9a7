"""`glassgrad play`: run a script and step through its graph in the browser."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path

from nn.commands.refusal import Refusal

NAME = "play"
SUMMARY = "make a page to step through the graph of a script's loss"
DESCRIPTION = (
    "Run a Python script, take the Value bound to a global name at its end, and write a page to "
    "step through its graph, forward and backward. The page is a single file and works offline. "
    "Example: glassgrad play train.py:loss --out loss.html"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("target", metavar="SCRIPT.py:NAME", help="script, and name of the Value")
    parser.add_argument("--out", metavar="PAGE.html", required=True, help="output file")


def run(arguments: argparse.Namespace) -> int:
    """Write the page; return the exit status."""
    import autograd

    path, _, name = arguments.target.rpartition(":")
    if not path or not name.isidentifier():
        raise Refusal(f"{arguments.target!r} must be SCRIPT.py:NAME, such as train.py:loss.")
    if not Path(path).is_file():
        raise Refusal(f"there is no script {path!r}.")
    out = Path(arguments.out)
    if out.suffix.lower() != ".html" or not out.parent.is_dir():
        raise Refusal(f"--out {arguments.out!r} must end in .html and be in an existing directory.")
    with autograd.source_lines():
        found = runpy.run_path(path, run_name="__main__")
    if name not in found:
        raise Refusal(f"{path} ran, but defines no {name!r}.")
    try:
        player = autograd.play(found[name], names=found, title=f"{name} of {Path(path).name}")
    except (TypeError, RuntimeError) as error:
        raise Refusal(f"{name}: {error}") from error
    print(f"Wrote {player.save(out)}: {len(player.story.events):,} nodes to step through.")
    return 0
