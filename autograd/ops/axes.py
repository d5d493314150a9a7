"""Functions over one, two and three axes, written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

Ints = tuple[int, ...]
P = ParamSpec("P")
MOST = 2**48  # sums and products of a few stay within 64 bits

WORDS = {  # in docstrings behind a $; the longer names first
    "sizes": ("L", "H, W", "D, H, W"),
    "outs": ("LO", "HO, WO", "DO, HO, WO"),
    "kernels": ("K", "KH, KW", "KD, KH, KW"),
    "axes": ("one axis", "two axes", "three axes"),
    "twos": ("2", "2, 2", "2, 2, 2"),
    "pixels": ("2", "4", "8"),
    "last": ("1.", "3.", "7."),
    "mean": ("0.5", "1.5", "3.5"),
    "d": ("1d", "2d", "3d"),
}


def each(name: str, given: Any, rank: int, least: float) -> Ints:
    """One integer for each axis, given one for all or one for each; errors name the argument."""
    entries = given if isinstance(given, (tuple, list)) else (given,) * rank
    if len(entries) == 1:
        entries = tuple(entries) * rank
    if len(entries) != rank:
        raise ValueError(f"{name}={given} has {len(entries)} entries for {rank} axes.")
    for n in entries:
        if isinstance(n, bool) or not hasattr(type(n), "__index__"):
            raise TypeError(f"{name} must be made of integers, got {n!r}.")
        if n < least:
            raise ValueError(f"{name} must be at least {least}, got {given}.")
        if n > MOST:
            raise ValueError(f"{name} must be at most 2**48, got {given}.")
    return tuple(int(n) for n in entries)


def over_axes(
    general: Callable[Concatenate[int, P], Any],
) -> tuple[Callable[P, Any], Callable[P, Any], Callable[P, Any]]:
    """A function whose first argument is the number of axes, as three: for one, two and three.

    Parameters
    ----------
    general : ``name_nd(rank, ...)``. Its docstring becomes that of all three, with the `WORDS`
        behind a $ replaced by their forms for that number of axes.

    Returns
    -------
    name1d, name2d, name3d, without the first argument.

    Examples
    --------
    >>> def describe_nd(rank, input):
    ...     "Samples over $axes, (N, C, $sizes)."
    ...     return rank
    >>> describe1d, describe2d, describe3d = over_axes(describe_nd)
    >>> describe2d(0), describe2d.__name__, describe2d.__doc__
    (2, 'describe2d', 'Samples over two axes, (N, C, H, W).')
    """
    found = _over(general, 1), _over(general, 2), _over(general, 3)
    general.__doc__ = None  # a template: its examples don't run
    return found


def _over(general: Callable[Concatenate[int, P], Any], rank: int) -> Callable[P, Any]:
    def function(*args: P.args, **kwargs: P.kwargs) -> Any:
        return general(rank, *args, **kwargs)

    text = general.__doc__ or ""
    for word, forms in WORDS.items():
        text = text.replace(f"${word}", forms[rank - 1])
    signature = inspect.signature(general)
    parameters = list(signature.parameters.values())[1:]
    function.__name__ = function.__qualname__ = general.__name__.replace("_nd", f"{rank}d")
    function.__module__, function.__doc__ = general.__module__, text
    vars(function)["__signature__"] = signature.replace(parameters=parameters)
    return function
