"""Why an op passes nothing back, in words with numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.engine import gradients
from autograd.node import Array, Node
from autograd.readers.paths import Names, Path
from autograd.readers.why.blocks import Block
from autograd.recording import enable_grad
from autograd.value import Value
from autograd.viz.labels import arguments
from autograd.viz.summary import number

_SATURATING = frozenset(
    ("sigmoid", "tanh", "softsign", "erf", "log_sigmoid", "softplus", "gelu", "silu", "mish")
)
_PIECES = {
    "relu": "",
    "hardtanh": ", outside {min_val} … {max_val}",
    "clip": ", outside what it keeps",
    "relu6": ", outside 0 … 6",
    "hardsigmoid": ", outside −3 … 3",
    "hardswish": ", where its slope is 0",
    "softshrink": ", within ±{lambd}, which becomes 0",
    "hardshrink": ", within ±{lambd}, which becomes 0",
    "sign": ", and it is flat everywhere",
    "nan_to_num": ", which it replaced",
}
_CHOICES = frozenset(("maximum", "minimum", "fmax", "fmin"))
_SELECTIONS = frozenset(("max", "min", "nanmax", "nanmin", "max_pool", "median", "quantile"))
_LINEAR = frozenset(
    (
        *("add", "subtract", "matmul", "linear", "affine", "conv", "conv_bias", "tensordot"),
        *("einsum", "getitem", "split", "array_split", "unstack"),
    )
)
_SHIFTS = {
    "batch_norm": "subtracts the mean of each channel",
    "layer_norm": "subtracts the mean of each sample",
    "group_norm": "subtracts the mean of each group",
    **dict.fromkeys(
        ("softmax", "log_softmax", "cross_entropy", "attention"),
        "does not change if the same number is added to all its inputs",
    ),
    **dict.fromkeys(("var", "std"), "subtracts the mean"),
}
"""Ops that an added constant does not change, and why."""


def called(names: Names, v: Node) -> str:
    """The op of a node in a sentence: its module, or its op with the name of its result."""
    label = names.op(v)
    return f"{v.op.name} ({label})" if v.name and v.name == label else label


def span(values: Any) -> str:
    """Numbers in a few words: the number, or how many from where to where."""
    values = np.asarray(values).ravel()
    if values.size == 1:
        return number(float(values[0]))
    low, high = float(values.min()), float(values.max())
    if low == high:
        return f"{number(low)} at all {values.size:,} elements"
    return f"{number(low)} … {number(high)} at {values.size:,} elements"


def because(names: Names, block: Block) -> str:
    """Why an op stops a gradient: a clause that follows "because"."""
    v, i = block.node, block.place
    who = called(names, v)
    if v.op.elementwise:
        return _elementwise(names, who, v, i, block.where)
    return _selecting(names, who, v, i, block.where)


def _given(v: Node) -> dict[str, Any]:
    """The op's other arguments by name."""
    return dict(zip(reversed(v.op.parameters), reversed(v.static), strict=False))


def _values(v: Node, i: int, where: Array) -> Array:
    """The elements of input i at a mask over the result."""
    x = v.inputs[i]
    data = np.asarray(x._data if isinstance(x, Node) else x)
    return np.asarray(np.broadcast_to(data, where.shape)[where])


def _elementwise(names: Names, who: str, v: Node, i: int, where: Array) -> str:
    op = v.op.name
    here = span(_values(v, i, where))
    if op == "multiply":
        other = names.value(v.inputs[1 - i])
        what = f"by {other} = 0" if other else "by 0"
        return f"{who} multiplies {what}{_count(where)}"
    if op == "divide":
        role = ("divisor", "dividend")[i]
        return f"the {role} of {who} was {span(_values(v, 1 - i, where))}"
    if op == "where":
        return f"{who} took the other branch{_count(where)}: its condition is {i == 2}"
    if op in _CHOICES:
        return f"{who} took the other input, {span(_values(v, 1 - i, where))}, instead of {here}"
    given = _given(v)
    if op == "clip":
        low, high = ((given.get(a) if given.get(a) is not None else given.get(b)) for a, b in _CLIP)
        if all(x is None or np.ndim(x) == 0 for x in (low, high)):
            low, high = ("" if x is None else number(float(x)) for x in (low, high))
            return f"{who}'s input was {here}, outside {low} … {high}"
    tail = _PIECES.get(op)
    if tail is not None:
        shown = {name: number(x) for name, x in given.items() if isinstance(x, (int, float))}
        return f"{who}'s input was {here}{tail.format(**shown)}"
    if op in _SATURATING:
        return f"{who} is saturated: its input was {here}, where its slope is 0"
    return f"{who}'s input was {here}, where its slope is 0"


_CLIP = (("a_min", "min"), ("a_max", "max"))


def _count(where: Array) -> str:
    count = int(where.sum())
    return f" at {count:,} elements" if count > 1 else ""


def _selecting(names: Names, who: str, v: Node, i: int, where: Array) -> str:
    op, x = v.op.name, v.inputs[i]
    given = _given(v)
    here = span(x._data[where])
    rows = np.unique(np.nonzero(where)[0]) if where.ndim else np.zeros(0, int)
    if op in _SELECTIONS:
        took = number(float(np.reshape(v._data, ()))) if np.size(v._data) == 1 else "other elements"
        return f"{who} took {took}, not {here}"
    if op == "getitem":
        return f"{who}{_spaced(arguments(v))} does not take {_which(names, x, where)}"
    if op == "embedding":
        pad = given.get("padding_idx")
        unused = rows if pad is None else rows[rows != pad % x.shape[0]]
        reasons = [f"no index of {who} is {_some(unused)}"] * bool(len(unused))
        if len(unused) < len(rows):
            reasons.append(f"row {pad} of {who} is its padding_idx")
        return ", and ".join(reasons)
    if op == "cross_entropy":
        return _of_targets(who, v, where, rows, given)
    if op in ("softmax", "log_softmax"):
        axis = given.get("axis", -1)
        if x.shape[axis] == 1:
            constant = 1 if op == "softmax" else 0
            return f"{who} is over an axis of length 1: its result is always {constant}"
        return f"{who} is saturated: its results there are {span(v._data[where])}"
    if op == "attention":
        if given.get("is_causal") or v.inputs[3] is not None:
            return f"{who} masks {_which(names, x, where)}"
        return f"{who} is saturated: its softmax leaves nothing to {_which(names, x, where)}"
    if zero := _factor_of_zero(names, who, v, i, where):
        return zero
    if v.op.masks:
        return f"{who} does not select {_which(names, x, where)}"
    if not v.op.listed:
        return f"no op within {who} passes anything back to {_which(names, x, where)}"
    if not _used(v, i, where):
        return f"{who} does not use {_which(names, x, where)}"
    return f"{who}'s input was {here}, where its slope is 0"


def _used(v: Node, i: int, where: Array) -> bool:
    """Whether the elements get a gradient from the op if input i has other values."""
    data = v.inputs[i]._data
    other = np.random.default_rng(1).uniform(0.5, 1.5, data.shape).astype(data.dtype)
    return bool(np.any(_pulled(v, i, {i: other})[where]))


def _pulled(v: Node, i: int, replaced: dict[int, Array]) -> Array:
    """What the op passes back to input i for a random gradient, if some inputs are others."""
    inputs = [Value(u._data) if isinstance(u, Node) else u for u in v.inputs]
    for k, data in replaced.items():
        inputs[k] = Value(data) if k == i else data
    with enable_grad(), np.errstate(all="ignore"):
        ys = v.op.apply(inputs, v.static)
        parts = [y for y in (ys if isinstance(ys, (tuple, list)) else [ys]) if isinstance(y, Node)]
        parts = [y for y in parts if y.requires_grad]
        rng = np.random.default_rng(0)
        seeds = [rng.uniform(0.5, 1.5, y._data.shape).astype(y._data.dtype) for y in parts]
        (found,) = gradients(parts, seeds, [inputs[i]])
    return np.zeros_like(inputs[i]._data) if found is None else np.asarray(found)


def _spaced(text: str) -> str:
    return text if text.startswith("[") or not text else f" ({text})"


def _factor_of_zero(names: Names, who: str, v: Node, i: int, where: Array) -> str:
    """The other input of v that stops the gradient by its zeros; "" if none does.

    The op runs again with ones in place of the zeros of one other input, to see if something comes
    back then.
    """
    titles = v.op.input_names(len(v.inputs))
    for k, x in enumerate(v.inputs):
        data = x._data if isinstance(x, Node) else x
        if k == i or not isinstance(data, np.ndarray) or data.dtype.kind != "f" or data.all():
            continue
        filled = np.where(data == 0, np.ones((), data.dtype), data)
        if np.all(_pulled(v, i, {k: filled})[where]):
            made = isinstance(x, Node) and x.op is not None
            made_by = f"the result of {called(names, x)}" if made else f"its {titles[k]}"
            name = names.value(x) or made_by
            place = (
                "all 0"
                if not data.any()
                else f"0 wherever it meets {_which(names, v.inputs[i], where)}"
            )
            return f"{who} multiplies by 0: {name} is {place}"
    return ""


def _which(names: Names, x: Node, where: Array) -> str:
    """The elements of a mask over x: its one element, or how many."""
    name = names.value(x) or (f"the result of {called(names, x)}" if x.op else "its input")
    if where.all():
        return f"any element of {name}" if where.size > 1 else name
    indices = np.argwhere(where)
    if len(indices) == 1:
        return f"element [{', '.join(map(str, indices[0]))}] of {name}"
    return f"{len(indices):,} of the {where.size:,} elements of {name}"


def _some(rows: Array) -> str:
    shown = ", ".join(str(r) for r in rows[:4])
    return shown if len(rows) <= 4 else f"{shown} … ({len(rows):,} rows)"


def _of_targets(who: str, v: Node, where: Array, rows: Array, given: dict[str, Any]) -> str:
    target = v.inputs[1]
    target = np.asarray(target._data if isinstance(target, Node) else target)
    ignore = given.get("ignore_index")
    if target.dtype.kind in "iu" and target.shape == where.shape[:1]:
        if (target[rows] == ignore).all():
            return f"the target is ignore_index = {number(ignore)} in row {_some(rows)} of {who}"
        weight = given.get("weight")
        if weight is not None and not np.asarray(weight)[target[rows]].any():
            return f"{who} weighs the class of row {_some(rows)} by 0"
    return f"{who} is saturated: the probability of the target is 1 to within rounding"


def invariance(names: Names, v: Node, path: Path) -> str:
    """Which op on the path from v to y does not change if a constant is added; a clause, or ""."""
    nodes = [step.node for step in path.steps]
    at = next((k for k, u in enumerate(nodes) if u is v), len(nodes))
    for u in nodes[at + 1 :]:
        shift = _SHIFTS.get(u.op.name)
        given = _given(u)
        if shift is not None and given.get("training", True):
            return f"{called(names, u)} {shift}"
        if not (u.op.routes or u.op.name in _LINEAR):
            break
    return ""


def constant_sum(names: Names, v: Node, g: Any) -> str:
    """A clause for an op whose results always sum to the same, if all get the same gradient."""
    total = {"softmax": "to 1", "batch_norm": "to the same", "layer_norm": "to the same"}
    if isinstance(g, dict) or v.op.name not in total or not np.size(g):
        return ""
    spread = np.ptp(g, axis=-1 if v.op.name != "batch_norm" else 0)
    if np.any(spread > 8 * np.finfo(g.dtype).eps * np.abs(g).max()):
        return ""
    return (
        f"the results of {called(names, v)} always sum {total[v.op.name]}, and all get the same "
        "gradient"
    )
