"""Run the ops of a finished graph again, one by one, on the same inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import engine
from autograd.checkpointing import CHECKPOINT
from autograd.contribution import Unreached, branches, fit
from autograd.node import Node

Run = Callable[[], Any]
_TRIALS = 101


class Replay:
    """The forward and backward computation of each recorded node, as functions without arguments.

    Parameters
    ----------
    root : the result of the graph.
    seed : its incoming gradient.
    nodes : its recorded nodes, inputs before their users.

    Attributes
    ----------
    forward, backward : one function per node; None for a node that gets no gradient.
    needs : for each node, which of its inputs get a gradient.
    """

    def __init__(self, root: Node, seed: Any, nodes: Sequence[Node]) -> None:
        incoming: dict[int, Any] = {}
        hidden: dict[int, Any] = {}
        unreached: Unreached = {}

        def watch(v: Node, g: Any) -> None:
            incoming[id(v)] = g
            if v in unreached:
                hidden[id(v)] = unreached[v]

        engine.gradients([root], [seed], [], watch=watch, unreached=unreached)
        self.needs = [[isinstance(x, Node) and x.requires_grad for x in v.inputs] for v in nodes]
        self.forward: list[Run] = [_forward(v) for v in nodes]
        self.backward: list[Run | None] = [
            _backward(v, incoming[id(v)], needs, hidden.get(id(v))) if id(v) in incoming else None
            for v, needs in zip(nodes, self.needs, strict=True)
        ]

    def times(self, rounds: int) -> tuple[list[float], list[float]]:
        """Seconds of each node, forward and backward: the best of several rounds.

        A round runs the whole graph in the order of a pass, so that caches are as warm as in one;
        results are kept until its end, as in a graph.
        """
        idle: list[float] = []  # the time of timing itself
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
    """The inputs of a node as its op got them."""
    found = [x._data if isinstance(x, Node) else x for x in v.inputs]
    if v.op.elementwise:
        return found
    return [np.asarray(x) if isinstance(x, np.generic) else x for x in found]


def _forward(v: Node) -> Run:
    given, op = arrays(v), v.op
    if op is CHECKPOINT:
        function, xs, _ = v.static
        return lambda: function(*xs)
    if op.path == 1:  # the fast paths of calling an op
        forward, (a,) = op.forward, given
        return lambda: forward(a)
    if op.path == 2:
        forward, (a, b) = op.forward, given
        return lambda: forward(a, b)
    return lambda: op._run(given, v.static)


def _backward(v: Node, g: Any, needs: Sequence[bool], hidden: Any) -> Run:
    """The node's vjps, and what the engine does with their results: shape, dtype, no 0 · inf."""
    op, y, given = v.op, v._data, arrays(v)
    inputs = v.inputs
    short = bool(op.path) and v._inputs is None  # the engine skips `pull`, which takes longer
    pulls = (
        [(x, vjp, need) for x, vjp, need in zip(inputs, op.vjps, needs, strict=True)]
        if short
        else []
    )

    def run() -> None:
        if short:
            found: Any = [(x, vjp(g, y, *given) if need else None) for x, vjp, need in pulls]
        else:
            found = zip(inputs, op.pull(v, g, needs), strict=True)
        if hidden is not None or op.masks:
            found = branches(v, g, found, {}, {} if hidden is None else {v: hidden})
        for x, gx in found:
            if gx is None:
                continue
            data = x._data
            if getattr(gx, "shape", None) != data.shape or gx.dtype is not data.dtype:
                fit(gx, data, v)

    def run_whole() -> None:  # for an input with several outputs
        op.pull(v, g, needs)

    several = any(type(x._data) is tuple for x, need in zip(inputs, needs, strict=True) if need)
    return run_whole if several else run
