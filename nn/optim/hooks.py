"""Hooks: functions that run around an optimizer's step, and around its state dicts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.node import Node, tick
from autograd.results import effect
from autograd.tape import OPEN, Effect, UndecidedError, current, refuse, untaped
from nn.module.backward_hooks import Hook
from nn.module.hooks import Handle, hang

Method = Callable[..., Any]


class Hooks:
    """The hooks of one optimizer, in the order in which they run."""

    __slots__ = (
        "after_load", "after_save", "after_step", "before_load", "before_save", "before_step",
        "running",
    )  # fmt: skip

    def __init__(self) -> None:
        self.before_step: list[tuple[Hook, bool]] = []
        self.after_step: list[tuple[Hook, bool]] = []
        self.before_save: list[tuple[Hook, bool]] = []
        self.after_save: list[tuple[Hook, bool]] = []
        self.before_load: list[tuple[Hook, bool]] = []
        self.after_load: list[tuple[Hook, bool]] = []
        self.running: set[str] = set()  # methods: super().step() runs no hooks once more

    def step(self, optimizer: Any, method: Method, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Run a step with its hooks."""
        given = (optimizer, *args)  # as PyTorch's hooks get them
        for hook, _ in tuple(self.before_step):
            new = hook(optimizer, given, kwargs)
            if new is not None:
                if not (isinstance(new, tuple) and len(new) == 2):
                    raise TypeError(
                        f"A step pre-hook returns None or (args, kwargs), not {type(new).__name__}."
                    )
                given, kwargs = new
        result = method(*given, **kwargs)
        for hook, _ in tuple(self.after_step):
            hook(optimizer, given, kwargs)
        return result

    def state_dict(self, optimizer: Any, method: Method, args: Any, kwargs: Any) -> Any:
        """Make a state dict; the hooks may return another one."""
        for hook, _ in tuple(self.before_save):
            hook(optimizer)
        state = method(optimizer, *args, **kwargs)
        for hook, _ in tuple(self.after_save):
            new = hook(optimizer, state)
            state = state if new is None else new
        return state

    def load_state_dict(
        self, optimizer: Any, method: Method, args: tuple[Any, ...], kwargs: Any
    ) -> None:
        """Load a state dict; the hooks may change a copy of it or return another one."""
        given = {**kwargs} if not args else {"state_dict": args[0], **kwargs}
        state = dict(given.pop("state_dict"))
        for hook, _ in tuple(self.before_load):
            new = hook(optimizer, state)
            state = state if new is None else new
        method(optimizer, state, *args[1:], **given)
        for hook, _ in tuple(self.after_load):
            hook(optimizer)


class Step(Effect):
    """A step of an optimizer, with the gradients that its node has as inputs."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        params = [p for group in optimizer.param_groups for p in group["params"]]
        self.with_grad = [p for p in params if p.grad is not None]
        self.without = [p for p in params if p.grad is None]
        self.first = True  # of the steps of a function
        super().__init__(f"{type(optimizer).__name__}.step", params)

    def noted(self, method: Method, *args: Any, **kwargs: Any) -> None:
        """Step while a tape is open; gradients stay what they are on it."""
        if args or kwargs:
            refuse("optimizer.step(closure), which may call it several times,")
        grads = [p.grad for p in self.with_grad]
        effect(self, grads)
        with untaped():
            self.forward(*[g._data if isinstance(g, Node) else g for g in grads])
        tick()
        for p, g in zip(self.with_grad, grads, strict=True):
            p.grad = g

    def forward(self, *grads: Any) -> float:
        if self.wary and not all(np.isfinite(g).all() for g in grads):
            if self.first:
                raise UndecidedError
            raise FloatingPointError(
                f"{self.name}: a gradient is not finite. The function selects elements, as "
                "np.where does, and only an eager call tells which of their gradients are 0. "
                "Another step of the function has been taken already; call compiled.function "
                "from there."
            )
        for p in self.without:
            p.grad = None
        for p, g in zip(self.with_grad, grads, strict=True):
            p.grad = np.array(g)
        self.optimizer.step()
        return 0.0


class Hooked:
    """What an optimizer has to register hooks."""

    _hooks: Hooks | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("step", "state_dict", "load_state_dict"):
            if name in vars(cls):
                setattr(cls, name, _around(name, vars(cls)[name]))

    def _hooked(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def register_step_pre_hook(self, hook: Hook) -> Handle:
        """Have ``hook(optimizer, args, kwargs)`` run before each step.

        Parameters
        ----------
        hook : callable. args begins with the optimizer itself, as in PyTorch; what it returns, if
            any, is (args, kwargs) in their place.

        Returns
        -------
        Handle : its `remove()` removes the hook.
        """
        return hang(self._hooked().before_step, hook)

    def register_step_post_hook(self, hook: Hook) -> Handle:
        """Have ``hook(optimizer, args, kwargs)`` run after each step.

        Examples
        --------
        Weights that stay positive:

        >>> import nn, numpy as np
        >>> p = nn.Parameter([1.0])
        >>> optimizer = nn.optim.SGD([p], lr=1.0)
        >>> def clamp(optimizer, args, kwargs):
        ...     p.data = np.maximum(p.data, 0)
        >>> handle = optimizer.register_step_post_hook(clamp)
        >>> np.sum(5 * p).backward()
        >>> optimizer.step()
        >>> p
        Value([0.], dtype=float32)
        """
        return hang(self._hooked().after_step, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Have ``hook(optimizer)`` run before `state_dict`."""
        return hang(self._hooked().before_save, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Have ``hook(optimizer, state_dict)`` change a state dict, or return another."""
        return hang(self._hooked().after_save, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Have ``hook(optimizer, state_dict)`` change what is to be loaded, or return another.

        It is given a shallow copy of the caller's dict.
        """
        return hang(self._hooked().before_load, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Have ``hook(optimizer)`` run after `load_state_dict`."""
        return hang(self._hooked().after_load, hook, prepend)


def _around(name: str, method: Method) -> Method:
    """A method that runs its hooks, if there are any."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if OPEN[0] and name == "step" and current():
            return Step(self).noted(wrapped, *args, **kwargs)
        hooks = self._hooks
        if hooks is None or name in hooks.running:
            result = method(self, *args, **kwargs)
        else:
            hooks.running.add(name)
            try:
                result = getattr(hooks, name)(self, method, args, kwargs)
            finally:
                hooks.running.discard(name)
        if name == "step":
            self.stepped = True  # schedulers ask for it
        return result

    return wrapped
