"""What may be assigned to an attribute of a module, and what hides in its lists."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autograd.dispatch import refuse_subclasses
from autograd.value import Value
from nn.parameter import Buffer, Parameter

VACANT = "_vacant"  # the names of parameters and modules that are None, with their kind
BUFFERS = "_persistent"  # the names of buffers, and whether state dicts have them


PLAIN = {list, tuple, dict, set}


def admitted(module: Any, name: str, value: Any, module_type: type) -> Any:
    """What to store for an assigned value; refused where it would take a parameter out.

    The name of a parameter takes a Parameter or None, that of a module a Module or None, that of a
    buffer an array or None, as in PyTorch.
    """
    own = vars(module)
    buffers = own.get(BUFFERS, {})
    registered = isinstance(value, (Parameter, module_type))
    if not registered:
        kind = kind_of(own, name, module_type)
        if kind in ("parameter", "module"):
            if value is not None:
                raise TypeError(_refusal(module, name, kind, value))
            own[VACANT] = {**own.get(VACANT, {}), name: kind}
            return None
        if isinstance(value, Buffer):
            own[BUFFERS] = {**buffers, name: value.persistent}
            return value.data
        if kind == "buffer":
            return None if value is None else _as_buffer(name, value)
        if name == "training" and not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"training must be True or False, got {value!r}.")
        return value
    if isinstance(value, Parameter) and value.name is None:
        value.name = name
    forget(module, name)
    return value


def kind_of(own: dict[str, Any], name: str, module_type: type) -> str | None:
    """Whether a name is that of a "parameter", a "module" or a "buffer"."""
    old = own.get(name)
    if isinstance(old, Parameter):
        return "parameter"
    if isinstance(old, module_type):
        return "module"
    if name in own.get(BUFFERS, ()):
        return "buffer"
    known: str | None = own.get(VACANT, {}).get(name)
    return known


def forget(module: Any, name: str) -> None:
    """Take a name out of the lists of buffers and of vacant places."""
    own = vars(module)
    for listed in (BUFFERS, VACANT):
        if name in own.get(listed, ()):  # a new dict: a shallow copy of the module has the old one
            own[listed] = {key: x for key, x in own[listed].items() if key != name}


def _as_buffer(name: str, value: Any) -> Any:
    if isinstance(value, Value):
        raise TypeError(f"The buffer {name!r} is a plain array; assign the Value's .data to it.")
    refuse_subclasses(value, f"The buffer {name!r}")
    array = np.asarray(value)
    if array.dtype.kind not in "fiubc":
        raise TypeError(
            f"The buffer {name!r} takes an array of numbers or None, not {type(value).__name__}."
        )
    return array


def _refusal(module: Any, name: str, kind: str, value: Any) -> str:
    who = type(module).__name__
    got = f"{who}: {name!r} is a {kind}, which {type(value).__name__} can't replace: "
    if kind == "module":
        return got + f"assign a Module or None, or `del` the attribute {name!r} first."
    return got + (
        "it would no longer be among parameters(). Assign nn.Parameter(x) or None, or write into "
        f"the one that is there: {name}.data = x."
    )


def warn_of_hidden(modules: list[Any], seen: set[int], module_type: type) -> None:
    """Warn of parameters that sit in plain lists, where `parameters()` does not find them.

    Frozen ones may: somebody put them there on purpose.

    Parameters
    ----------
    modules : those that `parameters()` went through.
    seen : the ids of what it found.
    """
    kinds = Parameter, module_type
    for module in modules:
        for name, held in vars(module).items():
            if type(held) not in PLAIN or not held:
                continue
            parts = held.values() if type(held) is dict else held
            if any(isinstance(part, kinds) and _hidden(part, modules, seen) for part in parts):
                holder = "ModuleDict" if isinstance(held, dict) else "ModuleList"
                warnings.warn(
                    f"{type(module).__name__}: the {type(held).__name__} {name!r} holds parameters "
                    "that parameters() does not see, so no optimizer trains them and no state dict "
                    f"has them. Use nn.{holder} or nn.Parameter{holder[6:]}; if they are not meant "
                    "to learn, call requires_grad_(False).",
                    stacklevel=4,
                )


def _hidden(part: Any, modules: list[Any], seen: set[int]) -> bool:
    """Whether a parameter or module holds a parameter that would learn and was not found."""
    if isinstance(part, Parameter):
        return part.requires_grad and id(part) not in seen
    if any(part is module for module in modules):
        return False
    own = (p for module in part.modules() for _, p in module._own(Parameter))
    return any(p.requires_grad and id(p) not in seen for p in own)
