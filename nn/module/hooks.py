"""Hooks: functions that run before and after a module's forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hook = Callable[..., Any]


class Handle:
    """Removes a hook, by `remove` or at the end of a ``with`` block."""

    __slots__ = ("_entry", "_hooks")

    def __init__(self, hooks: list[Any], entry: Any) -> None:
        self._hooks, self._entry = hooks, entry

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        self._hooks[:] = [entry for entry in self._hooks if entry is not self._entry]

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class Hooks:
    """The hooks of one module, in the order in which they run."""

    __slots__ = ("after", "before")

    def __init__(self) -> None:
        self.before: list[tuple[Hook, bool]] = []
        self.after: list[tuple[Hook, bool]] = []

    def run(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call forward with the hooks around it."""
        for hook, with_kwargs in tuple(self.before):
            if with_kwargs:
                new = hook(module, args, kwargs)
                if new is not None:
                    if not (isinstance(new, tuple) and len(new) == 2):
                        raise TypeError(
                            "A forward pre-hook with with_kwargs=True returns None or "
                            f"(args, kwargs), not {type(new).__name__}."
                        )
                    args, kwargs = new
            else:
                new = hook(module, args)
                if new is not None:
                    args = new if isinstance(new, tuple) else (new,)
        y = module.forward(*args, **kwargs)
        for hook, with_kwargs in tuple(self.after):
            new = hook(module, args, kwargs, y) if with_kwargs else hook(module, args, y)
            if new is not None:
                y = new
        return y


def hang(hooks: list[tuple[Hook, bool]], hook: Hook, prepend: bool, with_kwargs: bool) -> Handle:
    """Add a hook to the list, last or first."""
    if not callable(hook):
        raise TypeError(f"A hook must be callable, not {type(hook).__name__}.")
    entry = (hook, with_kwargs)
    hooks.insert(0 if prepend else len(hooks), entry)
    return Handle(hooks, entry)
