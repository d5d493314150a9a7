"""NumPy's two override protocols, and the op table that they look functions up in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def qualified_name(function: Callable[..., Any]) -> str:
    """The name under which users know a NumPy function, such as ``numpy.linalg.inv``."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{getattr(function, '__name__', function)}"
