"""Live: what a page needs to recompute its graph: the rows' programs, the data, and checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.node import Node
from autograd.op import SELECT
from autograd.ops.arrays.index import getitem
from autograd.ops.pooling.max_pool import max_pool
from autograd.sequence_op import SequenceOp
from autograd.viz.live.definitions import AT_MAXIMA
from autograd.viz.live.packed import Packed, encoded, projection
from autograd.viz.live.row import UNREADABLE, backward, forward
from autograd.viz.live.scripted import Refused
from autograd.viz.live.template import template

LIMIT = 200_000
"""Most bytes of arrays that a page carries, leaves and constants together."""

_WITHIN = {"e": 1e-2, "f": 1e-5, "d": 1e-9}
"""How much of their size recomputed numbers may differ by, for the narrowest dtype recorded."""

_TAKEN = frozenset({"g", "y", "np", "K", "in", "new", "default", "var", "with", "function"})


class Live:
    """The programs and the data of a story.

    Parameters
    ----------
    story : the events of a page, or None for a page that is not to recompute them.

    Attributes
    ----------
    why : why the page can't recompute its graph; "" if it can.
    script : the rows of the graph, as script.
    data : what the script reads: for each event its row, the arrays of leaves and constants,
        checks of all arrays, and what stays as it was recorded.
    """

    def __init__(self, story: Any) -> None:
        self.why = ""
        self._rows: dict[str, int] = {}
        self._written: dict[Any, int] = {}
        self._packed = Packed()
        try:
            if story is None:
                raise Refused("it was written without programs, with live=False")
            self.data = self._read(story)
        except Refused as refused:
            self.why, self._rows = str(refused), {}
            self.data = {"why": self.why}
        rows = "".join(f"  {text},\n" for text in self._rows)
        self.script = f"const liveRows = (np, K) => [\n{rows}];"

    def _read(self, story: Any) -> dict[str, Any]:
        found = list(zip(story.events, map(_data, story.nodes), strict=True))
        _limited(sum(np.size(x) * 4 for event, x in found if event.kind != "op"))
        of = [
            self._row(story, event, v) if event.kind == "op" else -1
            for event, v in zip(story.events, story.nodes, strict=True)
        ]
        arrays = [
            [event.index, *self._packed.add(np.asarray(x))]
            for event, x in found
            if event.kind != "op" and np.ndim(x)
        ]
        _limited(len(self._packed.bytes))
        checks = []  # of arrays only: single numbers stand in the events, with all their digits
        for event, x in found:
            if event.value and np.size(x) != 1:
                checks.append(projection(x))
            if event.gradient and "number" not in event.gradient:
                checks.append(story.checks[event.index])
        kinds = {np.asarray(x).dtype.char for _, x in found if type(x) is not tuple}
        narrowest = next((kind for kind in "ef" if kind in kinds), "d")
        return {
            "of": of,
            "arrays": arrays,
            "constants": self._packed.constants,
            "bytes": encoded(self._packed.bytes),
            "checks": encoded(np.array(checks)),
            "eps": float(np.finfo(narrowest).eps),
            "within": _WITHIN[narrowest],
            "fixed": dict(_fixed(story)),
            **_numbers(story),
        }

    def _row(self, story: Any, event: Any, v: Node) -> int:
        """The number of the program of an op's node."""
        made, inputs = story.trace.made(v), story.trace.inputs(v)
        needs = [
            isinstance(x, Node) and x.requires_grad and made.op.differentiates(i)
            for i, x in enumerate(inputs)
        ]
        xs = [_data(x) for x in inputs]
        op, static = _following(story, v, made)
        key = (id(op), tuple(map(_kind, xs)), tuple(needs), _static(static))
        if key not in self._written:
            try:
                text = self._text(op, static, xs, made._data, needs)
            except UNREADABLE as error:
                said = str(error) if isinstance(error, Refused) else "its kernel has no formula"
                name = f"{made.op.name} ({event.where})" if event.where else made.op.name
                raise Refused(f"{name} can't be written as script: {said}") from error
            self._written[key] = self._rows.setdefault(text, len(self._rows))
        return self._written[key]

    def _text(self, op: Any, static: Any, xs: Sequence[Any], y: Any, needs: Sequence[bool]) -> str:
        """The program of an op."""
        if op is SELECT:
            return f'{{ op: "output", select: {static[0]}, forward: (a) => a[{static[0]}] }}'
        if isinstance(op, KernelOp):
            raise Refused("its kernel has no formula")
        if isinstance(op, SequenceOp):
            names = [f"x{i}" for i in range(len(xs))]
        else:
            names = [p + "_" if p in _TAKEN else p for p in op.parameters[: len(xs)]]
        constant = self._packed.constant
        parts = [
            f'op: "{op.name}"',
            *[f"{name}: true" for name in ("elementwise", "masks", "routes") if getattr(op, name)],
            f"forward: {forward(op, names, xs, static, constant)}",
        ]
        if any(needs):
            parts.append(f"backward: {backward(op, names, xs, static, y, needs, constant)}")
        return f"{{ {', '.join(parts)} }}"


def _limited(size: int) -> None:
    """Refuse more bytes than a page carries."""
    if size > LIMIT:
        raise Refused(
            f"its leaves and constants take {size / 1000:,.0f} kB, more than the "
            f"{LIMIT // 1000} kB that a page carries"
        )


def _following(story: Any, v: Node, made: Node) -> tuple[Any, Any]:
    """The op of a node and its other arguments, or what follows the values in place of both."""
    call = story.trace.calls[id(v)]
    if made.op is getitem and call is not None and call.owner is max_pool:
        for kernel, _ in story.trace.opened:
            if story.trace.kernels[id(kernel)].start == call.start:
                return AT_MAXIMA, kernel.static
    return made.op, made.static


def _fixed(story: Any) -> Iterator[tuple[int, str]]:
    """Events with a part that may have been computed from values, but is not part of the graph."""
    arrays = {
        id(x._data): event
        for event, x in zip(story.events, story.nodes, strict=True)
        if isinstance(x, Node) and x.requires_grad and isinstance(x._data, np.ndarray)
    }
    for event, v in zip(story.events, story.nodes, strict=True):
        if event.kind != "op":
            if not event.tracked and id(_data(v)) in arrays:
                value = arrays[id(_data(v))]
                yield event.index, f"it holds the numbers of {value.title or value.op} as they were"
            continue
        call = story.trace.calls[id(v)]
        if call is not None and call.title:  # of a kernel: masks and indices are its own
            continue
        made = story.trace.made(v)
        for x in (*made.inputs, *_parts(made.static)):
            if isinstance(x, np.ndarray) and x.dtype == bool and x.size > 1:
                yield event.index, "its mask stays as it was recorded, whatever the values become"
            elif isinstance(x, np.ndarray) and x.dtype.kind in "iu" and made.op.masks:
                yield event.index, "its index stays as it was recorded, whatever the values become"


def _numbers(story: Any) -> dict[str, Any]:
    """The formulas of scalar ops: for each event the index of its template."""
    templates: dict[str, int] = {}
    of = {
        event.index: templates.setdefault(template(story.trace.made(v)), len(templates))
        for event, v in zip(story.events, story.nodes, strict=True)
        if event.numbers
    }
    return {"numbers": of, "templates": list(templates)}


def _parts(static: Any) -> Iterator[Any]:
    """The arguments of an op, and those in tuples and lists."""
    for x in static:
        if isinstance(x, (tuple, list)):
            yield from _parts(x)
        else:
            yield x


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _kind(x: Any) -> Any:
    """What a program may depend on: rank, sizes and kind of an input."""
    if x is None:
        return None
    if type(x) is tuple:
        return tuple(map(_kind, x))
    a = np.asarray(x)
    return a.shape, a.dtype.kind


def _static(x: Any) -> Any:
    """A key for the other arguments of an op."""
    if isinstance(x, (tuple, list)):
        return (type(x).__name__, *map(_static, x))
    if isinstance(x, np.ndarray):
        return x.shape, x.dtype.str, x.tobytes()
    if isinstance(x, slice):
        return "slice", x.start, x.stop, x.step
    return (type(x).__name__, repr(x)) if isinstance(x, (int, float, str, type(None))) else id(x)
