"""Callback: hooks into the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

from nn.train.state import State

Hook = Callable[[State], Any]


class Callback:
    """Base of the callbacks: override what you need; the loop calls nothing else.

    Examples
    --------
    >>> import nn, numpy as np
    >>> class Norms(nn.train.Callback):
    ...     def on_gradients(self, state):
    ...         print(state.step, [p.grad.shape for p in state.model.parameters()])
    >>> x = np.ones((4, 2), np.float32)
    >>> net = nn.Linear(2, 1)
    >>> _ = nn.train.fit(net, (x, x[:, :1]), "mse", callbacks=[Norms()], verbose=False)
    0 [(1, 2), (1,)]
    """

    last: bool = False
    """Whether it is called after the others, such as one that saves what they have done."""

    def prepare(self, state: State) -> None:
        """First of all, before a checkpoint is read: forget an earlier run, check names and paths.

        ``state.names`` has the numbers that there will be, unless ``state.more_names``.
        """

    def on_train_begin(self, state: State) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, state: State) -> None:
        """Before the first batch."""

    def on_loss(self, state: State) -> None:
        """After the forward pass: the graph behind ``state.loss`` is whole."""

    def on_gradients(self, state: State) -> None:
        """Before each update of the optimizer: every ``p.grad`` is there."""

    def on_step_end(self, state: State) -> None:
        """After each batch."""

    def on_epoch_end(self, state: State) -> None:
        """After the validation: ``state.logs`` is there."""

    def on_train_end(self, state: State) -> None:
        """At the end, also after Ctrl-C or an error."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know: numbers, strings, lists, dicts and arrays."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""


class AtEpochEnd(Callback):
    """A plain function, called with the state after each epoch."""

    def __init__(self, function: Hook) -> None:
        self.on_epoch_end = function  # type: ignore[assignment,method-assign]


def listed(callbacks: Any) -> list[Any]:
    """Callbacks as a list; one alone, or None, is taken too."""
    if callbacks is None:
        return []
    return [callbacks] if isinstance(callbacks, Callback) or callable(callbacks) else [*callbacks]


class Hooks:
    """The hooks that somebody overrides, so that the others cost nothing."""

    def __init__(self, callbacks: Iterable[Any]) -> None:
        given: list[Callback] = []
        for i, c in enumerate(callbacks):
            if not isinstance(c, Callback) and (isinstance(c, type) or not callable(c)):
                raise TypeError(
                    f"fit: callbacks[{i}] must be a Callback or a function of the state, not {c!r}."
                )
            if isinstance(c, Callback):
                _check_hooks(c)
            given.append(c if isinstance(c, Callback) else AtEpochEnd(c))
        self.callbacks = sorted(given, key=lambda c: c.last)
        self.add_names = any(_may_add_names(c) for c in given)
        self.given = [c for c in given if type(c).state_dict is not Callback.state_dict]
        self.train_begin = self._of("on_train_begin")
        self.epoch_begin = self._of("on_epoch_begin")
        self.loss = self._of("on_loss")
        self.gradients = self._of("on_gradients")
        self.step_end = self._of("on_step_end")
        self.epoch_end = self._of("on_epoch_end")
        self.train_end = self._of("on_train_end")

    def _of(self, name: str) -> list[Hook]:
        default = getattr(Callback, name)
        hooks = [getattr(c, name) for c in self.callbacks]
        return [h for h in hooks if getattr(h, "__func__", h) is not default]


def _check_hooks(callback: Callback) -> None:
    """Refuse hooks that would not be called, or not with what they expect, such as Keras's."""
    known = [name for name in vars(Callback) if name.startswith("on_")]
    who = type(callback).__name__
    for name in (n for n in dir(callback) if n.startswith("on_")):
        if name not in known:
            raise TypeError(
                f"fit: no hook is called {name}, as in {who}; there are {', '.join(known)}."
            )
        takes = signature(getattr(callback, name))
        try:
            takes.bind(None)
        except TypeError:
            fits = False
        else:
            fits = "logs" not in takes.parameters
        if not fits:
            raise TypeError(
                f"fit: {who}.{name}{takes} must take one argument, the State, such as state.epoch, "
                "state.logs and state.model."
            )


def _may_add_names(callback: Callback) -> bool:
    """Whether it has an `on_epoch_end` that is not ours and may write to the logs."""
    ours = type(callback).__module__.startswith(__name__.rpartition(".")[0])
    changed = type(callback).on_epoch_end is not Callback.on_epoch_end
    return isinstance(callback, AtEpochEnd) or (changed and not ours)
