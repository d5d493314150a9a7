"""Registered: a module's parameters, buffers or submodules as a mapping, PyTorch's private one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any


class Registered(MutableMapping[str, Any]):
    """A live view of a module's attributes of one kind: writing and deleting reach the module.

    Parameters
    ----------
    module : Module.
    kind : "parameter", "buffer" or "module".
    names : the names of these attributes, at the moment, those that are None included.

    Examples
    --------
    >>> import nn
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> list(net._modules)
    ['0', '1']
    >>> net._modules["1"] = nn.Tanh()
    >>> net[1]
    Tanh()
    """

    def __init__(self, module: Any, kind: str, names: Callable[[], list[str]]) -> None:
        self._module, self._kind, self._names = module, kind, names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names():
            raise KeyError(name)
        return vars(self._module)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._names():
            setattr(self._module, name, value)
        else:  # refused where it is none of this kind
            getattr(self._module, f"register_{self._kind}")(name, value)

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self._module, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return repr(dict(self))
