"""`glassgrad notebooks`: run the course's notebooks and check their targets."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autograd.files import located
from nn.commands.refusal import Refusal

NAME = "notebooks"
SUMMARY = "run the course's notebooks and check their targets (needs a checkout)"
DESCRIPTION = (
    "Execute the notebooks of a checkout of glassgrad's repository, write them with their outputs "
    "as .ipynb files, and print a table of targets, results and run times. With GLASSGRAD_QUICK=1 "
    "in the environment, notebooks train for less time and have lower targets."
)
ROOT = Path(__file__).parents[2]


class Outcome(NamedTuple):
    """Result of a notebook.

    Attributes
    ----------
    title : its first heading.
    targets : name -> (reached, ">=" or "<=", wanted), as the notebook printed them.
    seconds : run time.
    error : error message, "" if there was none.
    """

    title: str
    targets: dict[str, tuple[float, str, float]]
    seconds: float
    error: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("--out", metavar="DIR", required=True, help="output directory")
    parser.add_argument(
        "--run",
        dest="numbers",
        metavar="NN",
        nargs="+",
        default=["all"],
        help="numbers of the notebooks to run, such as 02 12 (default: all)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the notebooks; return 1 if one failed or missed a target."""
    from rich.console import Console

    files = chosen(arguments.numbers)
    _need_packages()
    out = located(arguments.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"can't write to {out}: {error}") from error
    console = Console(highlight=False, markup=False, soft_wrap=True)
    outcomes = []
    for file in files:
        console.print(f"{file.stem} …")
        outcomes.append(execute(file, out / f"{file.stem}.ipynb"))
    console.print(f"\nWritten to {out}\n")
    for line in table(files, outcomes):
        console.print(line)
    for file, outcome in zip(files, outcomes, strict=True):
        if outcome.error:
            console.print(f"\n{file.name} failed:\n{outcome.error}")
    return int(any(outcome.error for outcome in outcomes))


def chosen(numbers: Sequence[str]) -> list[Path]:
    """Files of the notebooks with these numbers, in order."""
    files = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))
    if not files:
        raise Refusal(
            "the notebooks are not part of the installed package. Clone glassgrad's repository, "
            "install it with `pip install -e '.[notebooks]'`, and run this again."
        )
    if "all" in numbers:
        return files
    wanted = {number.zfill(2) for number in numbers}
    known = {file.name[:2] for file in files}
    if not wanted <= known:
        raise Refusal(
            f"there is no notebook {', '.join(sorted(wanted - known))}; there are "
            f"{', '.join(sorted(known))}."
        )
    return [file for file in files if file.name[:2] in wanted]


def _need_packages() -> None:
    from importlib.util import find_spec

    missing = [p for p in ("jupytext", "nbclient", "ipykernel", "matplotlib") if not find_spec(p)]
    if missing:
        raise Refusal(
            f"needs {', '.join(missing)}. Install with: pip install 'glassgrad[notebooks]'"
        )


def execute(file: Path, target: Path) -> Outcome:
    """Run a notebook in its own kernel, and write it with its outputs."""
    import jupytext
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = jupytext.read(file)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    shown = {"PYTHONPATH": path, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    client = NotebookClient(
        notebook,
        timeout=None,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # silences a warning about local sockets
        coalesce_streams=True,  # keep only the final state of a progress bar
        resources={"metadata": {"path": str(target.parent)}},
    )
    error, started = "", time.perf_counter()
    try:
        client.execute(env={**os.environ, **shown})
    except CellExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}"
    except DeadKernelError as failure:
        error = str(failure)
    seconds = time.perf_counter() - started
    jupytext.write(notebook, target)
    targets = targets_in(printed(notebook))
    if not error and not targets:
        error = "it did not print its targets."
    return Outcome(title_of(notebook), targets, seconds, error)


def printed(notebook: Any) -> str:
    """Text that the cells of an executed notebook printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def targets_in(text: str) -> dict[str, tuple[float, str, float]]:
    r"""Targets in printed lines of the form ``{"targets": {name: [reached, ">=", wanted]}}``.

    Examples
    --------
    >>> targets_in('epoch 1\n{"targets": {"accuracy": [0.98, ">=", 0.9]}}\n')
    {'accuracy': (0.98, '>=', 0.9)}
    """
    lines = [line for line in text.splitlines() if line.startswith('{"targets": ')]
    stated = [item for line in lines for item in json.loads(line)["targets"].items()]
    return {name: (reached, sign, wanted) for name, (reached, sign, wanted) in stated}


def title_of(notebook: Any) -> str:
    """First heading of a notebook."""
    lines = (line for cell in notebook.cells for line in cell.source.splitlines())
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), "")


def table(files: Sequence[Path], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of a Markdown table with one row per target."""
    yield "| notebook | target | wanted | reached | seconds |"
    yield "|---|---|---|---|---|"
    for file, outcome in zip(files, outcomes, strict=True):
        first = f"{file.name[:2]} {outcome.title}"
        seconds = f"{outcome.seconds:.0f}"
        rows = [
            (name, f"{'≥' if sign == '>=' else '≤'} {wanted:.4g}", f"{reached:.4g}")
            for name, (reached, sign, wanted) in outcome.targets.items()
        ]
        for row in rows or [("none printed", "", "failed")]:
            yield f"| {' | '.join((first, *row, seconds))} |"
            first = seconds = ""
