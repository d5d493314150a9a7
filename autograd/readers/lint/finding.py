"""Finding and Subject: the result of a check, and what it checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Node
from autograd.printable import printable
from autograd.readers.source_lines import line_of
from autograd.viz.gradients import gradients
from autograd.viz.labels import call_labels
from autograd.viz.trace import Trace


class Finding(NamedTuple):
    """One thing that is probably wrong.

    Attributes
    ----------
    check : the name of the check, such as "dead relu".
    where : the module and op, or the parameter.
    saw : what was observed, with numbers.
    why : why it matters.
    fix : what to do.
    node : the node where it was seen, or None.
    """

    check: str
    where: str
    saw: str
    why: str
    fix: str
    node: Node | None = None

    def __str__(self) -> str:
        return printable(
            f"{self.check} at {self.where}: {self.saw}\n  why: {self.why}\n  fix: {self.fix}"
        )


def named(paths: list[str]) -> str:
    """The first of these paths, and how many more there are."""
    return ", ".join(paths[:6]) + ("" if len(paths) <= 6 else f" and {len(paths) - 6} more")


def _holds_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) or (isinstance(x, tuple) and any(map(_holds_array, x)))


class Subject:
    """A finished graph and, if there is one, the model that made it.

    Attributes
    ----------
    root : the loss.
    model : a Module, or None.
    data : tracked leaves that are data, not parameters.
    trace : the graph, its kernels opened into their references.
    """

    def __init__(self, root: Any, model: Any, data: Iterable[Node] = ()) -> None:
        self.root, self.model = root, model
        self.data = {id(x) for x in data}
        self.trace = Trace([root], open_kernels=True)
        self.plain = Trace([root])

    @cached_property
    def labels(self) -> dict[int, str]:
        """id of a call -> its label."""
        opened, closed = ([c for c in t.calls.values() if c] for t in (self.trace, self.plain))
        return call_labels(closed) | call_labels(opened)

    def where(self, v: Node) -> str:
        """The modules and op of a node, and the user's line where it is known."""
        call = self.trace.calls.get(id(v)) or self.plain.calls.get(id(v))
        place = "".join(f"{self.labels[id(c)]} > " for c in call.chain()) if call else ""
        line = line_of(v)
        name = self.trace.made(v).op.name
        return f"{place}{name}" + (f" ({Path(line.file).name}:{line.number})" if line else "")

    def steady(self, v: Node) -> bool:
        """Whether a node depends on parameters and other leaves alone, not on data."""
        return id(v) in self._steady

    @cached_property
    def _steady(self) -> set[int]:
        leaves = self.plain.leaves.items()
        found = {key for key, leaf in leaves if leaf.requires_grad and key not in self.data}
        for v in self.plain.order:
            made_of_leaves = all(isinstance(x, Node) and id(x) in found for x in v.inputs)
            if made_of_leaves and not any(map(_holds_array, v.static)):  # looked up by indices
                found.add(id(v))
        return found

    def made_by(self, *names: str) -> Iterator[Node]:
        """The results of the ops of these names, opened kernels included."""
        for v in self.trace.order:
            made = self.trace.made(v)
            if made.op.name in names and type(v._data) is not tuple:
                yield v

    def parameters(self) -> list[tuple[str, Any]]:
        """The model's trainable parameters, each once, with their paths."""
        if self.model is None:
            return []
        return [(path, p) for path, p in self.model.named_parameters() if p.requires_grad]

    @cached_property
    def gradients(self) -> dict[int, Any]:
        """Gradient of the loss with respect to every node, opened kernels included."""
        return gradients(self.trace)

    def norm(self, v: Node) -> float | None:
        """Root mean square of the gradient with respect to a node."""
        g = self.gradients.get(id(v))
        if g is None or isinstance(g, dict) or not np.size(g):
            return None
        return float(np.sqrt(np.mean(np.square(g, dtype=np.float64))))
