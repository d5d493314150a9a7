"""`glassgrad ops`: what an ONNX file is made of, and what of it is not supported."""

from __future__ import annotations

import argparse

from nn.commands.refusal import Refusal

NAME = "ops"
SUMMARY = "list the ops of an ONNX file, and those that are not supported"
DESCRIPTION = (
    "Read an ONNX file without running anything, and list its inputs, outputs, and ops, with what "
    "of them is not supported. The exit status is 1 if something is not. Example: glassgrad ops "
    "model.onnx"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("file", metavar="MODEL.onnx")


def run(arguments: argparse.Namespace) -> int:
    """Print the ops; return the exit status."""
    from nn.onnx.file import File
    from nn.onnx.report import described

    try:
        file = File(arguments.file)
    except (OSError, ValueError, NotImplementedError, ImportError) as error:
        raise Refusal(str(error)) from error
    text, lacking = described(file)
    print(text)
    return 1 if lacking else 0
