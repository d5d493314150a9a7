"""The subcommands of `glassgrad`: one file each, listed here."""

from __future__ import annotations

import argparse
from typing import Protocol

from nn.commands import bench, gallery, notebooks, play, tour, warmup
from nn.commands.refusal import Refusal


class Command(Protocol):
    """What a file of a subcommand has."""

    NAME: str
    SUMMARY: str
    DESCRIPTION: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say which arguments it takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit status."""


COMMANDS: tuple[Command, ...] = (tour, gallery, play, notebooks, warmup, bench)

__all__ = ["COMMANDS", "Command", "Refusal"]
