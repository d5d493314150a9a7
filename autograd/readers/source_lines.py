"""Births: a callback for every node as it is recorded, without a word about it in the engine.

Python's own profiling hook sees every function return. A Value that was not there before is a node
that has just been recorded, and the stack says by which line of whose code. Off, this costs
nothing; on, about a microsecond a function call.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

import numpy as np

from autograd.node import Node, tick

OnNode = Callable[[Node, FrameType], None]


def _library() -> tuple[str, ...]:
    """Folders whose lines are not the user's."""
    ours = Path(__file__).parents[1]
    return tuple(f"{folder}/" for folder in (ours, ours.parent / "nn", Path(np.__file__).parent))


class Births:
    """While it is open, calls ``on_node(node, frame)`` for each node that this thread records.

    Parameters
    ----------
    on_node : gets the node, and the frame of the function that returned it.

    Raises
    ------
    RuntimeError
        On entering, if a profiler such as cProfile is running: there is one hook only.
    """

    def __init__(self, on_node: OnNode) -> None:
        self.on_node = on_node
        self.outer: Any = None
        self.start = 0

    def __enter__(self) -> Self:
        self.outer = sys.getprofile()
        if self.outer is not None and not isinstance(getattr(self.outer, "__self__", None), Births):
            raise RuntimeError(
                "Python's profiling hook is taken (by cProfile or coverage?); end that first."
            )
        self.start = tick()
        sys.setprofile(self.see)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(self.outer)

    def see(self, frame: FrameType, event: str, arg: Any) -> None:
        """What Python calls at every call and return."""
        recorded = event == "return" and isinstance(arg, Node) and arg.op is not None
        if recorded and arg.birth >= self.start:
            self.on_node(arg, frame)
        if self.outer is not None:
            self.outer(frame, event, arg)


class Line:
    """The user's line that recorded a node, kept among the node's scopes.

    Attributes
    ----------
    file, number, function : where the line is.
    inner : the scope that the node had before; `owner` is None, as no module made it.
    """

    __slots__ = ("file", "function", "inner", "number")
    owner = None

    def __init__(self, file: str, number: int, function: str, inner: Any) -> None:
        self.file, self.number, self.function, self.inner = file, number, function, inner

    @property
    def text(self) -> str:
        """The line itself; "" where its file is gone."""
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        return f"{self.file}:{self.number}, in {self.function}: {self.text}"


def line_of(node: Node) -> Line | None:
    """The line that `source_lines` kept for a node."""
    scope = node.scope
    while scope is not None:
        if isinstance(scope, Line):
            return scope
        scope = scope.inner
    return None


class LineKeeper:
    """Leaves on each node that is born the line of the user's code that made it."""

    def __init__(self) -> None:
        self.library = _library()
        self.known: dict[CodeType, bool] = {}

    def keep(self, node: Node, frame: FrameType) -> bool:
        """Mark a node; False if it was marked already."""
        if line_of(node) is not None:
            return False
        at: FrameType | None = frame
        while at is not None and self.is_library(at.f_code):
            at = at.f_back
        if at is not None:
            code = at.f_code
            node.scope = Line(code.co_filename, at.f_lineno, code.co_name, node.scope)
        return at is not None

    def is_library(self, code: CodeType) -> bool:
        """Whether the code is ours or NumPy's."""
        if code not in self.known:
            file = code.co_filename
            self.known[code] = file.startswith((*self.library, "<__array"))
        return self.known[code]


def source_lines() -> Births:
    """Remember for every node recorded within the block which line of your code made it.

    Drawings, the player and errors then show it. It slows the block down; leave it out of training.

    Examples
    --------
    >>> import autograd
    >>> with autograd.source_lines():
    ...     y = autograd.Value(2.0) * 3
    >>> autograd.readers.source_lines.line_of(y).number
    2
    """
    keeper = LineKeeper()
    return Births(lambda node, frame: (keeper.keep(node, frame), None)[1])
