"""PlanTrace: a compiled plan run step by step, beside the eager call that it replays."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.plan.arguments import Arguments
from autograd.plan.files import load
from autograd.plan.memory import Memory
from autograd.plan.plan import Plan, reached
from autograd.plan.recording import Recording
from autograd.plan.schedule import Loop
from autograd.plan.source import Written
from autograd.plan.state import State
from autograd.plan.terms import Call, Fold, Part, Product, Source, whole
from autograd.tape import Effect
from autograd.viz.summary import number
from autograd.viz.units import bytes_of, duration, share

ROUNDS = 20
"""Timed runs; the median counts."""


class Made(NamedTuple):
    """A result of a step.

    Attributes
    ----------
    label : the op that it comes from.
    shape, dtype : of the array.
    offset, bytes : its place in the shared memory; None for what a call allocates.
    until : the last step that reads it; the number of steps if it is returned.
    array : its elements.
    off : the largest difference from the eager call, relative to its largest element; None where
        eager has no array for it.
    """

    label: str
    shape: tuple[int, ...]
    dtype: str
    offset: int | None
    bytes: int
    until: int
    array: Any
    off: float | None


class Step(NamedTuple):
    """A step of a plan.

    Attributes
    ----------
    kind : "loop", "sum", "product" or "call".
    title : what it computes.
    labels : the ops that a loop computes together, in order.
    shape : over which a loop runs; of the result of others.
    reads : arguments, parameters and constants by name, and steps by number -> bytes of them.
    made : its results.
    lines : the first and last of its lines in the source, from 1.
    seconds : that it takes.
    """

    kind: str
    title: str
    labels: list[str]
    shape: tuple[int, ...]
    reads: dict[str | int, int]
    made: list[Made]
    lines: tuple[int, int]
    seconds: float


class PlanTrace:
    """A plan, run step by step; prints a table.

    Everything that the plan changes, such as parameters, gradients and random generators, is put
    back.

    Parameters
    ----------
    plan : from ``compiled.plan(*args)``, which keeps these arguments.
    rounds : timed runs of each step.

    Attributes
    ----------
    steps : a list of `Step`.
    seconds, eager : medians of a call of the plan and of the eager function.
    source : the text of the compiled file.
    bytes, asked : size of the shared memory, and what the results would take otherwise.

    Raises
    ------
    ValueError
        A plan of floats, which is one expression, or one without arguments.
    """

    def __init__(self, plan: Plan, rounds: int = ROUNDS) -> None:
        if plan.numbers is not None:
            raise ValueError(
                "This plan of floats is one expression without steps: print plan.source, or draw "
                "the Value that the function returns for Values."
            )
        if plan.given is None:
            raise ValueError("Ask for the plan with its arguments: compiled.plan(*args).")
        self.plan, given = plan, plan.given
        self.source, self.bytes, self.asked = plan.source, plan.bytes, plan.asked
        found = reached(plan.function, given)
        before = State(found.roots, found.places)
        try:
            recording = Recording(plan.function, given, [x for x, _ in found.roots])
            before.restore()
            arrays, times = _run(plan, recording, given, before, rounds)
            self.steps = _steps(recording, arrays, times)
            self.seconds = _timed(lambda: plan.called(given), before, rounds)
            eager = functools.partial(plan.function, *given.args, **given.kwargs)
            self.eager = _timed(eager, before, rounds)
        finally:
            before.restore()

    @property
    def largest(self) -> float:
        """The largest relative difference of a result from the eager call."""
        return max((made.off or 0.0 for step in self.steps for made in step.made), default=0.0)

    def __repr__(self) -> str:
        total = sum(step.seconds for step in self.steps) or 1.0
        rows = [("step", "what", "over", "time", "share", "writes")]
        for i, step in enumerate(self.steps):
            written = sum(made.bytes for made in step.made if made.offset is not None)
            rows.append(
                (
                    str(i),
                    f"{step.kind}: {_short(step.title)}",
                    str(step.shape),
                    duration(step.seconds),
                    share(step.seconds / total),
                    bytes_of(written) if written else "",
                )
            )
        widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
        left = (False, True, True, False, False, False)
        lines = [
            "  ".join(
                cell.ljust(width) if to_left else cell.rjust(width)
                for cell, width, to_left in zip(row, widths, left, strict=True)
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, self.verdict])

    @property
    def verdict(self) -> str:
        """Compiled against eager, memory and accuracy in one sentence."""
        times = self.eager / self.seconds
        pays = f"{number(times, 2)} times as fast" if times >= 1.05 else "no faster"
        return (
            f"A call takes {duration(self.seconds)}, an eager one {duration(self.eager)}: {pays}. "
            f"{bytes_of(self.asked)} of results share {bytes_of(self.bytes)}. The largest "
            f"difference from eager is {number(self.largest, 2)} of a result's largest element."
        )


class _Stepwise(Memory):
    """Memory of a plan whose driver tells of each step."""

    after: Callable[[int, Sequence[Any]], None]


def _run(
    plan: Plan, recording: Recording, given: Arguments, before: State, rounds: int
) -> tuple[list[list[Any]], list[list[float]]]:
    """The results of each step, copied, and the seconds of each step in each round."""
    schedule = recording.schedule
    written = Written(schedule, recording.names, recording.terms, recording.summary, apart=True)
    module = load(written.text)
    memory = _Stepwise(schedule.bytes, written.views)
    arrays: list[list[Any]] = [[] for _ in schedule.steps]
    times: list[list[float]] = [[] for _ in schedule.steps]
    clock, start = time.perf_counter, 0.0

    def keep(i: int, made: Sequence[Any]) -> None:
        arrays[i] = [np.array(x) for x in made]

    def tell(i: int, made: Sequence[Any]) -> None:
        nonlocal start
        times[i].append(clock() - start)
        start = clock()

    for after in (keep, *(tell for _ in range(rounds))):
        memory.after = after
        with np.errstate(all="ignore"):
            inputs = plan.inputs(given.leaves)
            start = clock()
            module.run(memory, written.calls, *inputs)
        before.restore()
    return arrays, times


def _timed(call: Callable[[], Any], before: State, rounds: int) -> float:
    """The median seconds of a call."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
        before.restore()
    return statistics.median(seconds)


def _steps(recording: Recording, arrays: list[list[Any]], times: list[list[float]]) -> list[Step]:
    schedule = recording.schedule
    last = schedule.last_readers()
    found = []
    for i, step in enumerate(schedule.steps):
        made = []
        for term, array in zip(schedule.results(i), arrays[i], strict=True):
            shared = not isinstance(term, Part)
            made.append(
                Made(
                    term.label,
                    term.shape,
                    str(term.dtype),
                    term.place[1] * term.dtype.itemsize if shared else None,
                    term.size * term.dtype.itemsize,
                    last.get(id(term), i),
                    array,
                    _off(array, recording.eager.get(id(term))),
                )
            )
        kind, title, labels, shape = _described(step)
        reads: dict[str | int, int] = {}
        for term in {id(term): term for term in schedule.read(step)}.values():
            if isinstance(step, Call) and isinstance(step.op, Effect) and isinstance(term, Call):
                continue  # an earlier effect, from which nothing is read
            if isinstance(term, Source):
                source: str | int = f"{term.label} {term.place[0]}".strip()
            elif term.step is not None and term.step != i:
                source = term.step
            else:
                continue
            size = 0 if isinstance(term, Call) else term.size * term.dtype.itemsize
            reads[source] = reads.get(source, 0) + size
        seconds = statistics.median(times[i])
        lines = recording.written.lines[i]
        found.append(Step(kind, title, labels, shape, reads, made, lines, seconds))
    return found


def _described(step: Any) -> tuple[str, str, list[str], tuple[int, ...]]:
    """Kind, title, ops and shape of a step."""
    if isinstance(step, Loop):
        labels = [term.label for term in step.maps]
        return "loop", ", ".join(labels), labels, step.shape
    if isinstance(step, Product):
        a, b = (whole(x) for x in step.args)
        return "product", f"{step.label} {a.shape} @ {b.shape}", [step.label], step.shape
    if isinstance(step, Fold):
        of = whole(step.args[0])
        return "sum", f"{step.label} of {of.shape} over {step.axes}", [step.label], step.shape
    return "call", step.label, [step.label], ()


def _off(array: Any, eager: Any) -> float | None:
    """How far an array is from that of the eager call, relative to its largest element."""
    if eager is None or type(eager) is tuple or np.shape(eager) != np.shape(array):
        return None
    eager = np.asarray(eager)
    if eager.dtype.kind not in "fiub" or not eager.size:
        return None
    with np.errstate(all="ignore"):
        apart = np.abs(np.subtract(array, eager, dtype=np.float64))
        apart = np.where(np.equal(array, eager) | (np.isnan(array) & np.isnan(eager)), 0.0, apart)
        scale = np.max(np.abs(eager), where=np.isfinite(eager), initial=0.0)
        return float(np.max(apart) / (scale or 1.0))


def _short(title: str, most: int = 60) -> str:
    return title if len(title) <= most else f"{title[: most - 1]}…"
