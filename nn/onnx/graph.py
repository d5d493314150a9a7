"""Graph: what a file says, in plain Python: nodes, constants, and names for what flows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.node import Array
from nn.onnx import standard
from nn.onnx.table import IGNORED, Row, Unsupported, find, plain

STORES = {"Cast", "CastLike", "BitCast", "QuantizeLinear", "DequantizeLinear", "Constant"}
"""Ops that are asked for a type, so that bfloat16 stays what it is."""


class Node:
    """One operation of a graph.

    Attributes
    ----------
    op, domain : what it does.
    name : the file's name for it, perhaps empty.
    inputs, outputs : names of tensors, empty where one is left out.
    attributes : name -> number, text, tuple of them, array or Graph.
    opset : the version of the standard that it follows.
    scope : where its author put it: the path of a module.
    narrow : whether it may meet bfloat16, which is computed in float32.
    """

    __slots__ = (
        "_call",
        "attributes",
        "domain",
        "inputs",
        "name",
        "narrow",
        "op",
        "opset",
        "outputs",
        "scope",
    )

    def __init__(
        self,
        op: str,
        inputs: list[str],
        outputs: list[str],
        attributes: dict[str, Any] | None = None,
        *,
        domain: str = "",
        name: str = "",
        opset: int = 0,
        scope: tuple[str, ...] = (),
    ) -> None:
        self.op, self.domain, self.name, self.opset = op, domain, name, opset
        self.inputs, self.outputs, self.attributes = inputs, outputs, attributes or {}
        self.scope, self.narrow, self._call = scope, False, None

    def __repr__(self) -> str:
        return f"{self.full_op} {self.title!r}"

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "_call"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._call = None
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def title(self) -> str:
        """Its name, or that of its first output."""
        return self.name or next((name for name in self.outputs if name), "")

    @property
    def full_op(self) -> str:
        """The op with its domain, where that is not ONNX's own."""
        return f"{self.domain}::{self.op}" if self.domain else self.op

    def row(self) -> Row | None:
        """The row of the table that reads it."""
        return find(self.domain, self.op, self.opset)

    def missing(self) -> list[str]:
        """What the table lacks for it, as texts: the op itself, or attributes."""
        row = self.row()
        if row is None:
            return [] if standard.defines(self) else [self.full_op]
        unknown = set() if row.attributes is None else self.attributes.keys() - row.attributes
        return [f"{self.full_op}, attribute {name}" for name in sorted(unknown - IGNORED)]

    def subgraphs(self) -> Iterator[Graph]:
        """The graphs among its attributes: branches and bodies."""
        return (x for x in self.attributes.values() if isinstance(x, Graph))

    def needs(self) -> set[str]:
        """The names that it reads, those that its subgraphs take from around them included."""
        names = {name for name in self.inputs if name}
        for graph in self.subgraphs():
            names |= graph.free()
        return names

    def run(self, *inputs: Any, around: dict[str, Any] | None = None) -> tuple[Any, ...]:
        """Compute its outputs; `around` are the tensors that its subgraphs may read."""
        call = self._call
        if call is None:
            call = self._found()
            call = self._call = _by_single(call) if self.narrow and self.op not in STORES else call
        try:
            found = call(*inputs) if around is None else call(*inputs, around)
        except Exception as error:
            error.add_note(f"in the node {self!r} of the file")
            raise
        return found if type(found) is tuple else (found,)

    @property
    def takes_graphs(self) -> bool:
        """Whether it runs other graphs."""
        return any(isinstance(x, Graph) for x in self.attributes.values())

    def _found(self) -> Any:
        row = self.row()
        if row is None and standard.defines(self):
            return standard.WrittenOut(self)
        if row is None or self.missing():
            raise Unsupported(f"{'; '.join(self.missing())}: no row of the table reads it.")
        given = {k: x for k, x in self.attributes.items() if k not in IGNORED}
        if row.wants_node:
            given["node"] = self
        if self.takes_graphs:
            return lambda *inputs: row.read(*inputs[:-1], around=inputs[-1], **given)
        return (lambda *inputs: row.read(*inputs, **given)) if given else row.read


def _by_single(call: Any) -> Any:
    """A reader of bfloat16, which NumPy does not compute in: in float32, and rounded once."""

    def narrowed(*inputs: Any) -> Any:
        kinds = [x.dtype for x in inputs if getattr(x, "dtype", None) is not None]
        narrow = next((kind for kind in kinds if kind.name == "bfloat16"), None)
        if narrow is None:
            return call(*inputs)
        wide = [
            plain(x).astype(np.float32) if getattr(x, "dtype", None) == narrow else x
            for x in inputs
        ]
        found = call(*wide)
        several = found if type(found) is tuple else (found,)
        made = [
            plain(y).astype(narrow) if getattr(y, "dtype", None) == np.float32 else y
            for y in several
        ]
        return tuple(made) if type(found) is tuple else made[0]

    return narrowed


@dataclass
class Tensor:
    """What a graph says about one of its inputs or outputs.

    Attributes
    ----------
    name : its name.
    dtype : None where it is no tensor of numbers.
    shape : sizes; a name or None where one is free. None where nothing is said.
    """

    name: str
    dtype: Any = None
    shape: tuple[int | str | None, ...] | None = None

    def __str__(self) -> str:
        shape = (
            "?"
            if self.shape is None
            else ", ".join("?" if n is None else str(n) for n in self.shape)
        )
        return f"{self.name} ({shape}) {self.dtype or 'no tensor'}"


@dataclass
class Graph:
    """Nodes in an order in which they can run, what they start from, and what they lead to.

    Attributes
    ----------
    name : of the graph.
    inputs : what it is given.
    outputs : what it returns.
    constants : name -> array.
    nodes : in order.
    """

    name: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    constants: dict[str, Array] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Every node, those of subgraphs included."""
        for node in self.nodes:
            yield node
            for graph in node.subgraphs():
                yield from graph.walk()

    def free(self) -> set[str]:
        """The names that it takes from around it."""
        known = {t.name for t in self.inputs} | self.constants.keys()
        found = set()
        for node in self.nodes:
            found |= node.needs() - known
            known.update(node.outputs)
        return found | {t.name for t in self.outputs} - known

    def users(self) -> dict[str, int]:
        """Name -> how often it is read; an output of the graph counts as a reader."""
        count: dict[str, int] = {}
        for node in self.nodes:
            for name in [n for n in node.inputs if n] + [
                n for g in node.subgraphs() for n in g.free()
            ]:
                count[name] = count.get(name, 0) + 1
        for t in self.outputs:
            count[t.name] = count.get(t.name, 0) + 1
        return count

    def pruned(self) -> None:
        """Drop the nodes that lead to no output, and the constants that nobody reads."""
        wanted, kept = {t.name for t in self.outputs}, []
        for node in reversed(self.nodes):
            if wanted & set(node.outputs):
                kept.append(node)
                wanted |= node.needs()
        self.nodes = kept[::-1]
        self.constants = {name: x for name, x in self.constants.items() if name in wanted}

    def run(self, inputs: list[Any], around: dict[str, Any]) -> list[Any]:
        """Run a branch or a body: its outputs, given its inputs and the tensors around it."""
        known = {**around, **self.constants, "": None}
        known.update(zip([t.name for t in self.inputs], inputs, strict=False))
        for node in self.nodes:
            given = [known[name] for name in node.inputs]
            found = node.run(*given, around=known) if node.takes_graphs else node.run(*given)
            known.update(zip(node.outputs, found, strict=False))
            known[""] = None
        return [known[t.name] for t in self.outputs]
