"""Guards: what a recording depended on besides its arguments, compared before each later call.

Starting at the function, a walk goes over what its code names: globals, closures, attributes of
objects and classes, and other functions' code. Numbers and strings are compared by value,
everything else by identity; of an object those attributes count that some code reached so far
names.
"""

from __future__ import annotations

import os
import random
import sys
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.plan.lowering import RefusalError
from autograd.random import default_generator
from autograd.stale import fingerprint

_SIMPLE = (int, float, complex, bool, str, bytes, type(None), np.generic, np.dtype, type(...))
_LIBRARIES = frozenset(
    {"autograd", "nn", "numpy", "numba", "scipy", "builtins", "_pytest", "pytest"}
    | sys.stdlib_module_names - {"__main__"}
)
_MANY = 64
"""Elements of a list or dict that are compared one by one, to name the one that changed."""
_DEEP = 64
"""Objects within objects that are looked into."""

_CLOCKS = {"environ", "getenv", "time", "perf_counter", "monotonic", "time_ns", "now", "urandom"}
_OUTSIDE = {"os", "time", "datetime", "random", "secrets", "uuid"}
_NAMESPACES = (SimpleNamespace, Namespace)
_MISSING = object()


class Guards:
    """Comparisons of what is with what was.

    Parameters
    ----------
    function : what is recorded.
    settings : arguments that are part of the plan, with their names.

    Attributes
    ----------
    roots : objects that can be reached, with their names.
    places : (get, put, name) of what code may assign to in no object: globals, variables of
        functions around it, attributes of classes.

    Raises
    ------
    RefusalError
        Its code asks for the time, the environment or Python's random numbers.
    """

    def __init__(self, function: Any, settings: Iterable[tuple[Any, str]] = ()) -> None:
        self._checks: list[tuple[Callable[[], Any], Any, bool, str]] = []
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()
        self._noted: set[tuple[int, str]] = set()  # attributes, by object
        self._objects: list[tuple[Any, str, int]] = []
        self._optimizers: list[tuple[Any, str]] = []
        self.roots: list[tuple[Any, str]] = []
        self.places: list[tuple[Callable[[], Any], Callable[[Any], None], str]] = []
        self._walk(function, getattr(function, "__name__", "the function"), 0)
        for x, label in settings:
            self._walk(x, label, 0)
        self._walk(default_generator(), "the default generator", 0)
        known = (-1, -1)
        while known != (len(self._names), len(self._objects)):  # methods may name more attributes
            known = len(self._names), len(self._objects)
            for x, label, depth in list(self._objects):
                self._attributes(x, label, depth)
        if "param_groups" in self._names:  # steps take these as they are, other code would not
            for x, label in self._optimizers:
                for i, group in enumerate(x.param_groups):
                    for key in group.keys() - {"params"}:
                        place = f"{label}.param_groups[{i}][{key!r}]"
                        self._note(partial(group.get, key, _MISSING), place)

    def broken(self) -> str | None:
        """What is no longer as it was, in words; None if all is."""
        for get, was, by_value, label in self._checks:
            now = get()
            if now is was:
                continue
            if by_value and type(now) is type(was) and _equal(now, was):
                continue
            if by_value and isinstance(now, bytes):
                return f"{label} was written to"
            if by_value and isinstance(now, _SIMPLE):
                return f"{label} was {was!r} and is {now!r}"
            return f"{label} is another object"
        return None

    # -- the walk

    def _note(
        self, get: Callable[[], Any], label: str, put: Callable[[Any], None] | None = None
    ) -> None:
        x = get()
        self._checks.append((get, x, _is_simple(x), label))
        if put is not None:
            self.places.append((get, put, label))

    def _walk(self, x: Any, label: str, depth: int) -> None:
        if depth > _DEEP or _is_simple(x) or id(x) in self._seen:
            return
        self._seen[id(x)] = x
        if isinstance(x, FunctionType):
            self._function(x, label, depth)
        elif isinstance(x, MethodType):
            self._walk(x.__func__, label, depth)
            self._walk(x.__self__, label.rpartition(".")[0] or "self", depth)
        elif isinstance(x, partial):
            for part in (x.func, x.args, x.keywords):
                self._walk(part, label, depth + 1)
        elif isinstance(x, (np.random.RandomState, random.Random)):
            raise RefusalError(
                f"compile: {label} is a {type(x).__name__}; only draws from numpy.random.Generator "
                "can be repeated. Pass what it gives as an argument."
            )
        elif isinstance(x, type(os.environ)):
            self._refuse(label, "os.environ")
        elif isinstance(x, (list, tuple, dict)):
            self._collection(x, label, depth)
        elif isinstance(x, (set, frozenset, deque)):
            self.roots.append((x, label))
            self._checks.append((lambda: list(x), list(x), True, label))
            for part in list(x):
                self._walk(part, label, depth + 1)
        elif isinstance(x, BuiltinFunctionType):
            if _top(x) in _OUTSIDE and x.__name__ in _CLOCKS:
                self._refuse(label, f"{x.__module__}.{x.__name__}")
        elif isinstance(x, type):
            if _top(x) not in _LIBRARIES:
                self._objects.append((x, label, depth))
                self._special(x, label, depth)
        elif isinstance(x, (ModuleType, np.ufunc)):
            return
        elif isinstance(x, np.random.Generator):
            self.roots.append((x, label))
        elif isinstance(x, np.ndarray):  # others may be made of it
            self.roots.append((x, label))
            self._checks.append(
                (lambda: fingerprint(x), fingerprint(x), True, f"the array {label}")
            )
        elif isinstance(x, Node):
            self.roots.append((x, x.name or label))
            self._note(lambda: x.requires_grad, f"{label}.requires_grad")
        elif hasattr(x, "param_groups"):  # an optimizer, whose own step is called
            self._optimizer(x, label, depth)
        else:
            self._object(x, label, depth)

    @staticmethod
    def _refuse(label: str, what: str) -> None:
        raise RefusalError(
            f"compile: {label} names {what}, which would be asked once and not in every call. "
            "Pass what it gives as an argument."
        )

    def _function(self, f: FunctionType, label: str, depth: int) -> None:
        if _top(f) in _OUTSIDE and f.__name__ in _CLOCKS:
            self._refuse(label, f"{f.__module__}.{f.__name__}")
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):

            def content(cell: Any = cell) -> Any:
                try:
                    return cell.cell_contents
                except ValueError:
                    return _MISSING

            put = partial(setattr, cell, "cell_contents")
            self._note(content, f"{name}, which {f.__name__} refers to,", put)
            self._walk(content(), name, depth + 1)
        if _top(f) in _LIBRARIES:
            return
        names = _names_in(f.__code__)
        self._names |= names
        self._note(lambda: f.__code__, f"the code of {f.__name__}")
        scope = f.__globals__
        for name in sorted(names & scope.keys()):
            x = scope[name]
            if isinstance(x, ModuleType):
                self._module(x, names, label, depth)
                continue
            put = partial(scope.__setitem__, name)
            self._note(partial(scope.get, name, _MISSING), f"the global {name}", put)
            self._walk(x, name, depth + 1)
        if f.__defaults__ or f.__kwdefaults__:
            self._note(lambda: f.__defaults__, f"the defaults of {f.__name__}")
            self._note(lambda: f.__kwdefaults__, f"the defaults of {f.__name__}")
            self._walk(f.__defaults__, f.__name__, depth + 1)
            self._walk(f.__kwdefaults__, f.__name__, depth + 1)
        wrapped = getattr(f, "__wrapped__", None)
        if wrapped is not None:
            self._walk(wrapped, label, depth)

    def _module(self, module: ModuleType, names: set[str], label: str, depth: int) -> None:
        """The globals of another module that code names."""
        top = module.__name__.partition(".")[0]
        if top in _OUTSIDE and (found := sorted(names & (_CLOCKS | {"random"}))):
            self._refuse(label, f"{module.__name__}.{found[0]}")
        if top in _LIBRARIES or depth > _DEEP:
            return
        for name in sorted(names & vars(module).keys()):
            x = vars(module)[name]
            if isinstance(x, ModuleType):
                if x is not module:
                    self._module(x, names, label, depth + 1)
                continue
            get, put = partial(vars(module).get, name, _MISSING), partial(setattr, module, name)
            self._note(get, f"{module.__name__}.{name}", put)
            self._walk(x, f"{module.__name__}.{name}", depth + 1)

    def _collection(self, x: Any, label: str, depth: int) -> None:
        self.roots.append((x, label))
        self._note(lambda: len(x), f"the length of {label}")
        parts = dict(x) if isinstance(x, dict) else dict(enumerate(x))
        if len(x) > _MANY:
            values = list(parts.values())
            get = (lambda: list(x.values())) if isinstance(x, dict) else (lambda: list(x))
            self._checks.append((get, values, True, f"an element of {label}"))
        for key, part in parts.items():
            if not isinstance(x, tuple) and len(x) <= _MANY:

                def element(key: Any = key) -> Any:
                    if isinstance(x, dict):
                        return x.get(key, _MISSING)
                    return x[key] if key < len(x) else _MISSING

                self._note(element, f"{label}[{key!r}]")
            self._walk(part, f"{label}[{key!r}]", depth + 1)

    def _optimizer(self, x: Any, label: str, depth: int) -> None:
        self.roots.append((x, label))
        self._optimizers.append((x, label))
        self._checks.append((lambda: _parameters(x), _parameters(x), True, f"{label}'s groups"))
        for p in _parameters(x):
            self._walk(p, label, depth + 1)
        hooks = getattr(x, "_hooks", None)
        for name in ("before_step", "after_step"):  # called as they are, whatever they depend on
            for hook, _ in getattr(hooks, name, ()):
                if id(hook) not in self._seen:
                    self._seen[id(hook)] = hook
                    reached = Guards(hook)
                    self.roots += reached.roots
                    self.places += reached.places

    def _object(self, x: Any, label: str, depth: int) -> None:
        if _top(type(x)) not in _LIBRARIES - {"nn"} or isinstance(x, _NAMESPACES):
            self.roots.append((x, label))
        self._objects.append((x, label, depth))
        self._special(type(x), label, depth)
        for name in ("__wrapped__", "function"):  # a cached function, a compiled one
            if (inner := vars_of(x).get(name)) is not None:
                self._walk(inner, f"{label}.{name}", depth + 1)

    def _special(self, kind: type, label: str, depth: int) -> None:
        """The methods of a class that code calls without naming them."""
        for name in ("__init__", "__call__", "forward"):
            method = getattr(kind, name, None)
            if isinstance(method, FunctionType):
                self._walk(method, f"{label}.{name}", depth + 1)

    def _attributes(self, x: Any, label: str, depth: int) -> None:
        """The attributes of an object that code names, its own and its class's."""
        if isinstance(x, type):
            self._of_class(x, label, depth)
            return
        own = vars_of(x)
        of_nn = any(_top(base) == "nn" for base in type(x).__mro__)
        if of_nn and (id(x), "") not in self._noted:
            self._noted.add((id(x), ""))
            self._note(lambda: len(own), f"the number of attributes of {label}")
        if of_nn and hasattr(x, "training") and (id(x), "training") not in self._noted:
            self._noted.add((id(x), "training"))
            self._note(lambda: x.training, f"{label}.training")
        for name in sorted(own):
            key = (id(x), name)
            if key in self._noted or not (of_nn or name in self._names):
                continue
            self._noted.add(key)
            if name == "grad":
                continue
            self._note(partial(own.get, name, _MISSING), f"{label}.{name}")
            if of_nn and isinstance(own[name], np.ndarray):  # a buffer, read in each call
                self.roots.append((own[name], f"{label}.{name}"))
            else:
                self._walk(own[name], f"{label}.{name}", depth + 1)
        self._of_class(type(x), label, depth, x)

    def _of_class(self, kind: type, label: str, depth: int, x: Any = None) -> None:
        for base in kind.__mro__:
            if _top(base) in _LIBRARIES:
                continue
            for name in sorted(self._names & vars(base).keys()):
                part = vars(base)[name]
                if isinstance(part, MemberDescriptorType):  # of __slots__
                    if x is not None and (id(x), name) not in self._noted:
                        self._noted.add((id(x), name))
                        get = partial(getattr, x, name, _MISSING)
                        self._note(get, f"{label}.{name}", partial(setattr, x, name))
                        self._walk(get(), f"{label}.{name}", depth + 1)
                    continue
                if (id(base), name) in self._noted:
                    continue
                self._noted.add((id(base), name))
                get = partial(vars(base).get, name, _MISSING)
                self._note(get, f"{base.__name__}.{name}", partial(setattr, base, name))
                if isinstance(part, property):
                    part = part.fget
                self._walk(getattr(part, "__func__", part), f"{label}.{name}", depth + 1)


def vars_of(x: Any) -> dict[str, Any]:
    """The attributes that an object itself has."""
    own = getattr(x, "__dict__", None)
    return own if type(own) is dict else {}


def _parameters(optimizer: Any) -> list[Any]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _top(x: Any) -> str:
    """The package that a class or function is from."""
    return (getattr(x, "__module__", None) or "").partition(".")[0]


def _equal(a: Any, b: Any) -> bool:
    """Whether two values are the same; of lists, whether they hold the same objects."""
    if isinstance(a, list):
        return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
    return bool(a == b) or (a != a and b != b)


def _names_in(code: CodeType) -> set[str]:
    """All names in the code of a function and of functions within it, also those in strings."""
    names = {*code.co_names}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            names |= _names_in(part)
        elif isinstance(part, str) and part.isidentifier():  # getattr(x, "name")
            names.add(part)
    return names


def _is_simple(x: Any, depth: int = 2) -> bool:
    if isinstance(x, _SIMPLE):
        return True
    if type(x) in (tuple, frozenset) and depth and len(x) <= _MANY:
        return all(_is_simple(part, depth - 1) for part in x)
    return False
