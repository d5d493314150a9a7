"""Guards: what a recording depended on besides its arguments, compared before each later call.

Starting at the function, a walk goes over what its code names: globals, closures, attributes of
objects, and other functions' code. Numbers and strings are compared by value, everything else by
identity; of an object those attributes count that some code reached so far names.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
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
"""Elements of a list or dict that are looked into."""
_DEEP = 8

_CLOCKS = {"environ", "getenv", "time", "perf_counter", "monotonic", "time_ns", "now", "urandom"}
_OUTSIDE = {"os", "time", "datetime", "random", "secrets", "uuid"}
_MISSING = object()


class Guards:
    """Comparisons of what is with what was.

    Parameters
    ----------
    function : what is recorded.

    Raises
    ------
    RefusalError
        Its code asks for the time, the environment or Python's random numbers.
    """

    def __init__(self, function: Any) -> None:
        self._checks: list[tuple[Callable[[], Any], Any, bool, str]] = []
        self._seen: dict[int, Any] = {}
        self._names: set[str] = set()
        self._noted: set[tuple[int, str]] = set()  # attributes, by object
        self._objects: list[tuple[Any, str, int]] = []
        self.roots: list[tuple[Any, str]] = []
        self._walk(function, getattr(function, "__name__", "the function"), 0)
        self._walk(default_generator(), "the default generator", 0)
        known = (-1, -1)
        while known != (len(self._names), len(self._objects)):  # methods may name more attributes
            known = len(self._names), len(self._objects)
            for x, label, depth in list(self._objects):
                self._attributes(x, label, depth)

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

    def _note(self, get: Callable[[], Any], label: str) -> None:
        x = get()
        self._checks.append((get, x, _is_simple(x), label))

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
        elif isinstance(x, (list, tuple, dict)):
            self._collection(x, label, depth)
        elif isinstance(x, (type, ModuleType, BuiltinFunctionType, np.ufunc)):
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
            self.roots.append((x, label))
            self._checks.append((lambda: _parameters(x), _parameters(x), True, f"{label}'s groups"))
            for p in _parameters(x):
                self._walk(p, label, depth + 1)
        elif _top(type(x)) not in _LIBRARIES - {"nn"}:
            self.roots.append((x, label))
            self._objects.append((x, label, depth))
            for name in ("__call__", "forward"):
                method = getattr(type(x), name, None)
                if isinstance(method, FunctionType):
                    self._walk(method, f"{label}.{name}", depth + 1)

    def _function(self, f: FunctionType, label: str, depth: int) -> None:
        if _top(f) in _LIBRARIES:
            return
        names = _names_in(f.__code__)
        self._names |= names
        scope = f.__globals__
        for name in sorted(names & scope.keys()):
            x = scope[name]
            if isinstance(x, ModuleType):
                self._module(x, names, label)
                continue
            self._note(partial(scope.get, name, _MISSING), f"the global {name}")
            self._walk(x, name, depth + 1)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):

            def content(cell: Any = cell) -> Any:
                try:
                    return cell.cell_contents
                except ValueError:
                    return _MISSING

            self._note(content, f"{name}, which {f.__name__} refers to,")
            self._walk(content(), name, depth + 1)
        if f.__defaults__ or f.__kwdefaults__:
            self._note(lambda: f.__defaults__, f"the defaults of {f.__name__}")
            self._walk(f.__defaults__, f.__name__, depth + 1)
        wrapped = getattr(f, "__wrapped__", None)
        if wrapped is not None:
            self._walk(wrapped, label, depth)

    def _module(self, module: ModuleType, names: set[str], label: str) -> None:
        """The globals of another module that code names."""
        top = module.__name__.partition(".")[0]
        if top in _OUTSIDE and (found := sorted(names & (_CLOCKS | {"random"}))):
            raise RefusalError(
                f"compile: {label} names {module.__name__}.{found[0]}, which would be asked once "
                "and not in every call. Pass what it gives as an argument."
            )
        if top in _LIBRARIES:
            return
        for name in sorted(names & vars(module).keys()):
            x = vars(module)[name]
            if not isinstance(x, ModuleType):
                get = partial(vars(module).get, name, _MISSING)
                self._note(get, f"{module.__name__}.{name}")
                self._walk(x, f"{module.__name__}.{name}", 1)

    def _collection(self, x: Any, label: str, depth: int) -> None:
        self.roots.append((x, label))
        self._note(lambda: len(x), f"the length of {label}")
        if len(x) > _MANY:
            return
        keys = list(x) if isinstance(x, dict) else range(len(x))
        for key in keys:
            if not isinstance(x, tuple):

                def element(key: Any = key) -> Any:
                    try:
                        return x[key]
                    except LookupError:
                        return _MISSING

                self._note(element, f"{label}[{key!r}]")
            self._walk(x[key], f"{label}[{key!r}]", depth + 1)

    def _attributes(self, x: Any, label: str, depth: int) -> None:
        """The attributes of an object that code names, and its class's functions of those names."""
        own = getattr(x, "__dict__", None)
        if not isinstance(own, dict):
            return
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
        for name in sorted(self._names):
            method = getattr(type(x), name, None)
            if isinstance(method, FunctionType) and id(method) not in self._seen:
                self._walk(method, f"{label}.{name}", depth + 1)
            elif isinstance(method, property) and method.fget is not None:
                self._walk(method.fget, f"{label}.{name}", depth + 1)


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
    """All names in the code of a function and of functions within it."""
    names = {*code.co_names}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            names |= _names_in(part)
    return names


def _is_simple(x: Any, depth: int = 2) -> bool:
    if isinstance(x, _SIMPLE):
        return True
    if type(x) in (tuple, frozenset) and depth and len(x) <= _MANY:
        return all(_is_simple(part, depth - 1) for part in x)
    return False
