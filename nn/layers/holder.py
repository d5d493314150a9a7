"""Holder: a module that holds modules or parameters, like a list or like a dict."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

from nn.module import Module

T = TypeVar("T")


class Holder(Module, Generic[T]):
    """What the two share: entries of one kind."""

    _kind: ClassVar[type]  # Module or Parameter

    def _entry(self, name: str, given: Any) -> T:
        """The entry to hold for a given value; refused if there is none."""
        raise NotImplementedError

    def _entries(self) -> list[T]:
        return [entry for _, entry in self._own(self._kind)]

    def __len__(self) -> int:
        return len(self._own(self._kind))


class InOrder(Holder[T]):
    """Entries under the names "0", "1", ...: list-like access."""

    def _replace(self, entries: Iterable[Any]) -> None:
        """Hold just these, renumbered."""
        new = [self._entry(str(i), given) for i, given in enumerate(entries)]
        for name, _ in self._own(self._kind):
            delattr(self, name)
        for i, entry in enumerate(new):
            setattr(self, str(i), entry)

    def _name_at(self, index: int) -> str:
        names = [name for name, _ in self._own(self._kind)]
        i = operator.index(index)
        if not -len(names) <= i < len(names):
            raise IndexError(
                f"{type(self).__name__}: index {i}, but it has {len(names)} "
                f"{self._kind.__name__.lower()}s."
            )
        return names[i]

    def _part(self, named: list[tuple[str, T]]) -> Self:
        """Another one with some of the entries, numbered anew."""
        part = type(self).__new__(type(self))
        part._replace(entry for _, entry in named)
        return part

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries())

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> T | Self:
        if isinstance(index, slice):
            return self._part(self._own(self._kind)[index])
        entry: T = vars(self)[self._name_at(index)]
        return entry

    def __setitem__(self, index: int, value: Any) -> None:
        name = self._name_at(index)
        setattr(self, name, self._entry(name, value))

    def __delitem__(self, index: int | slice) -> None:
        left = self._entries()
        if not isinstance(index, slice):
            self._name_at(index)
        del left[index]
        self._replace(left)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def __contains__(self, entry: object) -> bool:
        return any(held is entry for held in self._entries())

    def append(self, value: Any) -> Self:
        """Add an entry at the end."""
        return self.extend([value])

    def extend(self, values: Iterable[Any]) -> Self:
        """Add entries at the end."""
        new = [self._entry(str(i), given) for i, given in enumerate(values, len(self))]
        free = (str(i) for i in itertools.count(len(self)) if str(i) not in vars(self))
        for entry in new:
            setattr(self, next(free), entry)
        return self

    def insert(self, index: int, value: Any) -> Self:
        """Put an entry before the one at `index`."""
        new: list[Any] = self._entries()
        new.insert(index, value)
        self._replace(new)
        return self

    def pop(self, key: int | slice) -> T | Self:
        """Take an entry out, or several, and return it."""
        found = self[key]
        del self[key]
        return found

    def __add__(self, other: Iterable[Any]) -> Self:
        joined = type(self).__new__(type(self))
        joined._replace([*self, *other])
        return joined

    def __iadd__(self, other: Iterable[Any]) -> Self:
        return self.extend(other)


class ByName(Holder[T]):
    """Entries under their keys: dict-like access."""

    def update(self, entries: Any) -> None:
        """Add entries, from a mapping or pairs, or replace those of the same names."""
        given = dict(entries.items() if isinstance(entries, (Mapping, ByName)) else entries)
        new = {name: self._entry(name, x) for name, x in given.items()}
        for name in new:
            self._check_name(name, self._kind.__name__.lower())
        for name, entry in new.items():
            setattr(self, name, entry)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __getitem__(self, key: str) -> T:
        found = vars(self).get(key)
        if not isinstance(found, self._kind):
            raise KeyError(
                f"{type(self).__name__} has no {self._kind.__name__.lower()} {key!r}; it has "
                f"{', '.join(self) or 'none'}."
            )
        return cast(T, found)

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def keys(self) -> list[str]:
        """Their names."""
        return [name for name, _ in self._own(self._kind)]

    def values(self) -> list[T]:
        """The entries."""
        return self._entries()

    def items(self) -> list[tuple[str, T]]:
        """Names and entries."""
        return self._own(self._kind)

    def get(self, key: str, default: Any = None) -> Any:
        """The entry of this name, or the default."""
        found = vars(self).get(key)
        return found if isinstance(found, self._kind) else default

    def pop(self, key: str) -> T:
        """Take an entry out and return it."""
        found = self[key]
        del self[key]
        return found

    def clear(self) -> None:
        """Take all out."""
        for name in self:
            delattr(self, name)
