"""What module calls and ops are labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.viz.trace import Call


def call_labels(found: Sequence[Call]) -> dict[int, str]:
    """What each call is labelled: path and class of its module, and which call of several."""
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


def arguments(v: Node) -> str:
    """The op's non-array arguments that are not its defaults."""
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
    """An argument as Python would write it, slices and arrays in short."""
    if isinstance(x, slice):
        ends = ["" if part is None else str(part) for part in (x.start, x.stop)]
        return ":".join(ends if x.step is None else [*ends, str(x.step)])
    if x is Ellipsis:
        return "..."
    if isinstance(x, np.ndarray):
        return f"array{x.shape}" if x.size > 4 else str(x.tolist())
    return repr(x)
