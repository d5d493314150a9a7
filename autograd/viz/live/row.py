"""The program of a row: its forward and its vjps, as functions of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.op import Op
from autograd.sequence_op import SequenceOp
from autograd.viz.live.primitives import term
from autograd.viz.live.scripted import Branches, Refused, Script, Scripted, Term, read_forward

PATHS = 8
"""Most ways through a row that branches on values."""

UNREADABLE = (TypeError, AttributeError, ValueError, LookupError, ArithmeticError, RuntimeError)
"""What a row raises that needs the numbers of its arrays."""


def function(read: Callable[[Script], Any], parameters: Sequence[str], constant: Any) -> str:
    """The text of an arrow function: what `read` computes, in all ways that it branches."""
    body = _whole(read, constant, [])
    uses: Counter[int] = Counter()
    order: dict[int, Term] = {}
    _count(body, uses, order)
    named: dict[int, str] = {}
    lines = []
    for key, t in order.items():
        if t.args and uses[key] > 1 and not t.head.startswith("{}.shape"):
            lines.append(f"const t{len(named)} = {t.text(named)};")
            named[key] = f"t{len(named)}"
    result = named.get(body.key) or body.text(named)
    head = f"({', '.join(parameters)}) => "
    return head + (f"{{ {' '.join(lines)} return {result}; }}" if lines else result)


def _whole(read: Callable[[Script], Any], constant: Any, decisions: list[bool]) -> Term:
    """The expression under these decisions; where it branches further, a choice of two."""
    if len(decisions) > PATHS:
        raise Refused("it branches too often")
    script = Script(constant, decisions)
    try:
        return term(script, read(script))
    except Branches:
        condition = script.asked[-1]
    ways = [_whole(read, constant, [*decisions, choice]) for choice in (True, False)]
    return ways[0] if ways[0].key == ways[1].key else Term("({} ? {} : {})", (condition, *ways))


def _count(t: Term, uses: Counter[int], order: dict[int, Term]) -> None:
    """Count the uses of every expression; arguments come first in `order`."""
    stack = [(t, False)]
    while stack:
        at, done = stack.pop()
        if done:
            order.setdefault(at.key, at)
            continue
        uses[at.key] += 1
        if uses[at.key] == 1:
            stack.append((at, True))
            stack.extend((a, False) for a in reversed(at.args))


def forward(op: Op, names: Sequence[str], inputs: Sequence[Any], static: Any, constant: Any) -> str:
    """The function of the inputs that an op computes."""

    def read(script: Script) -> Any:
        return read_forward(op, _given(script, names, inputs), static)

    return function(read, names, constant)


def backward(
    op: Op,
    names: Sequence[str],
    inputs: Sequence[Any],
    static: Any,
    y: Any,
    needs: Sequence[bool],
    constant: Any,
) -> str:
    """The function of (g, y, *inputs) that gives the contribution to each input."""

    def read(script: Script) -> Any:
        xs = _given(script, names, inputs)
        if type(y) is tuple:
            g: Any = tuple(_of(script, f"g[{k}]", np.ones_like(p)) for k, p in enumerate(y))
            out: Any = tuple(_of(script, f"y[{k}]", part) for k, part in enumerate(y))
        else:
            g, out = _of(script, "g", np.ones_like(y)), _of(script, "y", y)
        with np.errstate(all="ignore"):
            if isinstance(op, SequenceOp):
                found = op.joint(g, needs, out, xs, *static)
            else:
                found = [
                    vjp(g, out, *xs, *static) if need and vjp is not None else None
                    for vjp, need in zip(op.vjps, needs, strict=True)
                ]
        return [x if need else None for x, need in zip(found, needs, strict=True)]

    return function(read, ["g", "y", *names], constant)


def _of(script: Script, name: str, data: Any) -> Scripted:
    return Scripted(script, Term(name), data)


def _given(script: Script, names: Sequence[str], inputs: Sequence[Any]) -> list[Any]:
    """The inputs, as the row reads them; None stays."""
    return [
        None if x is None else _of(script, name, x) for name, x in zip(names, inputs, strict=True)
    ]
