"""detect_anomaly: which op produced the first NaN or infinity."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from autograd import passes
from autograd.contribution import Unreached
from autograd.node import Node
from autograd.op import SELECT, describe
from autograd.readers.source_lines import Births, LineKeeper, line_of
from autograd.recording import no_grad
from autograd.viz.gradients import passed_back
from autograd.viz.labels import call_labels
from autograd.viz.trace import Trace

if TYPE_CHECKING:
    from autograd.viz.draw import Drawing

_NEIGHBORS = 12


class AnomalyError(FloatingPointError):
    """An op produced a NaN or infinity from finite numbers.

    Attributes
    ----------
    node : the result of the op.
    inputs : the inputs of the op, as arrays.
    direction : "forward" or "backward".
    where : index of the input whose gradient is not finite; None in the forward direction.
    """

    def __init__(self, text: str, node: Node, direction: str, where: int | None) -> None:
        super().__init__(text)
        self.node, self.direction, self.where = node, direction, where

    @property
    def inputs(self) -> list[Any]:
        """The inputs of the op, as arrays."""
        return [x._data if isinstance(x, Node) else x for x in self.node.inputs]

    def drawing(self) -> Drawing:
        """A drawing of the op and its surroundings, by `autograd.draw`."""
        from autograd.viz.draw import draw

        return draw(self.node, limit=_NEIGHBORS)


class detect_anomaly:  # noqa: N801 - PyTorch's name
    """Within the block, the first op that produces a NaN or infinity raises, forward or backward.

    The error names the op, its inputs, the line of your code that called it and the module's path.
    An infinite input, such as a mask's −inf, is not an anomaly; for a NaN input the error names the
    leaf that it comes from. Every op is checked, so training within the block is slow.

    Raises
    ------
    AnomalyError
        A FloatingPointError with the node and a `drawing()` of its surroundings.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> x = autograd.Value([1.0, 0.0], name="x")
    >>> try:
    ...     with autograd.detect_anomaly():
    ...         y = np.sum(np.log(x))
    ... except FloatingPointError as error:
    ...     print(str(error).partition('  line:')[0].rstrip())
    log made 1 infinity of 2 elements from finite numbers.
      inputs: a = x (2,) float64, 0 to 1
    """

    def __init__(self) -> None:
        self.lines = LineKeeper()
        self.births = Births(self._born)
        self.observer = passes.observe(check_backward)
        self.quiet = np.errstate(all="ignore")  # the error says more than NumPy's warning

    def __enter__(self) -> Self:
        self.births.__enter__()
        self.observer.__enter__()
        self.quiet.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.births.__exit__()
        self.quiet.__exit__(kind, error, tb)
        self.observer.__exit__(None, None, None)
        if error is not None and not isinstance(error, AnomalyError):
            _tell_of_inputs(error)

    def _born(self, node: Node, frame: FrameType) -> None:
        if self.lines.keep(node, frame) and node.op is not SELECT:
            check_forward(node)


def check_forward(node: Node) -> None:
    """Raise if the op of a node produced a NaN or infinity, or got a NaN from a leaf."""
    bad = _bad(node._data)
    if not bad:
        return
    inputs = [x for x in node.inputs if x is not None]
    given = [_bad(x._data if isinstance(x, Node) else x) for x in inputs]
    if not any(given):
        raise _anomaly(f"{node.op.name} made {bad} from finite numbers", node)
    for x, found in zip(inputs, given, strict=True):
        if found.nans and (not isinstance(x, Node) or x.op is None):
            name = (x.name if isinstance(x, Node) else None) or "an input"
            raise _anomaly(f"{node.op.name} was given {found} by {name}", node)
    if bad.nans and not any(found.nans for found in given):
        raise _anomaly(f"{node.op.name} made {bad} from infinities", node)


def check_backward(begun: passes.Pass) -> passes.Watch:
    """The watch of a pass; it raises if an op turns a finite gradient into a NaN or infinity."""
    users: dict[int, list[tuple[Node, int]]] = {}
    incoming: dict[int, Any] = {}
    hidden: Unreached = {}

    def watch(v: Node, g: Any) -> None:
        if isinstance(g, Node):  # under create_graph
            g = g._data
        if _bad(g) and id(v) in users:
            _blame(v, users[id(v)], incoming, hidden)
        incoming[id(v)] = g
        if v in begun.unreached:
            hidden[v] = begun.unreached[v]
        if v not in begun.stop:
            for i, x in enumerate(v.inputs):
                if isinstance(x, Node) and x.requires_grad:
                    users.setdefault(id(x), []).append((v, i))

    return watch


def _blame(
    v: Node,
    users: Sequence[tuple[Node, int]],
    incoming: dict[int, Any],
    hidden: Unreached,
) -> None:
    """Find the user of v that first sent it a bad gradient."""
    for user, i in users:
        g = incoming[id(user)]
        if user.op is SELECT or _bad(g):
            continue
        needs = [j == i for j in range(len(user.inputs))]
        with no_grad(), passes.observe(lambda begun: None), np.errstate(all="ignore"):
            own = {user: hidden[user]} if user in hidden else {}
            gx = passed_back(user, g, needs, unreached=own)[i]
        if bad := _bad(gx):
            name = user.op.input_names(len(user.inputs))[i]
            text = f"The backward pass of {user.op.name} made {bad} for its input {name}"
            raise _anomaly(text, user, i)
    if not any(_bad(incoming[id(user)]) for user, _ in users):
        raise _anomaly(f"Gradients from {len(users)} users of {v.op and v.op.name} overflow", v, 0)


class _Bad:
    """Numbers of NaNs and infinities in an array; false without any."""

    __slots__ = ("infinities", "nans", "size")

    def __init__(self, nans: int, infinities: int, size: int) -> None:
        self.nans, self.infinities, self.size = nans, infinities, size

    def __bool__(self) -> bool:
        return self.nans + self.infinities > 0

    def __str__(self) -> str:
        parts = []
        if self.nans:
            parts.append(f"{self.nans} NaN")
        if self.infinities:
            parts.append(f"{self.infinities} infinit{'y' if self.infinities == 1 else 'ies'}")
        return f"{' and '.join(parts)} of {self.size} element{'s' * (self.size != 1)}"


def _bad(x: Any) -> _Bad:
    if isinstance(x, dict):
        x = tuple(x.values())
    if type(x) is tuple:
        parts = [_bad(part) for part in x if part is not None]
        totals = (sum(getattr(p, name) for p in parts) for name in ("nans", "infinities", "size"))
        return _Bad(*totals)
    a = np.asarray(x)
    if a.dtype.kind != "f" or np.isfinite(a).all():
        return _Bad(0, 0, a.size)
    nans = int(np.isnan(a).sum())
    return _Bad(nans, int(np.isinf(a).sum()), a.size)


def _anomaly(text: str, node: Node, where: int | None = None) -> AnomalyError:
    """The error, with all that is known about the node."""
    lines = [f"{text}."]
    names = node.op.input_names(len(node.inputs))
    lines.append("  inputs: " + ", ".join(map(_input, names, node.inputs)))
    if line := line_of(node):
        lines.append(f"  line: {line}")
    if call := Trace([node]).calls.get(id(node)):
        chain = call.chain()
        labels = call_labels(chain)
        lines.append("  module: " + " > ".join(labels[id(c)] for c in chain))
    return AnomalyError("\n".join(lines), node, "forward" if where is None else "backward", where)


def _input(name: str, x: Any) -> str:
    own = f"{x.name} " if isinstance(x, Node) and x.name else ""
    a = np.asarray(x._data if isinstance(x, Node) else x)
    extent = ""
    if a.size and a.dtype.kind in "fiu":
        extent = f", {np.min(a):.4g} to {np.max(a):.4g}" if a.ndim else f" = {a:.4g}"
    return f"{name} = {own}{describe(x) if x is not None else None}{extent}"


def _tell_of_inputs(error: BaseException) -> None:
    """Add a note to an op's error: which op and line made the inputs that don't fit."""
    for x in getattr(error, "inputs", ()):
        line = line_of(x) if isinstance(x, Node) and x.op is not None else None
        if line:
            error.add_note(f"the input {describe(x)} was made by {x.op.name} at {line}")
