"""Elementwise ops: arithmetic, powers, exponentials, trigonometry, choices."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.elementwise.by_size import kernel_for
from autograd.ops.samples import above_one, away, between, boolean, nonzero, positive, real, unit
from autograd.symbol import Symbol

LN2, LN10, PI = math.log(2), math.log(10), math.pi


def over(a: Any, b: Any) -> Any:
    """a / b, and 0 where a is 0: the ratio that stays finite at the origin of a norm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0), np.zeros_like(b), np.divide(a, b))


def exp_gap(a: Any, b: Any) -> Any:
    """exp(a - b) for a <= b, and 0 where both are -inf: a weight in a log-sum-exp."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(a), np.zeros_like(b), np.exp(a - b))


def where(c: Any, a: Any, b: Any) -> Any:
    """a where c, else b."""
    return np.where(c, a, b)


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """a held between two bounds; either may be None."""
    low, high = bounds(a_min, a_max, min, max)
    return np.clip(a, low, high)


def bounds(a_min: Any, a_max: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The two bounds of a clip, given under either of NumPy's pairs of names."""
    return (a_min if low is None else low), (a_max if high is None else high)


def inside(a: Any, a_min: Any, a_max: Any, low: Any, high: Any) -> Any:
    """Where a clip leaves a as it is, bounds included."""
    low, high = bounds(a_min, a_max, low, high)
    if high is None:
        return True if low is None else a >= low
    return a <= high if low is None else (a >= low) & (a <= high)


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


def tex_power(a: Symbol, b: Symbol) -> str | Symbol:
    """A raised to b, and just a where b is 1."""
    return a if b.tex == "1" else f"{a:9}^{{{b}}}"


def tex_multiply(a: Symbol, b: Symbol) -> str | Symbol:
    """A product, and just one factor where the other is 1."""
    if "1" in (a.tex, b.tex):
        return b if a.tex == "1" else a
    return rf"{a:2} \, {b:2}"


def tex_divide(a: Symbol, b: Symbol) -> str | Symbol:
    """A fraction, and just a where b is 1."""
    return a if b.tex == "1" else rf"\frac{{{a}}}{{{b}}}"


def zero(g: Any, *args: Any) -> Any:
    """The gradient of what is constant almost everywhere."""
    return np.zeros_like(g)


def sinc_slope(a: Any) -> Any:
    """Derivative of sinc; near 0 its series, since the quotient cancels there."""
    t = np.square(PI * a)
    series = (
        -(PI**2) / 3 * a * (1 - t / 10 * (1 - t / 28 * (1 - t / 54 * (1 - t / 88 * (1 - t / 130)))))
    )
    return np.where(np.abs(a) < 0.2, series, ratio(np.cos(PI * a) - np.sinc(a), a))


# A function of exp and log family is written with its own output y wherever that is exact.
@kernel_for("exp")
def _exp(a: Any) -> Any:
    """e to the power a."""
    return np.exp(a)


@kernel_for("tanh")
def _tanh(a: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(a)


@kernel_for("tanh_grad")
def tanh_grad(g: Any, y: Any) -> Any:
    """g tanh'(a), by the value y = tanh(a)."""
    return g * (1 - np.square(y))


# fmt: off
ratio: Op = Op(over,  r"\frac{{{a}}}{{{b}}}",
    lambda g, y, a, b: ratio(g, b),
    lambda g, y, a, b: -ratio(g * y, b),
    name="over", domain=(real, nonzero), singular=True)
gap: Op = Op(exp_gap, "e^{{{a:1} - {b:2}}}",
    lambda g, y, a, b: g * y,
    lambda g, y, a, b: -(g * y),
    name="exp_gap", rank=4, domain=(between(-3, -1), between(-1, 1)))


# Arithmetic goes through Python's operators: on NumPy scalars they are five times as fast.
#  forward        LaTeX                         vjp of each input, side by side                                            sampled from
Op(operator.add,     "{a:1} + {b:1}",              lambda g, y, a, b: g,                lambda g, y, a, b: g,                 domain=(real, real),        rank=1, bind="__add__ __radd__", name="add", of=(np.add,))
Op(operator.sub,     "{a:1} - {b:2}",              lambda g, y, a, b: g,                lambda g, y, a, b: -g,                domain=(real, real),        rank=1, bind="__sub__ __rsub__", name="subtract", of=(np.subtract,))
Op(operator.mul,     tex_multiply,                 lambda g, y, a, b: g * b,            lambda g, y, a, b: g * a,             domain=(real, real),        rank=2, bind="__mul__ __rmul__", name="multiply", of=(np.multiply,))
Op(operator.truediv, tex_divide,                   lambda g, y, a, b: g / b,            lambda g, y, a, b: -(g * y / b),        domain=(real, nonzero),     singular=True, bind="__truediv__ __rtruediv__", name="divide", of=(np.divide,))
Op(operator.pow,  tex_power,                    lambda g, y, a, b: np.where(np.equal(b, 0), 0, g * b * a ** (b - 1)),
                                                lambda g, y, a, b: g * np.where((y == 0) & (np.greater(b, 0)), 0, y * np.log(a)),
                                                                                                                           domain=(positive, real),    rank=4, singular=True, name="power", of=(np.power,), bind="__pow__ __rpow__")
Op(np.remainder,  r"{a:2} \bmod {b:2}",         lambda g, y, a, b: g,                lambda g, y, a, b: -(g * np.floor(np.divide(a, b))),  domain=(between(2.1, 2.4), between(.5, .6)), rank=2, bind="__mod__ __rmod__")
Op(np.fmod,       r"\operatorname{{fmod}}({a}, {b})", lambda g, y, a, b: g,          lambda g, y, a, b: -(g * np.trunc(np.divide(a, b))),  domain=(between(2.1, 2.4), between(.5, .6)))
Op(np.floor_divide, r"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor", zero, zero,                                         domain=(between(2.1, 2.4), between(.5, .6)), bind="__floordiv__ __rfloordiv__")
Op(operator.neg,     "-{a:2}",                     lambda g, y, a: -g,                                                        domain=(real,),             rank=1, bind="__neg__", name="negative", of=(np.negative,))
Op(np.positive,   "{a}",                        lambda g, y, a: g,                                                         domain=(real,),             bind="__pos__")
Op(np.absolute,   r"\left|{a}\right|",          lambda g, y, a: g * np.sign(a),                                            domain=(nonzero,),          bind="__abs__", of=(np.absolute, np.fabs))
Op(np.sign,       r"\operatorname{{sign}} {a:3}", zero,                                                                    domain=(nonzero,),          rank=3)
Op(np.copysign,   r"\left|{a}\right| \operatorname{{sign}} {b:3}", lambda g, y, a, b: g * np.sign(a) * np.sign(np.copysign(1, b)), zero, domain=(nonzero, nonzero), rank=2)
Op(np.square,     "{a:9}^2",                    lambda g, y, a: 2 * g * a,                                                 domain=(real,),             rank=4)
Op(np.sqrt,       r"\sqrt{{{a}}}",              lambda g, y, a: g / (2 * y),                                               domain=(positive,),         singular=True, bind="sqrt")
Op(np.cbrt,       r"\sqrt[3]{{{a}}}",           lambda g, y, a: g / (3 * np.square(y)),                                    domain=(nonzero,),          singular=True)
Op(np.reciprocal, r"\frac{{1}}{{{a}}}",         lambda g, y, a: -(g * np.square(y)),                                         domain=(nonzero,),          singular=True)
Op(np.hypot,      r"\sqrt{{{a:9}^2 + {b:9}^2}}", lambda g, y, a, b: g * ratio(a, y), lambda g, y, a, b: g * ratio(b, y),   domain=(nonzero, nonzero))

Op(_exp,          "e^{{{a}}}",                  lambda g, y, a: g * y,                                                     domain=(real,),             rank=4, singular=True, name="exp", of=(np.exp,), bind="exp")
Op(np.exp2,       "2^{{{a}}}",                  lambda g, y, a: LN2 * g * y,                                               domain=(real,),             rank=4, singular=True)
Op(np.expm1,      "e^{{{a}}} - 1",              lambda g, y, a: g * np.exp(a),                                             domain=(real,),             rank=1, singular=True)
Op(np.log,        r"\log {a:3}",                lambda g, y, a: g / a,                                                     domain=(positive,),         rank=3, singular=True, bind="log")
Op(np.log2,       r"\log_2 {a:3}",              lambda g, y, a: g / (LN2 * a),                                             domain=(positive,),         rank=3, singular=True)
Op(np.log10,      r"\log_{{10}} {a:3}",         lambda g, y, a: g / (LN10 * a),                                            domain=(positive,),         rank=3, singular=True)
Op(np.log1p,      r"\log \left(1 + {a:1}\right)", lambda g, y, a: g / (1 + a),                                             domain=(positive,),         rank=3, singular=True)
Op(np.logaddexp,  r"\log \left(e^{{{a}}} + e^{{{b}}}\right)", lambda g, y, a, b: g * gap(a, y), lambda g, y, a, b: g * gap(b, y), domain=(real, real), rank=3)
Op(np.logaddexp2, r"\log_2 \left(2^{{{a}}} + 2^{{{b}}}\right)", lambda g, y, a, b: g * gap(LN2 * a, LN2 * y), lambda g, y, a, b: g * gap(LN2 * b, LN2 * y), domain=(real, real), rank=3)

Op(np.sin,        r"\sin {a:3}",                lambda g, y, a: g * np.cos(a),                                             domain=(real,),             rank=3, bind="sin")
Op(np.cos,        r"\cos {a:3}",                lambda g, y, a: -(g * np.sin(a)),                                            domain=(real,),             rank=3, bind="cos")
Op(np.tan,        r"\tan {a:3}",                lambda g, y, a: g * (1 + np.square(y)),                                    domain=(unit,),             rank=3)
Op(np.arcsin,     r"\arcsin {a:3}",             lambda g, y, a: g / np.sqrt(1 - np.square(a)),                             domain=(unit,),             rank=3, singular=True)
Op(np.arccos,     r"\arccos {a:3}",             lambda g, y, a: -(g / np.sqrt(1 - np.square(a))),                            domain=(unit,),             rank=3, singular=True)
Op(np.arctan,     r"\arctan {a:3}",             lambda g, y, a: g / (1 + np.square(a)),                                    domain=(real,),             rank=3)
Op(np.arctan2,    r"\operatorname{{atan2}}({a}, {b})", lambda g, y, a, b: g * ratio(b, np.square(a) + np.square(b)), lambda g, y, a, b: -(g * ratio(a, np.square(a) + np.square(b))), domain=(nonzero, nonzero), singular=True)
Op(np.sinh,       r"\sinh {a:3}",               lambda g, y, a: g * np.cosh(a),                                            domain=(real,),             rank=3, singular=True)
Op(np.cosh,       r"\cosh {a:3}",               lambda g, y, a: g * np.sinh(a),                                            domain=(real,),             rank=3, singular=True)
Op(_tanh,        r"\tanh {a:3}",               lambda g, y, a: tanh_grad(g, y),                                                domain=(real,),             rank=3, name="tanh", of=(np.tanh,), bind="tanh")
Op(np.arcsinh,    r"\operatorname{{arsinh}} {a:3}", lambda g, y, a: g / np.sqrt(np.square(a) + 1),                         domain=(real,),             rank=3)
Op(np.arccosh,    r"\operatorname{{arcosh}} {a:3}", lambda g, y, a: g / np.sqrt(np.square(a) - 1),                         domain=(above_one,),        rank=3, singular=True)
Op(np.arctanh,    r"\operatorname{{artanh}} {a:3}", lambda g, y, a: g / (1 - np.square(a)),                                domain=(unit,),             rank=3, singular=True)
Op(np.sinc,       r"\operatorname{{sinc}} {a:3}", lambda g, y, a: g * sinc_slope(a),                                       domain=(real,),             rank=3)
Op(np.deg2rad,    r"\frac{{\pi}}{{180}} {a:2}", lambda g, y, a: g * (PI / 180),                                            domain=(real,),             rank=2, of=(np.deg2rad, np.radians))
Op(np.rad2deg,    r"\frac{{180}}{{\pi}} {a:2}", lambda g, y, a: g * (180 / PI),                                            domain=(real,),             rank=2, of=(np.rad2deg, np.degrees))

Op(np.maximum,    r"\max({a}, {b})",            lambda g, y, a, b: shared(g, np.greater(a, b), np.equal(a, b)),            lambda g, y, a, b: shared(g, np.greater(b, a), np.equal(a, b)), domain=(between(-2, 0), between(-1, 2)), masks=True)
Op(np.minimum,    r"\min({a}, {b})",            lambda g, y, a, b: shared(g, np.less(a, b), np.equal(a, b)),               lambda g, y, a, b: shared(g, np.less(b, a), np.equal(a, b)),    domain=(between(-2, 0), between(-1, 2)), masks=True)
Op(np.fmax,       r"\operatorname{{fmax}}({a}, {b})", lambda g, y, a, b: shared(g, np.greater(a, b) | np.isnan(b), np.equal(a, b)), lambda g, y, a, b: shared(g, np.greater(b, a) | np.isnan(a), np.equal(a, b)), domain=(between(-2, 0), between(-1, 2)), masks=True)
Op(np.fmin,       r"\operatorname{{fmin}}({a}, {b})", lambda g, y, a, b: shared(g, np.less(a, b) | np.isnan(b), np.equal(a, b)), lambda g, y, a, b: shared(g, np.less(b, a) | np.isnan(a), np.equal(a, b)), domain=(between(-2, 0), between(-1, 2)), masks=True)
Op(where,         tex_where, None, lambda g, y, c, a, b: np.where(c, g, 0), lambda g, y, c, a, b: np.where(c, 0, g), domain=(boolean, real, real), masks=True, of=(np.where,))
Op(clip,          r"\operatorname{{clip}}({a})", lambda g, y, a, *limits: np.where(inside(a, *limits), g, 0),             domain=(away(-1, 1),),      masks=True, of=(np.clip,), bind="clip")
Op(nan_to_num,    r"\operatorname{{nan\_to\_num}} {a:3}", lambda g, y, a, *others: np.where(np.isfinite(a), g, 0),        domain=(real,),             rank=3, masks=True, of=(np.nan_to_num,))
# fmt: on


def shared(g: Any, chosen: Any, tie: Any) -> Any:
    """The gradient to the input that was chosen; of a tie each side gets half."""
    return np.where(chosen, g, np.where(tie, g / 2, 0))
