"""save: a Module as an ONNX file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nn.module import Module
    from nn.onnx.recordings import Axes


def save(
    model: Module,
    path: str | os.PathLike[str],
    *inputs: Any,
    axes: Axes = None,
    opset: int = 23,
) -> None:
    """Write a Module as an ONNX file.

    The model is recorded in evaluation mode, as often as it takes to see what depends on the size
    of the batch: that size stays free in the file. An op without a counterpart in ONNX is written
    as its reference, composed of ops that have one.

    Parameters
    ----------
    model : what is written; its parameters keep their paths as names.
    path : the file.
    *inputs : arrays as the model is called with. Numbers don't matter, shapes and types do.
    axes : input -> axis -> name of a size that is to be free, such as
        ``{"x": {0: "N", 2: "T"}}``; by default axis 0 of every input. ``{}`` fixes all.
    opset : version of ONNX's ops, 18 to 23.

    Raises
    ------
    NotImplementedError
        The model does what an ONNX file can't say: an op without a counterpart, or numbers that
        depend on a free size in a way that is not recorded.
    ImportError
        The package `onnx` is not installed.

    Examples
    --------
    >>> import importlib.util, nn, numpy as np, tempfile
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> folder = tempfile.TemporaryDirectory()
    >>> if importlib.util.find_spec("onnx"):
    ...     nn.onnx.save(model, f"{folder.name}/m.onnx", np.zeros((1, 3), np.float32))
    ...     again = nn.onnx.load(f"{folder.name}/m.onnx")
    ...     assert again(np.zeros((7, 3), np.float32)).shape == (7, 2)
    >>> folder.cleanup()
    """
    from nn.onnx.writer import written  # with the table, which takes its time

    written(model, path, inputs, axes, opset)
