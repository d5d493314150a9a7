"""Parameters in a list, and by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

from autograd.value import Value
from nn.layers.holder import ByName, InOrder
from nn.module import Module
from nn.parameter import Parameter


def as_parameter(who: str, key: object, given: Any) -> Parameter:
    """A Parameter as it is, numbers as a new one."""
    if isinstance(given, Parameter):
        return given
    if isinstance(given, Value) and given.op is not None:
        raise TypeError(
            f"{who}: entry {key} is the result of {given.op.name}, and would not learn; "
            "pass nn.Parameter(v.data)."
        )
    return Parameter(given, dtype=getattr(given, "dtype", None))


class ParameterList(InOrder[Parameter]):
    """A list of registered parameters.

    Parameters
    ----------
    values : iterable of Parameters, or of arrays that become some; optional.

    Examples
    --------
    >>> import nn, numpy as np
    >>> weights = nn.ParameterList(nn.Parameter(np.zeros(n)) for n in (2, 3))
    >>> [w.shape for w in weights], list(weights.state_dict())
    ([(2,), (3,)], ['0', '1'])
    """

    _kind = Parameter

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self.extend(values or ())

    def _entry(self, name: str, given: Any) -> Parameter:
        return as_parameter("ParameterList", name, given)

    def __repr__(self) -> str:
        return _shown(self)


class ParameterDict(ByName[Parameter]):
    """A dict of registered parameters.

    Parameters
    ----------
    parameters : mapping or pairs of name to Parameter, or to an array that becomes one; optional.

    Examples
    --------
    >>> import nn, numpy as np
    >>> weights = nn.ParameterDict({"left": np.zeros(2), "right": np.ones(3)})
    >>> list(weights), weights["right"].shape
    (['left', 'right'], (3,))
    """

    _kind = Parameter

    def __init__(self, parameters: Any = None) -> None:
        self.update(parameters or {})

    def _entry(self, name: str, given: Any) -> Parameter:
        return as_parameter("ParameterDict", name, given)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self.keys())

    def __or__(self, other: Any) -> Self:
        joined = self.copy()
        joined.update(other)
        return joined

    def __ror__(self, other: Any) -> Self:
        joined = type(self)(other)
        joined.update(self)
        return joined

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def copy(self) -> Self:
        """Another one with the same entries, which both share."""
        new = type(self)()
        new.update(self)
        return new

    def setdefault(self, key: str, default: Any = None) -> Parameter:
        """The entry of this name, which is the default if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Parameter]:
        """Take the last entry out; return its name and itself."""
        if not len(self):
            raise KeyError(f"{type(self).__name__}: popitem() of an empty one.")
        key = self.keys()[-1]
        return key, self.pop(key)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> Self:
        """Another one with a parameter under each key, all from the same default."""
        return type(self)(dict.fromkeys(keys, default))

    def __repr__(self) -> str:
        return _shown(self)


def _shown(module: Module) -> str:
    lines = [f"  ({name}): {p.dtype} of shape {p.shape}" for name, p in module._own(Parameter)]
    name = type(module).__name__
    return "\n".join([f"{name}(", *lines, ")"]) if lines else f"{name}()"
