"""The gradient of every node of a trace, opened kernels included."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd import engine
from autograd.contribution import Unreached, branches, fit
from autograd.node import Node
from autograd.stale import Found
from autograd.viz.trace import Trace


def gradients(trace: Trace, wanted: Container[int] | None = None) -> dict[int, Any]:
    """Gradient of the sum of all roots with respect to every node, opened kernels included.

    Parameters
    ----------
    trace : the graph.
    wanted : ids of the nodes whose gradients are kept; all by default.

    Returns
    -------
    id of a node -> its gradient; {output: gradient} for a node with several outputs.
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
    v: Node,
    g: Any,
    needs: Sequence[bool],
    stale: Found | None = None,
    *,
    inputs: Sequence[Any] | None = None,
    grads: dict[Node, Any] | None = None,
    unreached: Unreached | None = None,
) -> list[Any]:
    """The contributions of v's op to its inputs for an incoming g, as the engine adds them.

    Parameters
    ----------
    v, g, needs, stale : as for `Op.pull`.
    inputs : the nodes that stand for the inputs of v; by default themselves.
    grads, unreached : as for `branches`.

    Returns
    -------
    None for an input that needs none; {output: gradient} for an input with several outputs.
    """
    inputs = v.inputs if inputs is None else inputs
    pairs: Iterable[tuple[Any, Any]] = zip(
        inputs, v.op.pull(v, g, needs, engine.Flow(stale)), strict=True
    )
    grads, unreached = grads or {}, {} if unreached is None else unreached
    if unreached or v.op.masks:
        pairs = branches(v, g, pairs, grads, unreached)
    return [
        gx if gx is None or isinstance(gx, dict) else fit(np.asarray(gx), x._data, v)
        for x, gx in pairs
    ]


def local_derivative(v: Node, i: int, g: Any, gx: Any) -> float:
    """The derivative of a single number v by a single number, its input i, which got gx for g.

    Where g is zero, v's op runs for an incoming gradient of 1.
    """
    g, gx = float(np.reshape(g, ())), float(np.reshape(gx, ()))
    if g:
        return float(gx / g)
    needs = [k == i for k in range(len(v.inputs))]
    return float(np.reshape(passed_back(v, np.ones_like(v._data), needs)[i], ()))
