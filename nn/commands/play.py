"""`glassgrad play`: run a script and step through its graph in the browser."""

from __future__ import annotations

import argparse
import contextlib
import sys
import traceback
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograd.files import located
from autograd.node import Node
from autograd.viz.kept import Kept, kept_graphs
from nn.commands.page import output_page
from nn.commands.refusal import Refusal

NAME = "play"
SUMMARY = "make a page to step through the graph of a script's loss"
DESCRIPTION = (
    "Run a Python script, take the Value bound to a global name at its end, or without a name the "
    "one on which it last called backward(), and write a page to step through its graph, forward "
    "and backward, as it was before backward(). A script that fails, or that Ctrl-C stops, is "
    "played as far as it came. The page is a single file and works offline. "
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
    parser.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help="the page (.html), or a moving picture (.svg, .gif)",
    )
    parser.set_defaults(passed_on=[])


def run(arguments: argparse.Namespace) -> int:
    """Write the page; return the exit status."""
    import autograd

    if ".onnx" in arguments.target.lower():
        from nn.commands.play_onnx import played

        return played(arguments.target, arguments.input or [], arguments.passed_on, arguments.out)
    path, _, name = arguments.target.rpartition(":")
    if name.endswith(".py"):
        path, name = arguments.target, ""
    elif not path or not name.isidentifier():
        raise Refusal(f"{arguments.target!r} must be SCRIPT.py:NAME, such as train.py:loss.")
    script = located(path)
    if not script.is_file():
        raise Refusal(f"there is no script {path!r}.")
    out = output_page(arguments.out, name or script.stem, (".html", ".svg", ".gif"))
    status = 0
    with autograd.source_lines(), kept_graphs() as kept:
        try:
            found = executed(script, [*_inputs(arguments.input or []), *arguments.passed_on])
        except (Exception, KeyboardInterrupt) as error:
            if not kept or isinstance(error, Refusal):
                raise
            found, name, status = {}, "", _ended(path, error)
    value, graph = _chosen(path, name, found, kept)
    own = name if value is found.get(name) else value.name
    title = f"{own or 'the last backward()'} of {script.name}"
    try:
        with graph.restored() if graph else contextlib.nullcontext():
            player = autograd.play(value, names=found, title=title)
            written = player.save(out)
    except (TypeError, RuntimeError) as error:
        raise Refusal(f"{name}: {error}" if name else str(error)) from error
    except OSError as error:
        raise Refusal(f"can't write {out}: {error}") from error
    print(f"Wrote {written}: {len(player.story.events):,} nodes to step through.")
    return status


def _inputs(given: Sequence[str]) -> list[str]:
    """The arguments --input, which of a script are its own."""
    return [part for value in given for part in ("--input", value)]


LAST = "this plays what backward() was last called on."


def _ended(path: str, error: BaseException) -> int:
    """Say how a script ended before its time; the exit status."""
    if isinstance(error, KeyboardInterrupt):
        print(f"glassgrad: {path} was stopped; {LAST}", file=sys.stderr)
        return 0
    traceback.print_exception(error)
    print(f"glassgrad: {path} failed; {LAST}", file=sys.stderr)
    return 1


def _chosen(
    path: str, name: str, found: dict[str, Any], kept: Sequence[Kept]
) -> tuple[Any, Kept | None]:
    """The Value of this name, else the one on which backward() was last called; and its graph."""
    given = found.get(name)
    graph = next((k for k in reversed(kept) if isinstance(given, Node) and given in k.fields), None)
    released = isinstance(given, Node) and given.op is not None and not given.inputs
    if isinstance(given, Node) and given.op is not None and (graph or not released):
        return given, graph
    if name in found:
        problem = f"{path} ran, and {name!r} is {_described(given)}"
    else:
        problem = f"{path} ran, but defines no global {name!r}" if name else ""
    if kept:
        if problem:
            print(f"glassgrad: {problem}; {LAST}", file=sys.stderr)
        return kept[-1].root, kept[-1]
    if not name:
        raise Refusal(f"{path} ran, but called no backward(); name a Value, such as {path}:loss.")
    if released:
        raise Refusal(f"{problem}, in another thread; there, call backward(retain_graph=True).")
    if name in found:
        return given, None
    values = ", ".join(key for key, x in found.items() if isinstance(x, Node))
    there = f"its global Values are {values}." if values else "it has no global Values."
    raise Refusal(f"{problem}; {there}")


def _described(x: Any) -> str:
    if not isinstance(x, Node):
        return f"a {type(x).__name__}"
    return "a Value that no op computed" if x.op is None else "released by an earlier backward()"


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
