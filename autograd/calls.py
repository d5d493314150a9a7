"""Call paths: how an op is called, one way per number of inputs.

Small ops spend their time here, so the ways of one and two inputs are written out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.node import epoch
from autograd.recording import is_recording
from autograd.results import constant
from autograd.stale import fingerprint, notice
from autograd.value import Value

Function = Callable[..., Any]

NUMBERS = frozenset({float, int, bool, np.float64, np.float32})
"""Types of constants that never change."""


def unary(op: Any) -> Function:
    """The call path of an op of one input and no other argument."""
    forward, new = op.forward, object.__new__
    ndarray, generic, asarray = np.ndarray, np.generic, np.asarray
    trusted = op.trusted  # floats give floats, and Python numbers don't widen the dtype

    def call(a: Any) -> Any:
        if not isinstance(a, Value):
            return op.apply((a,))
        if a.seal is not None and a.op is None and is_recording():
            notice(a)
        try:
            y = forward(a._data)
        except (TypeError, ValueError) as error:
            op.complain(error, (a,))
        if type(y) is not ndarray and not isinstance(y, generic):
            if isinstance(y, (tuple, list)):
                return op.apply((a,))
            y = asarray(y)
        if not (a.requires_grad and is_recording() and (trusted or y.dtype.kind == "f")):
            return constant(op, y, (a,))
        v = new(Value)
        v._data = y
        v.grad = None
        v.op = op
        v._inputs = v._b = v.seal = None
        v._a = a
        v.static = ()
        v.saved = None
        v.requires_grad = True
        v.name = None
        v.birth = epoch[0]
        v.scope = None
        return v

    return call


def binary(op: Any) -> Function:
    """The call path of an op of two inputs and no other argument."""
    forward, new = op.forward, object.__new__
    ndarray, generic, asarray = np.ndarray, np.generic, np.asarray
    trusted = op.trusted  # floats give floats, and Python numbers don't widen the dtype

    def call(a: Any, b: Any) -> Any:
        if isinstance(a, Value):
            if a.seal is not None and a.op is None and is_recording():
                notice(a)
            left = a._data
            if isinstance(b, Value):
                if b.seal is not None and b.op is None and is_recording():
                    notice(b)
                right = b._data
                live = a.requires_grad or b.requires_grad
                seal = None
            elif trusted and type(b) in NUMBERS:
                right = b
                live = a.requires_grad
                seal = None
            elif trusted and type(b) is ndarray and b.dtype.kind in "fiub":
                right = b
                live = a.requires_grad
                seal = ((b, fingerprint(b)),) if live else None
            else:
                return op.apply((a, b))
        elif trusted and isinstance(b, Value) and type(a) in NUMBERS:
            if b.seal is not None and b.op is None and is_recording():
                notice(b)
            left = a
            right = b._data
            live = b.requires_grad
            seal = None
        else:
            return op.apply((a, b))
        try:
            y = forward(left, right)
        except (TypeError, ValueError) as error:
            op.complain(error, (a, b))
        if type(y) is not ndarray and not isinstance(y, generic):
            if isinstance(y, (tuple, list)):
                return op.apply((a, b))
            y = asarray(y)
        if not (live and is_recording() and (trusted or y.dtype.kind == "f")):
            return constant(op, y, (a, b))
        v = new(Value)
        v._data = y
        v.grad = None
        v.op = op
        v._inputs = None
        v._a = a
        v._b = b
        v.seal = seal
        v.static = ()
        v.saved = None
        v.requires_grad = True
        v.name = None
        v.birth = epoch[0]
        v.scope = None
        return v

    return call


def general(op: Any) -> Function:
    """The call path of any op: bind the arguments, then apply."""
    arity, count = op.arity, len(op.parameters)
    complete = count if count == op.positional else -1  # arguments that need no binding

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != complete:
            args = tuple(op.bound(args, kwargs))
        return op.apply(args[:arity], args[arity:])

    return call


def bind_methods(call: Function, names: str) -> None:
    """Bind the op to Value under these names; ``__radd__`` and its kin swap the arguments."""
    for name in names.split():
        if name.startswith("__r") and name not in ("__rshift__", "__round__"):

            def swapped(b: Any, a: Any, call: Function = call) -> Any:
                return call(a, b)

            setattr(Value, name, swapped)
        else:
            setattr(Value, name, call)
