"""Live: what a page needs to recompute its graph: the rows' programs, the data, and checks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.node import Array, Node
from autograd.op import SELECT
from autograd.ops.arrays.index import getitem
from autograd.ops.pooling.max_pool import max_pool
from autograd.sequence_op import SequenceOp
from autograd.viz.live.definitions import AT_MAXIMA
from autograd.viz.live.row import UNREADABLE, backward, forward
from autograd.viz.live.scripted import Refused

LIMIT = 200_000
"""Most bytes of arrays that a page carries, leaves and constants together."""

_TAKEN = frozenset({"g", "y", "np", "K", "in", "new", "default", "var", "with", "function"})


class Live:
    """The programs and the data of a story.

    Attributes
    ----------
    why : why the page can't recompute its graph; "" if it can.
    script : the rows of the graph, as script.
    data : what the script reads: for each event its row, the arrays of leaves and constants, and
        checks of all arrays.
    """

    def __init__(self, story: Any) -> None:
        self.why, self.script = "", _rows([])
        self.data: dict[str, Any] = {}
        self._rows: dict[str, int] = {}
        self._written: dict[Any, int] = {}
        self._packed = _Packed()
        try:
            if story is None:
                raise Refused("it was written without the arrays and programs, with live=False")
            self._read(story)
        except Refused as refused:
            self.why = str(refused)
            self.data = {"why": self.why}

    def _read(self, story: Any) -> None:
        needed = sum(
            np.size(_data(x)) * 4
            for event, x in zip(story.events, story.nodes, strict=True)
            if event.kind != "op"
        )
        if needed > LIMIT:
            raise Refused(
                f"the arrays of its leaves and constants take {needed // 1000:,} kB, more than the "
                f"{LIMIT // 1000} kB that a page carries"
            )
        arrays, of = [], []
        for event, x in zip(story.events, story.nodes, strict=True):
            if event.kind == "op":
                of.append(self._row(story, event, x))
            else:
                of.append(-1)
                if np.ndim(_data(x)):
                    arrays.append([event.index, *self._packed.add(np.asarray(_data(x)))])
        if len(self._packed.bytes) > LIMIT:
            raise Refused(
                f"its arrays take {len(self._packed.bytes) // 1000:,} kB, more than the "
                f"{LIMIT // 1000} kB that a page carries"
            )
        checks = []  # of arrays only: single numbers stand in the events, with all their digits
        for event, x in zip(story.events, story.nodes, strict=True):
            if event.value and np.size(_data(x)) != 1:
                checks.append(projection(_data(x)))
            if event.gradient and event.gradient.get("number") is None:
                checks.append(story.checks[event.index])
        single = any(
            np.asarray(_data(x)).dtype in (np.float32, np.float16)
            for x in story.nodes
            if type(_data(x)) is not tuple
        )
        self.script = _rows(list(self._rows))
        self.data = {
            "of": of,
            "arrays": arrays,
            "constants": self._packed.constants,
            "bytes": _encoded(self._packed.bytes),
            "checks": _encoded(np.array(checks).tobytes()),
            "within": 1e-5 if single else 1e-9,
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
                said = f": {error}" if isinstance(error, Refused) else ""
                where = f" ({event.where})" if event.where else ""
                raise Refused(f"{made.op.name}{where} can't be written as script{said}") from error
            self._written[key] = self._rows.setdefault(text, len(self._rows))
        return self._written[key]

    def _text(self, op: Any, static: Any, xs: Sequence[Any], y: Any, needs: Sequence[bool]) -> str:
        if op is SELECT:
            i = static[0]
            return f'{{ op: "output", select: {i}, forward: (a) => a[{i}] }}'
        if isinstance(op, KernelOp):
            raise Refused(op.name)
        sequence = isinstance(op, SequenceOp)
        names = [
            f"x{i}" if sequence else p + "_" if p in _TAKEN else p
            for i, p in enumerate(range(len(xs)) if sequence else op.parameters[: len(xs)])
        ]
        constant = self._packed.constant
        parts = [
            f'op: "{op.name}"',
            *[f"{name}: true" for name in ("elementwise", "masks", "routes") if getattr(op, name)],
            f"forward: {forward(op, names, xs, static, constant)}",
        ]
        if any(needs):
            written = backward(op, names, xs, static, y, needs, constant)
            parts.append(f"backward: {written}")
        return f"{{ {', '.join(parts)} }}"


def _following(story: Any, v: Node, made: Node) -> tuple[Any, Any]:
    """The op of a node and its other arguments, or what follows the values in place of both."""
    call = story.trace.calls[id(v)]
    if made.op is getitem and call is not None and call.owner is max_pool:
        for kernel, _ in story.trace.opened:
            if story.trace.kernels[id(kernel)].start == call.start:
                return AT_MAXIMA, kernel.static
    return made.op, made.static


def projection(x: Any) -> float:
    """A number that tells arrays apart: the sum of all elements, each times a factor of its own."""
    if type(x) is tuple:
        return 0.0
    a = np.asarray(x)
    if a.dtype.kind not in "fiub":
        return 0.0
    flat = a.reshape(-1).astype(np.float64)
    with np.errstate(all="ignore"):
        return float(np.dot(flat, 0.5 + np.arange(flat.size) * 31337 % 65521 / 65521))


class _Packed:
    """Arrays as bytes, one behind the other."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.constants: list[Any] = []
        self._names: dict[Any, str] = {}

    def add(self, a: Array) -> list[Any]:
        """Store an array; [type, offset]. Numbers that fit into a smaller type are stored so."""
        for kind in (np.uint8, np.float32, np.float64):
            with np.errstate(invalid="ignore", over="ignore"):
                small = a.astype(kind)
            if np.array_equal(small, a, equal_nan=a.dtype.kind == "f"):
                break
        self.bytes += bytes(-len(self.bytes) % small.itemsize)
        start = len(self.bytes)
        self.bytes += small.tobytes()
        return [small.dtype.char, start]

    def constant(self, a: Array) -> str:
        """The name of a constant of the programs."""
        key = (a.shape, a.dtype.str, a.tobytes())
        if key not in self._names:
            self._names[key] = f"K[{len(self.constants)}]"
            self.constants.append([list(a.shape), *self.add(_positions(a))])
        return self._names[key]


def _positions(a: Array) -> Array:
    return a.astype(np.float64) if a.dtype.kind in "iu" else a


def _encoded(data: Any) -> str:
    return base64.b64encode(bytes(data)).decode()


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


def _rows(texts: Sequence[str]) -> str:
    return "const liveRows = (np, K) => [\n" + "".join(f"  {text},\n" for text in texts) + "];"
