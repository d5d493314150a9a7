"""compact: the data of a page without what its script can tell, which data.js puts back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from autograd.viz.player.digest import rounded


def compact(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with what is usual left out, and lines from point to point.

    Examples
    --------
    >>> from autograd.viz.player.compact import compact
    >>> digest = {"shape": [], "dtype": "float64", "number": 2.5}
    >>> compact({"events": [{"kind": "op", "tracked": True, "value": digest}], "layouts": []})
    {'events': [{'value': 2.5}], 'layouts': [], 'compact': True}
    """
    small = dict(data) | {"compact": True}
    small["events"] = [_event(event) for event in data["events"]]
    small["layouts"] = [
        {**at, "paths": [_path(path) for path in at["paths"]]} for at in data["layouts"]
    ]
    return small


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    small = dict(event)
    usual = event.get("kind") != "constant"
    if event.get("kind") == "op":
        del small["kind"]
    if bool(small.pop("tracked", False)) != usual:
        small["tracked"] = not usual
    incoming = _size(event.get("gradient"))
    if "inputs" in event:
        small["inputs"] = [_place(place, incoming) for place in event["inputs"]]
    for key in ("value", "gradient"):
        if key in event:
            small[key] = _digest(event[key])
    return small


def _size(digest: Any) -> Any:
    """What a digest says of the size of its array, to six digits."""
    number = digest and digest.get("number", digest.get("rms"))
    return rounded(number) if isinstance(number, float) else None


def _digest(digest: Any) -> Any:
    """A single number of double precision as that number."""
    number = digest and digest.get("number")
    single = {"shape": [], "dtype": "float64", "number": number}
    return number if isinstance(number, float) and digest == single else digest


def _place(place: Mapping[str, Any], incoming: Any) -> dict[str, Any]:
    """A contribution without the incoming gradient, and without a sum that it is alone in."""
    small = dict(place)
    if "tex" in place and "out" in place:
        if place.get("in") == incoming:
            small.pop("in", None)
        if place.get("sum") == place["out"]:
            small.pop("sum", None)
    return small


def _path(path: Sequence[int]) -> list[int]:
    """A line with each point relative to the one before."""
    points = list(zip(path[::2], path[1::2], strict=True))
    found = list(points[0])
    for (x, y), (u, v) in pairwise(points):
        found += [u - x, v - y]
    return found
