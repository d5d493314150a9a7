"""Reading an ONNX file: bytes that nobody vouches for become a `Graph`, or are refused."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

import nn.onnx.ops  # noqa: F401 - enters the rows of the table
from autograd.files import located
from nn.onnx.protos import Parser, domain_of, package
from nn.onnx.table import Unsupported


class File:
    """An ONNX file, read and checked; nothing has run yet.

    Parameters
    ----------
    path : the file.
    dtype : the type in which its floats are computed; None keeps the file's.

    Attributes
    ----------
    graph : what it computes.
    opset : the version of ONNX's own ops.
    producer : what wrote it.
    """

    def __init__(self, path: str | os.PathLike[str], dtype: Any = None) -> None:
        onnx = package()
        self.path = located(path)
        dtype = None if dtype is None else np.dtype(dtype)
        if dtype is not None and dtype.kind != "f":
            raise TypeError(f"nn.onnx: dtype must be a float type, got {dtype}.")
        try:
            model = onnx.load_model_from_string(self.path.read_bytes())
        except OSError:
            raise
        except Exception as error:  # protobuf's DecodeError, of no public base
            raise ValueError(f"{self.path}: no ONNX file, or a damaged one ({error}).") from error
        if not model.HasField("graph") or not model.opset_import:
            raise ValueError(f"{self.path}: no ONNX file: it has no graph, or names no opset.")
        opsets = {domain_of(o.domain): o.version for o in model.opset_import}
        self.opset = opsets.get("", 1)
        newest = onnx.defs.onnx_opset_version()
        if not 1 <= self.opset <= newest:
            raise Unsupported(
                f"{self.path}: written for opset {self.opset}; the onnx {onnx.__version__} that is "
                f"installed knows 1 to {newest}."
            )
        self.producer = f"{model.producer_name} {model.producer_version}".strip()
        folder = self.path.absolute().parent
        parser = Parser(str(self.path), opsets, model.functions, folder, dtype)
        self.graph = parser.graph(model.graph)
