"""Call paths: how an op is called, one way per number of inputs.

Small ops spend their time here, so the ways of one and two inputs are written out, and that of one
input and other arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.node import epoch
from autograd.recording import is_recording
from autograd.results import ATOMS, constant, plain, record
from autograd.stale import fingerprint, notice
from autograd.tape import OPEN
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


def settled(op: Any) -> Function:
    """The call path of an op of one input and other arguments, which mostly hold no array."""
    ndarray, rest = np.ndarray, _defaults(op)
    forward = (lambda a, *static: op.computed((a,), static)) if op.named else op.forward
    scalars = op.elementwise  # which forward takes as they are

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) not in rest:
            args = tuple(op.bound(args, kwargs))
        else:
            args += rest[len(args)]
        a, static = args[0], args[1:]
        if OPEN[0] or not isinstance(a, Value):
            return op.apply((a,), static)
        for s in static:
            if type(s) not in ATOMS and not plain(s):
                return op.apply((a,), static)
        recording = is_recording()
        if a.seal is not None and a.op is None and recording:
            notice(a)
        array = a._data
        if type(array) is not ndarray and not scalars:
            array = np.asarray(array)
        try:
            y = forward(array, *static)
        except (TypeError, ValueError, IndexError) as error:
            op.complain(error, (a,))
        live = recording and a.requires_grad
        if type(y) is not ndarray:
            if isinstance(y, (tuple, list)):
                return op.several(y, (a,), static, live)
            y = np.asarray(y)
        if live and y.dtype.kind == "f":
            return record(op, y, (a,), static)
        return constant(op, y, (a,), static)

    return call


def general(op: Any) -> Function:
    """The call path of any op: bind the arguments, then apply."""
    arity, rest = op.arity, _defaults(op)

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) not in rest:
            args = tuple(op.bound(args, kwargs))
        else:
            args += rest[len(args)]
        return op.apply(args[:arity], args[arity:])

    return call


def _defaults(op: Any) -> dict[int, tuple[Any, ...]]:
    """Number of positional arguments -> the defaults of all others; not where one has none."""
    found: dict[int, tuple[Any, ...]] = {}
    names: list[str] = op.parameters
    rest: tuple[Any, ...] = ()
    for n in range(len(names), -1, -1):
        if n <= op.positional:
            found[n] = rest
        if n == 0 or names[n - 1] not in op.defaults:
            break
        rest = (op.defaults[names[n - 1]], *rest)
    return found


def bind_methods(call: Function, names: str) -> None:
    """Bind the op to Value under these names; ``__radd__`` and its kin swap the arguments."""
    for name in names.split():
        if name.startswith("__r") and name not in ("__rshift__", "__round__"):

            def swapped(b: Any, a: Any, call: Function = call) -> Any:
                return call(a, b)

            setattr(Value, name, swapped)
        else:
            setattr(Value, name, call)
