"""Activations and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.ops import prelu
from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.table import FLOATS, like, plain, reads, row, writes

for name, function, ours in (
    ("Relu", F.relu, "relu"), ("Sigmoid", F.sigmoid, "sigmoid"), ("Mish", F.mish, "mish"),
    ("Softsign", F.softsign, "softsign"), ("HardSwish", F.hardswish, "hardswish"),
):  # fmt: skip
    row(name, lambda x, function=function: function(x), of=ours)


@reads("Relu", since=14)
def _relu(x: Any) -> Any:
    return F.relu(x) if x.dtype.kind == "f" else np.maximum(plain(x), 0)


@reads("Softplus")
def _softplus(x: Any) -> Any:
    return F.softplus(x)


@reads("Elu")
def _elu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.elu(x, alpha)


@reads("Celu")
def _celu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.celu(x, alpha)


SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875


@reads("Selu")
def _selu(x: Any, *, alpha: float = SELU_ALPHA, gamma: float = SELU_GAMMA) -> Any:
    if (alpha, gamma) == (SELU_ALPHA, SELU_GAMMA):
        return F.selu(x)
    return F.elu(x, alpha) * gamma


@reads("LeakyRelu")
def _leaky_relu(x: Any, *, alpha: float = 0.01) -> Any:
    return F.leaky_relu(x, alpha)


@reads("PRelu", since=7)
def _prelu(x: Any, slope: Any) -> Any:
    if slope.dtype == x.dtype and x.dtype in FLOATS:
        return prelu(x, slope)
    return np.where(plain(x) < 0, x * slope, x)


@reads("PRelu")
def _prelu_1(x: Any, slope: Any) -> Any:
    """Before opset 7 slopes are those of channels."""
    return _prelu(x, np.reshape(slope, (-1, *(1,) * (x.ndim - 2))))


@reads("Gelu")
def _gelu(x: Any, *, approximate: str = "none") -> Any:
    return by_single(F.gelu)(x, approximate)


@reads("Swish")
def _swish(x: Any, *, alpha: float = 1.0) -> Any:
    return F.silu(x) if alpha == 1 else x * F.sigmoid(x * alpha)


@reads("HardSigmoid")
def _hard_sigmoid(x: Any, *, alpha: float = 0.2, beta: float = 0.5) -> Any:
    if abs(alpha - 1 / 6) < 1e-7 and beta == 0.5:
        return F.hardsigmoid(x)
    return np.clip(x * alpha + beta, 0, 1)


@reads("ThresholdedRelu")
def _thresholded_relu(x: Any, *, alpha: float = 1.0) -> Any:
    return F.threshold(x, alpha, 0.0)


@reads("Shrink")
def _shrink(x: Any, *, bias: float = 0.0, lambd: float = 0.5) -> Any:
    a = plain(x)
    bias = like(bias, a)
    return np.where(a < -lambd, x + bias, np.where(a > lambd, x - bias, np.zeros((), a.dtype)))


def _flat(function: Any) -> Any:
    """A function along the last axis of a matrix: opsets before 13 flatten from an axis on."""

    def read(x: Any, *, axis: int = 1) -> Any:
        k = axis % max(x.ndim, 1)
        if k == x.ndim - 1:
            return function(x, -1)
        flat = np.reshape(x, (math.prod(x.shape[:k]), -1))
        return np.reshape(function(flat, -1), x.shape)

    return read


def _along(function: Any) -> Any:
    def read(x: Any, *, axis: int = -1) -> Any:
        return function(x, axis)

    return read


def _hardmax(x: Any, axis: int) -> Any:
    a = plain(x)
    y = np.zeros(a.shape, a.dtype)
    np.put_along_axis(y, np.expand_dims(np.argmax(a, axis), axis), 1, axis)
    return y


ALONG_AN_AXIS: tuple[tuple[str, Any], ...] = (
    ("Softmax", F.softmax),
    ("LogSoftmax", F.log_softmax),
    ("Hardmax", _hardmax),
)
for name, along in ALONG_AN_AXIS:
    row(name, _flat(along), since=1)
    row(name, _along(along), since=13)


# Writing


@writes("softplus")
def _write_softplus(out: Any, v: Any, a: str) -> Any:
    beta = v.same(0)
    if beta == 1:
        return out.node("Softplus", a)
    scale = out.constant(beta, v.dtype)
    return out.node("Div", out.node("Softplus", out.node("Mul", a, scale)), scale)


@writes("log_sigmoid")
def _write_log_sigmoid(out: Any, v: Any, a: str) -> Any:
    return out.node("Neg", out.node("Softplus", out.node("Neg", a)))


@writes("silu")
def _write_silu(out: Any, v: Any, a: str) -> Any:
    return out.node("Mul", a, out.node("Sigmoid", a))


@writes("gelu")
def _write_gelu(out: Any, v: Any, a: str) -> Any:
    how = v.same(0)
    if out.opset >= 20:
        return out.node("Gelu", a, approximate=how)
    half, one = out.constant(0.5, v.dtype), out.constant(1, v.dtype)
    if how == "tanh":
        cube = out.node("Mul", out.node("Mul", a, a), a)
        inner = out.node("Add", a, out.node("Mul", cube, out.constant(0.044715, v.dtype)))
        turn = out.node(
            "Tanh", out.node("Mul", inner, out.constant(math.sqrt(2 / math.pi), v.dtype))
        )
    else:
        turn = out.node("Erf", out.node("Mul", a, out.constant(math.sqrt(0.5), v.dtype)))
    return out.node("Mul", out.node("Mul", a, half), out.node("Add", turn, one))


@writes("elu", "celu")
def _write_elu(out: Any, v: Any, a: str) -> Any:
    return out.node(v.op.capitalize(), a, alpha=float(v.same(0)))


@writes("selu")
def _write_selu(out: Any, v: Any, a: str) -> Any:
    return out.node("Selu", a)


@writes("leaky_relu")
def _write_leaky_relu(out: Any, v: Any, a: str) -> Any:
    return out.node("LeakyRelu", a, alpha=float(v.same(0)))


@writes("prelu")
def _write_prelu(out: Any, v: Any, a: str, weight: str) -> Any:
    return out.node("PRelu", a, weight)


@writes("hardtanh")
def _write_hardtanh(out: Any, v: Any, a: str) -> Any:
    return out.node("Clip", a, *(out.constant(v.same(i), v.dtype) for i in (0, 1)))


@writes("relu6")
def _write_relu6(out: Any, v: Any, a: str) -> Any:
    return out.node("Clip", a, out.constant(0, v.dtype), out.constant(6, v.dtype))


@writes("hardsigmoid")
def _write_hardsigmoid(out: Any, v: Any, a: str) -> Any:
    return out.node("HardSigmoid", a, alpha=1 / 6, beta=0.5)


@writes("tanhshrink")
def _write_tanhshrink(out: Any, v: Any, a: str) -> Any:
    return out.node("Sub", a, out.node("Tanh", a))


@writes("softshrink", "hardshrink")
def _write_shrink(out: Any, v: Any, a: str) -> Any:
    width = float(v.same(0))
    return out.node("Shrink", a, lambd=width, bias=width if v.op == "softshrink" else 0.0)


@writes("softmax", "log_softmax")
def _write_softmax(out: Any, v: Any, a: str) -> Any:
    name = "Softmax" if v.op == "softmax" else "LogSoftmax"
    axis = v.same(0)
    if axis is None or isinstance(axis, tuple):
        return NotImplemented
    return out.node(name, a, axis=int(axis))
