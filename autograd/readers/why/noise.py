"""How much of a gradient is rounding: the backward pass again, each number off by one ulp."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.engine import add_gradient
from autograd.node import Node
from autograd.readers.paths import Reach, norm

RUNS = 3
SIGNAL = 4.0
"""A gradient that is not this many times its deviation is noise."""


def deviations(reach: Reach) -> dict[Node, Any]:
    """Largest change of the gradient of each node if all gradients behind it are off by an ulp.

    The signs are random: errors of rounding add up as they would, and where large contributions
    cancel, what is left of them shows.
    """
    rng = np.random.default_rng(0)
    found: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for _ in range(RUNS):
            grads: dict[Node, Any] = {reach.y: reach.seed}
            for v in [*reversed(reach.order), reach.x]:
                g = grads.pop(v, None)
                if g is None or v not in reach.gradients:
                    continue
                away = _away(g, reach.gradients[v])
                found[v] = _largest(found[v], away) if v in found else away
                if v is reach.x:
                    break
                g = _off(g, rng)
                for i in reach.places(v):
                    gx = reach.pull(v, i, g)
                    if gx is not None:
                        add_gradient(grads, v.inputs[i], gx)
    return found


def _off(g: Any, rng: np.random.Generator) -> Any:
    if isinstance(g, dict):
        return {k: _off(part, rng) for k, part in g.items()}
    g = np.asarray(g)
    if g.dtype.kind != "f":
        return g
    ulps = rng.choice(np.array([-1, 1], g.dtype), g.shape) * np.finfo(g.dtype).eps
    return g * (1 + ulps)


def _away(g: Any, h: Any) -> Any:
    if isinstance(g, dict):
        return {k: _away(part, h[k]) for k, part in g.items() if k in h}
    return np.abs(np.asarray(g, np.float64) - np.asarray(h, np.float64))


def _largest(a: Any, b: Any) -> Any:
    if isinstance(a, dict):
        return {k: np.maximum(part, b[k]) for k, part in a.items() if k in b}
    return np.maximum(a, b)


def is_noise(g: Any, away: Any) -> bool:
    """Whether a gradient is no larger than its own rounding."""
    size = norm(away)
    return size > 0 and norm(g) <= SIGNAL * size
