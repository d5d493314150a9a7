"""Modules that hold modules in order."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd.engine import Array
from nn.module import Module


def _cure(entry: Any) -> str:
    if isinstance(entry, (list, tuple)):
        return "Unpack the list: Sequential(*layers)."
    if isinstance(entry, type) and issubclass(entry, Module):
        return f"Make one: {entry.__name__}()."
    return "A function goes in as a Module of its own, such as nn.ReLU() for relu."


class _InOrder(Module):
    """Children under the names "0", "1", ...: list-like access."""

    def _list(self) -> list[Module]:
        return [child for _, child in self._own(Module)]

    def _replace(self, modules: Iterable[Module]) -> None:
        """Hold just these, renumbered."""
        new = list(modules)
        for i, module in enumerate(new):
            self._check_child(str(i), module)
        for name, _ in self._own(Module):
            delattr(self, name)
        for i, module in enumerate(new):
            setattr(self, str(i), module)

    def _check_child(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(
                f"{type(self).__name__}: entry {name} must be a Module, not "
                f"{getattr(module, '__name__', type(module).__name__)}. {_cure(module)}"
            )

    def _name_at(self, index: int) -> str:
        names = [name for name, _ in self._own(Module)]
        i = operator.index(index)
        if not -len(names) <= i < len(names):
            raise IndexError(f"{type(self).__name__}: index {i}, but it has {len(names)} modules.")
        return names[i]

    def __len__(self) -> int:
        return len(self._list())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._list())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module | Self:
        if not isinstance(index, slice):
            module: Module = vars(self)[self._name_at(index)]
            return module
        part = type(self).__new__(type(self))
        for name, module in self._own(Module)[index]:
            setattr(part, name, module)
        return part

    def __setitem__(self, index: int, module: Module) -> None:
        name = self._name_at(index)
        self._check_child(name, module)
        setattr(self, name, module)

    def __delitem__(self, index: int | slice) -> None:
        left = self._list()
        if not isinstance(index, slice):
            self._name_at(index)
        del left[index]
        self._replace(left)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def __contains__(self, module: object) -> bool:
        return any(child is module for child in self._list())

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self._check_child(str(len(self)), module)
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        new = list(modules)
        for i, module in enumerate(new):
            self._check_child(str(len(self) + i), module)
        for module in new:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`."""
        new = self._list()
        new.insert(index, module)
        self._replace(new)
        return self

    def pop(self, key: int | slice) -> Module | Self:
        """Take a module out, or several, and return it."""
        found = self[key]
        del self[key]
        return found

    def __add__(self, other: Iterable[Module]) -> Self:
        joined = type(self)()
        joined._replace([*self, *other])
        return joined

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


class Sequential(_InOrder):
    """Modules one after the other: each gets what the one before it returned.

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
    >>> len(net[:2])
    2
    """

    # Keras's verbs, which nn.train binds: a layer knows nothing of training
    compile: Callable[..., None]
    fit: Callable[..., Any]
    evaluate: Callable[..., list[Any]]
    predict: Callable[..., Array]
    summary: Callable[..., None]

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            named: Iterable[tuple[str, Any]] = modules[0].items()
        else:
            named = ((str(i), module) for i, module in enumerate(modules))
        for name, module in named:
            self._check_child(name, module)
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """Pass the input through all modules."""
        for module in vars(self).copy().values():
            if isinstance(module, Module):
                input = module(input)
        return input


class ModuleList(_InOrder):
    """A list of modules, whose parameters are found.

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


class ModuleDict(Module):
    """Modules by name, whose parameters are found.

    Parameters
    ----------
    modules : mapping or pairs of name to Module, optional.

    Examples
    --------
    >>> import nn
    >>> heads = nn.ModuleDict({"colour": nn.Linear(8, 3), "shape": nn.Linear(8, 5)})
    >>> list(heads), heads["shape"].out_features
    (['colour', 'shape'], 5)
    >>> list(heads.state_dict())
    ['colour.weight', 'colour.bias', 'shape.weight', 'shape.bias']
    """

    def __init__(self, modules: Any = None) -> None:
        self.update(modules or {})

    def update(self, modules: Any) -> None:
        """Add modules, or replace those of the same names."""
        new = dict(modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules)
        for name, module in new.items():
            self._check(name, module)
        for name, module in new.items():
            setattr(self, name, module)

    def _check(self, name: str, module: Any) -> None:
        if not isinstance(module, Module):
            raise TypeError(f"ModuleDict: {name!r} must be a Module, not {type(module).__name__}.")
        self._check_name(name, "module")

    def __setitem__(self, key: str, module: Module) -> None:
        self._check(key, module)
        setattr(self, key, module)

    def __getitem__(self, key: str) -> Module:
        found = vars(self).get(key)
        if not isinstance(found, Module):
            raise KeyError(f"ModuleDict has no module {key!r}; it has {', '.join(self) or 'none'}.")
        return found

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._own(Module))

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._own(Module)])

    def __contains__(self, key: object) -> bool:
        return key in set(self)

    def keys(self) -> list[str]:
        """Their names."""
        return list(self)

    def values(self) -> list[Module]:
        """The modules."""
        return [module for _, module in self._own(Module)]

    def items(self) -> list[tuple[str, Module]]:
        """Names and modules."""
        return self._own(Module)

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        found = self[key]
        del self[key]
        return found

    def clear(self) -> None:
        """Take all out."""
        for name in self:
            delattr(self, name)
