"""Scopes: the module that a node was in when its author's program made it."""

from __future__ import annotations

import re
from typing import Any

DEEPEST = 16
TORCH = "pkg.torch.onnx.name_scopes"
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")


def scope_of(proto: Any) -> tuple[str, ...]:
    """The path of modules in the name of a node: ``/encoder/encoder.0/Conv`` is in encoder, 0.

    PyTorch's newer exporter writes the paths of the modules among a node's metadata instead.
    """
    for entry in proto.metadata_props:
        if entry.key == TORCH and len(entry.value) < 10_000:
            return shortened(QUOTED.findall(entry.value)[:-1])
    return shortened(proto.name.split("/")[:-1])


def shortened(parts: list[str]) -> tuple[str, ...]:
    """Each part without what it repeats of the one around it, and without empty ones."""
    found: list[str] = []
    before = ""
    for part in parts[: 4 * DEEPEST]:
        if not part:
            continue
        own = part.removeprefix(f"{before}.") if before else part
        found += own.split(".")
        before = part
    return tuple(part for part in found if part)[:DEEPEST]
