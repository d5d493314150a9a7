"""Which op made a gradient NaN or infinite."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array, Node
from autograd.readers.paths import Names, Reach, only
from autograd.readers.why.reasons import called, span
from autograd.viz.summary import number


def bad(x: Any) -> bool:
    """Whether there is a NaN or infinity in an array, constant or several results."""
    if isinstance(x, Node):
        x = x._data
    if isinstance(x, dict):
        x = tuple(x.values())
    if type(x) is tuple:
        return any(bad(part) for part in x)
    array = np.asarray(x)
    return array.dtype.kind == "f" and not np.isfinite(array).all()


def _nan(x: Any) -> bool:
    if isinstance(x, Node):
        x = x._data
    if type(x) is tuple:
        return any(_nan(part) for part in x)
    array = np.asarray(x)
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def origin(reach: Reach, names: Names) -> tuple[str, Node | None]:
    """The first op that turns a finite gradient into another: a clause, and its node."""
    if bad(reach.seed):
        return "the incoming gradient is not finite", None
    for v in reversed(reach.order):
        g = reach.gradients.get(v)
        if g is None or bad(g):
            continue
        for i in reach.places(v):
            with np.errstate(all="ignore"):
                gx = reach.pull(v, i, g)
            if gx is not None and bad(gx):
                made = _forward(names, v)
                return made or (_backward(reach, names, v, i, g), v)
    return "its contributions add up to more than its dtype holds", None


def _forward(names: Names, v: Node) -> tuple[str, Node | None] | None:
    """What made v's inputs or result NaN or infinite, if they are."""
    if not (bad(v) or any(bad(x) for x in v.inputs)):
        return None
    behind, stack = {v}, [v]
    while stack:
        for x in stack.pop().inputs:
            if isinstance(x, Node) and x not in behind:
                behind.add(x)
                stack.append(x)
    for u in names.trace.order:
        if u not in behind:
            continue
        for x in u.inputs:
            leaf = not (isinstance(x, Node) and x.op)
            if leaf and _nan(x):
                return f"{names.value(x) or f'a constant of {called(names, u)}'} has NaNs", u
        made_nan = _nan(u) and not any(_nan(x) for x in u.inputs)
        made_inf = bad(u) and not any(bad(x) for x in u.inputs)
        if (made_nan or made_inf) and type(u._data) is not tuple:
            return _made(names, u), u
    for x in v.inputs:
        if bad(x):
            return f"{names.value(x) or 'an input'} of {called(names, v)} is not finite", v
    return None


def _made(names: Names, u: Node) -> str:
    data = np.asarray(u._data)
    where = np.isnan(data) if np.isnan(data).any() else ~np.isfinite(data)
    value = number(float(data[where][0]))
    text = f"{called(names, u)} made {value}{_count(where)}"
    if not u.op.elementwise:
        return text
    inputs = [_at(x, where) for x in u.inputs if x is not None]
    return f"{text} from {' and '.join(span(x) for x in inputs)}"


def _count(where: Array) -> str:
    return f" at {int(where.sum()):,} of {where.size:,} elements" if where.size > 1 else ""


def _at(x: Any, where: Array) -> Array:
    data = np.asarray(x._data if isinstance(x, Node) else x)
    return np.asarray(np.broadcast_to(data, where.shape)[where])


def _backward(reach: Reach, names: Names, v: Node, i: int, g: Any) -> str:
    """Where the op's slope is infinite, with what came in."""
    who = called(names, v)
    if not v.op.elementwise:
        return f"{who} made it out of finite numbers"
    with np.errstate(all="ignore"):
        raw = np.broadcast_to(v.op.pull(v, g, only(v, i))[i], g.shape)
        slope = np.broadcast_to(v.op.pull(v, np.ones_like(g), only(v, i))[i], g.shape)
    where = ~np.isfinite(raw)
    if not where.any():
        return f"{who} adds up more than its dtype holds"
    text = f"{who}'s input was {span(_at(v.inputs[i], where))}"
    others = [span(_at(x, where)) for k, x in enumerate(v.inputs) if k != i and x is not None]
    if others:
        text += f" (and its other input {' and '.join(others)})"
    steep = number(float(slope[where][0]))
    return f"{text}, where its slope is {steep}, and {_came(g[where])} came in"


def _came(g: Array) -> str:
    return number(float(g[0])) if g.size == 1 or np.ptp(g) == 0 else f"{number(float(g[0]))} …"
