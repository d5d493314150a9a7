"""A node's op on scalars: on NumPy arrays whose elements are Values.

Elementwise ops are called once per number. An op that is composed of others is replaced by them: a
fused op by its reference, any other by the formula in its forward. The remaining ops move, add and
multiply numbers, and NumPy does that with objects of any type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.node import Node
from autograd.op import SELECT, Op
from autograd.ops.conv.conv import conv as convolution
from autograd.readers.ladder.object_arrays import Cells, boxed, each, numbers, tracked
from autograd.readers.ladder.rules import MULTILINEAR, RULES, multilinear
from autograd.recording import enable_grad
from autograd.value import Value
from autograd.viz.trace import Trace

NO_FORM = (TypeError, ValueError, IndexError, AttributeError, NotImplementedError, KeyError)
"""What ops raise on inputs of a type that they were not written for."""


def scalarise(op: Op, inputs: Sequence[Cells], static: tuple[Any, ...], deep: bool) -> Cells:
    """Run an op on cells.

    Parameters
    ----------
    op : the op.
    inputs : cells for tracked inputs, constants unchanged.
    static : the op's other arguments.
    deep : whether to replace elementwise ops by their formulas too.

    Raises
    ------
    TypeError, ValueError ...
        One of `NO_FORM`: it has no scalar form.
    """
    if op is SELECT:
        return inputs[0][static[0]]
    if op.elementwise:
        return each(lambda *xs: _once(op, xs, static, deep), *inputs)
    if op.name in RULES:
        return boxed(RULES[op.name](*inputs, *static))
    if op.name in MULTILINEAR:
        return multilinear(op, inputs, static)
    if op.name == "conv_bias":
        x, w, b = inputs
        y = multilinear(convolution, [x, w], static)
        return y + np.reshape(b, (-1, *(1,) * (y.ndim - 2)))
    opened = _opened(op, inputs, static)
    if opened is not None:
        leaves, y = opened
        return evaluate(y, leaves, deep)
    y, _ = op._run(inputs, static)
    return tuple(map(boxed, y)) if isinstance(y, (tuple, list)) else boxed(y)


def evaluate(root: Any, leaves: Sequence[tuple[Any, Cells]], deep: bool) -> Cells:
    """Run the graph behind one Value or several on cells, from `leaves` on."""
    roots = list(root) if isinstance(root, (tuple, list)) else [root]
    found = {id(leaf): cells for leaf, cells in leaves}

    def get(x: Any) -> Cells:
        if not isinstance(x, Node):
            return x
        return found.get(id(x), x._data)  # the latter for a constant

    for v in Trace([r for r in roots if isinstance(r, Node)]).order:
        found[id(v)] = scalarise(v.op, [get(x) for x in v.inputs], v.static, deep)
    results = tuple(boxed(get(r)) for r in roots)
    return results if isinstance(root, (tuple, list)) else results[0]


def is_made_of_others(v: Node) -> bool:
    """Whether a node's op is elementwise and composed of other ops."""
    return bool(v.op.elementwise) and _opened(v.op, v.inputs, v.static) is not None


def _once(op: Op, xs: Sequence[Any], static: tuple[Any, ...], deep: bool) -> Any:
    """An elementwise op on scalars; if `deep`, replaced by the ops that it is composed of."""
    if deep and any(isinstance(x, Node) for x in xs):
        opened = _opened(op, xs, static)
        if opened is not None:
            leaves, y = opened
            return evaluate(y, leaves, deep).item()
    return op.apply(xs, static)


def _opened(
    op: Op, inputs: Sequence[Cells], static: tuple[Any, ...]
) -> tuple[list[tuple[Any, Cells]], Any] | None:
    """The graph of an op's parts, and its leaves with their cells; None for an elementary op."""
    twins = [Value(numbers(x)) if tracked(x) else x for x in inputs]
    try:
        with enable_grad(), np.errstate(all="ignore"):
            if isinstance(op, KernelOp):
                y = op.reference(*twins, *static)
            else:
                y, _ = op._run(twins, static)
    except NO_FORM:
        return None
    parts = y if isinstance(y, (tuple, list)) else [y]
    made = {v.op for v in Trace([part for part in parts if isinstance(part, Node)]).order}
    if not made or op in made:  # nothing tracked, or not simpler than before
        return None
    return [*zip(twins, map(boxed, inputs), strict=True)], y
