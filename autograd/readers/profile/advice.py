"""What dominates a step, and what would help, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from autograd.viz.units import duration, share

if TYPE_CHECKING:
    from autograd.readers.profile.report import Cost, Profile

OUTSIDE, PYTHON = 0.35, 1e-4
"""Share of the time outside of ops from which that is what dominates, and most seconds of it for an
op: where there is more, memory was allocated or other programs ran."""

MANY, SLICES = 20, 8
"""Equal ops of one module that are a loop; slices of one array that are worth one op."""

SMALL = 20_000
"""Elements up to which the fixed cost of an op is not small against its arithmetic."""

GOOD = 0.4
"""Share of the machine's peak that is hard to improve on."""

COLD, TIMES = 0.5, 10.0
"""A first step so many seconds, and so many times, longer than the others compiled kernels."""


def advice(found: Profile) -> str:
    """What takes most of the time, what would help, and a slow first step if there was one.

    Each of it was measured, on loops over time steps, small and large networks in both precisions.
    """
    return " ".join([*_main(found), *_first(found)])


def loops(found: Profile) -> list[Cost]:
    """Equal ops of one module that come so often that they must be in a loop."""
    return [cost for cost in found.grouped("alike") if cost.count >= MANY]


def _main(found: Profile) -> Iterator[str]:
    whole = found.forward + found.backward
    if not found.costs or not whole:
        return
    outside = sum(found.rest) / whole
    repeated = loops(found)
    top = found.grouped("alike")[0]
    ops = len(found.costs)
    python = sum(found.rest) <= PYTHON * ops
    if outside >= OUTSIDE and outside > top.seconds / whole and python:
        mean = sum(cost.seconds for cost in found.costs) / ops
        yield (
            f"{share(outside)} of the step is Python and recording, around {ops:,} ops of "
            f"{duration(mean)} each{_most_of(repeated, whole)}: {_fewer(found, repeated)}."
        )
        return
    yield (
        f"{_called(top)} takes {share(top.seconds / whole)} of the step"
        f"{_of_peak(top)}: {_faster(found, top)}."
    )


def _most_of(repeated: Sequence[Cost], whole: float) -> str:
    if not repeated:
        return ""
    most = max(repeated, key=lambda cost: cost.count)
    return f", such as {_called(most)}, {share(most.seconds / whole)} of the time"


def _called(cost: Cost) -> str:
    return f"{cost.count:,} × {cost.label}" if cost.count > 1 else cost.label


def _of_peak(cost: Cost) -> str:
    return "" if cost.of_peak is None else f", at {share(cost.of_peak)} of the machine's peak"


def _fewer(found: Profile, repeated: Sequence[Cost]) -> str:
    """What helps against the fixed cost of many small ops."""
    cures = []
    if any(cost.op == "getitem" for cost in repeated):
        cures.append("take all slices in one op (for row in x, or np.split) instead of x[:, t]")
    if repeated:
        cures.append("a fused layer in place of the loop, such as nn.GRU")
    if _elements(found) <= SMALL:
        cures.append("a larger batch takes little longer")
    if not repeated:
        cures.append("autograd.compile replays the step as one function")
    return "; ".join(cures)


def _faster(found: Profile, top: Cost) -> str:
    """What helps against the ops that take most of the time."""
    cures = []
    members = [cost for cost in found.costs if cost.op == top.op and cost.inside == top.inside]
    largest = max((prod(cost.shape or ()) for cost in members), default=0)
    if top.dtype == "float64" and largest > SMALL:
        cures.append("float32 takes half of the time or less")
    if top.op == "getitem" and top.count >= SLICES:
        cures.append("take all slices in one op (for row in x, or np.split) instead of x[:, t]")
    elif top.count >= MANY:
        cures.append("one op on all of them, or a fused layer, in place of the loop")
    if not cures and top.of_peak is not None and top.of_peak >= GOOD:
        cures.append("near the limit; only smaller layers or more threads would be faster")
    if not cures and _elements(found) <= SMALL:
        cures.append("the arrays are small, so a larger batch takes little longer")
    return "; ".join(cures) or "smaller arrays, or fewer ops that read and write them"


def _elements(found: Profile) -> int:
    """Elements of the largest result."""
    return max((prod(cost.shape or ()) for cost in found.costs), default=0)


def _first(found: Profile) -> Iterator[str]:
    whole = found.forward + found.backward
    if found.first - whole > COLD and found.first > TIMES * whole:
        yield (
            f"The first step took {duration(found.first)}, as kernels were compiled or loaded; "
            "`glassgrad warmup` compiles them beforehand."
        )
