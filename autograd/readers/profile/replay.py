"""Run the ops of a finished graph again, one by one, on what they were run on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import engine
from autograd.checkpointing import CHECKPOINT
from autograd.engine import fit, zero_where_zero
from autograd.node import Node

Run = Callable[[], Any]
_TRIALS = 101


class Replay:
    """The way forward and the way back of recorded nodes, as functions without arguments.

    Parameters
    ----------
    root : what the graph ends in.
    seed : the gradient that comes in there.
    nodes : its recorded nodes, inputs before their users.

    Attributes
    ----------
    forward, backward : one function for each node; None where no gradient reaches it.
    needs : for each node, which of its inputs get a gradient.
    """

    def __init__(self, root: Node, seed: Any, nodes: Sequence[Node]) -> None:
        incoming: dict[int, Any] = {}
        engine.gradients([root], [seed], [], watch=lambda v, g: incoming.update({id(v): g}))
        self.needs = [[isinstance(x, Node) and x.requires_grad for x in v.inputs] for v in nodes]
        self.forward: list[Run] = [_forward(v) for v in nodes]
        self.backward: list[Run | None] = [None] * len(nodes)
        guard = False
        for k, v in reversed([*enumerate(nodes)]):  # in the engine's order, for its guard
            if id(v) in incoming:
                guard = guard or v.op.masks
                guarded = v.op.elementwise and (guard or v.op.delicate)
                self.backward[k] = _backward(v, incoming[id(v)], self.needs[k], guarded)

    def times(self, rounds: int) -> tuple[list[float], list[float]]:
        """Seconds that each node takes forward, and backward: the best of several rounds.

        A round goes through the whole graph as a pass does, so caches are as warm as they are
        then, and results stay until its end, as a graph's do.
        """
        idle: list[float] = []  # what timing itself takes
        for _ in range(_TRIALS):
            _timed(lambda: None, idle)
        own = min(idle)
        forward: list[list[float]] = [[] for _ in self.forward]
        backward: list[list[float]] = [[] for _ in self.forward]
        with np.errstate(all="ignore"):
            for _ in range(rounds):
                held = [_timed(run, forward[k]) for k, run in enumerate(self.forward)]
                del held
                for k, run in reversed([*enumerate(self.backward)]):
                    if run is not None:
                        _timed(run, backward[k])
        return tuple(  # type: ignore[return-value]
            [max(min(t) - own, 0.0) if t else 0.0 for t in way] for way in (forward, backward)
        )


def _timed(run: Run, times: list[float]) -> Any:
    start = time.perf_counter_ns()
    y = run()
    times.append((time.perf_counter_ns() - start) * 1e-9)
    return y


def arrays(v: Node) -> list[Any]:
    """The inputs of a node, as its op computed on them."""
    found = [x._data if isinstance(x, Node) else x for x in v.inputs]
    if v.op.elementwise:
        return found
    return [np.asarray(x) if isinstance(x, np.generic) else x for x in found]


def _forward(v: Node) -> Run:
    given, op = arrays(v), v.op
    if op is CHECKPOINT:
        function, xs, _ = v.static
        return lambda: function(*xs)
    if op.path == 1:  # as the short ways of calling an op do
        forward, (a,) = op.forward, given
        return lambda: forward(a)
    if op.path == 2:
        forward, (a, b) = op.forward, given
        return lambda: forward(a, b)
    return lambda: op._run(given, v.static)


def _backward(v: Node, g: Any, needs: Sequence[bool], guarded: bool) -> Run:
    """The node's vjps, and what the engine does to what they give: shape, dtype, no 0 · inf."""
    op, y, given = v.op, v._data, arrays(v)
    datas: list[Any] = [x._data if need else None for x, need in zip(v.inputs, needs, strict=True)]
    short = bool(op.path) and v._inputs is None  # the engine asks no pull, which takes longer
    pulls = [(vjp, i) for i, vjp in enumerate(op.vjps) if short and needs[i]]

    def run() -> None:
        if short:
            found: Any = [(vjp(g, y, *given), datas[i]) for vjp, i in pulls]
        else:
            found = zip(op.pull(v, g, needs), datas, strict=True)
        for gx, data in found:
            if gx is None:
                continue
            if guarded:
                gx = zero_where_zero(g, gx)
            if getattr(gx, "shape", None) != data.shape or gx.dtype is not data.dtype:
                fit(gx, data)

    def run_whole() -> None:  # towards a node with several outputs
        op.pull(v, g, needs)

    return run_whole if any(type(data) is tuple for data in datas) else run
