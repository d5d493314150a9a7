"""State: what a function may change besides what it returns, kept to be put back or compared."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.stale import fingerprint

_LEFT = (
    type, ModuleType, FunctionType, BuiltinFunctionType, CodeType, MethodType, np.ufunc, np.dtype,
    str, bytes, int, float, complex, bool, type(None),
)  # fmt: skip
_FOREIGN = frozenset({"autograd", "numpy", "numba", "llvmlite", "scipy"} | sys.stdlib_module_names)
_FOREIGN -= {"__main__", "types"}  # types: SimpleNamespace
LARGE = 1 << 26
"""Bytes from which an array of the user's, such as a data set, is only watched, and not copied."""

_SLOTS = ("_data", "grad", "requires_grad", "birth", "seal")


class State:
    """All that can be reached from some objects: arrays, containers, attributes, generators.

    Parameters
    ----------
    roots : pairs of an object and its name.
    places : (get, put, name) of variables.
    """

    def __init__(
        self,
        roots: Iterable[tuple[Any, str]],
        places: Iterable[tuple[Callable[[], Any], Callable[[Any], None], str]] = (),
    ) -> None:
        self._places = [(get(), get, put, name) for get, put, name in places]
        self._arrays: dict[int, tuple[Any, Any, str]] = {}  # array, its elements, name
        self._owners: dict[int, tuple[Any, dict[Any, Any], str]] = {}  # object, its parts, name
        self._generators: dict[int, tuple[Any, Any, str]] = {}
        self._compared: set[tuple[int, int]] = set()  # objects that are new in two states
        roots = list(roots)
        optimizers = [x for x, _ in roots if hasattr(x, "param_groups")]
        params = [p for x in optimizers for group in x.param_groups for p in group["params"]]
        self._loose = {id(p._data) for p in params}  # steps blow up what rounding left
        of_nodes = set(self._loose)  # arrays that are put back whatever their size
        seen: dict[int, Any] = {}
        stack = [(x, name, False) for x, name in roots]
        stack += [(x, "", True) for x in optimizers]  # first
        stack += [(x.param_groups, "param_groups", False) for x in optimizers]  # their settings
        while stack:
            x, name, loose = stack.pop()
            if isinstance(x, _LEFT) or id(x) in seen:
                continue
            seen[id(x)] = x
            if loose and not isinstance(x, Node):
                self._loose.add(id(x))
            if isinstance(x, np.ndarray):
                large = x.nbytes > LARGE and id(x) not in of_nodes
                self._arrays[id(x)] = x, fingerprint(x) if large else x.copy(), name
            elif isinstance(x, np.random.Generator):
                self._generators[id(x)] = x, x.bit_generator.state, name
            else:
                parts = _parts(x)
                if parts is not None:
                    self._owners[id(x)] = x, parts, name
                    below = loose and not isinstance(x, Node)
                    if isinstance(x, Node):
                        of_nodes |= {id(parts["_data"]), id(parts["grad"])}
                    stack += [(part, _name(name, x, key), below) for key, part in parts.items()]

    def restore(self) -> None:
        """Put everything back."""
        for was, get, put, _ in self._places:
            if get() is not was:
                put(was)
        for x, parts, _ in self._owners.values():
            _put(x, parts)
        for array, elements, name in self._arrays.values():
            if isinstance(elements, bytes):
                if fingerprint(array) != elements:
                    raise RuntimeError(
                        f"compile: the function writes to {name}, {array.nbytes >> 20} MiB, which "
                        "is too large to be put back after a trial. Pass it as an argument."
                    )
            elif array.flags.writeable:
                array[...] = elements
        for generator, state, _ in self._generators.values():
            generator.bit_generator.state = state

    def largest_gradient(self) -> float:
        """The size of the largest element in the .grad of a leaf."""
        grads = [parts["grad"] for x, parts, _ in self._owners.values() if isinstance(x, Node)]
        known = [self._arrays[id(g)][1] for g in grads if id(g) in self._arrays]
        return max((float(np.max(np.abs(g), initial=0.0)) for g in known), default=0.0)

    def difference(self, other: State, alike: Any) -> str | None:
        """Where another state of the same objects differs, as words; None if it does not.

        `alike` compares two arrays. What an optimizer changes is left out.
        """
        for (was, _, _, name), (its, *_) in zip(self._places, other._places, strict=True):
            if not self._same(was, its, other, alike):
                return name
        for key, (x, parts, name) in self._owners.items():
            if key in self._loose or key not in other._owners:  # new: compared with its owner
                continue
            theirs = other._owners[key][1]
            if parts.keys() != theirs.keys():
                return name
            for k, part in parts.items():
                if isinstance(x, Node) and k in ("birth", "seal"):
                    continue
                if not self._same(part, theirs[k], other, alike):
                    return _name(name, x, k)
        for key, (_, elements, name) in self._arrays.items():
            if key in self._loose:
                continue
            if key in other._arrays and not _equal(elements, other._arrays[key][1], alike):
                return name
        for key, (_, state, name) in self._generators.items():
            if key in other._generators and state != other._generators[key][1]:
                return (
                    f"the generator {name} (draw from autograd.default_generator() within the "
                    "function, whose draws are repeated in every call)"
                )
        return None

    def _same(self, a: Any, b: Any, other: State, alike: Any) -> bool:
        """Whether two parts are one object, or equal: new arrays and containers by content."""
        if a is b:
            return True
        if type(a) is not type(b):
            return False
        if isinstance(a, np.ndarray):
            mine, its = self._arrays.get(id(a)), other._arrays.get(id(b))
            return mine is not None and its is not None and _equal(mine[1], its[1], alike)
        if isinstance(a, (list, tuple)):
            return len(a) == len(b) and all(
                self._same(x, y, other, alike) for x, y in zip(a, b, strict=True)
            )
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(self._same(a[k], b[k], other, alike) for k in a)
        if isinstance(a, (float, np.floating)):
            return bool(alike(np.asarray(a), np.asarray(b)))
        if isinstance(a, (*_LEFT, np.generic)):
            return bool(a == b)
        mine, its = self._owners.get(id(a)), other._owners.get(id(b))
        if mine is None or its is None or isinstance(a, Node):
            return False
        if (id(a), id(b)) in self._compared:
            return True
        self._compared.add((id(a), id(b)))
        return self._same(mine[1], its[1], other, alike)


def _equal(a: Any, b: Any, alike: Any) -> bool:
    """Whether the elements of two arrays, or their fingerprints, are the same."""
    if isinstance(a, bytes) or isinstance(b, bytes):
        return bool(isinstance(a, bytes) and a == b)
    return bool(alike(a, b))


def _parts(x: Any) -> dict[Any, Any] | None:
    """The parts of an object that may be replaced, under their keys."""
    if isinstance(x, dict):
        return dict(x)
    if isinstance(x, (list, tuple, deque)):
        return dict(enumerate(x))
    if isinstance(x, (set, frozenset)):
        return {id(part): part for part in x}
    if isinstance(x, Node):
        return {slot: getattr(x, slot) for slot in _SLOTS} if x.op is None else None
    own = getattr(x, "__dict__", None)
    package = type(x).__module__.partition(".")[0]
    return dict(own) if type(own) is dict and package not in _FOREIGN else None


def _put(x: Any, parts: dict[Any, Any]) -> None:
    if isinstance(x, dict):
        if dict.keys(x) != parts.keys() or any(x[k] is not part for k, part in parts.items()):
            x.clear()
            x.update(parts)
    elif isinstance(x, list):
        x[:] = list(parts.values())
    elif isinstance(x, (set, deque)):
        if [*x] != [*parts.values()]:
            x.clear()
            getattr(x, "update" if isinstance(x, set) else "extend")(parts.values())
    elif isinstance(x, Node):
        for slot, part in parts.items():
            setattr(x, slot, part)
    elif not isinstance(x, (tuple, frozenset)):
        own = vars(x)
        for key in [*own]:
            if key not in parts:
                del own[key]
        own.update(parts)


def _name(name: str, x: Any, key: Any) -> str:
    if isinstance(x, (dict, list, tuple, set, frozenset, deque)):
        return f"{name}[{key!r}]" if isinstance(key, (str, int)) else f"{name}[...]"
    return f"{name}.{key}"
