"""Schedule: the steps of a plan, maps of one shape in common loops, and a place for each result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autograd.plan.terms import Call, Fold, Map, Number, Part, Product, Source, Term, View, whole

LINE = 64
"""Bytes that places in memory are aligned to: a cache line."""


class Loop:
    """A step that computes maps over one shape, element by element."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.maps: list[Map] = []


Step = Loop | Fold | Product | Call


class Schedule:
    """The steps in order.

    A map goes into the first loop over its shape that comes after all that it needs. Steps are
    placed in the order in which the terms were made, inputs before their users, so this takes one
    pass.

    Parameters
    ----------
    outputs : terms that hold memory.
    order : what else must be computed, in this order.

    Attributes
    ----------
    steps : the steps.
    bytes : size of the memory that all results share.
    asked : what they would take without sharing.
    """

    def __init__(self, outputs: Sequence[Term], order: Sequence[Term] = ()) -> None:
        self.steps: list[Step] = []
        self._parts: dict[int, list[Part]] = {}  # of the calls, by their step
        self.outputs = [whole(term).of for term in outputs]
        for term in ordered([*order, *outputs]):
            self._place(term)
        for term in self.outputs:
            term.stored = True
        self.bytes = self.asked = 0
        self._allocate()

    def _place(self, term: Term) -> None:
        if isinstance(term, Source) and term.args:  # an effect wrote to it
            term.step = term.args[0].step
        if isinstance(term, (Number, Source, View)):
            return
        if isinstance(term, Part):
            term.step = term.call.step
            self._parts.setdefault(term.step or 0, []).append(term)
            return
        if not isinstance(term, Map):
            self._mark(term, len(self.steps))
            term.step = len(self.steps)
            term.stored = not isinstance(term, Call)
            self.steps.append(term)  # type: ignore[arg-type]
            return
        first = max((self._after(arg, term) for arg in term.args), default=0)
        for at in range(first, len(self.steps)):
            loop = self.steps[at]
            if isinstance(loop, Loop) and loop.shape == term.shape:
                break
        else:
            at, loop = len(self.steps), Loop(term.shape)
            self.steps.append(loop)
        term.step = at
        loop.maps.append(term)
        self._mark(term, at)

    def _after(self, arg: Term, user: Map) -> int:
        """The first step in which a map can read an argument."""
        source = arg.of if isinstance(arg, View) else arg
        if source.step is None:
            return 0
        fused = isinstance(arg, Map) and arg.shape == user.shape
        return source.step if fused else source.step + 1

    def _mark(self, user: Term, at: int) -> None:
        """Note which arguments of a term must be in memory."""
        for arg in user.args:
            source = arg.of if isinstance(arg, View) else arg
            if source.step != at or isinstance(arg, View):
                source.stored = True

    def made(self, step: Step) -> list[Term]:
        """The results of a step that are in the shared memory."""
        terms: list[Term] = list(step.maps) if isinstance(step, Loop) else [step]
        return [term for term in terms if term.stored and not isinstance(term, Call)]

    def results(self, i: int) -> list[Term]:
        """What step i leaves for other steps: in the shared memory, or as parts of a call."""
        return [*self.made(self.steps[i]), *self._parts.get(i, ())]

    def read(self, step: Step) -> list[Term]:
        """What a step reads from memory."""
        terms: Iterable[Term] = step.maps if isinstance(step, Loop) else [step]
        args = [arg for term in terms for arg in term.args]
        return [arg.of if isinstance(arg, View) else arg for arg in args]

    def last_readers(self) -> dict[int, int]:
        """The last step that reads each term, by its id; the number of steps for those kept."""
        last: dict[int, int] = {}
        for i, step in enumerate(self.steps):
            for term in self.read(step):
                last[id(term)] = i
        for term in self.outputs:
            last[id(term)] = len(self.steps)
        # What a call returns may be a view of what it was given, and it may keep that.
        for step in self.steps:
            if isinstance(step, Call):
                for term in self.read(step):
                    last[id(term)] = len(self.steps)
        return last

    def _allocate(self) -> None:
        """Give each result a place, which is free again after its last reader."""
        last = self.last_readers()
        memory = _Memory()
        ends: dict[int, list[tuple[int, int]]] = {}
        for i, step in enumerate(self.steps):
            for term in self.made(step):
                bytes_ = max(term.size, 1) * term.dtype.itemsize
                offset, taken = memory.take(bytes_)
                term.place = (term.dtype.char, offset // term.dtype.itemsize)
                ends.setdefault(last.get(id(term), i), []).append((offset, taken))
            for place in ends.pop(i, ()):
                memory.give(*place)
        self.bytes, self.asked = memory.top, memory.asked


class _Memory:
    """Places in one block, the smallest that fits first."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []  # offset and size
        self.top = self.asked = 0

    def take(self, size: int) -> tuple[int, int]:
        """A place of at least `size` bytes: its offset and size."""
        size = -(-size // LINE) * LINE
        self.asked += size
        fitting = [place for place in self.free if place[1] >= size]
        if not fitting:
            self.top += size
            return self.top - size, size
        offset, n = best = min(fitting, key=lambda place: place[1])
        self.free.remove(best)
        if n > size:
            self.free.append((offset + size, n - size))
        return offset, size

    def give(self, offset: int, size: int) -> None:
        """Free a place, and join it with free ones beside it."""
        merged: list[tuple[int, int]] = []
        for start, n in sorted([*self.free, (offset, size)]):
            if merged and sum(merged[-1]) == start:
                merged[-1] = (merged[-1][0], merged[-1][1] + n)
            else:
                merged.append((start, n))
        self.free = merged


def ordered(outputs: Sequence[Term]) -> list[Term]:
    """All terms behind the outputs, arguments before their users."""
    order: list[Term] = []
    seen: set[int] = set()
    stack: list[tuple[Term, bool]] = [(term, False) for term in reversed(outputs)]
    while stack:
        term, done = stack.pop()
        if done:
            order.append(term)
            continue
        if id(term) in seen:
            continue
        seen.add(id(term))
        stack.append((term, True))
        stack.extend((arg, False) for arg in reversed(term.args) if id(arg) not in seen)
    return order
