"""Snapshots: the numbers of all nodes of a graph at several updates, packed for a page."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.contribution import Unreached
from autograd.engine import add_gradient
from autograd.node import Node
from autograd.op import SELECT
from autograd.recording import no_grad
from autograd.viz.gradients import local_derivative, passed_back
from autograd.viz.player.digest import digest, rounded
from autograd.viz.player.story import Story
from autograd.viz.trace import Trace
from nn.module import Parameter
from nn.optim.sums import PIECE, SAFE, norm
from nn.train.watch.measurements import measure

MOST, FEWEST = 60, 8
"""Snapshots that are kept; the fewest, of graphs so large that 60 would not fit into `BYTES`."""

BYTES = 3_000_000
"""Of all snapshots together, as they stand in a page."""

MAPPED, FEW = 4_096, 12
"""Elements up to which an array gets a heat map; of a larger one so many are in its histogram. And
those up to which the digest of an array has no histogram."""

Numbers = dict[str, Any]


class Shape:
    """What is the same in every graph of one structure: its ops, and how they are connected.

    Attributes
    ----------
    story : of the graph that was first.
    places : for each event, its node's place in the order of the trace, and which input of that
        node it is; -1 for the node itself.
    """

    def __init__(self, story: Story) -> None:
        order = story.trace.order
        self.structure = _structure(story.trace)
        first: dict[Any, tuple[int, int]] = {}
        for p, v in enumerate(order):
            for i, x in enumerate(story.trace.inputs(v)):
                first.setdefault(id(x), (p, i))
                first.setdefault((id(v), i), (p, i))
        first |= {id(v): (p, -1) for p, v in enumerate(order)}
        keys = {k: key for key, k in story.index.items()}
        self.places = [first.get(keys[k], (-1, -1)) for k in range(len(story.events))]

    def has(self, trace: Trace) -> bool:
        """Whether a graph has this structure; the sizes of its arrays may be others."""
        return _structure(trace) == self.structure


def _structure(trace: Trace) -> list[Any]:
    """For each node its op, and of its inputs where they come from and whether they are tracked."""
    known: dict[int, int] = {}
    found = []
    for v in trace.order:
        sources = tuple(
            known.setdefault(id(x), len(known)) if isinstance(x, Node) or np.ndim(x) else -1
            for x in trace.inputs(v)
        )
        known.setdefault(id(v), len(known))
        tracked = tuple(isinstance(x, Node) and x.requires_grad for x in trace.inputs(v))
        found.append((trace.made(v).op.name, sources, tracked))
    return found


def numbers(trace: Trace, shape: Shape, maps: str = "all") -> list[Numbers]:
    """For each event the digests of its value and gradient, and its contributions.

    Parameters
    ----------
    trace, shape : the graph, and its structure.
    maps : whose heat maps and histograms there are: those of "all", or "leaves".

    Returns
    -------
    One dict per event, without what there is not: "v" and "g", value and gradient; "c", for each
    input None or the contribution, the sum so far and the local derivative; "dead" and "saturated",
    fractions of units and elements.
    """
    with no_grad(), np.errstate(all="ignore"):
        gradients, places = _passed(trace)
        found = []
        for p, i in shape.places:
            x: Any = trace.roots[0] if p < 0 else trace.order[p]
            if i >= 0:
                x = trace.inputs(x)[i]
            data = x._data if isinstance(x, Node) else x
            mapped = maps == "all" or (isinstance(x, Node) and x.op is None)
            event: Numbers = {} if type(data) is tuple else {"v": brief(data, mapped)}
            if isinstance(x, Node) and id(x) in gradients:
                event["g"] = brief(gradients[id(x)], mapped)
            if p >= 0 and i < 0:
                if p in places:
                    event["c"] = places[p]
                saturated, dead, _ = measure(trace.made(x))
                if dead:
                    event["dead"] = rounded(dead)
                elif saturated:
                    event["saturated"] = rounded(saturated)
            found.append(event)
    return found


def _passed(trace: Trace) -> tuple[dict[int, Any], dict[int, list[Any]]]:
    """Gradients by id of a node, and contributions by place in the order."""
    root = trace.roots[0]
    grads: dict[Node, Any] = {root: np.ones_like(root._data)} if root.requires_grad else {}
    found: dict[int, Any] = {}
    places: dict[int, list[Any]] = {}
    unreached: Unreached = {}
    for p in range(len(trace.order) - 1, -1, -1):
        v = trace.order[p]
        g = grads.pop(v, None)
        if g is None or not v.requires_grad:
            continue
        if not isinstance(g, dict):
            found[id(v)] = g
        made, inputs = trace.made(v), trace.inputs(v)
        if made is not v and v in unreached:
            unreached[made] = unreached.pop(v)
        needs = [isinstance(x, Node) and x.requires_grad for x in inputs]
        parts = passed_back(made, g, needs, inputs=inputs, grads=grads, unreached=unreached)
        noted: list[Any] = [None] * len(inputs)
        for i, (x, gx) in enumerate(zip(inputs, parts, strict=True)):
            if gx is None or not needs[i]:
                continue
            add_gradient(grads, x, gx)
            if isinstance(gx, dict) or made.op is SELECT:  # to one of several results
                noted[i] = [size(g)]
                continue
            out = size(gx)
            noted[i] = [out, out if grads[x] is gx else size(grads[x])]
            if not isinstance(g, dict) and np.size(g) == 1 and np.size(gx) == 1:
                noted[i].append(rounded(local_derivative(made, i, g, gx)))
        places[p] = noted
    found.update((id(x), g) for x, g in grads.items() if not isinstance(g, dict))
    return found, places


def size(x: Any) -> float | str:
    """The value of a single number, else the root mean square; NaN and infinities as text."""
    a = np.asarray(x)
    if a.size == 1:
        return rounded(a.reshape(()))
    if 0 < a.size <= PIECE and a.dtype in (np.float32, np.float64):
        flat = a.reshape(-1)
        total = float(np.dot(flat, flat))
        if SAFE[0] < total < SAFE[1]:
            return rounded(math.sqrt(total / a.size))
    return rounded(norm(a, 2.0) / math.sqrt(a.size)) if a.size else 0.0


def brief(x: Any, maps: bool = True) -> Numbers:
    """The digest of an array; of a large one without a heat map, and some elements' histogram.

    Examples
    --------
    >>> import numpy as np
    >>> brief(np.ones((300, 300)))["rms"], brief(np.float32(0.5))
    (1.0, {'shape': [], 'dtype': 'float32', 'number': 0.5})
    """
    a = np.asarray(x)
    if a.size <= (MAPPED if maps else FEW) or a.dtype.kind != "f":
        return digest(a)
    low, high = a.min(), a.max()
    if not np.isfinite(high - low):
        whole = digest(a)
        return {key: x for key, x in whole.items() if key not in ("map", "by", "facets")}
    found: Numbers = {
        "shape": list(a.shape),
        "dtype": str(a.dtype),
        "low": rounded(low),
        "high": rounded(high),
        "mean": rounded(np.add.reduce(a, axis=None, dtype=np.float64) / a.size),
        "rms": size(a),
    }
    if maps:
        every = -(-a.size // MAPPED)
        while math.gcd(every, a.size) > 1:
            every += 1
        found["bins"] = digest(np.append(a.reshape(-1)[::every], (low, high)))["bins"]
    return found


def pack(events: Sequence[Numbers], ratios: dict[int, Any]) -> str:
    """Compressed JSON in base64, which the page reads."""
    text = json.dumps([list(events), ratios], separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode()


def unpack(packed: str) -> tuple[list[Numbers], dict[str, Any]]:
    """What `pack` was given; keys of `ratios` as text."""
    events, ratios = json.loads(zlib.decompress(base64.b64decode(packed)))
    return events, ratios


class Moves:
    """The weights of a graph before an update, to measure how much it changes them."""

    def __init__(self, trace: Trace, story_places: Shape) -> None:
        self.before: dict[int, tuple[Any, Any]] = {}
        for k, (p, i) in enumerate(story_places.places):
            x = trace.inputs(trace.order[p])[i] if i >= 0 else None
            if isinstance(x, Node) and x.requires_grad and x.op is None:
                self.before[k] = x, x._data.astype(np.result_type(x._data, np.float32))

    def ratios(self) -> dict[int, Any]:
        """‖Δw‖ / ‖w‖ of each leaf, by event; none of other Values that nobody wrote to."""
        found = {}
        for k, (x, old) in self.before.items():
            whole = norm(old, 2.0)
            moved = norm(np.subtract(x._data, old, out=old), 2.0)
            if whole and (moved or isinstance(x, Parameter)):
                found[k] = rounded(moved / whole)
        return found
