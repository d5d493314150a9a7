"""Whether ops record a graph; set per context (thread or task)."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Generator
from contextvars import ContextVar, Token
from typing import Any, Self, TypeVar, overload

Function = TypeVar("Function", bound=Callable[..., Any])

_recording: ContextVar[bool] = ContextVar("recording", default=True)
is_recording = _recording.get


class _Mode:
    """Turn recording on or off in this context (thread or task); also a decorator."""

    _value: bool

    def __init__(self) -> None:
        self._tokens: list[Token[bool]] = []

    def _again(self) -> Self:
        return type(self)()

    def __call__(self, function: Function) -> Function:
        """Decorate a function, a generator or an async one: the mode holds whenever it runs."""
        if isinstance(function, type) or not callable(function):
            name = type(self).__name__
            raise TypeError(f"{name}: it decorates functions and methods, not {function!r}.")
        return _decorated(function, self._again)  # type: ignore[no-any-return]

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(self._value))

    def __exit__(self, *exc: object) -> None:
        _recording.reset(self._tokens.pop())


class _FixedMode(_Mode):
    @overload
    def __new__(cls, function: None = None) -> Self: ...
    @overload
    def __new__(cls, function: Function) -> Function: ...  # type: ignore[misc]
    def __new__(cls, function: Any = None) -> Any:
        """A mode; given a function, that function decorated."""
        return super().__new__(cls) if function is None else cls()(function)


class no_grad(_FixedMode):  # noqa: N801 - PyTorch's name
    """Within it, ops compute without recording a graph.

    Examples
    --------
    >>> from autograd import Value, no_grad
    >>> with no_grad():
    ...     y = Value(2.0) * 3.0
    >>> y.requires_grad
    False
    >>> @no_grad
    ... def tripled(x):
    ...     return 3.0 * x
    >>> tripled(Value(2.0)).requires_grad
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

    def _again(self) -> set_grad_enabled:
        return set_grad_enabled(self._value)

    def __call__(self, function: Function) -> Function:
        """Decorate a function: undo what `__init__` set; each call sets it again."""
        self.__exit__()
        return super().__call__(function)

    def __enter__(self) -> None:
        """Nothing to do: `__init__` has set it."""


class enable_grad(_FixedMode):  # noqa: N801 - PyTorch's name
    """Within it, ops record again, also inside `no_grad`."""

    _value = True


def _decorated(function: Any, mode: Callable[[], _Mode]) -> Any:
    """The function with a new mode around each stretch of time in which it runs."""

    def plain(*args: Any, **kwargs: Any) -> Any:
        with mode():
            return function(*args, **kwargs)

    def generator(*args: Any, **kwargs: Any) -> Any:
        return (yield from _resumed(function(*args, **kwargs), mode))

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        return await _resumed(function(*args, **kwargs), mode)

    async def async_generator(*args: Any, **kwargs: Any) -> Any:
        running = function(*args, **kwargs)
        step = running.asend(None)
        while True:
            try:
                y = await _resumed(step, mode)
            except StopAsyncIteration:
                return
            try:
                step = running.asend((yield y))
            except GeneratorExit:
                await _resumed(running.aclose(), mode)
                raise
            except BaseException as error:
                step = running.athrow(error)

    wrapped: Any = plain
    if inspect.isgeneratorfunction(function):
        wrapped = generator
    elif inspect.iscoroutinefunction(function):
        wrapped = coroutine
    elif inspect.isasyncgenfunction(function):
        wrapped = async_generator
    return functools.wraps(function)(wrapped)


@types.coroutine
def _resumed(running: Any, mode: Callable[[], _Mode]) -> Generator[Any, Any, Any]:
    """Run a generator or a coroutine, in the mode from each resumption to the next suspension."""
    resume, given = running.send, None
    try:
        while True:
            with mode():
                y = resume(given)
            try:
                given, resume = (yield y), running.send
            except GeneratorExit:
                with mode():
                    running.close()
                raise
            except BaseException as error:
                given, resume = error, running.throw
    except StopIteration as end:
        return end.value
