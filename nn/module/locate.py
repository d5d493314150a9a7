"""locate: a note on an error, with the path of the innermost module that raised it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.value import Value

TRAIL = "_nn_trail"


def locate(error: Exception, module: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    """Note on an error that passes through a module's call which submodule raised it.

    The innermost module leaves its description and the shapes of its inputs; each module further
    out puts the way from it to the one before in front of the path.
    """
    known = vars(error).get(TRAIL)
    if known is None:
        given = [describe(x) for x in args]
        given += [f"{name}={describe(x)}" for name, x in kwargs.items()]
        head = repr(module).partition("\n")[0].rstrip("(")
        text, path = f"{head}, called with {', '.join(given) or 'nothing'}", ""
    else:
        child, path, text, old = known
        step = next((p for p, m in module.named_modules() if m is child), "")
        path = ".".join(part for part in (step or f"<{type(child).__name__}>", path) if part)
        error.__notes__.remove(old)
    note = f"in {path}: {text}, in {type(module).__name__}" if path else f"in {text}"
    error.add_note(note)
    vars(error)[TRAIL] = (module, path, text, note)


def describe(x: Any) -> str:
    """Shape and dtype of an input; of a collection those of its parts."""
    if isinstance(x, (Value, np.ndarray)):
        return f"{x.shape} {x.dtype}"
    if isinstance(x, (tuple, list)) and len(x) <= 4:
        return f"({', '.join(describe(part) for part in x)})"
    if x is None or isinstance(x, (bool, int, float, str)):
        return repr(x)
    return type(x).__name__
