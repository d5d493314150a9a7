"""Derived attributes: computed from a module's parameters whenever they are read."""

from __future__ import annotations

import functools
import types
from typing import Any, Protocol

import numpy as np

from autograd.node import Array
from autograd.recording import enable_grad
from autograd.value import Value
from nn.module.attributes import forget


class Recipe(Protocol):
    """How an attribute is computed, and what assigning to it does. It is copied and pickled."""

    prefix: str
    """Put before the class's name, as PyTorch has it for parametrized modules."""

    def compute(self, module: Any) -> Any:
        """The attribute's value."""

    def assign(self, module: Any, value: Any) -> None:
        """Change what the attribute is computed from, so that it gets this value."""


def derive(module: Any, name: str, recipe: Recipe) -> None:
    """Have an attribute of a module computed by a recipe, in place of what it holds.

    The module's class becomes a subclass of its own one, with a property.
    """
    vars(module).pop(name, None)
    forget(module, name)
    _set(module, {**vars(module).get("_derived", {}), name: recipe})


def restore(module: Any, name: str, value: Any) -> None:
    """Give a derived attribute a value of its own again."""
    _set(module, {k: x for k, x in vars(module)["_derived"].items() if k != name})
    setattr(module, name, value)


def recipe_of(module: Any, name: str) -> Recipe | None:
    """The recipe of an attribute; None if it is not derived."""
    recipe: Recipe | None = vars(module).get("_derived", {}).get(name)
    return recipe


def class_before(module: Any) -> type:
    """The module's class without derived attributes."""
    kind: type = getattr(type(module), "_derived_from", type(module))
    return kind


def _set(module: Any, recipes: dict[str, Recipe]) -> None:
    base = class_before(module)
    if recipes:
        vars(module)["_derived"] = recipes
        prefix = max(recipe.prefix for recipe in recipes.values())
        module.__class__ = _subclass(base, tuple(sorted(recipes)), prefix)
    else:
        del vars(module)["_derived"]
        module.__class__ = base


class _Alike(type):
    """Of classes that PyTorch does not have, so that ``type(module) == nn.Linear`` stays true."""

    _derived_from: type

    def __eq__(cls, other: object) -> bool:
        return getattr(other, "_derived_from", other) is cls._derived_from

    def __hash__(cls) -> int:
        return hash(cls._derived_from)


@functools.cache
def _subclass(base: type, names: tuple[str, ...], prefix: str) -> type:
    """A subclass with a property for each of the names; its objects are pickled by its base."""

    def __reduce_ex__(self: Any, protocol: int) -> tuple[Any, ...]:  # noqa: N807
        return _new, (base, names, prefix), self.__getstate__()

    own: dict[str, Any] = {name: _property(name) for name in names}
    own |= {"__reduce_ex__": __reduce_ex__, "__module__": base.__module__, "_derived_from": base}
    own["__doc__"] = base.__doc__
    name = prefix + base.__name__
    alike = {"metaclass": _Alike} if not prefix and type(base) is type else {}
    return types.new_class(name, (base,), alike, lambda body: body.update(own))


def _new(base: type, names: tuple[str, ...], prefix: str) -> Any:
    kind: Any = _subclass(base, names, prefix)
    return kind.__new__(kind)


class Derived(Value):
    """The value of an attribute that is computed from frozen parameters: no leaf to write to."""

    __slots__ = ()

    @property
    def data(self) -> Array:
        """The array, read-only."""
        view: Array = np.asarray(self._data).view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, new: Any) -> None:
        raise TypeError(
            "This value is computed from a module's parameters whenever it is read, so that what "
            "is written to it would be lost. Write to those, or assign to the module's attribute."
        )


def _property(name: str) -> property:
    def read(module: Any) -> Any:
        own = vars(module)
        if name in own:  # `functional_call` puts a value in the way
            return own[name]
        with enable_grad():  # a result, not a leaf, even under no_grad: writing to it is refused
            y = own["_derived"][name].compute(module)
        if type(y) is Value and y.op is None:
            y.__class__ = Derived
        return y

    def assign(module: Any, value: Any) -> None:
        vars(module)["_derived"][name].assign(module, value)

    return property(read, assign, doc=f"{name}, computed from the module's parameters.")
