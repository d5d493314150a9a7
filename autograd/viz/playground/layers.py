"""The layers of a model, read off its graph: what the neurons are, and which weights join them."""

from __future__ import annotations

from typing import Any

from autograd.viz.player.story import Event


def layers_of(
    events: list[Event], users: list[list[int]], samples: int, output: int
) -> list[dict[str, Any]]:
    """The layers between samples and output.

    A layer is what a linear map is applied to; the output is the last one.

    Returns
    -------
    list of dict
        Of each layer its `event`, and for each linear map into it `from` (the index of a layer),
        `weight` (an event), `across` (whether the weight's rows are the inputs) and `bias` (an
        event, if any).
    """
    inside = _between(events, samples, output)
    maps = {k: m for k in inside if (m := _linear(events, k, inside))}
    found = sorted({m["input"] for m in maps.values()} | {output})
    layers: list[dict[str, Any]] = [{"event": k, "maps": []} for k in found]
    place = {k: i for i, k in enumerate(found)}
    for k, m in maps.items():
        for into in _reached(k, users, inside, place):
            m_in = {key: m[key] for key in ("weight", "across")}
            bias = m["bias"] if m["bias"] is not None else _added(events, users, k, inside)
            layers[place[into]]["maps"].append({"from": place[m["input"]], **m_in, "bias": bias})
    return layers


def _between(events: list[Event], samples: int, output: int) -> set[int]:
    """The events that depend on the samples and that the output depends on."""
    after = {samples}
    for e in events:
        if any(p.get("from") in after for p in e.inputs):
            after.add(e.index)
    before, stack = set(), [output]
    while stack:
        k = stack.pop()
        if k in before or k not in after:
            continue
        before.add(k)
        stack.extend(p["from"] for p in events[k].inputs if "from" in p)
    return before


def _linear(events: list[Event], k: int, inside: set[int]) -> dict[str, Any] | None:
    """Input, weight and bias of a linear map, or None."""
    e = events[k]
    places = [p.get("from") for p in e.inputs]
    if len(places) < 2 or places[0] not in inside:
        return None
    weight, across = places[1], e.op == "matmul"
    if e.op == "matmul" and weight is not None and events[weight].op == "transpose":
        weight, across = events[weight].inputs[0].get("from"), False
    if weight is None or not _is_leaf(events[weight]) or len(_shape(events[weight])) != 2:
        return None
    if e.op == "affine":
        return {"input": places[0], "weight": weight, "across": False, "bias": places[2]}
    if e.op == "matmul":
        return {"input": places[0], "weight": weight, "across": across, "bias": None}
    return None


def _added(events: list[Event], users: list[list[int]], k: int, inside: set[int]) -> int | None:
    """The bias that is added to the result of a matrix product."""
    for u in users[k]:
        if u in inside and events[u].op == "add":
            for p in events[u].inputs:
                other = p.get("from")
                if other is not None and other != k and _is_leaf(events[other]):
                    return int(other)
    return None


def _reached(k: int, users: list[list[int]], inside: set[int], place: dict[int, int]) -> list[int]:
    """The layers that a result flows into before any other linear map."""
    found, stack, seen = [], [k], set()
    while stack:
        at = stack.pop()
        if at in seen:
            continue
        seen.add(at)
        if at in place:
            found.append(at)
            continue
        stack.extend(u for u in users[at] if u in inside)
    return found


def _is_leaf(e: Event) -> bool:
    return e.kind == "leaf"


def _shape(e: Event) -> list[int]:
    found: list[int] = (e.value or {}).get("shape", [])
    return found
