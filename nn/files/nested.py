"""Nested states as flat arrays and a JSON text, and back.

A state is made of dicts, lists, tuples, numbers, strings, None and arrays. Arrays are taken out
under names made of their paths; what is left is JSON, in which ``{"$array": name}`` stands for an
array. Keys that are no strings, tuples and NumPy's scalars are marked likewise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.value import Value


def flatten(state: Any) -> tuple[dict[str, Array], str]:
    """The arrays of a state by name, and JSON for the rest.

    Raises
    ------
    TypeError
        Something else than numbers, strings, arrays and collections of these; named by its path.
    ValueError
        An array named ``__metadata__``.

    Examples
    --------
    >>> import numpy as np
    >>> flatten({"w": np.zeros(2), "epoch": 3})
    ({'w': array([0., 0.])}, '{"w": {"$array": "w"}, "epoch": 3}')
    """
    arrays: dict[str, Array] = {}

    def keep(array: Array, path: tuple[str, ...]) -> str:
        if isinstance(array, np.ma.MaskedArray):
            raise TypeError(
                f"{where(path)} is a masked array, whose mask would be lost; save .data and .mask, "
                "or .filled(value)."
            )
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{where(path)} holds {array.dtype}, which can't be saved.")
        name = "/".join(path)
        if name == "__metadata__":
            raise ValueError(
                "An array can't be named '__metadata__', a name that safetensors files reserve; "
                "rename the key."
            )
        while name in arrays:
            name += "'"
        arrays[name] = array
        return name

    def plain(x: Any, path: tuple[str, ...]) -> Any:
        if isinstance(x, Value):
            x = x.data
        if isinstance(x, np.ndarray):
            return {"$array": keep(x, path)}
        if isinstance(x, np.generic):
            return {"$scalar": keep(np.asarray(x), path)}
        if x is None or type(x) in (bool, int, float, str):
            return x
        if isinstance(x, tuple):
            return {"$tuple": [plain(part, (*path, str(i))) for i, part in enumerate(x)]}
        if isinstance(x, list):
            return [plain(part, (*path, str(i))) for i, part in enumerate(x)]
        if isinstance(x, Mapping):
            if all(type(k) is str and not k.startswith("$") for k in x):
                return {k: plain(part, (*path, k)) for k, part in x.items()}
            pairs = [[plain(k, path), plain(part, (*path, str(k)))] for k, part in x.items()]
            return {"$dict": pairs}
        raise TypeError(
            f"{where(path)} is a {type(x).__name__}; a state holds numbers, strings, arrays, and "
            "dicts, lists and tuples of these."
        )

    return arrays, json.dumps(plain(state, ()))


def where(path: tuple[str, ...]) -> str:
    """A path as an error names it."""
    return repr("/".join(path)) if path else "The state"


def unflatten(arrays: Mapping[str, Array], text: str) -> Any:
    """The state that `flatten` took apart.

    Raises
    ------
    ValueError
        Text that `flatten` did not write, or that names an array that is not there.
    """

    def marked(x: dict[str, Any]) -> Any:
        if len(x) != 1 or not next(iter(x)).startswith("$"):
            return x
        [(mark, inner)] = x.items()
        if mark in ("$array", "$scalar"):
            if not isinstance(inner, str) or inner not in arrays:
                raise ValueError(f"the array {inner!r} is not there")
            return arrays[inner] if mark == "$array" else arrays[inner][()]
        if mark == "$tuple":
            return tuple(inner)
        if mark == "$dict":
            return {k: v for k, v in inner}  # noqa: C416 - pairs are checked by being unpacked
        raise ValueError(f"the mark {mark!r} is unknown")

    try:
        return json.loads(text, object_hook=marked)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"its description can't be read: {error}") from error
