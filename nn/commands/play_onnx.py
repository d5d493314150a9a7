"""The part of `glassgrad play` that plays an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.files import located
from nn.commands.page import output_page
from nn.commands.refusal import Refusal


def played(target: str, inputs: Sequence[str], others: Sequence[str], out: str) -> int:
    """Write the page of a file's output for inputs given as files; return the exit status."""
    import autograd
    import nn

    path, _, name = target.rpartition(":")
    if target.lower().endswith(".onnx"):
        path, name = target, ""
    if others:
        raise Refusal(f"an ONNX file takes no arguments, got {' '.join(others)}.")
    file = located(path)
    if not file.is_file():
        raise Refusal(f"there is no file {path!r}.")
    written = output_page(out, name or file.stem)
    try:
        model = nn.onnx.load(file)
        if name:
            model = model.cut(at=name)
        given = _arrays(model, inputs)
        found = model(**given)
    except (ValueError, NotImplementedError, ImportError, KeyError) as error:
        raise Refusal(str(error.args[0]) if isinstance(error, KeyError) else str(error)) from error
    y = found[0] if isinstance(found, tuple) else found
    if not isinstance(y, autograd.Value) or y.op is None:
        raise Refusal(f"{path}: its output {model.outputs[0]!r} has no gradient to play.")
    player = autograd.play(y, names=given, title=f"{model.outputs[0]} of {file.name}")
    try:
        done = player.save(written)
    except OSError as error:
        raise Refusal(f"can't write {written}: {error}") from error
    print(f"Wrote {done}: {len(player.story.events):,} nodes to step through.")
    return 0


def _arrays(model: Any, inputs: Sequence[str]) -> dict[str, Any]:
    """The inputs by name: those given as files, and of the others what the file says they need."""
    import autograd

    found: dict[str, Any] = {}
    for given in inputs:
        name, _, path = given.rpartition("=")
        name = name or next((n for n in model.inputs if n not in found), "")
        if name not in model.inputs:
            raise Refusal(
                f"--input {given!r}: the inputs are {', '.join(map(str, model.graph.inputs))}."
            )
        try:
            x = np.load(located(path), allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Refusal(f"--input {given!r}: {error}") from error
        found[name] = autograd.Value(x, name=name) if x.dtype.kind == "f" else x
    missing = [str(t) for t in model.graph.inputs if t.name not in found]
    if missing:
        raise Refusal(f"give --input NAME=ARRAY.npy for {', '.join(missing)}.")
    return found
