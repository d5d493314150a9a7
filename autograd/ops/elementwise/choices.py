"""Elementwise choices: maximum, where, clip, nan_to_num."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.op import elementwise
from autograd.ops.elementwise.by_size import SIZE, kernel_for
from autograd.ops.elementwise.by_size import elementwise as by_size
from autograd.ops.samples import away, between, boolean, domains, real
from autograd.symbol import Symbol

_EVERYTHING = (-math.inf, math.inf)


def where(c: Any, a: Any, b: Any) -> Any:
    """a where c, else b: NumPy's own stalls on a branch wherever c changes."""
    if type(c) is np.ndarray and c.size >= SIZE and type(a) is type(b) is np.ndarray:
        if a.size != b.size:  # one of them may be a number
            a, b = (np.full(c.shape, x) if x.ndim == 0 else x for x in (a, b))
        y = by_size("picked", a, b, c)
        if y is not None:
            return y
    return np.where(c, a, b)


@kernel_for("kept", "({a} if {b} else k(0))")
def kept(g: Any, c: Any) -> Any:
    """g where c, else 0."""
    return np.where(c, g, 0)


@kernel_for("dropped", "(k(0) if {b} else {a})")
def dropped(g: Any, c: Any) -> Any:
    """g where not c, else 0."""
    return np.where(c, 0, g)


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


def clip_grad(g: Any, a: Any, a_min: Any, a_max: Any, low: Any, high: Any) -> Any:
    """g where a clip left a as it was, else 0."""
    ends = bounds(a_min, a_max, low, high)
    if a.size >= SIZE and all(x is None or type(x) in (int, float) for x in ends):
        least, most = (end if x is None else x for x, end in zip(ends, _EVERYTHING, strict=True))
        y = by_size("clip_grad", g, a, numbers=(least, most))
        if y is not None:
            return y
    return np.where(outside(a, a_min, a_max, low, high), 0, g)


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


@kernel_for("larger_grad", "(k(0) if {b} < {c} else ({a} / k(2) if {b} == {c} else {a}))")
def larger_grad(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a in the maximum of a and b."""
    return shared(g, np.less(a, b), np.equal(a, b))


@kernel_for("smaller_grad", "(k(0) if {b} > {c} else ({a} / k(2) if {b} == {c} else {a}))")
def smaller_grad(g: Any, a: Any, b: Any) -> Any:
    """The gradient of a in the minimum of a and b."""
    return shared(g, np.greater(a, b), np.equal(a, b))


def lost_to(b: Any, a: Any) -> Any:
    """Where a is NaN and b is a number."""
    return np.isnan(a) & ~np.isnan(b)


elementwise(
    np.maximum,
    r"\max({a}, {b})",
    lambda g, y, a, b: larger_grad(g, a, b),
    lambda g, y, a, b: larger_grad(g, b, a),
    masks=True,
    scalar="({a} if {a} >= {b} or {a} != {a} else {b})",
)
elementwise(
    np.minimum,
    r"\min({a}, {b})",
    lambda g, y, a, b: smaller_grad(g, a, b),
    lambda g, y, a, b: smaller_grad(g, b, a),
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
    lambda g, y, c, a, b: kept(g, c),
    lambda g, y, c, a, b: dropped(g, c),
    of=(np.where,),
    masks=True,
    scalar="({a} if {c} else {b})",
)
elementwise(
    clip,
    r"\operatorname{{clip}}({a})",
    lambda g, y, a, *limits: clip_grad(g, a, *limits),
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
