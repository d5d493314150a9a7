"""profile: the cost of each node of one training step, forward and backward."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from autograd import engine
from autograd.op import SELECT
from autograd.plan.plan import Plan
from autograd.readers.profile import work
from autograd.readers.profile.engines import engine_of
from autograd.readers.profile.machine import peak
from autograd.readers.profile.replay import Replay, arrays
from autograd.readers.profile.report import Cost, Profile
from autograd.value import Value, seed_like
from autograd.viz.labels import call_labels
from autograd.viz.plan.trace import PlanTrace
from autograd.viz.trace import Trace

_FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


@overload
def profile(fn: Plan, *, repeat: int = 10) -> PlanTrace: ...
@overload
def profile(fn: Callable[[], Value], *, repeat: int = 10) -> Profile: ...
def profile(fn: Callable[[], Value] | Plan, *, repeat: int = 10) -> Profile | PlanTrace:
    """Measure the cost of each node of a step: time, memory, FLOPs, share of the machine's peak.

    First `fn` is run `repeat` times, forward and backward, without instrumentation; this gives the
    total times. Then its finished graph is read, and each op is replayed on its inputs. So
    profiling costs nothing but the extra runs.

    Parameters
    ----------
    fn : callable without arguments
        The forward pass: it returns the loss. It runs ``repeat + 2`` times, which advances random
        generators and running statistics; gradients (`.grad`) stay unchanged. Or a compiled plan,
        ``compiled.plan(*args)``: its steps are timed, and all that they change is put back.
    repeat : int
        Number of runs; the fastest counts, so that other programs on the machine matter less.

    Returns
    -------
    Profile : prints a table, and what dominates and would help; `.advice`, `.text(by="module")`,
        `.table()`, `.drawing()`, ``.chrome_trace("trace.json")``. Of a plan a
        `PlanTrace`, which prints a table of its steps, beside the eager call.

    Raises
    ------
    TypeError
        fn is not a function, or does not return a Value.
    ValueError
        The loss is not a single number; repeat below 1.
    RuntimeError
        Nothing behind the loss requires a gradient.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> x = autograd.Value(np.ones((3, 4)), name="x")
    >>> found = autograd.profile(lambda: np.sum(np.tanh(x)))
    >>> [(cost.op, cost.kept) for cost in found.costs]
    [('tanh', 96), ('sum', 8)]
    """
    if isinstance(fn, Plan) and repeat > 0:
        return PlanTrace(fn, repeat)
    if not callable(fn):
        raise TypeError(
            f"profile: fn must be a function that returns the loss, not {type(fn).__name__}: "
            "profile(lambda: loss_of(model, x))."
        )
    if repeat < 1:
        raise ValueError(f"profile: repeat must be at least 1, got {repeat}.")
    first, *times = (_step(fn) for _ in range(repeat + 1))  # the first one may compile
    forward, backward = (min(way) for way in zip(*times, strict=True))
    loss = fn()
    trace = Trace([loss])
    return Profile(trace, _costs(trace, repeat), forward, backward, sum(first))


def _step(fn: Callable[[], Value]) -> tuple[float, float]:
    """Seconds of one step, forward and backward; leaves keep their gradients."""
    start = time.perf_counter()
    loss = fn()
    between = time.perf_counter()
    if not isinstance(loss, Value):
        raise TypeError(f"profile: fn must return a Value, the loss, not {type(loss).__name__}.")
    seed_like(loss, None)  # raises unless it is one number and requires a gradient
    _, leaves, _ = engine.topological([loss])
    before = [(leaf, leaf.grad) for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    try:
        begin = time.perf_counter()
        loss.backward()
        end = time.perf_counter()
    finally:
        for leaf, g in before:
            leaf.grad = g
    return between - start, end - begin


def _costs(trace: Trace, rounds: int) -> list[Cost]:
    """The cost of every recorded node, in the order of the graph."""
    (loss,) = trace.roots
    nodes = [v for v in trace.order if v.op is not SELECT]
    replay = Replay(loss, np.ones_like(loss._data), nodes)
    forward, backward = replay.times(rounds)
    memory = work.Memory(list(trace.leaves.values()))
    labels = call_labels([c for c in trace.calls.values() if c])
    names = {id(v.inputs[0]): trace.name(v) for v in trace.order if v.op is SELECT}
    costs = []
    for k, v in enumerate(nodes):
        call = trace.calls[id(v)]
        inside = tuple(labels[id(c)] for c in call.chain()) if call else ()
        data = v._data[0] if type(v._data) is tuple else v._data
        back = replay.backward[k]
        with np.errstate(all="ignore"):
            runs = [replay.forward[k], *([back] if back else [])]
            engines = tuple(engine_of(v.op, run) for run in runs)
        xs = arrays(v)
        needs = replay.needs[k] if back else [False] * len(xs)
        flops = work.flops(v, xs, needs)
        own = trace.name(v) or names.get(id(v))
        costs.append(
            Cost(
                label=own or f"{f'{inside[-1]}: ' if inside else ''}{v.op.name}",
                op=v.op.name,
                inside=inside,
                shape=np.shape(data),
                forward=forward[k],
                backward=backward[k],
                kept=memory.kept(v),
                flops=None if flops is None else float(sum(flops)),
                least=_least(v, xs, needs, flops),
                engines=engines,
                dtype=str(np.asarray(data).dtype),
            )
        )
    return costs


def _least(v: Any, xs: Any, needs: Sequence[bool], flops: Any) -> float | None:
    """Seconds at the machine's peak, by the roofline model: forward plus backward pass."""
    dtype = np.asarray(v._data[0] if type(v._data) is tuple else v._data).dtype
    if flops is None or dtype not in _FLOATS:
        return None
    if work.is_view(v, xs):
        return 0.0
    limit = peak(dtype)
    result, given = work.traffic([v._data]), work.traffic(xs)
    there = limit.seconds(flops[0], result + given)
    wanted = work.traffic([x for x, need in zip(xs, needs, strict=True) if need])
    back = limit.seconds(flops[1], result + given + wanted) if any(needs) else 0.0
    return there + back
