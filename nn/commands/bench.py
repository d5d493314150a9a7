"""`glassgrad bench`: the benchmarks of a checkout."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from nn.commands.refusal import Refusal

NAME = "bench"
SUMMARY = "measure glassgrad beside other libraries, in a checkout"
DESCRIPTION = (
    "Runs `python -m benchmarks` of a checkout of glassgrad's repository, and passes all arguments "
    "on: subjects, --peers, --setup-peers, --quick, --out, --compare; `glassgrad bench --help` "
    "tells what they do."
)
ROOT = Path(__file__).parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments it takes."""
    parser.prefix_chars = ""  # nothing is an option of its own, --help neither
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="passed on")


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmarks; their exit status."""
    if not (ROOT / "benchmarks" / "__main__.py").is_file():
        raise Refusal(
            "the benchmarks are not installed with the package. Clone glassgrad's repository, "
            "install it with `pip install -e .`, and run this again."
        )
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "benchmarks", *arguments.arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
