"""A node's op carried out on single numbers: on NumPy arrays whose elements are Values.

Elementwise ops are called once for each number. An op that is made of others is opened into them:
a fused one into its reference, any other into the formula that it is written with. What is left
moves, adds up and multiplies numbers, and NumPy does that with objects of any kind.
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
"""What ops raise when they are run on something that they were not written for."""


def scalarise(op: Op, inputs: Sequence[Cells], static: tuple[Any, ...], deep: bool) -> Cells:
    """Carry out an op on cells.

    Parameters
    ----------
    op : the op.
    inputs : cells where they are tracked, constants as they came.
    static : the op's other arguments.
    deep : open elementwise ops too, where they are made of others.

    Raises
    ------
    TypeError, ValueError ...
        One of `NO_FORM`: it has no form in single numbers.
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
    """Carry out on cells all that led to a Value, or to several; it begins at `leaves`."""
    roots = list(root) if isinstance(root, (tuple, list)) else [root]
    found = {id(leaf): cells for leaf, cells in leaves}

    def get(x: Any) -> Cells:
        if not isinstance(x, Node):
            return x
        return found.get(id(x), x._data)  # a constant has only data

    for v in Trace([r for r in roots if isinstance(r, Node)]).order:
        found[id(v)] = scalarise(v.op, [get(x) for x in v.inputs], v.static, deep)
    results = tuple(boxed(get(r)) for r in roots)
    return results if isinstance(root, (tuple, list)) else results[0]


def is_made_of_others(v: Node) -> bool:
    """Whether a node's op, elementwise, has a formula of other ops."""
    return bool(v.op.elementwise) and _opened(v.op, v.inputs, v.static) is not None


def _once(op: Op, xs: Sequence[Any], static: tuple[Any, ...], deep: bool) -> Any:
    """An elementwise op on single numbers; opened, where it is made of others."""
    if deep and any(isinstance(x, Node) for x in xs):
        opened = _opened(op, xs, static)
        if opened is not None:
            leaves, y = opened
            return evaluate(y, leaves, deep).item()
    return op.apply(xs, static)


def _opened(
    op: Op, inputs: Sequence[Cells], static: tuple[Any, ...]
) -> tuple[list[tuple[Any, Cells]], Any] | None:
    """The graph of what an op is made of, and its leaves with their cells; None for a single op."""
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
    if not made or op in made:  # nothing tracked, or no smaller than it was
        return None
    return [*zip(twins, map(boxed, inputs), strict=True)], y
