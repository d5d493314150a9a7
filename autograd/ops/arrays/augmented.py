"""``v += x`` and its like: in place for a leaf under `no_grad`, elsewhere a new Value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from autograd.calls import bind_methods
from autograd.recording import is_recording
from autograd.value import Value

Function = Callable[[Any, Any], Any]


def write(v: Value, function: Function, x: Any) -> Value:
    """Do ``v.data += x`` (or what the in-place operator `function` does), noticed by the graph."""
    data = v.data
    data = function(data, x._data if isinstance(x, Value) else x)
    v.data = data
    return v


def _bind(name: str, in_place: Function, new: Function) -> None:
    def method(v: Value, x: Any) -> Any:
        """Rebind the name to a new Value; under `no_grad` write into a leaf that is tracked."""
        if v.op is None and v.requires_grad and not is_recording():
            return write(v, in_place, x)
        return new(v, x)

    method.__name__ = method.__qualname__ = name
    bind_methods(method, name)


_bind("__iadd__", operator.iadd, operator.add)
_bind("__isub__", operator.isub, operator.sub)
_bind("__imul__", operator.imul, operator.mul)
_bind("__itruediv__", operator.itruediv, operator.truediv)
