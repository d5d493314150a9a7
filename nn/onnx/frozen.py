"""What the shapes of the inputs determine: it is computed for each of them once.

Exporters write the arithmetic of shapes as nodes: Shape, Gather, Concat, Reshape. Of two calls with
inputs of the same shapes the second need not do it again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd.value import Value

SMALL = 4096
"""Elements of the largest result that is kept."""

MOST = 16
"""Shapes for which a part remembers."""

OPERANDS = {  # op -> inputs that the shape of its output depends on
    "AffineGrid": (1,), "CenterCropPad": (1,), "Col2Im": (1, 2), "ConstantOfShape": (0,),
    "Expand": (1,), "MaxUnpool": (2,), "OneHot": (1,), "Pad": (1, 3), "Range": (0, 1, 2),
    "Reshape": (1,), "Resize": (1, 2, 3), "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,),
    "STFT": (1, 3), "DFT": (1, 2), "Tile": (1,), "TopK": (1,), "Unsqueeze": (1,), "Upsample": (1,),
    "HannWindow": (0,), "HammingWindow": (0,), "BlackmanWindow": (0,),
    "MelWeightMatrix": (0, 1, 2, 3, 4), "CumSum": (1,), "CumProd": (1,), "Trilu": (1,),
    **{
        f"Reduce{name}": (1,)
        for name in (
            "L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare",
        )
    },
}  # fmt: skip

UNKNOWN = {
    "Bernoulli", "Compress", "ConcatFromSequence", "If", "Loop", "Multinomial",
    "NonMaxSuppression", "NonZero", "Optional", "OptionalGetElement", "OptionalHasElement",
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Scan",
    "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
    "SequenceLength", "SequenceMap", "SplitToSequence", "Unique",
}  # fmt: skip
"""Ops whose results, or the shapes of these, other things determine."""


class Flag(NamedTuple):
    """What the shapes of the inputs determine of a tensor: its shape, and even its numbers."""

    shape: bool
    numbers: bool


NOTHING, SHAPE, ALL = Flag(False, False), Flag(True, False), Flag(True, True)


def key(inputs: tuple[Any, ...]) -> Any:
    """The shapes of inputs, and the numbers of small whole ones, which may be shapes; else None."""
    found: list[Any] = []
    for x in inputs:
        if isinstance(x, Value):
            found.append((x.shape, None))
        elif x is None:
            found.append(None)
        elif isinstance(x, (np.ndarray, np.generic)):
            whole = x.dtype.kind in "iub" and x.ndim < 2 and x.size <= 16
            found.append((x.shape, x.dtype.char + str(x.tolist()) if whole else None))
        else:
            return None
    return tuple(found)


def given(key: Any) -> list[Flag]:
    """The flags of inputs with this key."""
    return [ALL if x is None or x[1] is not None else SHAPE for x in key]


def analysed(part: Any, flags: list[Flag]) -> tuple[list[Flag], list[int], set[int]]:
    """What is determined in a part: flags of its outputs, its steps that are, and their places."""
    plan = part._plan
    known = {i: ALL for i in range(len(plan.template)) if plan.template[i] is not None}
    known[0] = ALL
    known.update(zip(plan.given, flags, strict=True))
    known.update((place, SHAPE) for place, _, _ in plan.weights)
    steps, places = [], set()
    for i, step in enumerate(plan.steps):
        reads = [known.get(k, NOTHING) for k in step.reads]
        if step.node is None:
            child = vars(part)[step.child]
            made = analysed(child, reads)[0] if "_plan" in vars(child) else []
            made += [NOTHING] * len(step.makes)
        else:
            made = [_flag(step.node, reads)] * len(step.makes)
        known.update(zip(step.makes, made, strict=False))
        if step.makes and all(known[k].numbers for k in step.makes):
            steps.append(i)
            places.update(step.makes)
    return [known.get(k, NOTHING) for k in plan.returned], steps, places - {0}


def _flag(node: Any, reads: list[Flag]) -> Flag:
    if node.takes_graphs or node.op in UNKNOWN or node.domain not in ("", "glassgrad"):
        return NOTHING
    if all(flag.numbers for flag in reads):
        return ALL
    if node.op in ("Shape", "Size"):
        return ALL if reads[0].shape else NOTHING
    operands = OPERANDS.get(node.op, ())
    if all(reads[i].numbers for i in operands if i < len(reads)) and all(f.shape for f in reads):
        return SHAPE
    return NOTHING


class Memories:
    """What a part remembers for inputs of some shapes, by their key; None where it need not.

    It has slots and no attributes besides: nothing that a compiled function would have to keep.
    """

    __slots__ = ("of",)

    def __init__(self) -> None:
        self.of: dict[Any, Memory] | None = {}

    def __reduce__(self) -> Any:
        return Memories, ()  # a copy finds out for itself


class Memory(NamedTuple):
    """What a part knows of inputs of some shapes: results by their places, and the steps to do."""

    known: dict[int, Any]
    steps: list[Any]


def remembered(plan: Any, known: list[Any], steps: list[int], places: set[int]) -> Memory:
    """What a part has found out, after it has run once."""
    kept = {
        k: known[k]
        for k in places
        if isinstance(known[k], (np.ndarray, np.generic)) and known[k].size <= SMALL
    }
    done = {i for i in steps if all(k in kept or k == 0 for k in plan.steps[i].makes)}
    left = [step for i, step in enumerate(plan.steps) if i not in done]
    needed = {k for step in left for k in [*step.reads, *step.around.values()]} | {*plan.returned}
    return Memory({k: x for k, x in kept.items() if k in needed}, left)
