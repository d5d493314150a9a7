"""`glassgrad play`: run a script and step through its graph in the browser."""

from __future__ import annotations

import argparse
import contextlib
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograd.files import located
from autograd.node import Node
from autograd.viz.kept import kept_graphs
from nn.commands.page import output_page
from nn.commands.refusal import Refusal

NAME = "play"
SUMMARY = "make a page to step through the graph of a script's loss"
DESCRIPTION = (
    "Run a Python script, take the Value bound to a global name at its end, or without a name the "
    "one on which it last called backward(), and write a page to step through its graph, forward "
    "and backward, as it was before backward(). The page is a single file and works offline. "
    "Example: glassgrad play train.py:loss --out loss.html. All other arguments, and all after --, "
    "are the script's. Or play an ONNX file: glassgrad play model.onnx --input x=x.npy --out x.html"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.allow_abbrev = False  # --o may be an option of the script
    parser.add_argument(
        "target",
        metavar="SCRIPT.py[:NAME]",
        help="script, and name of the Value; or MODEL.onnx, and name of the output",
    )
    parser.add_argument(
        "--input",
        metavar="NAME=ARRAY.npy",
        action="append",
        help="an input of an ONNX file; without NAME= the first one, or the next",
    )
    parser.add_argument("--out", metavar="PAGE.html", required=True, help="output file")
    parser.set_defaults(passed_on=[])


def run(arguments: argparse.Namespace) -> int:
    """Write the page; return the exit status."""
    import autograd

    if ".onnx" in arguments.target.lower():
        from nn.commands.play_onnx import played

        return played(arguments.target, arguments.input or [], arguments.passed_on, arguments.out)
    if arguments.input:
        raise Refusal("--input is for an ONNX file.")
    path, _, name = arguments.target.rpartition(":")
    if name.endswith(".py"):
        path, name = arguments.target, ""
    elif not path or not name.isidentifier():
        raise Refusal(f"{arguments.target!r} must be SCRIPT.py:NAME, such as train.py:loss.")
    script = located(path)
    if not script.is_file():
        raise Refusal(f"there is no script {path!r}.")
    out = output_page(arguments.out, name or script.stem)
    with autograd.source_lines(), kept_graphs() as kept:
        found = executed(script, arguments.passed_on)
    if not name and not kept:
        raise Refusal(f"{path} ran, but called no backward(); name a Value, such as {path}:loss.")
    if name and name not in found:
        values = ", ".join(key for key, x in found.items() if isinstance(x, autograd.Value))
        raise Refusal(
            f"{path} ran, but defines no global {name!r}; "
            + (f"its global Values are {values}." if values else "it has no global Values.")
            + (f" Without a name, {path} plays what backward() was last called on." if kept else "")
        )
    value = found[name] if name else kept[-1].root
    graph = next((k for k in reversed(kept) if isinstance(value, Node) and value in k.fields), None)
    title = f"{name or value.name or 'the last backward()'} of {script.name}"
    try:
        with graph.restored() if graph else contextlib.nullcontext():
            player = autograd.play(value, names=found, title=title)
            written = player.save(out)
    except (TypeError, RuntimeError) as error:
        raise Refusal(f"{name}: {error}" if name else str(error)) from error
    except OSError as error:
        raise Refusal(f"can't write {out}: {error}") from error
    print(f"Wrote {written}: {len(player.story.events):,} nodes to step through.")
    return 0


def executed(script: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """The global names of a script after it ran as ``python script arguments``."""
    module = types.ModuleType("__main__")
    module.__file__ = str(script)
    before = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    sys.modules["__main__"] = module
    try:
        code = compile(script.read_bytes(), str(script), "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise Refusal(f"{script} ended with sys.exit({end.code!r}); no page.") from end
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before
    return vars(module)
