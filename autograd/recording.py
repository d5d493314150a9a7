"""Whether ops record: a switch of the current context (thread or task)."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar, Token

_recording: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _recording.get


class _Mode(contextlib.ContextDecorator):
    """Turns recording on or off in this context (thread or task); also a decorator."""

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


class enable_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Within it, ops record again, also inside `no_grad`."""

    _value = True
