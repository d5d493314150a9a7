"""What an op contributes to the gradient of an input: shape, dtype, and which zeros are structural.

0 · inf is NaN, but for elements that no branch took: their gradient is 0, however steep the ops
behind them are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autograd.machine.sum_axes import sum_axes
from autograd.node import Array, Node
from autograd.parts import Parts

Unreached = dict[Node, Any]
"""Node -> where its gradient is 0 because no branch that was taken leads there: a boolean array, or
{output: array} for a node with several outputs."""

_FAR = 50  # nodes that `_steep` looks at

_STEEP_AT_INFINITY = {"multiply", "square"}  # only there, and then their results are not finite


def branches(
    v: Node,
    g: Any,
    contributions: Iterable[tuple[Any, Any]],
    grads: dict[Node, Any],
    unreached: Unreached,
) -> Sequence[tuple[Any, Any]]:
    """The contributions of v, with 0 · inf = 0 on the branches that no op took.

    An exact zero in a gradient is *structural* where no path of taken branches leads from there to
    the root: `where`, `max` and indexing did not select the element. However steep the ops
    behind it are, its gradient stays 0. Any other zero times infinity is NaN.

    Parameters
    ----------
    v, g : the node whose op has just run its vjps, and its gradient.
    contributions : pairs of an input and what it gets from v.
    grads : the gradients so far, without these contributions.
    unreached : node -> where its gradient is structurally 0. The entry of v is taken, those of its
        inputs are added.
    """
    op, hidden = v.op, unreached.pop(v, None)
    if type(hidden) is np.ndarray and not hidden.any():
        hidden = None
    if hidden is None and not unreached:
        if not isinstance(contributions, Sequence):
            contributions = list(contributions)
        for x, gx in contributions:
            if gx is not None and x not in grads and leads_to_steep(x):
                break
        else:
            return contributions
    nothing = _hides_all(hidden, g)  # of v is selected, so 0 whatever the op's slope
    found = []
    here: set[Node] = set()
    for i, (x, gx) in enumerate(contributions):
        if type(gx) is Parts:
            found.append((x, Parts((_zeros_for(a), i) for a, i in gx) if nothing else gx))
            if x in unreached:
                mask = unreached[x]
                if type(mask) is not np.ndarray or mask.base is not None:
                    mask = unreached[x] = np.array(mask)
                v.op.pull_parts(v, _taken(v, hidden, g)).take_from(mask)
            continue
        if nothing and gx is not None and type(x._data) is not tuple:
            gx = _zeros_for(fit(gx, x._data, v) if isinstance(gx, Node) else x._data)
        elif hidden is not None and op.elementwise and getattr(gx, "shape", None) == hidden.shape:
            d = gx._data if isinstance(gx, Node) else gx
            again = op.singular and isinstance(gx, Node)  # it may be infinite in the next order
            if again or not np.isfinite(d).all():
                gx = np.where(hidden, np.zeros((), d.dtype), gx)
        found.append((x, gx))
        if gx is None:
            continue
        if type(x._data) is tuple:
            _note_output(v, x, hidden, grads, unreached)
            continue
        earlier = x in grads or x in here
        here.add(x)
        if x not in unreached if earlier else hidden is None and not leads_to_steep(x):
            continue
        mask = None
        if nothing:
            mask = np.ones(x._data.shape, bool)
        elif op.masks or (hidden is not None and op.routes):
            mask = _not_selected(v, i, hidden, g)
        elif op.elementwise and hidden is not None:
            mask = _all_to(hidden, x._data.shape)
        if mask is not None and earlier:
            mask = mask & unreached[x]
        if mask is not None and mask.any():
            unreached[x] = mask
        else:
            unreached.pop(x, None)
    return found


def _zeros_for(gx: Any) -> Any:
    """Zeros in place of a contribution; recorded, they still depend on what it depended on."""
    zeros, recorded = np.zeros(gx.shape, gx.dtype), isinstance(gx, Node)
    return np.where(True, zeros, gx) if recorded else zeros


def _hides_all(hidden: Any, g: Any) -> bool:
    """Whether no element of a node was selected, of any output that has a gradient."""
    if isinstance(hidden, dict):
        return all(i in hidden and bool(hidden[i].all()) for i in g)
    return hidden is not None and bool(hidden.all())


def hidden_in(v: Node, ys: Sequence[Any], unreached: Unreached) -> Unreached:
    """The entry of v for a pass that begins at the outputs of the same function, computed again."""
    hidden = unreached.get(v)
    parts = hidden if isinstance(hidden, dict) else {} if hidden is None else {0: hidden}
    found: Unreached = {}
    for i, y in enumerate(ys):
        if any(other is y for other in ys[:i]):
            found.pop(y, None)  # in one of several places it may be selected
        elif isinstance(y, Node) and i in parts:
            found[y] = parts[i].copy()  # what is selected is taken out of it in place
    return found


def _note_output(v: Node, x: Node, hidden: Any, grads: dict[Node, Any], unreached: Any) -> None:
    """Note where the gradient of one output of x is 0 because no branch was taken; v selects it."""
    i, parts = v.static[0], unreached.get(x, {})
    earlier = i in grads.get(x, ()) and i not in parts
    if (hidden is not None or parts) and not earlier:
        hidden = np.zeros(v._data.shape, bool) if hidden is None else hidden
        unreached[x] = {**parts, i: hidden & parts[i] if i in parts else hidden}


def _not_selected(v: Node, i: int, hidden: Any, g: Any) -> Array:
    """Where input i of a selecting op gets nothing from the elements that are not hidden."""
    needs = [k == i for k in range(len(v.inputs))]
    counts = fit(v.op.pull(v, _taken(v, hidden, g), needs)[i], v.inputs[i]._data, v)
    return np.asarray(np.equal(counts, 0))


def _taken(v: Node, hidden: Any, g: Any) -> Any:
    """1 for each element of v that is not hidden, in the form of its gradient g."""
    if type(v._data) is tuple:
        parts = hidden or {}
        return {
            k: np.ones(part.shape, part.dtype) * ~parts.get(k, np.zeros((), bool))
            for k, part in enumerate(v._data)
            if k in g
        }
    shape, dtype = np.shape(v._data), v._data.dtype
    return np.ones(shape, dtype) if hidden is None else (~hidden).astype(dtype)


def leads_to_steep(x: Node) -> bool:
    """Whether an op with an unbounded slope lies behind x, with no dense op between them.

    True also where it would take long to tell.
    """
    op = x.op
    if op is None or not (op.singular or op.elementwise or op.masks or op.routes):
        return False
    stack, seen = [x], {x}
    while stack:
        v = stack.pop()
        op = v.op
        if op is None:
            continue
        if len(seen) > _FAR:
            return True
        if op.singular and not (op.name in _STEEP_AT_INFINITY and np.isfinite(v._data).all()):
            return True
        if op.elementwise or op.masks or op.routes:
            for u in v.inputs:
                if isinstance(u, Node) and u.requires_grad and u not in seen:
                    seen.add(u)
                    stack.append(u)
    return False


def _all_to(hidden: Array, shape: tuple[int, ...]) -> Array:
    """Where all elements are hidden that an element of an input of this shape was stretched to."""
    lead = hidden.ndim - len(shape)
    leading = tuple(range(lead))
    axes = tuple(i for i, n in enumerate(shape) if n == 1)
    rest = np.logical_and.reduce(hidden, axis=leading)
    return np.broadcast_to(np.logical_and.reduce(rest, axis=axes, keepdims=True), shape)


def given(op: Any, gx: Any) -> Any:
    """What a vjp returned for an input that needs a gradient; a TypeError if that is None."""
    if gx is None:
        raise TypeError(
            f"{op.name}: a vjp returned None for an input that requires a gradient. It must return "
            "the gradient; for an input without one, give the op None in place of the vjp."
        )
    return gx


def all_given(op: Any, found: Any, needs: Sequence[bool]) -> list[Any]:
    """What a joint vjp returned, one gradient for each input; None where `needs` is false."""
    if found is None or isinstance(found, dict):
        raise TypeError(
            f"{op.name}: its joint vjp returned {type(found).__name__}; it must return a sequence "
            "of one gradient for each input."
        )
    parts = list(found)
    if len(parts) != len(needs):
        raise ValueError(
            f"{op.name}: its joint vjp returned {len(parts)} gradients for {len(needs)} inputs. It "
            "must return one for each, None for an input that needs none."
        )
    return [given(op, gx) if need else None for gx, need in zip(parts, needs, strict=True)]


def fit(gx: Any, data: Any, v: Node) -> Any:
    """Give what v contributes to an input the shape and dtype of its data.

    Only here is broadcasting undone. The gradient of a node with several outputs,
    {output: gradient}, is returned unchanged.
    """
    if type(data) is tuple:
        return gx
    if not hasattr(gx, "shape"):
        gx = np.asarray(gx)
    if gx.shape != data.shape:
        if v.op.foreign and type(v._data) is not tuple and not _stretched(gx.shape, data.shape, v):
            raise ValueError(
                f"{v.op.name}: a vjp returned an array of shape {gx.shape} for an input of shape "
                f"{data.shape}. A gradient has its input's shape, or the shape that the input was "
                "broadcast to in the result."
            )
        gx = sum_to(gx, data.shape)
    if gx.dtype == data.dtype:
        return gx
    if gx.dtype.kind not in "fiub":
        raise TypeError(
            f"{v.op.name}: a vjp returned {gx.dtype} for an input of {data.dtype}; gradients are "
            "real numbers."
        )
    return gx.astype(data.dtype)


def _stretched(found: tuple[int, ...], shape: tuple[int, ...], v: Node) -> bool:
    """Whether a gradient's shape is that of an input, broadcast to axes of the result or inputs."""
    lead = len(found) - len(shape)
    others = [np.shape(x._data if isinstance(x, Node) else x) for x in (v, *v.inputs)]
    if lead < 0 or all(len(found) > len(other) for other in others):
        return False
    return all(
        n == m or (n == 1 and any(m in other[-k : len(other) - k + 1] for other in others))
        for k, n, m in zip(range(len(found), 0, -1), (1,) * lead + shape, found, strict=True)
    )


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum g over every axis that NumPy stretched to get from `shape` to ``g.shape``."""
    lead = len(g.shape) - len(shape)
    axes = tuple(range(lead))
    if 1 in shape:
        axes += tuple([lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1])
    if axes:
        g = sum_axes(g, axes) if type(g) is np.ndarray else np.sum(g, axis=axes)
    return g if g.shape == shape else np.reshape(g, shape)
