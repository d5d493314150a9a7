"""The gradient of every node that a picture shows."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd import engine
from autograd.engine import fit, zero_where_zero
from autograd.node import Node
from autograd.viz.trace import Trace


def gradients(trace: Trace, wanted: Container[int] | None = None) -> dict[int, Any]:
    """Gradient of the sum of all roots by every node; the inside of opened kernels included.

    Parameters
    ----------
    trace : the graph.
    wanted : ids of the nodes whose gradients are kept; all by default.

    Returns
    -------
    id of a node -> its gradient; of a node with several outputs, {output: gradient}.
    """
    found: dict[int, Any] = {}
    kernels = {id(v) for v, _ in trace.opened}

    def watch(v: Node, g: Any) -> None:
        if wanted is None or id(v) in wanted or id(v) in kernels:
            found[id(v)] = g

    roots = [r for r in trace.roots if r.requires_grad]
    seeds = [np.ones_like(r._data) for r in roots]
    engine.gradients(roots, seeds, [], watch=watch)
    for v, ys in trace.opened:
        g = found.get(id(v))
        pairs = [(ys[i], part) for i, part in g.items()] if isinstance(g, dict) else [(ys, g)]
        pairs = [(y, part) for y, part in pairs if part is not None and y.requires_grad]
        inner: dict[int, Any] = {}
        engine.gradients(
            [y for y, _ in pairs],
            [part for _, part in pairs],
            [],
            watch=partial(_note, inner),
        )
        found.update((key, gx) for key, gx in inner.items() if key not in found)
        for y, _ in pairs:  # with what its uses within the kernel add
            found[id(trace.alias[id(y)])] = inner[id(y)]
    return found


def _note(found: dict[int, Any], v: Node, g: Any) -> None:
    found[id(v)] = g


def passed_back(
    v: Node, g: Any, needs: Sequence[bool], stale: dict[Node, Node] | None = None
) -> list[Any]:
    """What the op of v passes back to its inputs, given gradient g, as the engine adds it there.

    None for an input that needs none, {output: gradient} for one with several outputs.
    """
    found = []
    guarded = v.op.elementwise and not isinstance(g, dict)
    for x, gx in zip(v.inputs, v.op.pull(v, g, needs, engine.Flow(stale)), strict=True):
        if gx is not None and not isinstance(gx, dict) and type(x._data) is not tuple:
            if guarded:
                gx = zero_where_zero(g, np.asarray(gx))
            gx = fit(gx, x._data)
        found.append(gx)
    return found
