"""Elementwise arithmetic: sums, products, powers, roots."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.op import Op, bind_methods, elementwise
from autograd.ops.samples import between, domains, nonzero, positive, real
from autograd.symbol import Symbol


def over(a: Any, b: Any) -> Any:
    """a / b, and 0 where a is 0: the ratio that stays finite at the origin of a norm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0), np.zeros_like(b), np.divide(a, b))


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


ratio: Op = elementwise(
    over,
    r"\frac{{{a}}}{{{b}}}",
    lambda g, y, a, b: ratio(g, b),
    lambda g, y, a, b: -ratio(g * y, b),
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
)
elementwise(
    operator.sub,
    "{a:1} - {b:2}",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    name="subtract",
    of=(np.subtract,),
    bind="__sub__ __rsub__",
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
)
elementwise(
    operator.pow,
    tex_power,
    lambda g, y, a, b: np.where(np.equal(b, 0), 0, g * b * a ** (b - 1)),
    lambda g, y, a, b: g * np.where((y == 0) & (np.greater(b, 0)), 0, y * np.log(a)),
    rank=4,
    name="power",
    of=(np.power,),
    bind="__pow__ __rpow__",
    singular=True,
)
elementwise(
    np.remainder,
    r"{a:2} \bmod {b:2}",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * np.floor(np.divide(a, b))),
    bind="__mod__ __rmod__",
)
elementwise(
    np.fmod,
    r"\operatorname{{fmod}}({a}, {b})",
    lambda g, y, a, b: g,
    lambda g, y, a, b: -(g * np.trunc(np.divide(a, b))),
)
elementwise(
    np.floor_divide,
    r"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor",
    zero,
    zero,
    bind="__floordiv__ __rfloordiv__",
)
elementwise(
    operator.neg, "-{a:2}", lambda g, y, a: -g, name="negative", of=(np.negative,), bind="__neg__"
)
elementwise(np.positive, "{a}", lambda g, y, a: g, bind="__pos__")
elementwise(
    np.absolute,
    r"\left|{a}\right|",
    lambda g, y, a: g * np.sign(a),
    of=(np.absolute, np.fabs),
    bind="__abs__",
)
elementwise(np.sign, r"\operatorname{{sign}} {a:3}", zero)
elementwise(
    np.copysign,
    r"\left|{a}\right| \operatorname{{sign}} {b:3}",
    lambda g, y, a, b: g * np.sign(a) * np.sign(np.copysign(1, b)),
    zero,
    rank=2,
)
elementwise(np.square, "{a:9}^2", lambda g, y, a: 2 * g * a, singular=True)
elementwise(np.sqrt, r"\sqrt{{{a}}}", lambda g, y, a: g / (2 * y), bind="sqrt", singular=True)
elementwise(np.cbrt, r"\sqrt[3]{{{a}}}", lambda g, y, a: g / (3 * np.square(y)), singular=True)
elementwise(np.reciprocal, r"\frac{{1}}{{{a}}}", lambda g, y, a: -(g * np.square(y)), singular=True)
elementwise(
    np.hypot,
    r"\sqrt{{{a:9}^2 + {b:9}^2}}",
    lambda g, y, a, b: g * ratio(a, y),
    lambda g, y, a, b: g * ratio(b, y),
)


# What tests sample
def quotient_and_remainder(a: Any, b: Any) -> tuple[Any, Any]:
    """``(a // b, a % b)``, as `divmod` has it."""
    return np.floor_divide(a, b), np.remainder(a, b)


OPS[np.divmod] = quotient_and_remainder
bind_methods(quotient_and_remainder, "__divmod__ __rdivmod__")

domains("over divide", real, nonzero)
domains("add subtract multiply", real, real)
domains("power", positive, real)
domains("remainder fmod floor_divide", between(2.1, 2.4), between(0.5, 0.6))
domains("negative positive square", real)
domains("absolute sign cbrt reciprocal", nonzero)
domains("copysign hypot", nonzero, nonzero)
domains("sqrt", positive)
