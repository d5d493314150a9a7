"""Files: a plan's source on disk, under the hash of its text, so that Numba's cache finds it."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

from autograd import files
from autograd.machine.uninterrupted import load as load_machine

_loaded: dict[str, Any] = {}


def load(text: str) -> Any:
    """The module of a plan's source: the one of an earlier plan with this text, or a new one."""
    key = hashlib.sha256(text.encode()).hexdigest()[:20]
    if key not in _loaded:
        _loaded[key] = _module(f"glassgrad_plan_{key}", text)
    return _loaded[key]


def folder() -> Path | None:
    """Where plans are kept, beside the compiled kernels; None where nothing can be written."""
    machine: Any = load_machine("autograd.machine.jit")
    kernels = machine.cache_folder()
    return None if kernels is None else Path(kernels) / "plans"


def _module(name: str, text: str) -> Any:
    path = _written(name, text)
    if path is None:
        module = types.ModuleType(name)
        exec(compile(text, f"<{name}>", "exec"), vars(module))
        return module
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _written(name: str, text: str) -> Path | None:
    """The file of a plan, written anew where it is missing or damaged; None without a folder."""
    place = folder()
    if place is None:
        return None
    path = place / f"{name}.py"
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != text.encode():
            files.write(path, text.encode())
    except OSError:  # a full disk, a folder of somebody else's
        return None
    return path
