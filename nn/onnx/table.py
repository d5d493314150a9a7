"""The table of ONNX ops: how each is read, and which of our ops are written as it.

A row's reader is an ordinary function of Values and arrays. Its positional parameters are the
inputs of the node, None where the node leaves one out; its keyword-only parameters are the
attributes, with ONNX's defaults. So the signature says what is understood: an attribute that is
not in it is refused before anything runs. A reader that asks for `node` gets the node itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd.value import Value

Reader = Callable[..., Any]


class Unsupported(NotImplementedError):  # noqa: N818 - an answer, not a fault
    """A file asks for something that no row of the table does."""


class Row(NamedTuple):
    """One ONNX op, from one version of the standard on.

    Attributes
    ----------
    name : that of the op.
    since : the opset whose definition it follows.
    read : its reader.
    attributes : the names that the reader understands; None where it takes all.
    wants_node : whether the reader asks for the node.
    least : how many inputs it needs.
    """

    name: str
    since: int
    read: Reader
    attributes: frozenset[str] | None
    wants_node: bool
    least: int


TABLE: dict[tuple[str, str], list[Row]] = {}
"""(domain, name) -> the rows of an op, oldest first."""

WRITERS: dict[str, Callable[..., Any]] = {}
"""Name of one of our ops -> ``write(out, v, *inputs)``, which adds its nodes to a file."""

IGNORED = {"consumed_inputs"}
"""Attributes of the first versions that never meant anything to a result."""


def row(name: str, read: Reader, *, of: str = "", since: int = 1, domain: str = "") -> None:
    """Enter an op whose reader is a function; our ops named in `of` are written as the same node.

    Parameters
    ----------
    name : ONNX's name.
    read : the reader.
    of : names of our ops that have the same inputs and no other arguments.
    since : the opset from which on this is right.
    domain : that of the op.
    """
    wants, names, least = False, frozenset[str](), int(getattr(read, "nin", 0))
    if hasattr(read, "__code__"):
        parameters = inspect.signature(read).parameters.values()
        given = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        least = sum(p.default is p.empty and p.name != "around" for p in given)
        names = frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        wants = "node" in names
    rows = TABLE.setdefault((domain, name), [])
    rows.append(Row(name, since, read, names - {"node"}, wants, least))
    rows.sort(key=lambda r: r.since)
    for ours in of.split():
        WRITERS[ours] = _Same(name)


def reads(*names: str, since: int = 1, domain: str = "") -> Callable[[Reader], Reader]:
    """Enter the function below as the reader of these ops."""

    def enter(read: Reader) -> Reader:
        for name in names:
            row(name, read, since=since, domain=domain)
        return read

    return enter


def writes(*ours: str) -> Callable[[Reader], Reader]:
    """Enter the function below, ``write(out, v, *inputs)``, as what writes these ops of ours."""

    def enter(write: Reader) -> Reader:
        for name in ours:
            WRITERS[name] = write
        return write

    return enter


class _Same:
    """Writes an op of ours as one node with the same inputs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, out: Any, v: Any, *inputs: str) -> Any:
        return out.node(self.name, *inputs)


def find(domain: str, name: str, opset: int) -> Row | None:
    """The row that reads an op of this opset; None where there is none."""
    found = [r for r in TABLE.get((domain, name), ()) if r.since <= opset]
    return found[-1] if found else None


def plain(x: Any) -> Any:
    """The array of a Value, anything else as it is."""
    return x._data if isinstance(x, Value) else x


def on_arrays(function: Reader) -> Reader:
    """A function without a derivative, of whole numbers, conditions and places, on Values too."""

    def call(*inputs: Any) -> Any:
        return np.asarray(function(*map(plain, inputs)))

    return call


def integers(x: Any) -> list[int]:
    """The numbers of a shape, of axes and the like, given as a tensor."""
    return [int(i) for i in np.ravel(plain(x))]


def like(number: Any, x: Any) -> Any:
    """A number in the dtype of x, so that it widens nothing."""
    return np.asarray(number, x.dtype)


FLOATS = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))
"""The types that have gradients; narrower ones are only stored."""


MOST = 2**28
"""Elements of the largest tensor that a node may make out of a few numbers."""


def bounded(shape: Any, who: str) -> tuple[int, ...]:
    """A shape that a file asks for, refused where no memory would hold it."""
    sizes = tuple(int(n) for n in shape)
    count = 1
    for n in sizes:
        if n < 0:
            raise ValueError(f"{who}: the shape {sizes} has a negative size.")
        count *= n
    if count > MOST:
        raise ValueError(f"{who}: the shape {sizes} has {count:,} elements, more than {MOST:,}.")
    return sizes
