"""Reverse mode: which nodes need a gradient, in which order, and how contributions add up.

The engine knows nodes and how to ask their ops for vjps. It reads the graph and writes gradients;
it knows nothing about drawing, modules or kernels. To see a backward pass at work, give it a
`watch`, or be called for every pass within `passes.observe`.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from autograd.contribution import Unreached, branches, fit, given
from autograd.node import Array, Node
from autograd.parts import Parts
from autograd.passes import Pass, Watch, Watching, watching
from autograd.stale import Found, Stale, changed_constants, fresh, notice, views_of
from autograd.tape import Tape, current


class Flow:
    """What flows back along a graph, and what a vjp is given: here arrays.

    A subclass reads a node as something else that NumPy's functions take, such as the Values that
    a pass under `create_graph` computes with.

    Parameters
    ----------
    stale : what `topological` found to be overwritten too early; reading its data raises.
    """

    kernels = True  # a fused op runs its kernel's vjp; else its reference is differentiated
    in_place = True  # a sum may be written into a buffer that the pass has made

    def __init__(self, stale: Found | None = None) -> None:
        self.stale = stale or {}
        self.unreached: Unreached = {}  # of the pass: see `branches`
        self.owned: set[Node] = set()  # their gradients are buffers of the pass: added to in place
        self.unfinished: dict[Node, Any] = {}  # nodes whose sum is one step from their gradient
        # What branches were taken is read off numbers, which a tape must not keep.
        self.branching = current() is None

    def add(self, grads: dict[Node, Any], x: Node, gx: Any) -> None:
        """Add a contribution to the gradient that x has."""
        if type(x._data) is tuple:
            add_gradient(grads, x, gx)
            return
        half = x._data.dtype is _HALF
        if half:
            self.unfinished[x] = None
        if type(gx) is Parts:
            if x not in self.owned or type(grads[x]) is not np.ndarray:
                grads[x] = np.array(grads[x], np.float32 if half else None, order="C")
            gx.add_to(grads[x])
        else:
            grads[x] = grads[x] + (gx.astype(np.float32) if half else gx)
        self.owned.add(x)

    def finished(self, x: Node, g: Any) -> Any:
        """The gradient of a node that is unfinished, whose contributions add up to g."""
        return g.astype(x._data.dtype)

    def finish(self, grads: dict[Node, Any], xs: Iterable[Node]) -> None:
        """Make gradients of what their contributions add up to, where that is one step more."""
        for x in xs if self.unfinished else ():
            if x in self.unfinished and x in grads:
                grads[x] = self.finished(x, grads[x])

    def read(self, v: Node) -> tuple[Any, tuple[Any, ...]]:
        """The result of v and its inputs, as its vjps take them."""
        y, args = v._data, arrays_of(v.inputs, v.op.elementwise)
        return self._checked(v, y, args) if self.stale else (y, args)

    def _checked(self, v: Node, y: Any, args: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
        self._refuse_changed_arguments(v)
        given = zip(v.inputs, args, strict=True)
        return fresh(v, y, v, self.stale), tuple([fresh(x, a, v, self.stale) for x, a in given])

    def refuse_stale(self, v: Node) -> None:
        """Raise if an input of v was overwritten too early, for an op that reads all of them."""
        if self.stale:
            self._refuse_changed_arguments(v)
            for x in v.inputs:
                overwritten = fresh(x, None, v, self.stale)
                if overwritten is not None:
                    overwritten.refuse()

    def _refuse_changed_arguments(self, v: Node) -> None:
        """Raise if an array among the op's other arguments, such as an index, has changed."""
        given = [id(x) for x in v.inputs]
        for array, _ in v.seal or ():
            if (v, id(array)) in self.stale and id(array) not in given:
                Stale(array, v).refuse()

    def mode(self) -> contextlib.AbstractContextManager[None]:
        """The context in which the vjps run."""
        return contextlib.nullcontext()


ARRAYS = Flow()

_HALF = np.dtype(np.float16)


def arrays_of(inputs: Sequence[Any], scalars: bool) -> tuple[Any, ...]:
    """The inputs' data; NumPy scalars among them become arrays, unless `scalars` is true."""
    arrays = []
    for x in inputs:
        if isinstance(x, Node):
            x = x._data
            if type(x) is not np.ndarray and isinstance(x, np.generic) and not scalars:
                x = np.asarray(x)
        arrays.append(x)
    return tuple(arrays)


def topological(
    roots: Iterable[Node], stop: Collection[Node] = ()
) -> tuple[list[Node], dict[Node, None], Found]:
    """Sort all nodes behind the roots that require a gradient.

    Parameters
    ----------
    roots : nodes to start from.
    stop : nodes to treat as leaves.

    Returns
    -------
    order : recorded nodes, inputs before their users.
    leaves : the leaves behind the roots, in the order visited.
    stale : leaf that was written to after a node of the graph used it, or result that is a view of
        such a leaf -> the leaf; also constants that have changed.

    Raises
    ------
    RuntimeError : a node of the graph was released by an earlier backward pass.
    """
    order: list[Node] = []
    leaves: dict[Node, None] = {}
    stale: Found = {}
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
        if v is None:  # all inputs of the node below are in `order`
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
        if v.seal is not None:
            changed_constants(v, stale)
        push(v)
        push(None)
        for x in inputs:
            if isinstance(x, Node):
                if x.op is None:
                    if x.seal is not None:
                        notice(x)
                    if x.birth > v.birth:
                        stale[x] = x
                    if x.requires_grad:
                        leaves[x] = None
                elif x in stop:
                    leaves[x] = None
                elif x.requires_grad and x not in seen:  # others have an op on a tape
                    push(x)
    if stale:
        views_of(order, stale)
    return order, leaves, stale


def gradients(
    roots: Sequence[Node],
    seeds: Sequence[Any],
    xs: Sequence[Node],
    *,
    flow: type[Flow] = Flow,
    watch: Watch | None = None,
    stop: Collection[Node] = (),
    unreached: Unreached | None = None,
) -> list[Any]:
    """Gradient of sum(seed · root) with respect to each of xs; None for an x without a path.

    They are of the kind that flows. The graph stays unchanged. A watched pass visits every node,
    any other pass only the nodes on a path to xs. A watch may read in `unreached`, a dict of its
    own, where the gradient that it is told of is structurally 0; see `branches`.
    """
    order, leaves, stale = topological(roots, stop)
    grads: dict[Node, Any] = {}
    for root, seed in zip(roots, seeds, strict=True):
        add_gradient(grads, root, seed)
    unreached = {} if unreached is None else unreached
    told = watching(Pass(roots, stop, False, unreached), [watch], order, leaves, grads)
    live = None if told else set(xs)
    if live is not None:
        order = _leading_to(live, order)
    _propagate(order, grads, flow(stale), live=live, keep=set(xs), watch=told, unreached=unreached)
    if told:
        told.end()
    return [grads.get(x) for x in xs]


def _leading_to(live: set[Node], order: list[Node]) -> list[Node]:
    """The nodes of `order` with a path to a node in `live`; they are added to `live`."""
    path = []
    for v in order:
        for x in v.inputs:
            if isinstance(x, Node) and x in live:
                live.add(v)
                path.append(v)
                break
    return path


def backward(root: Node, seed: Array, retain_graph: bool = False) -> None:
    """Add d(seed · root)/d(leaf) into the .grad of every leaf, and release the graph.

    With `retain_graph` the graph stays and each of its nodes gets its .grad. Leaves are written
    last and together, so an error leaves every .grad unchanged.
    """
    if (tape := current()) is not None:
        _backward_on(tape, root, seed)
        return
    order, leaves, stale = topological([root])
    grads = {root: seed}
    kept: list[tuple[Node, Any]] = []
    keep = (lambda v, g: kept.append((v, g))) if retain_graph else None
    unreached: Unreached = {}
    told = watching(Pass([root], (), True, unreached), [keep], order, leaves, grads)
    # A stale leaf or an observer may still raise; the graph must then stay whole.
    at_once = not (retain_graph or stale or told)
    later = order.copy() if not (retain_graph or at_once) else ()
    _propagate(order, grads, Flow(stale), release=at_once, watch=told, unreached=unreached)
    if told:
        told.end()
    for v in later:
        _release(v)
    with _depositing:
        for leaf in leaves:
            if leaf.grad is not None:
                _check_grad(leaf, leaf.grad)
        for leaf in leaves:
            if leaf in grads:
                g = grads.pop(leaf)
                # PyTorch's AccumulateGrad also takes over a buffer that nobody else holds
                sole = type(g) is np.ndarray and sys.getrefcount(g) <= _SOLE and g.base is None
                _deposit(leaf, g if sole else np.array(g))
        for v, g in kept:
            if v not in leaves and type(v._data) is not tuple:
                _deposit(v, np.array(g))


def _backward_on(tape: Tape, root: Node, seed: Array) -> None:
    """The same on a tape, where gradients are nodes; the graph stays."""
    _, leaves, _ = topological([root])
    found = gradients([root], [seed], list(leaves), flow=tape.flow)
    for leaf, g in zip(leaves, found, strict=True):
        if g is None:
            continue
        before: Any = leaf.grad
        if before is not None and not isinstance(before, Node):
            if np.any(before):  # not cleared on the tape
                tape.added[leaf] = g
            before = None
        elif before is not None and tape.added.get(leaf) is before:
            g = tape.added[leaf] = before + g
            before = None
        leaf.grad = g if before is None else before + g


_depositing = threading.Lock()  # several threads may add to one .grad


def _references_of_a_sole_local() -> int:
    g = np.empty(1)
    return sys.getrefcount(g)


_SOLE = _references_of_a_sole_local()


def _check_grad(leaf: Node, g: Any) -> None:
    """Raise if what was assigned to .grad is no array of the leaf's shape."""
    plain = type(g) is np.ndarray
    if not plain or g.shape != leaf._data.shape or g.dtype.kind not in "fiub":
        found = f"an array of shape {g.shape} and {g.dtype}" if plain else f"a {type(g).__name__}"
        raise ValueError(
            f"backward: the .grad of the Value {leaf.name or ''} of shape {leaf._data.shape} is "
            f"{found}; it must be None or an array of real numbers of the Value's shape. Nothing "
            "was added."
        )


def _deposit(v: Node, g: Array) -> None:
    v.grad = g if v.grad is None else np.asarray(v.grad + g, dtype=g.dtype)


def _release(v: Node) -> None:
    v._inputs = v.static = ()
    v._a = v._b = v.saved = v.seal = None


def _propagate(
    order: list[Node],
    grads: dict[Node, Any],
    flow: Flow,
    *,
    live: set[Node] | None = None,
    keep: Collection[Node] = (),
    release: bool = False,
    watch: Watching | None = None,
    unreached: Unreached,
) -> None:
    """Consume `order` from its end, adding each node's contributions to its inputs' `grads`.

    Only inputs in `live` get a gradient; without it, all that require one. Nodes in `keep` stay
    in `grads`.
    """
    flow.unreached = unreached
    owned, unfinished = flow.owned, flow.unfinished
    arrays_only = type(flow) is Flow and not flow.stale
    youngest, taken = order.pop, grads.pop
    with np.errstate(all="ignore"), flow.mode():
        while order:
            v = youngest()
            g = grads.get(v) if keep and v in keep else taken(v, None)
            if g is None:
                continue
            if unfinished and v in unfinished:
                g = flow.finished(v, g)
                if v in keep:
                    grads[v] = g
            if watch is not None:
                flow.finish(grads, watch.complete)
                watch(v, g)
            op = v.op
            if arrays_only and v._inputs is None:
                contributions = _by_vjps(op, v, g, live)
            elif arrays_only and op.alone:
                contributions = _by_vjp(op, v, g, live, flow, grads)
            else:
                contributions = _by_pull(op, v, g, live, flow, grads)
            if (unreached or op.masks) and flow.branching:
                contributions = branches(v, g, contributions, grads, unreached)
            for x, gx in contributions:
                if gx is None:
                    if (
                        op.path
                        and isinstance(x, Node)
                        and (x.requires_grad if live is None else x in live)
                    ):
                        given(op, gx)
                    continue
                data = x._data
                try:
                    fits = gx.shape == data.shape and gx.dtype is data.dtype
                except AttributeError:  # parts, several outputs, or a Python number
                    fits = type(gx) is Parts
                if not fits:
                    gx = fit(gx, data, v)
                if x not in grads:
                    grads[x] = gx
                elif x in owned and type(gx) is not Parts:
                    grads[x] += gx
                else:
                    flow.add(grads, x, gx)
            if release:
                if v._inputs is None:
                    v._inputs = ()
                    v._a = v._b = v.seal = None
                else:
                    _release(v)
        flow.finish(grads, [*unfinished])


def _by_vjps(op: Any, v: Node, g: Any, live: set[Node] | None) -> Iterable[tuple[Any, Any]]:
    """Pairs of an input and its contribution, for arrays and ops of one or two inputs.

    These are most nodes; `_by_pull` gives the same and takes twice as long.
    """
    a, b = v._a, v._b
    if a is None:
        raise RuntimeError(_MEANWHILE.format(op.name))
    if op.path == 1:
        return ((a, op.vjps[0](g, v._data, a._data)),)
    left = right = None
    a_data = a._data if isinstance(a, Node) else a
    b_data = b._data if isinstance(b, Node) else b
    if a_data is not a and (a.requires_grad if live is None else a in live):
        left = op.vjps[0](g, v._data, a_data, b_data)
    if b_data is not b and (b.requires_grad if live is None else b in live):
        right = op.vjps[1](g, v._data, a_data, b_data)
    return ((a, left), (b, right))


def _by_vjp(
    op: Any, v: Node, g: Any, live: set[Node] | None, flow: Flow, grads: dict[Node, Any]
) -> Iterable[tuple[Any, Any]]:
    """The same for arrays and ops of one input and other arguments."""
    inputs = v._inputs
    if not inputs:
        raise RuntimeError(_MEANWHILE.format(op.name))
    x = inputs[0]
    if not isinstance(x, Node) or not (x.requires_grad if live is None else x in live):
        return ()
    if type(g) is dict:
        g = tuple([g.get(i) for i in range(len(v._data))])
    a = x._data
    if type(a) is not np.ndarray and not op.elementwise:
        a = np.asarray(a)
    if op.parts is not None:
        if x in grads:
            if (parts := op.parts(g, v._data, a, *v.static)) is not None:
                return ((x, Parts(parts)),)
        elif a.dtype is not _HALF:
            flow.owned.add(x)  # the vjp gives an array of its own
    return ((x, given(op, op.vjps[0](g, v._data, a, *v.static))),)


def _by_pull(
    op: Any, v: Node, g: Any, live: set[Node] | None, flow: Flow, grads: dict[Node, Any]
) -> Iterable[tuple[Any, Any]]:
    """Pairs of an input and its contribution; None for an input that needs no gradient."""
    inputs = v.inputs
    if not inputs:
        raise RuntimeError(_MEANWHILE.format(op.name))
    needs = [
        isinstance(x, Node) and (x.requires_grad if live is None else x in live) for x in inputs
    ]
    if op.parts is not None and needs[0] and not flow.stale:
        x = inputs[0]
        if x in grads:
            if (parts := op.pull_parts(v, g, flow)) is not None:
                return ((x, parts),)
        elif flow.in_place and x._data.dtype is not _HALF:
            flow.owned.add(x)  # its vjp gives an array of its own
    return zip(inputs, op.pull(v, g, needs, flow), strict=True)


_MEANWHILE = (
    "{}: another thread released this part of the graph during the backward pass. Let one thread "
    "call backward(), or both with retain_graph=True."
)


def add_gradient(grads: dict[Node, Any], v: Node, g: Any) -> None:
    """Add g to the gradient of v; for a node with several outputs, g is {output: gradient}."""
    if isinstance(g, dict):
        total = grads.setdefault(v, {})
        for i, part in g.items():
            total[i] = total[i] + part if i in total else part
    else:
        grads[v] = grads[v] + g if v in grads else g
