"""Hooks: functions that run around a module's forward, its backward pass, and its state dicts."""

from __future__ import annotations

from typing import Any

from autograd.recording import is_recording
from nn.module.backward_hooks import Call, Hook


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

    __slots__ = (
        "after", "after_load", "after_save", "backward", "backward_before", "before",
        "before_load", "before_save",
    )  # fmt: skip

    def __init__(self) -> None:
        self.before: list[tuple[Hook, bool]] = []
        self.after: list[tuple[Hook, bool]] = []
        self.backward_before: list[tuple[Hook, bool]] = []
        self.backward: list[tuple[Hook, bool]] = []
        self.before_save: list[tuple[Hook, bool]] = []
        self.after_save: list[tuple[Hook, bool]] = []
        self.before_load: list[tuple[Hook, bool]] = []
        self.after_load: list[tuple[Hook, bool]] = []

    def copy(self) -> Hooks:
        """The same hooks; adding one to the copy leaves these as they are."""
        twin = Hooks()
        for name in self.__slots__:
            setattr(twin, name, [*getattr(self, name)])
        return twin

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
        call = None
        if is_recording() and (self.backward or self.backward_before):
            # as they are now: what is registered later holds for later calls
            befores = [hook for hook, _ in self.backward_before]
            call = Call(module, befores, [hook for hook, _ in self.backward])
            args = call.tapped_inputs(args)
        y = module.forward(*args, **kwargs)
        for hook, with_kwargs in tuple(self.after):
            new = hook(module, args, kwargs, y) if with_kwargs else hook(module, args, y)
            if new is not None:
                y = new
        return y if call is None else call.tapped_outputs(y)


def hang(
    hooks: list[tuple[Hook, bool]], hook: Hook, prepend: bool = False, with_kwargs: bool = False
) -> Handle:
    """Add a hook to the list, last or first."""
    if not callable(hook):
        raise TypeError(f"A hook must be callable, not {type(hook).__name__}.")
    entry = (hook, with_kwargs)
    hooks.insert(0 if prepend else len(hooks), entry)
    return Handle(hooks, entry)


class Hooked:
    """What a module has to register hooks."""

    _hooks: Hooks | None = None

    def _hooked(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Have ``hook(module, args)`` run before each `forward`; its result, if any, replaces args.

        Parameters
        ----------
        hook : callable. With `with_kwargs` it gets (module, args, kwargs) and may return
            (args, kwargs).
        prepend : run before the hooks that are there.

        Returns
        -------
        Handle : its `remove()` removes the hook.
        """
        return hang(self._hooked().before, hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Have ``hook(module, args, output)`` run after each `forward`; it may replace the output.

        Parameters
        ----------
        hook : callable. With `with_kwargs` it gets (module, args, kwargs, output).
        prepend : run before the hooks that are there.

        Returns
        -------
        Handle : its `remove()` removes the hook.

        Examples
        --------
        >>> import nn, numpy as np
        >>> layer, seen = nn.Linear(3, 2), []
        >>> with layer.register_forward_hook(lambda module, args, y: seen.append(y.shape)):
        ...     _ = layer(np.ones((5, 3), np.float32))
        >>> seen
        [(5, 2)]
        """
        return hang(self._hooked().after, hook, prepend, with_kwargs)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Have ``hook(module, grad_output)`` run when the gradients of a call's outputs are there.

        Parameters
        ----------
        hook : callable. grad_output is a tuple with one gradient for each output, None where there
            is none; what the hook returns, a tuple alike, takes its place.
        prepend : run before the hooks that are there.

        Returns
        -------
        Handle : its `remove()` removes the hook.
        """
        return hang(self._hooked().backward_before, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Have ``hook(module, grad_input, grad_output)`` run in the backward pass of each call.

        Parameters
        ----------
        hook : callable. grad_input is a tuple with one gradient for each positional input, None for
            one that is no Value or requires none; grad_output one for each output. They are arrays,
            read-only, or Values under ``create_graph``. What the hook returns, a tuple, takes
            grad_input's place.
        prepend : run before the hooks that are there.

        Returns
        -------
        Handle : its `remove()` removes the hook.

        Notes
        -----
        A hook holds for calls that come after it. Where no input requires a gradient it runs with
        the gradients of the outputs, after a warning, as in PyTorch.

        Examples
        --------
        >>> import nn, numpy as np
        >>> from autograd import Value
        >>> layer, seen = nn.Linear(3, 2), []
        >>> with layer.register_full_backward_hook(lambda m, gx, gy: seen.append((gx, gy))):
        ...     y = layer(Value(np.ones((5, 3), np.float32)))
        >>> np.sum(y).backward()
        >>> [[g.shape for g in gradients] for gradients in seen[0]]
        [[(5, 3)], [(5, 2)]]
        """
        return hang(self._hooked().backward, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> Handle:
        """PyTorch's older name of `register_full_backward_hook`."""
        return self.register_full_backward_hook(hook)

    def register_state_dict_pre_hook(self, hook: Hook) -> Handle:
        """Have ``hook(module, prefix, keep_vars)`` run before `state_dict` copies the module."""
        return hang(self._hooked().before_save, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> Handle:
        """Have ``hook(module, state_dict, prefix, metadata)`` change a state dict in place.

        The module's keys begin with `prefix`; `metadata` is an empty dict.

        Examples
        --------
        >>> import nn
        >>> layer = nn.Linear(2, 1)
        >>> def without_bias(module, state_dict, prefix, metadata):
        ...     del state_dict[prefix + "bias"]
        >>> with layer.register_state_dict_post_hook(without_bias):
        ...     list(layer.state_dict())
        ['weight']
        """
        return hang(self._hooked().after_save, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> Handle:
        """Have a hook change a state dict before `load_state_dict` reads it.

        Parameters
        ----------
        hook : ``hook(module, state_dict, prefix, metadata, strict, missing_keys, unexpected_keys,
            error_msgs)``. It may change the dict, a copy of the caller's, and add to the lists.

        Examples
        --------
        A checkpoint with an old name:

        >>> import nn, numpy as np
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> def rename(module, state_dict, prefix, *_):
        ...     state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel")
        >>> handle = layer.register_load_state_dict_pre_hook(rename)
        >>> layer.load_state_dict({"kernel": np.ones((1, 2))})
        LoadReport(missing_keys=[], unexpected_keys=[])
        """
        return hang(self._hooked().before_load, hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> Handle:
        """Have ``hook(module, incompatible_keys)`` run after `load_state_dict` has written.

        It may take keys off the report's lists, which are then no errors.
        """
        return hang(self._hooked().after_load, hook)
