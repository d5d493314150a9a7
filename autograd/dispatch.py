"""NumPy's two override protocols, and the op table that they look functions up in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

OPS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy function -> what runs in its place when one of its arguments is traced."""

_UFUNC_KEYWORDS = {"out", "where", "dtype", "casting", "order", "subok", "signature", "axes"}


class Traced:
    """What NumPy passes to the op table instead of computing on it: a Value or a Symbol."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise TypeError(
                f"numpy.{ufunc.__name__}.{method} takes no Value; "
                "call the NumPy function for it (np.sum, np.prod, np.max, np.cumsum ...)."
            )
        if refused := _UFUNC_KEYWORDS & kwargs.keys():
            raise TypeError(
                f"numpy.{ufunc.__name__}: {', '.join(sorted(refused))}= can't be used "
                "with a Value; out= (and so `array += value`) would change what the graph needs. "
                "Write `x = x + v`, and .astype() for dtype=."
            )
        return lookup(ufunc)(*args, **kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return lookup(function)(*args, **kwargs)


def lookup(function: Callable[..., Any]) -> Callable[..., Any]:
    """What runs in place of a NumPy function; a TypeError if the op table has no row for it."""
    try:
        return OPS[function]
    except KeyError:
        raise TypeError(
            f"{qualified_name(function)} has no row in the op table, so its gradient would be "
            "lost. Pass v.data for a plain array, or add a row (autograd.Op)."
        ) from None


def array_of(x: Any, who: str) -> np.ndarray[Any, Any]:
    """x as an array; refused where that would lose what its numbers mean.

    Parameters
    ----------
    x : array_like.
    who : the op or argument that the error names.

    Raises
    ------
    TypeError
        A masked array, a np.matrix, or an object that is no array of numbers, such as a sparse one.
    """
    if type(x) is np.ndarray:
        return x
    refuse_subclasses(x, who)
    array = np.asarray(x)
    if array.dtype == object and array.ndim == 0 and not isinstance(x, (np.ndarray, np.generic)):
        cure = "; .toarray() makes one" if hasattr(x, "toarray") else ""
        raise TypeError(f"{who}: a {type(x).__name__} is not an array of numbers{cure}.")
    return array


def real_array(x: Any, who: str) -> np.ndarray[Any, Any]:
    """x as an array of real numbers; a TypeError or ValueError that begins with `who`."""
    try:
        array = array_of(x, who)
    except ValueError as error:
        raise ValueError(f"{who}: {error}") from None
    if array.dtype.kind not in "fiub":
        given = "complex numbers" if array.dtype.kind == "c" else f"{array.dtype}"
        cure = "; pass the real and the imaginary part" if array.dtype.kind == "c" else ""
        raise TypeError(f"{who}: {type(x).__name__} of {given} instead of real numbers{cure}.")
    return array


def refuse_subclasses(x: Any, who: str) -> None:
    """Raise a TypeError for a masked array or a np.matrix, alone or in lists."""
    if isinstance(x, (list, tuple)):
        for part in x:
            if isinstance(part, (list, tuple, np.ndarray)):
                refuse_subclasses(part, who)
    elif isinstance(x, np.matrix):
        raise TypeError(
            f"{who}: a np.matrix multiplies as matrices do and keeps two axes; pass np.asarray(m), "
            "and write @ for the product of matrices."
        )
    elif isinstance(x, np.ndarray) and hasattr(x, "_mask"):
        raise TypeError(
            f"{who}: the mask of a masked array would be lost. Pass .filled(x) for the array, "
            "and np.where(mask, 0, v) or v[~mask] for the elements that count."
        )


def qualified_name(function: Callable[..., Any]) -> str:
    """The name under which users know a NumPy function, such as ``numpy.linalg.inv``."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{getattr(function, '__name__', function)}"
