"""Signature: the parameters of a function that an op calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def signature(forward: Callable[..., Any], arity: int) -> tuple[list[str], dict[str, Any], int]:
    """Parameter names, defaults, and the number of positional parameters."""
    code = getattr(forward, "__code__", None)
    if code is None:  # a ufunc
        return list("abcdefgh"[:arity]), {}, arity
    forward = getattr(forward, "__wrapped__", forward)  # decorated
    code = forward.__code__
    positional, keyword = code.co_argcount, code.co_kwonlyargcount
    names = list(code.co_varnames[: positional + keyword])
    given = forward.__defaults__ or ()
    defaults = dict(zip(names[positional - len(given) : positional], given, strict=True))
    return names, {**defaults, **(forward.__kwdefaults__ or {})}, positional
