"""Labels of module calls and ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.op import SELECT
from autograd.viz.trace import Call, Trace


def call_labels(found: Sequence[Call]) -> dict[int, str]:
    """id of a call -> its label: path and class of its module, and which of several calls it is."""
    calls = {id(c): c for call in found for c in call.chain()}
    tops = {key: call.chain()[0] for key, call in calls.items()}
    paths: dict[int, dict[int, str]] = {}
    for top in tops.values():
        if id(top.owner) not in paths:
            modules = getattr(top.owner, "named_modules", None)
            listed = modules() if modules else ()
            paths[id(top.owner)] = {id(m): path for path, m in reversed([*listed])}
    series: dict[tuple[int, int], list[Call]] = {}
    for key, call in calls.items():
        series.setdefault((id(tops[key].owner), id(call.owner)), []).append(call)
    labels: dict[int, str] = {}
    for same in series.values():
        for k, call in enumerate(sorted(same, key=lambda c: c.start)):
            path = paths[id(tops[id(call)].owner)].get(id(call.owner), "")
            label = call.title or type(call.owner).__name__
            label = f"{path}: {label}" if path else label
            if len(same) > 1:
                label += f", call {k + 1} of {len(same)}"
            labels[id(call)] = label
    return labels


def full_name(trace: Trace, x: Any) -> str | None:
    """The path of a parameter, such as 0.weight; else the name of a Value or array."""
    return trace.parameters.get(id(x)) or trace.name(x)


def node_labels(trace: Trace) -> dict[int, str]:
    """id of each result -> its label: its name, or its module and op.

    A module that is one op, such as a Linear, says all: its op is left out.
    """
    calls = call_labels([c for c in trace.calls.values() if c])
    ops: dict[int, int] = {}
    for v in trace.order:
        call = trace.calls[id(v)]
        for outer in call.chain() if call and v.op is not SELECT else ():
            ops[id(outer)] = ops.get(id(outer), 0) + 1
    found: dict[int, str] = {}
    for v in trace.order:
        op = v.inputs[0].op if v.op is SELECT else v.op
        call = trace.calls[id(v)]
        label = str(op.name)
        if call:
            module = calls[id(call)]
            label = module if ops.get(id(call)) == 1 else f"{module}: {label}"
        found[id(v)] = full_name(trace, v) or label
    return found


def arguments(v: Node) -> str:
    """The op's non-array arguments that differ from the defaults."""
    parts = []
    for name, x in zip(v.op.parameters[-len(v.static) :], v.static, strict=False):
        default = v.op.defaults.get(name)
        if x is default or (type(x) is type(default) and not np.ndim(x) and x == default):
            continue
        text = ", ".join(map(_index, x)) if name == "index" and type(x) is tuple else _index(x)
        if len(text) > 24:
            text = f"{text[:23]}…"
        parts.append(f"[{text}]" if name == "index" else f"{name}={text}")
    return ", ".join(parts)


def _index(x: Any) -> str:
    """An argument as Python writes it; slices and arrays are abbreviated."""
    if isinstance(x, slice):
        ends = ["" if part is None else str(part) for part in (x.start, x.stop)]
        return ":".join(ends if x.step is None else [*ends, str(x.step)])
    if x is Ellipsis:
        return "..."
    if isinstance(x, np.ndarray):
        return f"array{x.shape}" if x.size > 4 else str(x.tolist())
    return repr(x)
