"""Parameters in a list, and by name."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd.value import Value
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


class ParameterList(Module):
    """A list of parameters, which are found.

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

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self.extend(values or ())

    def _list(self) -> list[Parameter]:
        return [p for _, p in self._own(Parameter)]

    def _at(self, index: int) -> str:
        i, n = operator.index(index), len(self)
        if not -n <= i < n:
            raise IndexError(f"ParameterList: index {i}, but it has {n} parameters.")
        return str(i % n)

    def __len__(self) -> int:
        return len(self._own(Parameter))

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._list())

    @overload
    def __getitem__(self, index: int) -> Parameter: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Parameter | Self:
        if isinstance(index, slice):
            return type(self)(self._list()[index])
        found: Parameter = vars(self)[self._at(index)]
        return found

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._at(index), as_parameter("ParameterList", index, value))

    def append(self, value: Any) -> Self:
        """Add a parameter at the end."""
        return self.extend([value])

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parameters at the end."""
        n = len(self)
        new = [as_parameter("ParameterList", n + i, value) for i, value in enumerate(values)]
        for i, p in enumerate(new):
            setattr(self, str(n + i), p)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def __repr__(self) -> str:
        return _shown(self)


class ParameterDict(Module):
    """Parameters by name, which are found.

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

    def __init__(self, parameters: Any = None) -> None:
        self.update(parameters or {})

    def update(self, parameters: Any) -> None:
        """Add parameters, or replace those of the same names."""
        given = parameters
        new = dict(given.items() if isinstance(given, (Mapping, ParameterDict)) else given)
        for name in new:
            self._check_name(name, "parameter")
        new = {name: as_parameter("ParameterDict", name, p) for name, p in new.items()}
        for name, p in new.items():
            setattr(self, name, p)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __getitem__(self, key: str) -> Parameter:
        found = vars(self).get(key)
        if not isinstance(found, Parameter):
            raise KeyError(
                f"ParameterDict has no parameter {key!r}; it has {', '.join(self) or 'none'}."
            )
        return found

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._own(Parameter))

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._own(Parameter)])

    def __contains__(self, key: object) -> bool:
        return key in set(self)

    def keys(self) -> list[str]:
        """Their names."""
        return list(self)

    def values(self) -> list[Parameter]:
        """The parameters."""
        return [p for _, p in self._own(Parameter)]

    def items(self) -> list[tuple[str, Parameter]]:
        """Names and parameters."""
        return self._own(Parameter)

    def get(self, key: str, default: Any = None) -> Any:
        """The parameter of this name, or the default."""
        found = vars(self).get(key)
        return found if isinstance(found, Parameter) else default

    def pop(self, key: str) -> Parameter:
        """Take a parameter out and return it."""
        found = self[key]
        del self[key]
        return found

    def clear(self) -> None:
        """Take all out."""
        for name in self:
            delattr(self, name)

    def __repr__(self) -> str:
        return _shown(self)


def _shown(module: Module) -> str:
    lines = [f"  ({name}): {p.dtype} of shape {p.shape}" for name, p in module._own(Parameter)]
    name = type(module).__name__
    return "\n".join([f"{name}(", *lines, ")"]) if lines else f"{name}()"
