"""Elementwise choices: maximum, where, clip, nan_to_num."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import elementwise
from autograd.ops.samples import away, between, boolean, domains, real
from autograd.symbol import Symbol


def where(c: Any, a: Any, b: Any) -> Any:
    """a where c, else b."""
    return np.where(c, a, b)


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """a held between two bounds; either may be None."""
    low, high = bounds(a_min, a_max, min, max)
    return np.clip(a, low, high)


def bounds(a_min: Any, a_max: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The two bounds of a clip, under either of NumPy's pairs of names."""
    return (a_min if low is None else low), (a_max if high is None else high)


def outside(a: Any, a_min: Any, a_max: Any, low: Any, high: Any) -> Any:
    """Where a clip puts a bound in a's place."""
    low, high = bounds(a_min, a_max, low, high)
    if high is None:
        return False if low is None else a < low
    return a > high if low is None else (a < low) | (a > high)


def nan_to_num(
    a: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """a with NaN and infinities replaced by numbers."""
    return np.nan_to_num(a, copy=True, nan=nan, posinf=posinf, neginf=neginf)


def tex_where(c: Symbol, a: Symbol, b: Symbol) -> str | Symbol:
    """Two cases; one, where the condition is a constant."""
    if c.tex in ("0", "1"):
        return a if c.tex == "1" else b
    return rf"\begin{{cases}} {a} & {c} \\ {b} & \text{{otherwise}} \end{{cases}}"


def shared(g: Any, rejected: Any, tie: Any) -> Any:
    """The gradient of an input that was not rejected; in a tie each side receives half.

    NaN is greater than nothing and rejects nothing, so where it comes out both inputs receive g.
    """
    return np.where(rejected, 0, np.where(tie, g / 2, g))


def lost_to(b: Any, a: Any) -> Any:
    """Where a is NaN and b is a number."""
    return np.isnan(a) & ~np.isnan(b)


elementwise(
    np.maximum,
    r"\max({a}, {b})",
    lambda g, y, a, b: shared(g, np.less(a, b), np.equal(a, b)),
    lambda g, y, a, b: shared(g, np.less(b, a), np.equal(a, b)),
    masks=True,
    scalar="({a} if {a} >= {b} or {a} != {a} else {b})",
)
elementwise(
    np.minimum,
    r"\min({a}, {b})",
    lambda g, y, a, b: shared(g, np.greater(a, b), np.equal(a, b)),
    lambda g, y, a, b: shared(g, np.greater(b, a), np.equal(a, b)),
    masks=True,
    scalar="({a} if {a} <= {b} or {a} != {a} else {b})",
)
elementwise(
    np.fmax,
    r"\operatorname{{fmax}}({a}, {b})",
    lambda g, y, a, b: shared(g, np.less(a, b) | lost_to(b, a), np.equal(a, b)),
    lambda g, y, a, b: shared(g, np.less(b, a) | lost_to(a, b), np.equal(a, b)),
    masks=True,
)
elementwise(
    np.fmin,
    r"\operatorname{{fmin}}({a}, {b})",
    lambda g, y, a, b: shared(g, np.greater(a, b) | lost_to(b, a), np.equal(a, b)),
    lambda g, y, a, b: shared(g, np.greater(b, a) | lost_to(a, b), np.equal(a, b)),
    masks=True,
)
elementwise(
    where,
    tex_where,
    None,
    lambda g, y, c, a, b: np.where(c, g, 0),
    lambda g, y, c, a, b: np.where(c, 0, g),
    of=(np.where,),
    masks=True,
    scalar="({a} if {c} else {b})",
)
elementwise(
    clip,
    r"\operatorname{{clip}}({a})",
    lambda g, y, a, *limits: np.where(outside(a, *limits), 0, g),
    of=(np.clip,),
    bind="clip",
    masks=True,
)
elementwise(
    nan_to_num,
    r"\operatorname{{nan\_to\_num}} {a:3}",
    lambda g, y, a, *others: np.where(np.isfinite(a), g, 0),
    of=(np.nan_to_num,),
    masks=True,
)

# What tests sample
domains("maximum minimum fmax fmin", between(-2, 0), between(-1, 2))
domains("where", boolean, real, real)
domains("clip", away(-1, 1))
domains("nan_to_num", real)
