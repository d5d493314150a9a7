"""Save and load state as safetensors files, atomically; pickle is never read."""

from __future__ import annotations

import importlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.files import located, write
from autograd.node import Array
from autograd.value import Value
from nn.arguments import flags
from nn.files.names import write_into
from nn.files.nested import flatten, unflatten
from nn.module import Module

STATE = "glassgrad.state"
"""Metadata key that holds the structure of a nested state."""

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a module's parameters and buffers, or any state, as safetensors.

    The write is atomic, even if the process is killed: another file in the same folder is written,
    flushed to disk and renamed. A symbolic link is followed, and a file that is there already keeps
    its mode.

    Parameters
    ----------
    state : a Module, a state dict, or nested dicts, lists and tuples of arrays, numbers and
        strings. A flat dict of arrays becomes a file that PyTorch can read under the same names;
        the structure of a nested state is stored in the file's metadata.
    path : output file; ``~`` is expanded, here and in `load`.

    Raises
    ------
    TypeError
        An unsupported type in the state, or a path that is not one. Nothing is written.
    ValueError
        An array named ``__metadata__``, which a safetensors file can't hold. Nothing is written.
    FileNotFoundError
        There is no such folder.

    Examples
    --------
    >>> import nn, tempfile
    >>> layer, twin = nn.Linear(2, 3), nn.Linear(2, 3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(layer, f"{folder}/linear.safetensors")
    ...     report = twin.load_state_dict(nn.load(f"{folder}/linear.safetensors"))
    >>> bool((twin.weight.data == layer.weight.data).all())
    True
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"save(state, path): path must be a path, not {type(path).__name__}; the state comes "
            "first, as in torch.save."
        )
    if isinstance(state, Module):
        state = state.state_dict()
    arrays, text = flatten(state)
    flat = isinstance(state, Mapping) and all(
        isinstance(key, str) and isinstance(x, (Value, np.ndarray)) for key, x in state.items()
    )
    # safetensors 0.8.0 silently writes wrong data for arrays that are not contiguous
    rows = {
        name: np.ascontiguousarray(a, a.dtype.newbyteorder("=")).reshape(a.shape)
        for name, a in arrays.items()
    }
    for name, a in rows.items():
        if a.dtype.newbyteorder("<") not in {np.dtype(d) for d in DTYPES.values()}:
            raise TypeError(f"{name!r} holds {a.dtype}, which safetensors does not support.")
    pack = importlib.import_module("safetensors.numpy").save
    write(path, pack(rows, None if flat else {STATE: text}))


def load(
    path: str | os.PathLike[str] | Mapping[str, Any],
    prefix: str = "",
    into: Module | None = None,
    strict: bool = True,
) -> Any:
    """Read a file written by `save`, or any safetensors file.

    Parameters
    ----------
    path : the file; with `into`, a state dict will do, too, such as one of torch.load.
    prefix : load only entries whose names start with it, and strip it: ``"encoder."`` loads one
        submodule.
    into : module to load the state into, optional. A prefix that its own names lack is found and
        taken off: ``module.``, ``model.``, ``transformer.``, ``_orig_mod.`` or any other.
    strict : whether every name must be both in the file and in the module.

    Returns
    -------
    The saved state, or a dict of arrays for a file of another program; bfloat16 becomes float32.
    With `into`, a report: ``missing_keys``, ``unexpected_keys``, ``mapped_keys``.

    Raises
    ------
    ValueError
        A file that is corrupt, truncated or not safetensors (pickle is never read); a prefix that
        matches no name; a state that doesn't fit the module, which has not changed then.

    Examples
    --------
    >>> import nn, numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save({"encoder.w": np.ones(2), "step": np.array(3)}, f"{folder}/a.safetensors")
    ...     nn.load(f"{folder}/a.safetensors", prefix="encoder.")
    {'w': array([1., 1.])}
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> print(nn.load({"module.weight": np.ones((1, 2))}, into=layer))
    mapped: module.weight -> weight
    """
    flags("load", strict=strict)
    if into is not None and not isinstance(into, Module):
        raise TypeError(f"load: into must be a Module, not {type(into).__name__}.")
    if not isinstance(path, Mapping):
        state, source = _read(path), os.fspath(path)
    elif into is None:
        raise TypeError("load: path must be a path; a state dict is loaded into a module only.")
    else:
        state, source = path, "This state dict"
    if prefix:
        state = _part(state, prefix, source)
    return state if into is None else write_into(into, state, strict)


def _read(path: str | os.PathLike[str]) -> Any:
    """The state in a file."""
    data = located(path).read_bytes()
    tensors = importlib.import_module("safetensors")
    try:
        found = tensors.deserialize(data)
        arrays = {name: _array(name, entry) for name, entry in found}
        size = int.from_bytes(data[:8], "little")
        text = json.loads(data[8 : 8 + size]).get("__metadata__", {}).get(STATE)
        return arrays if text is None else unflatten(arrays, text)
    except (ValueError, tensors.SafetensorError) as error:
        raise ValueError(f"{os.fspath(path)} can't be read: {error}.{_kind(data)}") from error


def _part(state: Any, prefix: str, source: str) -> dict[str, Any]:
    names = [name for name in state if isinstance(name, str)] if isinstance(state, Mapping) else []
    part = {name[len(prefix) :]: state[name] for name in names if name.startswith(prefix)}
    if not part:
        some = ", ".join(names[:5]) or "none"
        raise ValueError(f"{source} has no name that starts with {prefix!r}; it has {some}.")
    return part


def _array(name: str, entry: Mapping[str, Any]) -> Array:
    raw, shape = entry["data"], entry["shape"]
    if entry["dtype"] == "BF16":  # bfloat16 is the upper half of float32
        upper = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        return upper.view(np.float32).reshape(shape)
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None:
        raise ValueError(f"{name!r} holds {entry['dtype']}, which NumPy does not support")
    return np.frombuffer(raw, dtype).astype(np.dtype(dtype).newbyteorder("=")).reshape(shape)


def _kind(data: bytes) -> str:
    """What a file that is not safetensors looks like, and the way from there, as text."""
    if data.startswith(b"\x93NUMPY") or (data.startswith(b"PK") and _names_in(data, ".npy")):
        return " It looks like a file of NumPy's save or savez: read it with numpy.load."
    if data.startswith(b"\x89HDF") or (data.startswith(b"PK") and _names_in(data, ".h5")):
        return (
            " It looks like a file of Keras: save its arrays, such as model.get_weights(), with "
            "numpy.savez, and read them with numpy.load."
        )
    if data[:4] == b"PK\x03\x04" or data[:1] == b"\x80":
        return (
            " It looks like a file of torch.save or pickle, which can execute arbitrary code when "
            "loaded; from PyTorch, save with safetensors.torch.save_file(model.state_dict(), path)."
        )
    return ""


def _names_in(data: bytes, suffix: str) -> bool:
    """Whether a zip archive has files with this suffix."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.endswith(suffix) for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        return False
