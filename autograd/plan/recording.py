"""Recording: a function run on a tape, and what was read off it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from autograd.node import Node, tick
from autograd.plan import results
from autograd.plan.arguments import Arguments
from autograd.plan.lowering import Lowering, RefusalError
from autograd.plan.numbers import Numbers, is_scalar
from autograd.plan.schedule import Loop, Schedule, ordered
from autograd.plan.source import Written
from autograd.plan.terms import Product, Source
from autograd.results import effect
from autograd.tape import Effect, UndecidedError, taped
from autograd.value import Value


class Deposit(Effect):
    """Puts gradients, computed anew, where a function leaves them: in the .grad of leaves.

    Parameters
    ----------
    leaves : those that have one in the end.
    cleared : those that have none any more.
    added : those whose gradient is added to what they had before.
    """

    def __init__(
        self, leaves: Collection[Node], cleared: Collection[Node], added: Collection[Node]
    ) -> None:
        super().__init__("grad")
        self.leaves, self.cleared, self.added = list(leaves), list(cleared), set(added)

    def keep(self) -> Callable[[], None]:
        before = [(leaf, leaf.grad) for leaf in (*self.cleared, *self.leaves)]

        def restore() -> None:
            for leaf, g in before:
                leaf.grad = g

        return restore

    def forward(self, *grads: Any) -> float:
        grads = grads[: len(self.leaves)]  # without any, an effect has None as its input
        if self.wary and not all(np.isfinite(g).all() for g in grads):
            raise UndecidedError
        for leaf in self.cleared:
            leaf.grad = None
        for leaf, g in zip(self.leaves, grads, strict=True):
            before = leaf.grad if leaf in self.added else None
            leaf.grad = np.array(g) if before is None else np.asarray(before + g, g.dtype)
        return 0.0


class Recording:
    """A function run on a tape, as a plan.

    Parameters
    ----------
    function, given : what is called, and with what.
    reached : what the function can reach: leaves and arrays that are read in each call.

    Attributes
    ----------
    names : of arguments, leaves and constants in the plan, in order.
    leaves : leaf Values, with shape and dtype.
    constants : arrays that are part of the function.
    terms : the results.
    eager : id of a term -> what the recorded call computed for it.
    schedule, written : the steps, and their source.
    effects : what it does besides computing.
    delicate : whether 0 · inf may come up, which only an eager call decides.
    doubtful : which of the results may be wrong then: those from a backward pass.
    eps : that of the coarsest dtype that it computes in.
    fresh : leaves that must have no .grad before a call.
    """

    def __init__(
        self, function: Callable[..., Any], given: Arguments, reached: Iterable[Any]
    ) -> None:
        reached = list(reached)
        unique = {id(x): x for x in reached if isinstance(x, Node)}.values()
        nodes = [x for x in unique if x.requires_grad or x.grad is not None]
        self._start = tick()
        tick()
        with taped() as tape:
            for x in nodes:  # to see whether the function clears it
                x.grad = np.full(x._data.shape, np.nan, np.float64)
            values = []
            for x in given.leaves:
                v = Value(x, requires_grad=False)
                tape.add(v)
                values.append(v)
            args, kwargs = given.with_leaves(values)
            returned = function(*args, **kwargs)
            cleared = [x for x in nodes if x.grad is None]
            with_grad = [x for x in nodes if isinstance(x.grad, Node)]
            stepped = {id(p): g for v in tape.effects for p, g in _stepped(v)}
            left = [p for p in with_grad if stepped.get(id(p)) is not p.grad]
            added = [p for p in left if tape.added.get(p) is p.grad and id(p) not in stepped]
            left += [x for x in nodes if id(x) in stepped and _is_zero(x.grad)]
            if left or cleared:
                effect(Deposit(left, cleared, added), [p.grad for p in left])
        self.fresh = [p for p in tape.added if not any(p is x for x in added)]
        self.effects = [v.op for v in tape.effects]
        steps = [op for op in self.effects if op.writes]
        for op in steps[1:]:
            op.first = False
        self.leaves: list[tuple[Any, Any, Any]] = []
        self.constants: list[Any] = []
        self._arguments = {id(v): f"a{i}" for i, v in enumerate(values)}
        self._names: dict[int, str] = {}
        live = {id(x) for x in reached if isinstance(x, np.ndarray)}
        lowering = Lowering(tape, self._source, live)
        outputs = [x for _, x in results.leaves(returned)]
        terms, order = lowering.all(outputs)
        self.terms, self.eager = terms, lowering.eager
        self.doubtful = [lowering.of_backward(x) for x in outputs]
        names = [f"a{i}" for i in range(len(values))]
        names += [f"p{i}" for i in range(len(self.leaves))]
        self.names = names + [f"k{i}" for i in range(len(self.constants))]
        self.schedule = Schedule(terms, order)
        floats = {term.dtype for term in ordered([*order, *terms]) if term.dtype.kind == "f"}
        self.eps = max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0)
        self.delicate = _is_delicate(lowering.ops)
        for op in self.effects:
            op.wary = lowering.steep
        alone = given.only_floats and not (self.leaves or self.constants or self.effects)
        self.numbers = Numbers(terms, names) if alone and is_scalar(terms) else None
        self.summary = self._summary()
        memory = f"{self.schedule.asked:,} bytes of results in {self.schedule.bytes:,}."
        self.written = Written(self.schedule, self.names, terms, f"{self.summary};\n{memory}")

    def _source(self, x: Any) -> Source | None:
        if isinstance(x, Node):
            shape, dtype = np.shape(x._data), np.asarray(x._data).dtype
            if id(x) in self._arguments:
                return Source(self._arguments[id(x)], shape, dtype, "argument")
            if id(x) not in self._names:
                if x.birth > self._start and not any(op.changes(x) for op in self.effects):
                    return None  # made by the function itself
                self._names[id(x)] = f"p{len(self.leaves)}"
                self.leaves.append((x, shape, dtype))
            return Source(self._names[id(x)], shape, dtype, x.name or "parameter")
        array = np.asarray(x, order="C")
        self.constants.append(array)
        return Source(f"k{len(self.constants) - 1}", array.shape, array.dtype, "constant")

    def _summary(self) -> str:
        steps = self.schedule.steps
        loops = [step for step in steps if isinstance(step, Loop)]
        return (
            f"{sum(len(loop.maps) for loop in loops)} maps over elements in {len(loops)} loops, "
            f"{sum(isinstance(step, Product) for step in steps)} products"
        )

    def compare(self, other: Recording) -> None:
        """Raise unless another recording, of other numbers, made the same plan."""
        if self.written.text != other.written.text:
            mine, its = (r.written.text.splitlines() for r in (self, other))
            pairs = ((a, b) for a, b in zip(mine, its, strict=False) if a != b)
            a, b = next(pairs, ("a shorter plan", "a longer one"))
            raise RefusalError(
                "compile: what the function computes depends on the numbers it is given, by a way "
                f"that was not recorded: once {a.strip()!r}, once {b.strip()!r}. Use NumPy's "
                "functions on the arguments themselves."
            )
        for c, d in zip(self.constants, other.constants, strict=True):
            if c is not d and c.tobytes() != d.tobytes():
                raise RefusalError(
                    f"compile: an array of shape {c.shape} that the function computes with depends "
                    "on the numbers it is given, by a way that was not recorded. Use NumPy's "
                    "functions on the arguments themselves."
                )


def _stepped(v: Node) -> Iterable[tuple[Any, Any]]:
    """Leaves that an optimizer's step gives their gradients, and these."""
    return zip(getattr(v.op, "with_grad", ()), v.inputs, strict=False)


def _is_zero(g: Any) -> bool:
    """Whether a gradient was cleared by filling it with zeros."""
    return isinstance(g, np.ndarray) and not np.any(g)


def _is_delicate(ops: Iterable[Any]) -> bool:
    """Whether one of the ops selects elements and one has an unbounded slope."""
    ops = list(ops)
    masks = any(getattr(op, "masks", False) for op in ops)
    return masks and any(getattr(op, "singular", False) for op in ops)
