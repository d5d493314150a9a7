"""Which op on the way stops a gradient, and what would arrive if it did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.contribution import fit
from autograd.engine import Flow, add_gradient, gradients
from autograd.node import Array, Node
from autograd.op import Recorded
from autograd.readers.paths import Reach, norm, only
from autograd.value import Value

MOST = 200
"""Most ops that are tried: each takes a backward pass of the part behind it."""

WORK = 400_000
"""Most ops in all of these passes together."""


class Block(NamedTuple):
    """An op that passes back exactly 0 where a gradient came in.

    Attributes
    ----------
    node, place : the op's result, and the input that gets the zeros.
    where : where it stops the gradient on its way to x: a mask over the result of an elementwise
        op, over the input of any other.
    added : what x would get if the op let the gradient through unchanged; contributions may cancel.
        For ops that are not elementwise, which have no such thing, any array that is nonzero where
        x would get some.
    exact : whether `added` is what x would get.
    also : ops nearer to x that stop it again.
    """

    node: Node
    place: int
    where: Array
    added: Array
    exact: bool
    also: tuple[Node, ...] = ()


def blocks(reach: Reach, element: Any = None, work: int = WORK) -> list[Block]:
    """The ops that stop the gradient on its way to x, the nearest to y first.

    Parameters
    ----------
    element : an index, or a mask over x for its elements together.
    work : about how many ops are run in all.
    """
    candidates = []
    passes = max(2, min(MOST, work // max(len(reach.order), 1)))
    with np.errstate(all="ignore"):
        for v, i, where, delta, exact in _stopping(reach):
            candidates.append((v, i, where, delta, exact))
            if len(candidates) == passes:
                break
        found = []
        for v, i, where, delta, exact in candidates:
            (added,) = gradients([v.inputs[i]], [delta], [reach.x], stop={reach.x})
            if added is not None and _any(added, element):
                found.append(Block(v, i, where, added, exact))
        passes = 0 if found else passes
        for v, i, where, delta, exact in candidates[:passes]:
            added, also = _opened(reach, v.inputs[i], delta, set())
            passes -= 1
            if added is not None and _any(added, element):
                closed: set[Node] = set()
                for u in also[:passes]:  # those that stop only what x has nothing to do with go on
                    less, _ = _opened(reach, v.inputs[i], delta, closed | {u})
                    if less is not None and _any(less, element):
                        closed.add(u)
                        added = less
                also = [u for u in also if u not in closed]
                exact = exact and all(u.op.elementwise for u in also)
                found.append(Block(v, i, where, added, exact, tuple(also)))
                break
    if not found:  # what any of them would let through cancels further on
        nothing = np.zeros_like(reach.x._data)
        whole = [c for c in candidates if c[2].all() and c[4]][:1]
        found = [Block(v, i, where, nothing, exact) for v, i, where, _, exact in whole]
    return found


def _any(g: Array, element: Any) -> bool:
    return bool(np.any(g if element is None else g[element]))


def _stopping(reach: Reach) -> Iterator[tuple[Node, int, Array, Array, bool]]:
    """Ops on the way with where they stop the gradient, and what they would have passed on."""
    for v in reversed(reach.order):
        g = reach.gradients.get(v)
        if g is None or not norm(g):
            continue
        for i in reach.places(v):
            if type(v.inputs[i]._data) is tuple:
                continue
            stopped = _stopped(reach, v, i, g)
            if stopped is not None and stopped[0].any():
                yield v, i, *stopped, v.op.elementwise


def _stopped(reach: Reach, v: Node, i: int, g: Any) -> tuple[Array, Array] | None:
    x = v.inputs[i]._data
    if v.op.elementwise:
        raw = v.op.pull(v, g, only(v, i), Flow(reach.stale))[i]
        where = (np.broadcast_to(raw, g.shape) == 0) & (g != 0)
        return where, np.asarray(fit(np.where(where, g, np.zeros((), g.dtype)), x, v))
    gx = reach.pull(v, i, g)
    if gx is None:
        return None
    where = np.asarray(gx) == 0
    if where.any():  # by itself, whatever comes in
        where = where & (np.asarray(reach.pull(v, i, _other(g))) == 0)
    return where, where.astype(x.dtype)


def _other(g: Any) -> Any:
    """Another gradient of this kind, without zeros or equal numbers."""
    if isinstance(g, dict):
        return {k: _other(part) for k, part in g.items()}
    rng = np.random.default_rng(0)
    return rng.uniform(0.5, 1.5, np.shape(g)).astype(np.asarray(g).dtype)


def _opened(
    reach: Reach, start: Node, delta: Array, closed: set[Node]
) -> tuple[Array | None, list[Node]]:
    """What arrives at x if all ops but `closed` let through what they stop; and which do."""
    grads: dict[Node, Any] = {start: delta}
    also = []
    for v in reversed(reach.order):
        g = grads.pop(v, None)
        if g is None:
            continue
        for i in reach.places(v):
            gx = reach.pull(v, i, g)
            if gx is not None and not isinstance(gx, dict) and v not in closed:
                stopped = _stopped(reach, v, i, g)
                if stopped is not None and stopped[0].any():
                    gx = gx + stopped[1]
                    also.append(v)
            if gx is not None:
                add_gradient(grads, v.inputs[i], gx)
    return grads.get(reach.x), also


def narrowed(reach: Reach, block: Block, element: tuple[int, ...] | None) -> Block:
    """The block with only those places that the element of x has an influence on."""
    if element is None:
        return block
    with np.errstate(all="ignore"):
        touched = influence(block.node.inputs[block.place], reach.x, element) != 0
    if block.exact:
        touched = np.broadcast_to(touched, block.where.shape)
    where = block.where & touched
    return block._replace(where=where) if where.any() else block


def influence(a: Node, x: Value, element: tuple[int, ...]) -> Array:
    """The derivative of every element of a with respect to one element of x."""
    if a is x:
        alone = np.zeros(x.shape)
        alone[element] = 1.0
        return alone
    weights = Value(np.ones_like(a._data))
    (gx,) = gradients([a], [weights], [x], flow=Recorded, stop={x})
    chosen = gx[element]
    found = None
    if isinstance(chosen, Node) and chosen.requires_grad:
        (found,) = gradients([chosen], [np.ones_like(chosen._data)], [weights])
    return np.zeros_like(a._data) if found is None else np.asarray(found)
