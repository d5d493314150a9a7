"""compare: the first place where two runs diverge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import engine
from autograd.kernel_op import KernelOp
from autograd.node import Array, Node
from autograd.readers.compare.comparison import Comparison, Point
from autograd.recording import enable_grad
from autograd.value import Value
from autograd.viz.labels import full_name, node_labels
from autograd.viz.trace import Trace


class _Pair(NamedTuple):
    """The arrays of one place, before they are compared."""

    label: str
    a: Any
    b: Any
    node: Any = None
    backward: bool = False


def compare(
    a: Value,
    b: Value | Mapping[str, Any] | None = None,
    *,
    rtol: float | None = None,
    gradients: bool = True,
) -> Comparison:
    """Find the first place where two runs of the same model diverge.

    Parameters
    ----------
    a : Value
        The result of one run, such as its loss.
    b : Value, or mapping of path to array, or None
        The result of the other run: another dtype, seed or version. Or the outputs of layers by
        path, recorded elsewhere, such as by hooks on a PyTorch model (a list of arrays for a layer
        that is called several times). None compares each kernel in `a` with its reference.
    rtol : float, optional
        Allowed relative difference. By default 1000 times the rounding error of the coarser dtype.
    gradients : bool
        Compare the backward passes too, if both are Values of size 1.

    Returns
    -------
    Comparison : prints the first divergence, with its largest difference and how many elements
        differ; `.first`, `.points`; ``.save("diff.html")`` shows both runs on the graph.

    Raises
    ------
    ValueError
        The runs have nothing in common.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> def run(dtype):
    ...     x = autograd.Value(np.array([1.0, 2.0], dtype), name="x")
    ...     return np.sum(np.tanh(x) * 3)
    >>> print(autograd.compare(run(np.float32), run(np.float64)))
    The runs agree at 9 places, matched by node; largest relative difference 3.5e−08.
    """
    if not isinstance(a, Value):
        raise TypeError(f"compare: a must be a Value, not {type(a).__name__}.")
    pairs: list[_Pair]
    by, unmatched = "node", list[str]()
    if b is None:
        by, pairs = "kernel", list(_kernels(a, gradients))
    elif isinstance(b, Mapping):
        by = "layer"
        pairs, unmatched = _match(_layers(Trace([a])), {k: _calls(v) for k, v in b.items()})
    elif isinstance(b, Value):
        ta, tb = Trace([a]), Trace([b])
        if _alike(ta, tb):
            pairs = [*_forward(ta, tb), *(_backward(ta, tb) if gradients else ())]
        else:
            by = "layer"
            pairs, unmatched = _match(_layers(ta), _layers(tb))
    else:
        raise TypeError(
            f"compare: b must be a Value, a mapping of paths to arrays or None, "
            f"not {type(b).__name__}."
        )
    if not pairs:
        raise ValueError(
            "compare: the runs have nothing in common: neither the same ops in the same order, "
            f"nor layers with the same paths ({', '.join(unmatched[:6]) or 'no kernels'})."
        )
    return Comparison([_point(pair, rtol) for pair in pairs], by, unmatched, a)


def _point(pair: _Pair, rtol: float | None) -> Point:
    a, b = np.asarray(pair.a), np.asarray(pair.b)
    if rtol is None:
        kinds = [x.dtype for x in (a, b) if x.dtype.kind == "f"]
        rtol = 1000 * max((float(np.finfo(kind).eps) for kind in kinds), default=0.0)
    return Point(pair.label, a, b, _difference(a, b), rtol, pair.node, pair.backward)


def _difference(a: Array, b: Array) -> float:
    if a.shape != b.shape:
        return float("inf")
    wide = [x.astype(np.float64) for x in (a, b)]
    odd = [np.where(np.isfinite(x), 0.0, x) for x in wide]
    if not np.array_equal(odd[0], odd[1], equal_nan=True):
        return float("inf")
    x, y = (np.where(np.isfinite(w), w, 0.0) for w in wide)
    scale = max(np.abs(x).max(initial=0.0), np.abs(y).max(initial=0.0))
    return float(np.abs(x - y).max(initial=0.0) / scale) if scale else 0.0


def _alike(ta: Trace, tb: Trace) -> bool:
    """Whether both graphs have the same ops in the same order."""
    return len(ta.order) == len(tb.order) and all(
        u.op is v.op and len(u.inputs) == len(v.inputs)
        for u, v in zip(ta.order, tb.order, strict=True)
    )


def _forward(ta: Trace, tb: Trace) -> Iterator[_Pair]:
    """Inputs as they are first used, and results."""
    seen: set[int] = set()
    labels = node_labels(ta)
    for u, v in zip(ta.order, tb.order, strict=True):
        for x, y in zip(u.inputs, v.inputs, strict=True):
            new = x is not None and id(x) not in seen and not (isinstance(x, Node) and x.op)
            if new and not (isinstance(y, Node) and y.op):
                seen.add(id(x))
                name = full_name(ta, x) or f"an input of {labels[id(u)]}"
                yield _Pair(name, _data(x), _data(y), x)
        if type(u._data) is not tuple:
            yield _Pair(labels[id(u)], u._data, v._data, u)


def _backward(ta: Trace, tb: Trace) -> Iterator[_Pair]:
    """The gradients of all results and leaves, outputs first."""
    sides = []
    for trace in (ta, tb):
        (root,) = trace.roots
        if not root.requires_grad or root._data.size != 1:
            return
        sides.append(_watched([root], [np.ones_like(root._data)]))
    labels = node_labels(ta)
    if [v.op for v, _ in sides[0]] != [v.op for v, _ in sides[1]]:
        return
    for (v, g), (_, h) in zip(*sides, strict=True):
        if not isinstance(g, dict) and not isinstance(h, dict):
            name = full_name(ta, v) or labels.get(id(v), "a leaf")
            yield _Pair(f"gradient of {name}", g, h, v, backward=True)


def _watched(roots: Sequence[Node], seeds: Sequence[Any]) -> list[tuple[Node, Any]]:
    """Every node behind the roots with its gradient, outputs first."""
    found: list[tuple[Node, Any]] = []
    engine.gradients(roots, seeds, [], watch=lambda v, g: found.append((v, g)))
    return found


def _layers(trace: Trace) -> dict[str, list[Any]]:
    """Path of a module -> its results, one per call, in order."""
    found: dict[str, list[tuple[int, Any]]] = {}
    tops = {id(c.chain()[0].owner): c.chain()[0].owner for c in trace.calls.values() if c}
    paths: dict[int, str] = {}
    for top in tops.values():
        if modules := getattr(top, "named_modules", None):
            for path, module in modules():
                paths.setdefault(id(module), path)
    for v in trace.order:
        scope = v.scope
        while scope is not None:
            if id(scope.owner) in paths:
                found.setdefault(paths[id(scope.owner)], []).append((scope.start, v._data))
            scope = scope.inner
    return {
        path: [data for _, data in sorted(calls, key=lambda call: call[0])]
        for path, calls in found.items()
    }


def _match(
    a: Mapping[str, Sequence[Any]], b: Mapping[str, Sequence[Any]]
) -> tuple[list[_Pair], list[str]]:
    """Pairs of arrays with the same path and call; and the paths on one side only."""
    pairs, unmatched = [], []
    for path, calls in a.items():
        others = b.get(path, ())
        label = path or "the whole"
        for k, (x, y) in enumerate(zip(calls, others, strict=False)):
            pairs.append(_Pair(label if len(calls) == 1 else f"{label}, call {k + 1}", x, y))
        if len(calls) != len(others):
            unmatched.append(label)
    return pairs, unmatched + [path or "the whole" for path in b if path not in a]


def _calls(x: Any) -> list[Any]:
    return [_data(part) for part in x] if isinstance(x, (list, tuple)) else [_data(x)]


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else np.asarray(x)


def _kernels(root: Value, gradients: bool) -> Iterator[_Pair]:
    """Each kernel's results and gradients, and those of its reference on the same inputs."""
    trace = Trace([root])
    labels = node_labels(trace)
    reached = _watched([root], [np.ones_like(root._data)]) if gradients else []
    incoming = {id(node): g for node, g in reached}
    for v in trace.order:
        if not isinstance(v.op, KernelOp) or v.op.reference is None:
            continue
        leaves = [Value(x._data, x.requires_grad) if isinstance(x, Node) else x for x in v.inputs]
        with enable_grad(), np.errstate(all="ignore"):
            ys = v.op.reference(*leaves, *v.static)
        parts = zip(v._data, ys, strict=True) if type(v._data) is tuple else [(v._data, ys)]
        for k, (x, y) in enumerate(parts):
            yield _Pair(f"{labels[id(v)]}{f', result {k}' if k else ''}", x, _data(y), v)
        g = incoming.get(id(v))
        if g is None:
            continue
        needs = [isinstance(x, Node) and x.requires_grad for x in v.inputs]
        found = v.op.pull(v, g, needs)
        gs = g if isinstance(g, dict) else {0: g}
        outputs = ys if isinstance(ys, (tuple, list)) else [ys]
        chosen = [k for k in gs if isinstance(outputs[k], Node) and outputs[k].requires_grad]
        reached = _watched([outputs[k] for k in chosen], [gs[k] for k in chosen])
        expected = {id(node): h for node, h in reached}
        for i, (x, gx) in enumerate(zip(leaves, found, strict=True)):
            if gx is not None and id(x) in expected:
                name = v.op.input_names(len(leaves))[i]
                label = f"gradient of {labels[id(v)]}'s {name}"
                yield _Pair(label, gx, expected[id(x)], v, backward=True)
