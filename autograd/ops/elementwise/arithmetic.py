"""Elementwise arithmetic: sums, products, powers, roots."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.calls import bind_methods
from autograd.dispatch import OPS
from autograd.node import Node
from autograd.op import Op, elementwise
from autograd.ops.elementwise.by_size import kernel_for
from autograd.ops.samples import between, domains, nonzero, positive, real
from autograd.symbol import Symbol


@kernel_for("signed", "({a} * np.sign({b}))")
def _signed(g: Any, a: Any) -> Any:
    """g sign(a), the gradient of |a|: 0 at the kink."""
    return g * np.sign(a)


def _directed(g: Any, a: Any, b: Any) -> Any:
    """g a / b, the gradient of a norm b, and 0 at its kink, where b is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(b, 0), 0, g * np.divide(a, b))


def _turned(g: Any, a: Any, b: Any) -> Any:
    """g a / sqrt(a² + b²), at any scale, and 0 at the origin: the gradient of `hypot`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.maximum(np.abs(a), np.abs(b))
        p, q = np.divide(a, scale), np.divide(b, scale)
        if np.isinf(scale).any():
            p, q = (np.where(np.isinf(scale), np.isinf(x) * np.sign(x), x / scale) for x in (a, b))
        return np.where(np.equal(scale, 0), 0, g * (p / np.sqrt(np.square(p) + np.square(q))))


def _swept(g: Any, a: Any, b: Any) -> Any:
    """g a / (a² + b²), at any scale, and 0 at the origin: the gradient of `arctan2`."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(a), np.abs(b))
        p, q = np.divide(a, scale), np.divide(b, scale)
        y = g * (p / (np.square(p) + np.square(q))) / scale
        return np.where(np.equal(scale, 0) | (np.isinf(scale) & np.isfinite(g)), 0, y)


def bent(row: Any, g: Any, *args: Any) -> Any:
    """``row(g, *args)``, the gradient at a kink; a g that is constant has no part in curvature."""
    constant = getattr(g, "requires_grad", None) is False
    return g * row(1, *args) if constant else row(g, *args)


def _curved(h: Any, g: Any, kink: Any, y: Any) -> Any:
    """y, a derivative of what became of g at a kink of the function behind: there it was cut to 0.

    The derivative is 0 there too, by the convention that a kink has no curvature. But where g is 0
    the function may have been squared, say, and then it has one: NaN, if h asks for it.
    """
    unknown = kink & np.equal(g, 0) & np.not_equal(h, 0)
    return np.where(unknown, np.nan, np.where(kink, 0, y))


def _log_power(a: Any, b: Any) -> Any:
    """a^b log a, the slope of a power in its exponent, and its limit 0 at a = 0 and a = inf."""
    with np.errstate(all="ignore"):
        y = a**b
        none = (np.equal(y, 0) & np.greater_equal(a, 0)) | (np.equal(a, 0) & np.equal(b, 0))
        return np.where(none, np.zeros_like(y), y * np.log(a))


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


def _log_slope(a: Any, b: Any) -> Any:
    """The derivative of a^b log a with respect to a."""
    p = a ** (b - 1)
    return p * b * np.log(a) + p


def _power_slope(a: Any, b: Any) -> Any:
    """b a^(b - 1), the slope of a power; that of a⁰ is 0 for every a."""
    with np.errstate(all="ignore"):
        return np.where(np.equal(b, 0), 0, b * a ** (b - 1))


def _base_slope(a: Any, b: Any) -> Any:
    """The slope of a power, composed of other rows where that is as good or is to be read."""
    if type(b) in (int, float) and b:
        return b * a ** (b - 1)
    if isinstance(a, Symbol) or isinstance(b, Symbol):
        return np.where(np.equal(b, 0), 0, b * a ** (b - 1))
    return power_slope(a, b)


def _whole_fmod(y: Any, a: Any, b: Any) -> Any:
    """How many times b goes into a, for y = fmod(a, b): a / b itself may round up."""
    return np.rint((a - y) / b)


def zero(g: Any, *args: Any) -> Any:
    """The gradient of what is constant almost everywhere."""
    return np.zeros_like(g)


signed: Op = elementwise(
    _signed,
    r"{g:2} \, \operatorname{{sign}} {a:3}",
    lambda h, y, g, a: signed(h, a),
    lambda h, y, g, a: _curved(h, g, np.equal(a, 0), np.zeros_like(h)),
    rank=2,
)
directed: Op = elementwise(
    _directed,
    r"{g:2} \, \frac{{{a}}}{{{b}}}",
    lambda h, y, g, a, b: directed(h, a, b),
    lambda h, y, g, a, b: _curved(h, g, np.equal(b, 0), h * (g / b)),
    lambda h, y, g, a, b: _curved(h, g, np.equal(b, 0), -(h * (y / b))),
    rank=2,
    singular=True,
)
turned: Op = elementwise(
    _turned,
    r"{g:2} \, \frac{{{a}}}{{\sqrt{{{a:9}^2 + {b:9}^2}}}}",
    lambda h, y, g, a, b: turned(h, a, b),
    lambda h, y, g, a, b: _curved(
        h,
        g,
        np.equal(a, 0) & np.equal(b, 0),
        turned(turned(h * g, b, a), b, a) / np.hypot(a, b),
    ),
    lambda h, y, g, a, b: _curved(
        h, g, np.equal(a, 0) & np.equal(b, 0), -(turned(h * y, b, a) / np.hypot(a, b))
    ),
    rank=2,
    singular=True,
)
swept: Op = elementwise(
    _swept,
    r"{g:2} \, \frac{{{a}}}{{{a:9}^2 + {b:9}^2}}",
    lambda h, y, g, a, b: swept(h, a, b),
    lambda h, y, g, a, b: _curved(
        h,
        g,
        np.equal(a, 0) & np.equal(b, 0),
        swept(swept(h * g, b, a), b, a) - swept(swept(h * g, a, b), a, b),
    ),
    lambda h, y, g, a, b: _curved(
        h, g, np.equal(a, 0) & np.equal(b, 0), -2 * swept(swept(h * g, a, b), b, a)
    ),
    rank=2,
    singular=True,
)
power_slope: Op = elementwise(
    _power_slope,
    r"{b:2} \, {a:9}^{{{b:1} - 1}}",
    lambda g, y, a, b: np.where(np.equal(b, 0), 0, g * b * power_slope(a, b - 1)),
    lambda g, y, a, b: g * np.where(np.equal(a, 0) & np.greater(b, 1), 0, _log_slope(a, b)),
    rank=2,
    singular=True,
)
log_power: Op = elementwise(
    _log_power,
    r"{a:9}^{{{b}}} \log {a:3}",
    lambda g, y, a, b: g * np.where(np.equal(a, 0) & np.greater(b, 1), 0, _log_slope(a, b)),
    lambda g, y, a, b: g * np.where(np.equal(a, 0) & np.greater(b, 0), 0, y * np.log(a)),
    rank=2,
    singular=True,
)

# Python's operators are five times as fast as NumPy's functions on NumPy scalars.
elementwise(
    operator.add,
    "{a:1} + {b:1}",
    lambda g, y, a, b: g,
    lambda g, y, a, b: g,
    of=(np.add,),
    bind="__add__ __radd__",
    scalar="({a} + {b})",
)
elementwise(
    operator.sub,
    "{a:1} - {b:2}",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    name="subtract",
    of=(np.subtract,),
    bind="__sub__ __rsub__",
    scalar="({a} - {b})",
)
elementwise(
    operator.mul,
    tex_multiply,
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    rank=2,
    name="multiply",
    of=(np.multiply,),
    bind="__mul__ __rmul__",
    singular=True,
    scalar="({a} * {b})",
)
elementwise(
    operator.truediv,
    tex_divide,
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -(g * y / b),
    name="divide",
    of=(np.divide,),
    bind="__truediv__ __rtruediv__",
    singular=True,
    scalar="({a} / {b})",
)
elementwise(
    operator.pow,
    tex_power,
    lambda g, y, a, b: g * _base_slope(a, b),
    lambda g, y, a, b: g * log_power(a, b),
    rank=4,
    name="power",
    of=(np.power,),
    bind="__pow__ __rpow__",
    singular=True,
    scalar="({a} ** {b})",
)
elementwise(
    np.remainder,
    r"{a:2} \bmod {b:2}",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * np.floor_divide(a, b)),
    bind="__mod__ __rmod__",
)
elementwise(
    np.fmod,
    r"\operatorname{{fmod}}({a}, {b})",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * _whole_fmod(y, a, b)),
)
elementwise(
    np.floor_divide,
    r"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor",
    zero,
    zero,
    bind="__floordiv__ __rfloordiv__",
)
elementwise(
    operator.neg,
    "-{a:2}",
    lambda g, y, a: -g,
    name="negative",
    of=(np.negative,),
    bind="__neg__",
    scalar="(-{a})",
)
elementwise(
    np.positive,
    "{a}",
    lambda g, y, a: g,
    bind="__pos__",
    scalar="{a}",
)
elementwise(
    np.absolute,
    r"\left|{a}\right|",
    lambda g, y, a: bent(signed, g, a) if isinstance(g, Node) else _signed(g, a),
    of=(np.absolute, np.fabs),
    bind="__abs__",
    singular=True,
    scalar="abs({a})",
)
elementwise(
    np.sign,
    r"\operatorname{{sign}} {a:3}",
    zero,
    scalar="np.sign({a})",
)
elementwise(
    np.copysign,
    r"\left|{a}\right| \operatorname{{sign}} {b:3}",
    lambda g, y, a, b: bent(signed, g, a) * np.sign(np.copysign(1, b)),
    zero,
    rank=2,
    singular=True,
    scalar="np.copysign({a}, {b})",
)
elementwise(
    np.square,
    "{a:9}^2",
    lambda g, y, a: 2 * g * a,
    singular=True,
    scalar="({a} * {a})",
)
elementwise(
    np.sqrt,
    r"\sqrt{{{a}}}",
    lambda g, y, a: g / (2 * y),
    bind="sqrt",
    singular=True,
    scalar="np.sqrt({a})",
)
elementwise(np.cbrt, r"\sqrt[3]{{{a}}}", lambda g, y, a: g / (3 * y) / y, singular=True)
elementwise(
    np.reciprocal,
    r"\frac{{1}}{{{a}}}",
    lambda g, y, a: -(g * y * y),
    singular=True,
    scalar="(k(1) / {a})",
)
elementwise(
    np.hypot,
    r"\sqrt{{{a:9}^2 + {b:9}^2}}",
    lambda g, y, a, b: bent(turned, g, a, b),
    lambda g, y, a, b: bent(turned, g, b, a),
    singular=True,
    scalar="np.hypot({a}, {b})",
)


def quotient_and_remainder(a: Any, b: Any) -> tuple[Any, Any]:
    """``(a // b, a % b)``, as `divmod` has it."""
    return np.floor_divide(a, b), np.remainder(a, b)


OPS[np.divmod] = quotient_and_remainder
bind_methods(quotient_and_remainder, "__divmod__ __rdivmod__")

# What tests sample
domains("divide", real, nonzero)
domains("signed", real, nonzero)
domains("directed", real, real, nonzero)
domains("turned swept", real, nonzero, nonzero)
domains("power_slope log_power", positive, real)
domains("add subtract multiply", real, real)
domains("power", positive, real)
domains("remainder fmod floor_divide", between(2.1, 2.4), between(0.5, 0.6))
domains("negative positive square", real)
domains("absolute sign cbrt reciprocal", nonzero)
domains("copysign hypot", nonzero, nonzero)
domains("sqrt", positive)
