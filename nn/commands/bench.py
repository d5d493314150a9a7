"""`glassgrad bench`: run the benchmarks of a checkout."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from nn.commands.refusal import Refusal

NAME = "bench"
SUMMARY = "benchmark glassgrad against other libraries (needs a checkout)"
DESCRIPTION = (
    "Run the benchmarks of a checkout of glassgrad's repository. All arguments are passed on; "
    "`glassgrad bench --help` describes them."
)
ROOT = Path(__file__).parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Accept any arguments."""
    parser.prefix_chars = ""  # pass all options on, --help too
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="...", help="passed to the benchmarks"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmarks; return their exit status."""
    if not (ROOT / "benchmarks" / "__main__.py").is_file():
        raise Refusal(
            "the benchmarks are not part of the installed package. Clone glassgrad's repository, "
            "install it with `pip install -e .`, and run this again."
        )
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "benchmarks", *arguments.arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
