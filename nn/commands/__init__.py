"""The subcommands of `glassgrad`: one module each, listed here."""

from __future__ import annotations

import argparse
from typing import Protocol

from nn.commands import bench, check, gallery, notebooks, ops, play, playground, tour, warmup
from nn.commands.refusal import Refusal


class Command(Protocol):
    """What the module of a subcommand defines."""

    NAME: str
    SUMMARY: str
    DESCRIPTION: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments to its parser."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command; return the exit status."""


COMMANDS: tuple[Command, ...] = (
    tour,
    gallery,
    play,
    playground,
    check,
    ops,
    notebooks,
    warmup,
    bench,
)

__all__ = ["COMMANDS", "Command", "Refusal"]
