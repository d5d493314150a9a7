"""glassgrad play: run a script and step through a graph that it made, on a page."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path

from nn.commands.refusal import Refusal

NAME = "play"
SUMMARY = "step through the graph of a script's loss, on a page"
DESCRIPTION = (
    "Run a Python script, take the Value that one of its names holds at the end, and write a page "
    "on which its graph is stepped through, forward and back. The page is one file; it needs no "
    "network. Example: glassgrad play train.py:loss --out loss.html"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """As in `Command`."""
    parser.add_argument("target", metavar="SCRIPT.py:NAME", help="the script, and the Value's name")
    parser.add_argument("--out", metavar="PAGE.html", required=True, help="the file to write")


def run(arguments: argparse.Namespace) -> int:
    """As in `Command`."""
    import autograd

    path, _, name = arguments.target.rpartition(":")
    if not path or not name.isidentifier():
        raise Refusal(f"{arguments.target!r} must be SCRIPT.py:NAME, such as train.py:loss.")
    if not Path(path).is_file():
        raise Refusal(f"there is no script {path!r}.")
    out = Path(arguments.out)
    if out.suffix.lower() != ".html" or not out.parent.is_dir():
        raise Refusal(f"--out {arguments.out!r} must end in .html, in a folder that exists.")
    with autograd.source_lines():
        found = runpy.run_path(path, run_name="__main__")
    if name not in found:
        raise Refusal(f"{path} ran, but has no {name!r} at its end.")
    try:
        player = autograd.play(found[name], names=found, title=f"{name} of {Path(path).name}")
    except (TypeError, RuntimeError) as error:
        raise Refusal(f"{name}: {error}") from error
    print(f"Wrote {player.save(out)}: {len(player.story.events):,} nodes to step through.")
    return 0
