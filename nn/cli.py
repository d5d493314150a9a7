"""The command line `glassgrad`; each subcommand is a module in nn/commands."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import sys
from collections.abc import Sequence

import numpy as np

from nn.commands import COMMANDS, Refusal


def version() -> str:
    """Versions of glassgrad, NumPy and Python, as text."""
    from importlib import metadata  # slow to import

    try:
        own = metadata.version("glassgrad")
    except metadata.PackageNotFoundError:
        own = "(not installed, run from source)"
    return f"glassgrad {own}, NumPy {np.__version__}, Python {platform.python_version()}"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        print(version())
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The argument parser with all subcommands."""
    top = argparse.ArgumentParser(
        prog="glassgrad", description="An autograd engine that you can see through."
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show versions and exit")
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(
            command.NAME, help=command.SUMMARY, description=command.DESCRIPTION
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : arguments; those of the process by default.

    Returns
    -------
    int : the exit status: 0 for success, 1 for findings of `check`, 2 for arguments that can't be
        used, 130 for Ctrl-C, 141 for a closed pipe.

    Examples
    --------
    >>> from nn.cli import main
    >>> main(["tour", "--out", __file__])
    2
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        with contextlib.suppress(ValueError):  # not every console encoding has ∂
            sys.stdout.reconfigure(errors="replace")
    top = parser()
    command = ""
    try:
        arguments, others = top.parse_known_args(argv)
        command = arguments.command
        if others and "passed_on" not in arguments:
            top.error(f"unrecognized arguments: {' '.join(others)}")
        if others:
            if "--" in others:
                others.remove("--")  # the first one only
            arguments.passed_on = others
        if command is None:
            top.print_help()
            return 0
        status: int = arguments.run(arguments)
    except Refusal as refusal:
        print(f"glassgrad {command}: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


if __name__ == "__main__":
    sys.exit(main())
