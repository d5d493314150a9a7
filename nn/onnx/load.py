"""load: an ONNX file as a Module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from nn.onnx.table import Unsupported

if TYPE_CHECKING:
    from nn.onnx.module import OnnxModule


def load(path: str | os.PathLike[str], *, dtype: Any = None, simplify: bool = True) -> OnnxModule:
    """Read an ONNX file as a Module.

    Its float initializers become Parameters, its nodes the ops of this package, recorded as any
    others: gradients, drawings and the readers work on it. Nothing of the file is executed but the
    ops that it names.

    Parameters
    ----------
    path : the file.
    dtype : the float type in which everything is computed; by default what the file says, mostly
        float32. Gradient checks want float64.
    simplify : whether to compute at once what no input takes part in, and to put fused ops in the
        place of patterns such as a layer norm written out.

    Returns
    -------
    OnnxModule : in evaluation mode.

    Raises
    ------
    Unsupported
        The file needs ops that the table does not have; they are listed.
    ValueError
        The file is damaged, or refers to files outside of its folder.
    ImportError
        The package `onnx` is not installed.

    Examples
    --------
    >>> import importlib.util, nn, numpy as np, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> if importlib.util.find_spec("onnx"):
    ...     nn.onnx.save(nn.models.LeNet5(), f"{folder.name}/m.onnx", np.ones((1, 1, 28, 28), "f"))
    ...     model = nn.onnx.load(f"{folder.name}/m.onnx")
    ...     assert model.inputs == ("input",) and model.outputs == ("output",)
    ...     features = model.cut(at="6")  # what the flattening returns
    ...     assert features(np.ones((5, 1, 28, 28), "f")).shape == (5, 400)
    >>> folder.cleanup()
    """
    from nn.onnx.file import File  # with the table, which takes its time
    from nn.onnx.fold import prepared, simplified
    from nn.onnx.module import OnnxModule
    from nn.onnx.report import missing

    file = File(path, dtype)
    lacking = missing(file.graph)
    if lacking:
        raise Unsupported(f"{file.path} needs what is not supported: {', '.join(lacking)}.")
    return OnnxModule(simplified(file.graph) if simplify else prepared(file.graph)).eval()
