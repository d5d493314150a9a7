"""A profile as a Chrome trace, for chrome://tracing and ui.perfetto.dev."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Span(NamedTuple):
    """The time of one op, and the module calls around it.

    Attributes
    ----------
    name : the op.
    seconds : how long it took.
    inside : labels of the calls around it, outermost first.
    arguments : details that the viewer shows when the span is selected.
    """

    name: str
    seconds: float
    inside: tuple[str, ...]
    arguments: dict[str, Any]


def events(passes: Iterable[tuple[str, Sequence[Span], float]]) -> list[dict[str, Any]]:
    """Complete events, one after the other, with the module calls as events around them.

    Parameters
    ----------
    passes : for each pass its name, its spans in order, and the seconds outside of ops.

    Examples
    --------
    >>> from autograd.readers.profile.chrome import Span, events
    >>> found = events([("forward", [Span("exp", 2e-6, ("Net",), {})], 1e-6)])
    >>> [(e["name"], e["dur"]) for e in found if e["ph"] == "X"]
    [('forward', 3.0), ('Net', 2.0), ('exp', 2.0), ('Python and recording', 1.0)]
    """
    found: list[dict[str, Any]] = [
        {"name": name, "ph": "M", "pid": 1, "tid": 1, "args": {"name": title}}
        for name, title in (("process_name", "autograd.profile"), ("thread_name", "replayed"))
    ]
    at = 0.0
    for kind, spans, rest in passes:
        whole = _event(kind, kind, at, {})
        found.append(whole)
        opened: list[dict[str, Any]] = []
        for span in spans:
            names = [call["name"] for call in opened]
            same = 0
            while same < min(len(names), len(span.inside)) and names[same] == span.inside[same]:
                same += 1
            _close(opened, same, at)
            for label in span.inside[same:]:
                opened.append(_event(label, kind, at, {}))
                found.append(opened[-1])
            event = _event(span.name, kind, at, span.arguments)
            found.append(event)
            at += span.seconds * 1e6
            event["dur"] = at - event["ts"]
        _close(opened, 0, at)
        if rest > 0:
            event = _event("Python and recording", kind, at, {})
            event["dur"] = rest * 1e6
            found.append(event)
            at += event["dur"]
        whole["dur"] = at - whole["ts"]
    return found


def _event(name: str, kind: str, at: float, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "cat": kind,
        "ph": "X",
        "pid": 1,
        "tid": 1,
        "ts": at,
        "dur": 0.0,
        "args": arguments,
    }


def _close(opened: list[dict[str, Any]], keep: int, at: float) -> None:
    while len(opened) > keep:
        call = opened.pop()
        call["dur"] = at - call["ts"]
