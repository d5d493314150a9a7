"""FunctionLayer: a function of `nn.functional` as a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from autograd.value import Value
from nn.arguments import flags
from nn.module import Module

FLAGS = ("inplace", "ceil_mode", "return_indices", "count_include_pad")
"""The settings that are booleans."""


class FunctionLayer(Module):
    """A function with its settings: attributes that have the names of its arguments."""

    _function: ClassVar[Callable[..., Any]]
    _settings: tuple[str, ...] = ()
    _unshown: ClassVar[tuple[str, ...]] = ()  # settings that PyTorch's repr leaves out

    def __init__(self, **settings: Any) -> None:
        flags(type(self).__name__, **{n: settings[n] for n in FLAGS if n in settings})
        vars(self).update(settings)
        self._settings = tuple(settings)

    def forward(self, input: Any) -> Value:
        """Apply the function."""
        own = vars(self)
        return type(self)._function(input, **{name: own[name] for name in self._settings})

    def extra_repr(self) -> str:
        own = vars(self)
        return ", ".join(f"{n}={own[n]!r}" for n in self._settings if n not in self._unshown)
