"""Arrays in files: safetensors only, written whole or not at all; pickle is never read."""

from __future__ import annotations

import importlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.value import Value
from nn.files.nested import flatten, unflatten
from nn.module import Module

STATE = "glassgrad.state"
"""Key of safetensors' metadata under which the description of a nested state stands."""

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a module's parameters and buffers, or any state, as safetensors.

    The file appears whole or not at all, even if the process is killed: it is written under
    another name beside, flushed to the disk, then renamed.

    Parameters
    ----------
    state : a Module, a state dict, or dicts, lists and tuples of arrays, numbers and strings.
        A flat dict of arrays makes a file that PyTorch reads under the same names; of a nested
        one the description stands in the file's metadata.
    path : where to.

    Raises
    ------
    TypeError
        Something in the state that is none of these, or a path that is none. Nothing is written
        then.

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
    # safetensors 0.8.0 writes wrong numbers of arrays that are not contiguous, without a word
    rows = {
        name: np.ascontiguousarray(a, a.dtype.newbyteorder("=")).reshape(a.shape)
        for name, a in arrays.items()
    }
    for name, a in rows.items():
        if a.dtype.newbyteorder("<") not in {np.dtype(d) for d in DTYPES.values()}:
            raise TypeError(f"{name!r} holds {a.dtype}, which safetensors has not.")
    pack = importlib.import_module("safetensors.numpy").save
    replace(Path(path), pack(rows, None if flat else {STATE: text}))


def load(path: str | os.PathLike[str], prefix: str = "") -> Any:
    """Read what `save` wrote, or any safetensors file.

    Parameters
    ----------
    path : the file.
    prefix : take only the entries whose names begin so, and take it off: a part of a model, such
        as ``"encoder."``, for a module of its own.

    Returns
    -------
    The state, as it was saved; of another program's file a dict of arrays. bfloat16 becomes
    float32.

    Raises
    ------
    ValueError
        A file that is damaged, cut off or no safetensors file: pickle is never read. A prefix that
        no name has.
    """
    data = Path(path).read_bytes()
    tensors = importlib.import_module("safetensors")
    try:
        found = tensors.deserialize(data)
        arrays = {name: _array(name, entry) for name, entry in found}
        size = int.from_bytes(data[:8], "little")
        text = json.loads(data[8 : 8 + size]).get("__metadata__", {}).get(STATE)
        state = arrays if text is None else unflatten(arrays, text)
    except (ValueError, tensors.SafetensorError) as error:
        raise ValueError(f"{os.fspath(path)} can't be read: {error}.{_kind(data)}") from error
    return _part(state, prefix, path) if prefix else state


def _part(state: Any, prefix: str, path: str | os.PathLike[str]) -> dict[str, Any]:
    names = [name for name in state if isinstance(name, str)] if isinstance(state, dict) else []
    part = {name[len(prefix) :]: state[name] for name in names if name.startswith(prefix)}
    if not part:
        some = ", ".join(names[:5]) or "none"
        raise ValueError(
            f"{os.fspath(path)} has no name that begins with {prefix!r}; it has {some}."
        )
    return part


def _array(name: str, entry: Mapping[str, Any]) -> Array:
    raw, shape = entry["data"], entry["shape"]
    if entry["dtype"] == "BF16":  # the upper half of a float32
        upper = np.frombuffer(raw, "<u2").astype(np.uint32) << 16
        return upper.view(np.float32).reshape(shape)
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None:
        raise ValueError(f"{name!r} holds {entry['dtype']}, which NumPy has not")
    return np.frombuffer(raw, dtype).astype(np.dtype(dtype).newbyteorder("=")).reshape(shape)


def _kind(data: bytes) -> str:
    if data[:4] == b"PK\x03\x04" or data[:1] == b"\x80":
        return (
            " It looks like torch.save's or pickle's, which can run any program when read; save "
            "it from PyTorch by safetensors.torch.save_file(model.state_dict(), path)."
        )
    return ""


def replace(path: Path, data: bytes) -> None:
    """Put data in the place of a file, whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the renaming too must reach the disk
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
