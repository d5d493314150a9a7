"""Reverse mode: who needs a gradient, in which order, and how contributions add up.

The engine knows nodes and how to ask their ops for vjps. It reads the graph and writes gradients;
it knows nothing of drawing, modules or kernels.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from autograd.recording import enable_grad

Array = np.ndarray[Any, Any]

epoch = [0]
"""One clock for the whole process, shared by the nodes between two ticks. A recorded node keeps the
epoch that it was made in, a leaf that of its last write: a leaf younger than its user is stale."""

_ticking = threading.Lock()


def tick() -> int:
    """Start a new epoch, younger than every node so far."""
    with _ticking:
        epoch[0] += 1
        return epoch[0]


class Node:
    """A vertex of the graph: an array, the op that made it, and that op's inputs.

    Nothing points forward, so a graph has no reference cycles and dies with its root.
    """

    __slots__ = (
        "_a",
        "_b",
        "_data",
        "_inputs",
        "birth",
        "grad",
        "name",
        "op",
        "requires_grad",
        "saved",
        "scope",
        "static",
    )

    _data: Any  # ndarray; on a result also a NumPy scalar, or a tuple where the op has several
    op: Any  # None on a leaf
    _a: Any  # the input of a unary op, the left one of a binary op
    _b: Any  # the right one
    _inputs: (
        tuple[Any, ...] | None
    )  # all, of any other op; a tuple less is an object less to collect
    static: tuple[Any, ...]  # the op's non-array arguments
    saved: Any  # what a kernel keeps for its backward pass
    requires_grad: bool
    grad: Array | None
    name: str | None
    birth: int  # epoch in which it was made, of a leaf in which it was last written to
    scope: Any  # who made it, for readers; nn.Module leaves its calls here

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Nodes, and constants as they came; () on a leaf or a released node."""
        if self._inputs is None:
            return (self._a,) if self.op.path == 1 else (self._a, self._b)
        return self._inputs


def topological(
    roots: Iterable[Node], stop: Collection[Node] = ()
) -> tuple[list[Node], dict[Node, None], dict[Node, Node]]:
    """Walk back from the roots through everything that requires a gradient.

    Parameters
    ----------
    roots : nodes to start from.
    stop : nodes to treat as leaves.

    Returns
    -------
    order : recorded nodes, inputs before their users.
    leaves : where the walk ended, in the order met.
    stale : leaf that was written to after a node of the graph used it, and results that are views
        of such a leaf -> the leaf.

    Raises
    ------
    RuntimeError : a node of the graph was released by an earlier backward pass.
    """
    order: list[Node] = []
    leaves: dict[Node, None] = {}
    stale: dict[Node, Node] = {}
    seen: set[Node] = set()
    stack: list[Any] = []
    for root in roots:
        if root.op is None or root in stop:
            leaves[root] = None
        else:
            stack.append(root)
    push, pop, done, visit = stack.append, stack.pop, order.append, seen.add
    while stack:
        v = pop()
        if v is None:  # everything behind the node below is in order
            done(pop())
            continue
        if v in seen:
            continue
        visit(v)
        inputs = v._inputs
        if inputs is None:
            inputs = (v._a, v._b)
        elif not inputs:
            raise RuntimeError(
                f"The graph behind this {v.op.name} was released by an earlier backward(). "
                "Call backward(retain_graph=True) the first time, or compute the value again."
            )
        push(v)
        push(None)
        for x in inputs:
            if isinstance(x, Node):
                if x.op is None:
                    if x.birth > v.birth:
                        stale[x] = x
                    if x.requires_grad:
                        leaves[x] = None
                elif x in stop:
                    leaves[x] = None
                elif x not in seen:
                    push(x)
    if stale:
        for v in order:
            for x in v.inputs:
                leaf = stale.get(x) if isinstance(x, Node) else None
                if leaf is not None and np.may_share_memory(v._data, leaf._data):
                    stale[v] = leaf
    return order, leaves, stale


def gradients(
    roots: Sequence[Node],
    seeds: Sequence[Any],
    xs: Sequence[Node],
    *,
    create_graph: bool = False,
    watch: Callable[[Node, Any], None] | None = None,
    stop: Collection[Node] = (),
) -> list[Any]:
    """Gradient of sum(seed · root) with respect to each of xs; None where no path leads.

    Arrays where `create_graph` is false, else Values (or arrays where they don't depend on any).
    The graph stays as it was.
    """
    order, leaves, stale = topological(roots, stop)
    live: set[Node] | None = None
    if watch is None:  # keep to the paths that lead to xs
        live = set(xs)
        path = []
        for v in order:
            for x in v.inputs:
                if isinstance(x, Node) and x in live:
                    live.add(v)
                    path.append(v)
                    break
        order = path
    grads: dict[Node, Any] = {}
    for root, seed in zip(roots, seeds, strict=True):
        add_gradient(grads, root, seed)
    _propagate(order, live, grads, stale, keep=set(xs), create_graph=create_graph, watch=watch)
    if watch is not None:
        for leaf in leaves:
            if leaf in grads:
                watch(leaf, grads[leaf])
    return [grads.get(x) for x in xs]


def backward(root: Node, seed: Array, retain_graph: bool = False) -> None:
    """Add d(seed · root)/d(leaf) into the .grad of every leaf; release the graph on the way.

    With `retain_graph` the graph stays and every node of it gets its .grad.
    Leaves are written last and together, so an error leaves every .grad as it was.
    """
    order, leaves, stale = topological([root])
    grads = {root: seed}
    reached: list[tuple[Node, Any]] = []
    release = not retain_graph
    nodes = order.copy() if release and stale else []
    _propagate(
        order,
        None,
        grads,
        stale,
        release=release and not stale,  # a stale leaf may yet raise: then the graph must stay whole
        watch=None if release else lambda v, g: reached.append((v, g)),
    )
    for v in nodes:
        _release(v)
    for leaf in leaves:
        if leaf in grads:
            g = grads.pop(leaf)
            # PyTorch's AccumulateGrad steals in the same way: a buffer that nobody else holds
            sole = type(g) is np.ndarray and sys.getrefcount(g) <= _SOLE and g.base is None
            _deposit(leaf, g if sole else np.array(g))
    for v, g in reached:
        if type(v._data) is not tuple:
            _deposit(v, np.array(g))


def _references_of_a_sole_local() -> int:
    g = np.empty(1)
    return sys.getrefcount(g)


_SOLE = _references_of_a_sole_local()


def _deposit(v: Node, g: Array) -> None:
    v.grad = g if v.grad is None else np.asarray(v.grad + g, dtype=g.dtype)


def _release(v: Node) -> None:
    v._inputs = v.static = ()
    v._a = v._b = v.saved = None


def _propagate(
    order: list[Node],
    live: set[Node] | None,
    grads: dict[Node, Any],
    stale: dict[Node, Node],
    *,
    keep: Collection[Node] = (),
    create_graph: bool = False,
    release: bool = False,
    watch: Callable[[Node, Any], None] | None = None,
) -> None:
    """Consume `order` from its end, pushing each node's gradient on to its inputs' in `grads`.

    Inputs outside `live` get none; without it, all that require a gradient get theirs.
    """
    owned: set[Node] = set()  # whose gradient is a buffer of our own, to add to in place
    plain = not (create_graph or stale)
    guard = False
    mode = enable_grad() if create_graph else contextlib.nullcontext()
    youngest, taken = order.pop, grads.pop
    with np.errstate(all="ignore"), mode:
        while order:
            v = youngest()
            g = grads.get(v) if keep and v in keep else taken(v, None)
            if g is None:
                continue
            if watch is not None:
                watch(v, g)
            op = v.op
            found: Any
            if plain and v._inputs is None:  # one or two inputs and nothing else: most nodes
                a, b = v._a, v._b
                if op.path == 1:
                    found = ((a, op.vjps[0](g, v._data, a._data)),)
                else:
                    left = right = None
                    a_data = a._data if isinstance(a, Node) else a
                    b_data = b._data if isinstance(b, Node) else b
                    if a_data is not a and (a.requires_grad if live is None else a in live):
                        left = op.vjps[0](g, v._data, a_data, b_data)
                    if b_data is not b and (b.requires_grad if live is None else b in live):
                        right = op.vjps[1](g, v._data, a_data, b_data)
                    found = ((a, left), (b, right))
                if release:
                    v._inputs = ()
                    v._a = v._b = None
            else:
                needs = [
                    isinstance(x, Node) and (x.requires_grad if live is None else x in live)
                    for x in v.inputs
                ]
                found = zip(v.inputs, op.pull(v, g, needs, stale, create_graph), strict=True)
                if release:
                    _release(v)
            guarded = False
            if guard or op.delicate:
                guard = guard or op.masks
                guarded = op.elementwise
            for x, gx in found:
                if gx is None:
                    continue
                if guarded:
                    gx = zero_where_zero(g, gx)
                data = x._data
                try:
                    fits = gx.shape == data.shape and gx.dtype is data.dtype
                except AttributeError:  # a node with several outputs, or a Python number
                    if type(data) is tuple:
                        add_gradient(grads, x, gx)
                        continue
                    fits = False
                if not fits:
                    gx = fit(gx, data)
                if x not in grads:
                    grads[x] = gx
                elif x in owned:
                    total = grads[x]
                    total += gx  # in place on an array; a NumPy scalar is replaced
                    grads[x] = total
                else:
                    grads[x] = grads[x] + gx
                    if not create_graph:
                        owned.add(x)


def add_gradient(grads: dict[Node, Any], v: Node, g: Any) -> None:
    """Add g to the gradient of v; of a node with several outputs, g is {output: gradient}."""
    if isinstance(g, dict):
        total = grads.setdefault(v, {})
        for i, part in g.items():
            total[i] = total[i] + part if i in total else part
    else:
        old = grads.get(v)
        grads[v] = g if old is None else old + g


def zero_where_zero(g: Any, gx: Any) -> Any:
    """0 · inf = 0: no gradient came in, so none goes out, however steep the local derivative.

    This keeps the unused branch of a `where` from turning gradients into NaN.
    """
    d = gx._data if isinstance(gx, Node) else gx
    finite = np.isfinite(d)
    if finite.all():
        return gx
    none = (g._data if isinstance(g, Node) else g) == 0
    return np.where(~finite & none, np.zeros((), d.dtype), gx)


def fit(gx: Any, data: Array) -> Any:
    """Give a gradient the shape and dtype of its Value: the one place where broadcasting ends."""
    if not hasattr(gx, "shape"):
        gx = np.asarray(gx)
    if gx.shape != data.shape:
        gx = sum_to(gx, data.shape)
    return gx if gx.dtype == data.dtype else gx.astype(data.dtype)


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum g over every axis that NumPy stretched to get from `shape` to ``g.shape``."""
    lead = len(g.shape) - len(shape)
    axes = tuple(range(lead))
    if 1 in shape:
        axes += tuple([lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1])
    if axes:  # on an array without np.sum's Python layer: biases get here at every step
        g = np.add.reduce(g, axis=axes) if type(g) is np.ndarray else np.sum(g, axis=axes)
    return g if g.shape == shape else np.reshape(g, shape)
