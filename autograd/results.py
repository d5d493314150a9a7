"""Results of ops: nodes of the graph, or constants where nothing records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.node import Array, epoch
from autograd.stale import UNKNOWN
from autograd.tape import OPEN, Effect, current
from autograd.value import Value

ATOMS = frozenset({type(None), int, float, bool, str})
"""Types of arguments that can hold no array."""

_PLAIN = ATOMS | {type(Ellipsis), type, np.dtype, np.int64, np.int32}

UNREAL = (
    "a Value goes together with real numbers only: split complex ones into two arrays, .real and "
    ".imag, divide times by a unit of time, and of objects make numbers, .astype(float), or one "
    "Value, np.stack(list)"
)

_new = object.__new__


def plain(x: Any) -> bool:
    """Whether an argument can hold no array, such as a shape or an index of ints and slices."""
    kind = type(x)
    if kind is tuple:
        return all(map(plain, x))
    if kind is slice:
        return type(x.start) in ATOMS and type(x.stop) in ATOMS and type(x.step) in ATOMS
    return kind in _PLAIN


def record(
    op: Any,
    y: Any,
    inputs: tuple[Any, ...],
    static: tuple[Any, ...] = (),
    saved: Any = None,
    seal: Sequence[tuple[Array, bytes]] | None = None,
) -> Value:
    """A new node of the graph.

    `calls.unary` and `calls.binary` repeat it inline: a call of this costs a tenth of a small op.
    """
    v = _new(Value)
    v._data = y
    v.grad = None
    v.op = op
    v._inputs = inputs
    v._a = v._b = None
    v.static = static
    v.saved = saved
    v.requires_grad = True
    v.name = None
    v.birth = epoch[0]
    v.scope = None
    v.seal = seal
    return v


def constant(
    op: Any, y: Any, inputs: tuple[Any, ...], static: tuple[Any, ...] = (), saved: Any = None
) -> Value:
    """The result of an op as a Value that is not tracked, and a node only on a tape."""
    array = np.asarray(y)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{op.name}: the result is {array.dtype}, and {UNREAL}.")
    v = _new(Value)
    v._data = array
    v.grad = v.op = v.saved = v.name = v.scope = None
    v.seal = None if array.base is None else UNKNOWN  # a view, which others may write to
    v._inputs = v.static = ()
    v._a = v._b = None
    v.requires_grad = False
    v.birth = epoch[0]
    if OPEN[0]:
        note(v, op, inputs, static, saved)
    return v


def note(v: Value, op: Any, inputs: tuple[Any, ...], static: tuple[Any, ...], saved: Any) -> None:
    """Make an untracked result a node of the tape that is open in this context, if there is one."""
    tape = current()
    if tape is not None:
        v.op, v._inputs, v.static, v.saved = op, inputs, static, saved
        tape.add(v)


def effect(op: Effect, inputs: Sequence[Any], y: Any = 0.0) -> Value:
    """Note an effect, whose result so far is y, on the tape that is open."""
    v = constant(op, y, tuple(inputs) or (None,))
    tape = current()
    assert tape is not None
    tape.effects.append(v)
    return v


def happen(op: Effect, *inputs: Any) -> Any:
    """Do an effect now, and note it if a tape is open; what it returns, as a node there."""
    y = op.forward(*[x._data if isinstance(x, Value) else x for x in inputs])
    return effect(op, inputs, y) if OPEN[0] and current() else y


def is_unreal(x: Any) -> bool:
    """Whether there is a complex number, or a time, among the arguments of an op."""
    if type(x) in (list, tuple):
        return any(type(part) not in ATOMS and is_unreal(part) for part in x)
    if type(x) is np.ndarray:
        return x.dtype.kind in "cmMO"
    return isinstance(x, (complex, np.complexfloating, np.timedelta64, np.datetime64))
