"""Gradient checkpointing: keep a function's inputs, and recompute its graph when needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, zip_longest
from typing import Any, NoReturn, TypeVar

import numpy as np

from autograd.contribution import hidden_in
from autograd.engine import ARRAYS, Flow, gradients
from autograd.nested import mapped
from autograd.node import Node, tick
from autograd.op import Op, select_output
from autograd.random import default_generator
from autograd.recording import enable_grad, is_recording
from autograd.results import record
from autograd.stale import fingerprint
from autograd.tape import OPEN, current
from autograd.value import Value

Result = TypeVar("Result")


def checkpoint(f: Callable[..., Result], *xs: Any) -> Result:
    """f(*xs) with gradient checkpointing: its graph is recomputed in the backward pass.

    Peak memory falls from every layer's activations to those of one f at a time, at the cost of
    one more forward pass. Values that f closes over, such as a module's parameters, get their
    gradients too.

    Parameters
    ----------
    f : callable
        Returns a Value, or a nested tuple, list or dict of Values and None, and must return the
        same numbers when it is called again. Random numbers from autograd's default generator are
        reproduced.
    *xs : any
        Its arguments.

    Returns
    -------
    What f returns.

    Raises
    ------
    RuntimeError
        In the backward pass: recomputing f gave different numbers, or used different constants.

    References
    ----------
    Chen et al., Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value([1.0, 2.0])
    >>> autograd.checkpoint(lambda v: np.sum(np.exp(v) * v), x).backward()
    >>> x.grad.round(3)
    array([ 5.437, 22.167])
    """
    if not is_recording() or (OPEN[0] and current()):  # a tape keeps all of it anyway
        return f(*xs)
    state = default_generator().bit_generator.state
    start = tick()
    result: Any = f(*xs)
    outputs = _tracked(result)
    inputs, constants = _externals(outputs, start)
    if not inputs:
        return result  # type: ignore[no-any-return]
    alone = outputs[0] is result
    y = outputs[0]._data if alone else tuple([v._data for v in outputs])
    node: Any = record(CHECKPOINT, y, tuple(inputs), (f, xs, state), constants)
    if alone:
        return node  # type: ignore[no-any-return]
    number = count()
    return mapped(  # type: ignore[no-any-return]
        lambda v: select_output(node, next(number)) if v.requires_grad else v, result
    )


def _tracked(result: Any) -> list[Value]:
    """The Values in what a function returned that require a gradient."""
    found: list[Any] = []
    mapped(found.append, result)
    for v in found:
        if not isinstance(v, Value):
            raise TypeError(f"checkpoint: the function must return Values, not {type(v).__name__}.")
    return [v for v in found if v.requires_grad]


def _externals(outputs: Sequence[Any], start: int) -> tuple[list[Value], int]:
    """The leaves, and results older than `start`, that the outputs depend on; a hash of the rest.

    The rest are the constants in between, which may change the gradient and no output.
    """
    found: dict[Any, None] = {}
    constants: list[Any] = []
    seen: set[Node] = set()
    stack = list(outputs)
    while stack:
        v = stack.pop()
        if v.op is None or v.birth < start:
            found[v] = None
        elif v not in seen:
            seen.add(v)
            constants += [print_ for _, print_ in v.seal or ()]
            for x in v.inputs:
                if not isinstance(x, Node):
                    constants.append(repr(x) if isinstance(x, (float, int)) else None)
                elif x.requires_grad:
                    stack.append(x)
                else:
                    constants.append(fingerprint(x._data))
    return list(found), hash(tuple(constants))


class _Checkpoint(Op):
    """The op of `checkpoint`; its vjp runs the function again and differentiates that graph."""

    listed = False

    def pull(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow = ARRAYS) -> Sequence[Any]:
        flow.refuse_stale(v)
        f, xs, state = v.static
        generator = default_generator().bit_generator
        now, generator.state = generator.state, state
        start = tick()
        try:
            with enable_grad():
                outputs = _tracked(f(*xs))
        finally:
            generator.state = now
        before = v._data if type(v._data) is tuple else (v._data,)
        for first, second in zip_longest(before, outputs):
            if second is None or not np.array_equal(first, second._data, equal_nan=True):
                _refuse("returned different numbers")
        if _externals(outputs, start)[1] != v.saved:
            _refuse("computed with different constants")
        parts = list(g.items()) if isinstance(g, dict) else [(0, g)]
        wanted = [x for x, need in zip(v.inputs, needs, strict=True) if need]
        found = iter(
            gradients(
                [outputs[i] for i, _ in parts],
                [part for _, part in parts],
                wanted,
                flow=type(flow),
                stop=set(v.inputs),
                unreached=hidden_in(v, outputs, flow.unreached),
            )
        )
        return [next(found) if need else None for need in needs]


def _refuse(what: str) -> NoReturn:
    raise RuntimeError(
        f"checkpoint: the function {what} when it was recomputed. Does it use its own random "
        "generator, or depend on something that changed? Use autograd's default generator, or pass "
        "the random numbers as an argument."
    )


CHECKPOINT = _Checkpoint(
    lambda: None, r"\operatorname{{checkpoint}}", name="checkpoint", of=(), singular=True
)
