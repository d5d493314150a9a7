"""locate: a note on an error, with the path of the innermost module that raised it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from autograd.tables import is_table
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


def blamed(error: Exception, module: Any, args: tuple[Any, ...], kwargs: Any) -> Exception:
    """The error, or a clearer one where a layer of ours got no array: None, text and the like.

    What came of it further on names neither the argument nor its type.
    """
    forward = type(module).forward
    if TRAIL in vars(error) or not forward.__module__.startswith("nn."):
        return error
    signature = inspect.signature(forward)
    try:
        given = signature.bind(module, *args, **kwargs).arguments
    except TypeError:
        return error
    named = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    needed = [p.name for p in named if p.default is p.empty][1:]
    for name in needed:
        what = no_array(given.get(name))
        if what is None and name == needed[0] and isinstance(given[name], (bool, int, float)):
            what = f"the number {given[name]!r}"
        if what is not None:
            who = type(module).__name__
            found = TypeError(f"{who}: {name} must be an array or a Value of numbers, got {what}.")
            found.__cause__ = error
            return found
    return error


def no_array(x: Any) -> str | None:
    """What something is that holds no numbers; None for what does."""
    if isinstance(x, Value) or hasattr(x, "_fields") or hasattr(x, "detach") or is_table(x):
        return None  # a packed sequence; a tensor; a data frame, whose own error names the column
    if x is None or isinstance(x, str):
        return repr(x)
    try:
        dtype = np.asarray(x).dtype
    except (TypeError, ValueError):
        more = " (a recurrent layer returns its output and its state: pass on the output)"
        return f"a {type(x).__name__} that makes no array" + more * isinstance(x, tuple)
    if dtype.kind in "fiubc":
        return None
    return f"an array of {dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"


def describe(x: Any) -> str:
    """Shape and dtype of an input; of a collection those of its parts."""
    if isinstance(x, (Value, np.ndarray)):
        return f"{x.shape} {x.dtype}"
    if isinstance(x, (tuple, list)) and len(x) <= 4:
        return f"({', '.join(describe(part) for part in x)})"
    if x is None or isinstance(x, (bool, int, float, str)):
        return repr(x)
    return type(x).__name__
