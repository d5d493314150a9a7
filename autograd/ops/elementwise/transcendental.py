"""Exponentials, logarithms, trigonometric and hyperbolic functions.

Wherever it is exact, a derivative is written with the function's own value y.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.op import Op, elementwise
from autograd.ops.elementwise.arithmetic import bent, swept
from autograd.ops.elementwise.by_size import kernel_for
from autograd.ops.samples import above_one, domains, nonzero, positive, real, unit

LN2, LN10, PI = math.log(2), math.log(10), math.pi


def _share(a: Any, b: Any, rate: float = 1.0) -> Any:
    """exp(rate a) / (exp(rate a) + exp(rate b)), and 0 where a is -inf: a weight in logaddexp."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.isneginf(a), np.zeros_like(b), 1 / (1 + np.exp((b - a) * rate)))


@kernel_for("exp")
def _exp(a: Any) -> Any:
    """e to the power a."""
    return np.exp(a)


@kernel_for("tanh")
def _tanh(a: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(a)


@kernel_for("tanh_grad", "({a} * (k(1) - {b} * {b}))")
def tanh_grad(g: Any, y: Any) -> Any:
    """g tanh'(a), by the value y = tanh(a)."""
    return g * (1 - np.square(y))


def _slant(a: Any) -> Any:
    """1 / sqrt(1 + a²), also where a² is out of range: the cosine of an angle with slope a."""
    with np.errstate(over="ignore", divide="ignore"):
        square = np.square(a)
        y = 1 / np.sqrt(1 + square)
        far = np.isinf(square)
        return np.where(far, 1 / np.abs(a), y) if np.any(far) else y


def _tex_share(a: Any, b: Any, rate: float) -> str:
    base = "2" if rate == LN2 else "e"
    return rf"\frac{{{base}^{{{a}}}}}{{{base}^{{{a}}} + {base}^{{{b}}}}}"


def sinc_slope(a: Any) -> Any:
    """Derivative of sinc; near 0 its series, since the quotient cancels there."""
    near = np.abs(a) < 0.2
    small, far = np.where(near, a, 0), np.where(near, 1, a)
    t = np.square(PI * small)
    series = (
        -(PI**2)
        / 3
        * small
        * (1 - t / 10 * (1 - t / 28 * (1 - t / 54 * (1 - t / 88 * (1 - t / 130)))))
    )
    return np.where(near, series, (np.cos(PI * far) - np.sinc(far)) / far)


share: Op = elementwise(
    _share,
    _tex_share,
    lambda g, y, a, b, rate: rate * (g * y * share(b, a, rate)),
    lambda g, y, a, b, rate: -rate * (g * y * share(b, a, rate)),
)
slant: Op = elementwise(
    _slant,
    r"\frac{{1}}{{\sqrt{{1 + {a:9}^2}}}}",
    lambda g, y, a: -(g * a * y * y * y),
    rank=2,
)

elementwise(
    _exp,
    "e^{{{a}}}",
    lambda g, y, a: g * y,
    rank=4,
    of=(np.exp,),
    bind="exp",
    singular=True,
    scalar="exp({a})",
)
elementwise(np.exp2, "2^{{{a}}}", lambda g, y, a: LN2 * g * y, rank=4, singular=True)
elementwise(
    np.expm1,
    "e^{{{a}}} - 1",
    lambda g, y, a: g * np.exp(a),
    rank=1,
    singular=True,
    scalar="np.expm1({a})",
)
elementwise(
    np.log,
    r"\log {a:3}",
    lambda g, y, a: g / a,
    bind="log",
    singular=True,
    scalar="log({a})",
)
elementwise(
    np.log2,
    r"\log_2 {a:3}",
    lambda g, y, a: g / LN2 / a,
    singular=True,
    scalar="np.log2({a})",
)
elementwise(
    np.log10,
    r"\log_{{10}} {a:3}",
    lambda g, y, a: g / LN10 / a,
    singular=True,
    scalar="np.log10({a})",
)
elementwise(
    np.log1p,
    r"\log \left(1 + {a:1}\right)",
    lambda g, y, a: g / (1 + a),
    rank=3,
    singular=True,
    scalar="np.log1p({a})",
)
elementwise(
    np.logaddexp,
    r"\log \left(e^{{{a}}} + e^{{{b}}}\right)",
    lambda g, y, a, b: g * share(a, b),
    lambda g, y, a, b: g * share(b, a),
    rank=3,
)
elementwise(
    np.logaddexp2,
    r"\log_2 \left(2^{{{a}}} + 2^{{{b}}}\right)",
    lambda g, y, a, b: g * share(a, b, LN2),
    lambda g, y, a, b: g * share(b, a, LN2),
    rank=3,
)

elementwise(
    np.sin,
    r"\sin {a:3}",
    lambda g, y, a: g * np.cos(a),
    bind="sin",
    scalar="np.sin({a})",
)
elementwise(
    np.cos,
    r"\cos {a:3}",
    lambda g, y, a: -(g * np.sin(a)),
    bind="cos",
    scalar="np.cos({a})",
)
elementwise(
    np.tan,
    r"\tan {a:3}",
    lambda g, y, a: g * (1 + np.square(y)),
    scalar="np.tan({a})",
)
elementwise(
    np.arcsin,
    r"\arcsin {a:3}",
    lambda g, y, a: g / np.sqrt((1 - a) * (1 + a)),
    singular=True,
    scalar="np.arcsin({a})",
)
elementwise(
    np.arccos,
    r"\arccos {a:3}",
    lambda g, y, a: -(g / np.sqrt((1 - a) * (1 + a))),
    singular=True,
    scalar="np.arccos({a})",
)
elementwise(
    np.arctan,
    r"\arctan {a:3}",
    lambda g, y, a: g * np.square(slant(a)),
    scalar="np.arctan({a})",
)
elementwise(
    np.arctan2,
    r"\operatorname{{atan2}}({a}, {b})",
    lambda g, y, a, b: bent(swept, g, b, a),
    lambda g, y, a, b: -bent(swept, g, a, b),
    singular=True,
    scalar="np.arctan2({a}, {b})",
)
elementwise(np.sinc, r"\operatorname{{sinc}} {a:3}", lambda g, y, a: g * sinc_slope(a))
elementwise(
    np.deg2rad,
    r"\frac{{\pi}}{{180}} {a:2}",
    lambda g, y, a: g * (PI / 180),
    of=(np.deg2rad, np.radians),
)
elementwise(
    np.rad2deg,
    r"\frac{{180}}{{\pi}} {a:2}",
    lambda g, y, a: g * (180 / PI),
    of=(np.rad2deg, np.degrees),
)

elementwise(
    np.sinh,
    r"\sinh {a:3}",
    lambda g, y, a: g * np.cosh(a),
    singular=True,
    scalar="np.sinh({a})",
)
elementwise(
    np.cosh,
    r"\cosh {a:3}",
    lambda g, y, a: g * np.sinh(a),
    singular=True,
    scalar="np.cosh({a})",
)
elementwise(
    _tanh,
    r"\tanh {a:3}",
    lambda g, y, a: tanh_grad(g, y),
    of=(np.tanh,),
    bind="tanh",
    scalar="tanh({a})",
)
elementwise(
    np.arcsinh,
    r"\operatorname{{arsinh}} {a:3}",
    lambda g, y, a: g * slant(a),
    scalar="np.arcsinh({a})",
)
elementwise(
    np.arccosh,
    r"\operatorname{{arcosh}} {a:3}",
    lambda g, y, a: g / (np.sqrt(a - 1) * np.sqrt(a + 1)),
    singular=True,
    scalar="np.arccosh({a})",
)
elementwise(
    np.arctanh,
    r"\operatorname{{artanh}} {a:3}",
    lambda g, y, a: g / ((1 - a) * (1 + a)),
    singular=True,
    scalar="np.arctanh({a})",
)

# What tests sample
domains("share", real, real)
domains("slant", real)
domains("exp exp2 expm1 sin cos arctan sinc deg2rad rad2deg sinh cosh tanh arcsinh", real)
domains("log log2 log10 log1p", positive)
domains("tan arcsin arccos arctanh", unit)
domains("arccosh", above_one)
domains("logaddexp logaddexp2", real, real)
domains("arctan2", nonzero, nonzero)
