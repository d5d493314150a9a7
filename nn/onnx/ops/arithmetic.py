"""Arithmetic, comparisons, logic and bits."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from nn.onnx.table import Reader, like, on_arrays, plain, reads, row, writes

SAME: tuple[tuple[str, Reader, str], ...] = (
    ("Neg", np.negative, "negative"), ("Abs", np.absolute, "absolute"), ("Exp", np.exp, "exp"),
    ("Log", np.log, "log"), ("Sqrt", np.sqrt, "sqrt"), ("Sin", np.sin, "sin"),
    ("Cos", np.cos, "cos"), ("Tan", np.tan, "tan"), ("Asin", np.arcsin, "arcsin"),
    ("Acos", np.arccos, "arccos"), ("Atan", np.arctan, "arctan"), ("Sinh", np.sinh, "sinh"),
    ("Cosh", np.cosh, "cosh"), ("Tanh", np.tanh, "tanh"), ("Asinh", np.arcsinh, "arcsinh"),
    ("Acosh", np.arccosh, "arccosh"), ("Atanh", np.arctanh, "arctanh"), ("Sign", np.sign, "sign"),
    ("Erf", autograd.erf, "erf"), ("Identity", lambda x: x, "copy positive"),
)  # fmt: skip

for name, function, ours in SAME:
    row(name, function, of=ours)

ON_ARRAYS: tuple[tuple[str, Reader], ...] = (
    ("Floor", np.floor), ("Ceil", np.ceil), ("Round", np.round), ("IsNaN", np.isnan),
    ("Not", np.logical_not), ("And", np.logical_and), ("Or", np.logical_or),
    ("Xor", np.logical_xor), ("Equal", np.equal), ("Less", np.less), ("Greater", np.greater),
    ("LessOrEqual", np.less_equal), ("GreaterOrEqual", np.greater_equal),
    ("BitwiseAnd", np.bitwise_and), ("BitwiseOr", np.bitwise_or), ("BitwiseXor", np.bitwise_xor),
    ("BitwiseNot", np.invert),
)  # fmt: skip


def _before_7(function: Reader) -> Reader:
    """With the broadcasting of opsets 1 to 6: b lies along the axes of a from one on."""

    def read(a: Any, b: Any, *, broadcast: int = 0, axis: int | None = None) -> Any:
        if broadcast and axis is not None:
            b = np.reshape(b, (*b.shape, *(1,) * (a.ndim - axis % a.ndim - b.ndim)))
        return function(a, b)

    return read


for name, function in ON_ARRAYS:
    row(name, on_arrays(function))


@reads("Reciprocal")
def _reciprocal(x: Any) -> Any:
    return np.reciprocal(x)


def _div(a: Any, b: Any) -> Any:
    if a.dtype.kind in "iu":  # towards zero
        a, b = plain(a), plain(b)
        quotient = np.abs(a) // np.abs(b)
        return (quotient * np.sign(a) * np.sign(b)).astype(a.dtype)
    return a / b


def _pow(a: Any, b: Any) -> Any:
    power = plain(b)
    if (
        not getattr(b, "requires_grad", False)
        and power.size == 1
        and a.dtype.kind == "f"
        and np.ndim(power) <= a.ndim
    ):
        exponent = float(power.reshape(-1)[0])
        if exponent == 2:
            return np.square(a)
        if exponent == 0.5:
            return np.sqrt(a)
    if b.dtype == a.dtype:
        return np.power(a, b)
    if a.dtype.kind in "iu":
        return np.power(a, plain(b)).astype(a.dtype)
    return np.power(a, b.astype(a.dtype))


@reads("Mod")
def _mod(a: Any, b: Any, *, fmod: int = 0) -> Any:
    return np.fmod(a, b) if fmod else np.mod(a, b)


@reads("BitShift")
def _bit_shift(a: Any, b: Any, *, direction: str) -> Any:
    a, b = plain(a), plain(b)
    return np.left_shift(a, b) if direction == "LEFT" else np.right_shift(a, b)


@reads("IsInf")
def _is_inf(x: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    a = plain(x)
    return (np.isposinf(a) & bool(detect_positive)) | (np.isneginf(a) & bool(detect_negative))


def _folded(function: Any, xs: tuple[Any, ...]) -> Any:
    y = xs[0]
    for x in xs[1:]:
        y = function(y, x)
    return y


@reads("Max")
def _max(*xs: Any) -> Any:
    return _folded(np.maximum, xs)


@reads("Min")
def _min(*xs: Any) -> Any:
    return _folded(np.minimum, xs)


@reads("Sum")
def _sum(*xs: Any) -> Any:
    return _folded(np.add, xs)


@reads("Mean")
def _mean(*xs: Any) -> Any:
    return _folded(np.add, xs) / like(len(xs), xs[0])


@reads("Where")
def _where(c: Any, a: Any, b: Any) -> Any:
    return np.where(plain(c), a, b)


@reads("Clip", since=11)
def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    ends: list[Any] = [None if v is None else plain(v) for v in (low, high)]
    learned = any(getattr(v, "requires_grad", False) for v in (low, high))
    if not learned and None not in ends and np.all(ends[0] <= ends[1]):
        a, b = (like(v, x)[()] for v in ends)
        return np.clip(x if x.dtype.kind == "f" else plain(x), a, b)
    if low is not None:
        x = np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


@reads("Clip")
def _clip_6(x: Any, *, min: float | None = None, max: float | None = None) -> Any:
    low, high = (None if v is None else like(v, x) for v in (min, max))
    return _clip(x, low, high)


BINARY: tuple[tuple[str, Reader], ...] = (
    ("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", _div), ("Pow", _pow),
)  # fmt: skip

for name, function in BINARY:
    row(name, _before_7(function), since=1)
    row(name, function, since=7)


# Writing


def _binary(name: str) -> Any:
    """Writes an op of two inputs, brought to one type."""

    def write(out: Any, v: Any, a: str, b: str) -> Any:
        return out.node(name, out.cast(a, v.dtype), out.cast(b, v.dtype))

    return write


for name, ours in (
    ("Add", "add"), ("Sub", "subtract"), ("Mul", "multiply"), ("Div", "divide"), ("Pow", "power"),
    ("Max", "maximum"), ("Min", "minimum"),
):  # fmt: skip
    writes(ours)(_binary(name))


@writes("reciprocal")
def _write_reciprocal(out: Any, v: Any, a: str) -> Any:
    return out.node("Reciprocal", a)


@writes("square")
def _write_square(out: Any, v: Any, a: str) -> Any:
    return out.node("Mul", a, a)


@writes("expm1")
def _write_expm1(out: Any, v: Any, a: str) -> Any:
    return out.node("Sub", out.node("Exp", a), out.constant(1, v.dtype))


@writes("log1p")
def _write_log1p(out: Any, v: Any, a: str) -> Any:
    return out.node("Log", out.node("Add", a, out.constant(1, v.dtype)))


@writes("exp2")
def _write_exp2(out: Any, v: Any, a: str) -> Any:
    return out.node("Pow", out.constant(2, v.dtype), a)


@writes("log2", "log10")
def _write_log(out: Any, v: Any, a: str) -> Any:
    base = 2 if v.op == "log2" else 10
    return out.node("Div", out.node("Log", a), out.constant(np.log(base), v.dtype))


@writes("logaddexp")
def _write_logaddexp(out: Any, v: Any, a: str, b: str) -> Any:
    return out.node("Add", a, out.node("Softplus", out.node("Sub", b, a)))


@writes("where")
def _write_where(out: Any, v: Any, c: str, a: str, b: str) -> Any:
    return out.node("Where", out.cast(c, np.bool_), out.cast(a, v.dtype), out.cast(b, v.dtype))


@writes("clip")
def _write_clip(out: Any, v: Any, a: str) -> Any:
    low, high, least, most = (v.same(i) for i in range(4))
    low, high = (low if least is None else least), (high if most is None else most)
    if np.ndim(low) or np.ndim(high):
        if low is not None:
            a = out.node("Max", a, out.constant(low, v.dtype))
        return a if high is None else out.node("Min", a, out.constant(high, v.dtype))
    ends = ["" if e is None else out.constant(e, v.dtype) for e in (low, high)]
    return out.node("Clip", a, *ends)


@writes("astype")
def _write_astype(out: Any, v: Any, a: str) -> Any:
    return out.cast(out.node("Identity", a), v.dtype)
