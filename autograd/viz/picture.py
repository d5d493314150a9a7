"""Picture: all that a renderer needs to know about a graph, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from autograd.viz.formula import Formula
from autograd.viz.summary import Summary


@dataclass
class Vertex:
    """A box or circle of the drawing.

    Attributes
    ----------
    id : unique in the picture.
    kind : "leaf" (tracked), "constant", "result", "op", "fold" (a module call) or "rest".
    op : name of the op, or of the op that made it.
    tex, text : for an op, the formula of what it computes.
    arguments : for an op, its non-array arguments that differ from the defaults.
    tracked : whether it requires a gradient.
    output : which of its op's outputs it is, if there are several.
    root : whether the drawing starts from it.
    released : whether its graph was released by backward().
    ops, parameters, nodes : how many of them a fold hides.
    cost : seconds of the op, or of the folded ops; None if not measured.
    cluster : id of the innermost cluster around it.
    """

    id: str
    kind: str
    op: str | None = None
    name: str | None = None
    tex: str = ""
    text: str = ""
    arguments: str = ""
    value: Summary | None = None
    gradient: Summary | None = None
    tracked: bool = False
    output: int | None = None
    root: bool = False
    released: bool = False
    ops: int = 0
    parameters: int = 0
    nodes: int = 0
    cost: float | None = None
    cluster: str | None = None


@dataclass
class Edge:
    """An arrow, in the direction of the forward pass.

    Attributes
    ----------
    source, target : ids of vertices.
    place : index of the target op's input; None for any other edge.
    label : the input's letter in the op's formulas, if it differs from the source's name; from an
        op with several outputs, which output it is.
    formula : the local derivative.
    """

    source: str
    target: str
    place: int | None = None
    label: str = ""
    formula: Formula | None = None


@dataclass
class Cluster:
    """A module call, or an opened kernel; `parent` is the cluster around it.

    `label` is its path in the outermost module and its class.
    """

    id: str
    parent: str | None
    label: str


@dataclass
class Picture:
    """A graph as plain data, ready for JSON (`as_dict`)."""

    vertices: list[Vertex] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gradients: bool = False
    formulas: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Nested dicts and lists of text, numbers, booleans and None."""
        return asdict(self)
