"""Cells: single numbers in NumPy arrays of objects, those that are tracked as Values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.value import Value

Cells = Any
"""An object array of Values and numbers; a tuple of them; or a constant array as it came."""


def cells_of(data: Any, requires_grad: bool, name: str = "") -> Cells:
    """An array as cells, each with a Value of its own that is called after its place."""
    a = np.asarray(data)
    cells = np.empty(a.shape, object)
    for index in np.ndindex(a.shape):
        place = f"[{','.join(map(str, index))}]" if index else ""
        cells[index] = Value(a[index], requires_grad, f"{name}{place}" if name else None)
    return cells


def boxed(x: Any) -> Any:
    """A lone Value as an array without axes, which NumPy would not make of it."""
    if isinstance(x, Node):
        box = np.empty((), object)
        box[()] = x
        return box
    return np.asarray(x)


def filled(shape: tuple[int, ...], cells: list[Any]) -> Cells:
    """Cells of this shape from a list of them."""
    flat = np.empty(len(cells), object)
    for i, x in enumerate(cells):
        flat[i] = x
    return flat.reshape(shape)


def each(function: Callable[..., Any], *cells: Cells) -> Cells:
    """A function of single numbers called for each, broadcasting."""
    return boxed(np.frompyfunc(function, len(cells), 1)(*map(boxed, cells)))


def numbers(cells: Cells) -> Any:
    """The data of all cells as one array."""
    box = boxed(cells)
    return np.array([number_of(x) for x in box.ravel().tolist()]).reshape(box.shape)


def number_of(x: Any) -> Any:
    """The number in one cell."""
    return x._data if isinstance(x, Node) else x


def total(terms: list[Any]) -> Any:
    """The sum of cells, from the first on; 0 of none."""
    return sum(terms[1:], start=terms[0]) if terms else 0.0


def tracked(x: Any) -> bool:
    """Whether these are cells, and no constant."""
    return isinstance(x, Node) or (isinstance(x, np.ndarray) and x.dtype == object)
