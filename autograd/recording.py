"""Whether ops record a graph; set per context (thread or task)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_recording: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _recording.get


class _Mode(contextlib.ContextDecorator):
    """Turn recording on or off in this context (thread or task); also a decorator."""

    _value: bool

    def __init__(self) -> None:
        self._tokens: list[Token[bool]] = []

    def _recreate_cm(self) -> _Mode:
        return type(self)()

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(self._value))

    def __exit__(self, *exc: object) -> None:
        _recording.reset(self._tokens.pop())


class no_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Within it, ops compute without recording a graph.

    Examples
    --------
    >>> from autograd import Value, no_grad
    >>> with no_grad():
    ...     y = Value(2.0) * 3.0
    >>> y.requires_grad
    False
    """

    _value = False


class set_grad_enabled(_Mode):  # noqa: N801 - PyTorch's name
    """Turn recording on or off: at once, within a ``with`` block, or in a decorated function.

    Parameters
    ----------
    mode : whether ops record.

    Examples
    --------
    >>> from autograd import Value, set_grad_enabled
    >>> for training in (True, False):
    ...     with set_grad_enabled(training):
    ...         print((Value(2.0) * 3.0).requires_grad)
    True
    False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled(mode): mode must be a bool, not {mode!r}.")
        self._value = mode
        self._tokens = [_recording.set(mode)]

    def _recreate_cm(self) -> set_grad_enabled:
        return set_grad_enabled(self._value)

    def __call__(self, function: Function) -> Function:
        """Decorate a function: undo what `__init__` set; each call sets it again."""
        self.__exit__()
        return super().__call__(function)

    def __enter__(self) -> None:
        """Nothing to do: `__init__` has set it."""


class enable_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Within it, ops record again, also inside `no_grad`."""

    _value = True
