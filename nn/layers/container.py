"""Modules that hold modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from autograd.value import Value
from nn.arguments import count
from nn.layers.holder import ByName, InOrder
from nn.module import Module


def _cure(entry: Any) -> str:
    if isinstance(entry, (list, tuple)):
        return "Unpack the list: Sequential(*layers)."
    if isinstance(entry, type) and issubclass(entry, Module):
        return f"Make one: {entry.__name__}()."
    return "A function goes in as a Module of its own, such as nn.ReLU() for relu."


class _Modules(InOrder[Module]):
    _kind = Module

    def _entry(self, name: str, given: Any) -> Module:
        if not isinstance(given, Module):
            raise TypeError(
                f"{type(self).__name__}: entry {name} must be a Module, not "
                f"{getattr(given, '__name__', type(given).__name__)}. {_cure(given)}"
            )
        return given


class Sequential(_Modules):
    """A chain of modules, each called with the output of the one before.

    Parameters
    ----------
    *modules : the modules, or one mapping of name to module.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> net
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    >>> net(np.ones((4, 2), np.float32)).shape
    (4, 1)
    >>> len(net[:2]), len(net + net[:1])
    (2, 4)
    >>> len(nn.Sequential(nn.Linear(3, 3), nn.Tanh()) * 4)  # the same two modules, four times
    8
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named: Iterable[tuple[str, Any]] = modules[0].items()
        else:
            named = ((str(i), module) for i, module in enumerate(modules))
        for name, module in named:
            self.add_module(name, self._entry(name, module))

    def _part(self, named: list[tuple[str, Module]]) -> Self:
        """Another one with some of the modules, under the names that they have here."""
        part = type(self).__new__(type(self))
        for name, module in named:
            setattr(part, name, module)
        return part

    def __add__(self, other: Iterable[Any]) -> Sequential:
        return Sequential(*self, *other)

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*list(self) * self._repeats(times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self) * (self._repeats(times) - 1))

    def _repeats(self, times: Any) -> int:
        return count(f"{type(self).__name__} * n", "n", times, 1)

    def forward(self, input: Any) -> Value:
        """Pass the input through all modules; returns what the last one does."""
        for module in vars(self).copy().values():
            if isinstance(module, Module):
                input = module(input)
        return input


class ModuleList(_Modules):
    """A list of modules whose parameters are registered.

    Parameters
    ----------
    modules : iterable of Modules, optional.

    Examples
    --------
    >>> import nn
    >>> blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    >>> len(blocks), len(list(blocks.parameters()))
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self.extend(modules or ())


class ModuleDict(ByName[Module]):
    """A dict of modules whose parameters are registered.

    Parameters
    ----------
    modules : mapping or pairs of name to Module, optional.

    Examples
    --------
    >>> import nn
    >>> heads = nn.ModuleDict({"color": nn.Linear(8, 3), "shape": nn.Linear(8, 5)})
    >>> list(heads), heads["shape"].out_features
    (['color', 'shape'], 5)
    >>> list(heads.state_dict())
    ['color.weight', 'color.bias', 'shape.weight', 'shape.bias']
    """

    _kind = Module

    def __init__(self, modules: Any = None) -> None:
        self.update(modules or {})

    def _entry(self, name: str, given: Any) -> Module:
        if not isinstance(given, Module):
            raise TypeError(f"ModuleDict: {name!r} must be a Module, not {type(given).__name__}.")
        return given
