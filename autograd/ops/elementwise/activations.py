"""Activation functions, under PyTorch's names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.op import elementwise
from autograd.ops.elementwise.by_size import kernel_for
from autograd.ops.elementwise.special import erfc
from autograd.ops.samples import A, away, case, cases, domains, nonzero, real

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848  # Klambauer et al., 2017
FAR = 1000.0
"""Where silu, mish and gelu have reached their limits in every dtype; farther out is 0 · inf."""
NEAR = 30.0
"""The same for the tanh form of gelu, whose cubic overflows float16 far out."""
ROOT_HALF, BELL = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
GELU_SLOPE, GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715  # Hendrycks & Gimpel, 2016


@kernel_for("sigmoid", "sigmoid({a})")
def _sigmoid(a: Any) -> Any:
    """1 / (1 + exp(-a)), without overflow and exact in both tails."""
    return np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))


@kernel_for("relu", "({a} if not {a} <= k(0) else k(0))")
def _relu(a: Any) -> Any:
    """max(a, 0)."""
    return np.maximum(a, 0)


@kernel_for("relu_grad", "({a} if not {b} <= k(0) else k(0))")
def relu_grad(g: Any, a: Any) -> Any:
    """g where a is positive, or NaN."""
    return np.where(a <= 0, 0, g)


@kernel_for("relu6_grad", "({a} if not ({b} <= k(0) or {b} >= k(6)) else k(0))")
def relu6_grad(g: Any, a: Any) -> Any:
    """g where a is between 0 and 6, or NaN."""
    return np.where((a <= 0) | (a >= 6), 0, g)


@kernel_for("where_positive", "({b} if {a} > k(0) else {c})")
def where_positive(x: Any, a: Any, b: Any) -> Any:
    """a where x is positive, else b: NumPy's `where` stalls on a branch at each change of sign."""
    return np.where(np.greater(x, 0), a, b)


@kernel_for("sigmoid_grad", "({a} * {b} * (k(1) - {b}))")
def sigmoid_grad(g: Any, y: Any) -> Any:
    """g σ'(a), by the sigmoid's own value y."""
    return g * y * (1 - y)


@kernel_for("softplus", "softplus({a})")
def plain_softplus(a: Any) -> Any:
    """log(1 + exp(a)), without overflow."""
    return np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))


@kernel_for("softplus_grad", "({a} * sigmoid({b}))")
def softplus_grad(g: Any, a: Any) -> Any:
    """g σ(a)."""
    return g * sigmoid(a)


def _softplus(a: Any, beta: float = 1.0) -> Any:
    """log(1 + exp(beta a)) / beta, without overflow."""
    if beta == 1:
        return plain_softplus(a)
    far = np.maximum(a, 0) if beta > 0 else np.minimum(a, 0)
    return far + np.log1p(np.exp(-np.abs(np.multiply(a, beta)))) / beta


def _log_sigmoid(a: Any) -> Any:
    """log(sigmoid(a)), without overflow."""
    return np.minimum(a, 0) - np.log1p(np.exp(-np.abs(a)))


@kernel_for("silu", "silu({a})")
def _silu(a: Any) -> Any:
    """a · sigmoid(a), also called swish; its limit 0 at -inf."""
    return np.maximum(a, -FAR) * _sigmoid(a)


@kernel_for("silu_grad", "({a} * silu_slope({b}))")
def silu_grad(g: Any, a: Any) -> Any:
    """g times the derivative of silu at a."""
    s, a = sigmoid(a), np.clip(a, -FAR, FAR)
    return g * (s + a * (s - np.square(s)))


@kernel_for("gelu", "gelu({a})")
def exact_gelu(a: Any) -> Any:
    """a Φ(a)."""
    return 0.5 * np.maximum(a, -FAR) * erfc(-ROOT_HALF * a)


@kernel_for("gelu_tanh", "gelu_tanh({a})")
def tanh_gelu(a: Any) -> Any:
    """The tanh form of gelu, with its (1 + tanh u) / 2 written as the sigmoid of 2 u."""
    near = np.clip(a, -NEAR, NEAR)
    twice = 2 * GELU_SLOPE * near * (1 + GELU_CUBIC * np.square(near))
    return np.maximum(a, -FAR) * _sigmoid(twice)


def _gelu(a: Any, approximate: str = "none") -> Any:
    """a Φ(a), Φ the normal distribution function; approximate="tanh" takes the tanh form."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}.")
    return tanh_gelu(a) if approximate == "tanh" else exact_gelu(a)


@kernel_for("gelu_grad", "({a} * gelu_slope({b}))")
def exact_gelu_grad(g: Any, a: Any) -> Any:
    """g times the derivative of a Φ(a)."""
    a = np.clip(a, -FAR, FAR)
    return g * (0.5 * erfc(-ROOT_HALF * a) + a * (BELL * np.exp(-0.5 * np.square(a))))


@kernel_for("gelu_tanh_grad", "({a} * gelu_tanh_slope({b}))")
def tanh_gelu_grad(g: Any, a: Any) -> Any:
    """g times the derivative of the tanh form of gelu."""
    a = np.clip(a, -NEAR, NEAR)
    s = sigmoid(2 * GELU_SLOPE * a * (1 + GELU_CUBIC * np.square(a)))
    return g * (s + a * (s - np.square(s)) * (2 * GELU_SLOPE * (1 + 3 * GELU_CUBIC * np.square(a))))


def _gelu_grad(g: Any, a: Any, approximate: str) -> Any:
    """g times the derivative of gelu."""
    return tanh_gelu_grad(g, a) if approximate == "tanh" else exact_gelu_grad(g, a)


def nonpositive(a: Any) -> Any:
    """a where it is not positive, else 0; NaN stays."""
    if type(a) is np.ndarray:
        return np.minimum(a, 0)  # which `where` takes ten times as long for
    return np.where(np.greater(a, 0), 0, a)  # with slope 1 at 0


def _elu(a: Any, alpha: float = 1.0) -> Any:
    """Gives a where a > 0, else alpha (exp(a) - 1)."""
    return where_positive(a, a, alpha * np.expm1(np.minimum(a, 0)))


def _celu(a: Any, alpha: float = 1.0) -> Any:
    """Gives a where a > 0, else alpha (exp(a / alpha) - 1)."""
    return where_positive(a, a, alpha * np.expm1(np.minimum(a, 0) / alpha))


def _selu(a: Any) -> Any:
    """Scaled elu, whose fixed point is mean 0 and variance 1."""
    return SELU_SCALE * _elu(a, SELU_ALPHA)


def _leaky_relu(a: Any, negative_slope: float = 0.01) -> Any:
    """Gives a where a > 0, else negative_slope · a."""
    return where_positive(a, a, np.multiply(a, negative_slope))


def _prelu(a: Any, weight: Any) -> Any:
    """Gives a where a > 0, else weight · a, with a weight that is learned."""
    return where_positive(a, a, np.multiply(weight, a))


def _hardtanh(a: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """Clip a to [min_val, max_val]."""
    return np.clip(a, min_val, max_val)


def _relu6(a: Any) -> Any:
    """Clip a to [0, 6]."""
    return np.clip(a, 0, 6)


def _hardsigmoid(a: Any) -> Any:
    """relu6(a + 3) / 6."""
    return np.clip(a + 3, 0, 6) / 6


def _hardswish(a: Any) -> Any:
    """a · hardsigmoid(a)."""
    return np.maximum(a, -3) * (np.clip(a + 3, 0, 6) / 6)


def _softsign(a: Any) -> Any:
    """a / (1 + |a|), and its limits at infinity."""
    finite = np.nan_to_num(a, nan=np.nan)
    return finite / (1 + np.abs(finite))


def _tanhshrink(a: Any) -> Any:
    """a - tanh(a); near 0 its series, since the difference cancels there."""
    t = np.square(np.clip(a, -0.1, 0.1))
    near = a * t * (1 / 3 - t * (2 / 15 - t * (17 / 315 - t * (62 / 2835 - t * 1382 / 155925))))
    return np.where(np.abs(a) < 0.1, near, a - np.tanh(a))


def _softshrink(a: Any, lambd: float = 0.5) -> Any:
    """Shrink a towards 0 by lambd; 0 where |a| <= lambd."""
    return a - np.clip(a, -lambd, lambd)


def _hardshrink(a: Any, lambd: float = 0.5) -> Any:
    """Gives a where |a| > lambd, else 0."""
    return np.where(np.abs(a) <= lambd, 0, a)


def _mish(a: Any) -> Any:
    """a · tanh(softplus(a))."""
    return np.maximum(a, -FAR) * np.tanh(_softplus(a))


def _mish_grad(g: Any, a: Any) -> Any:
    """g times the derivative of mish."""
    a = np.clip(a, -FAR, FAR)
    t = np.tanh(softplus(a))
    return g * (t + a * (1 - np.square(t)) * sigmoid(a))


sigmoid = elementwise(_sigmoid, r"\sigma({a})", lambda g, y, a: sigmoid_grad(g, y), bind="sigmoid")
relu = elementwise(
    _relu,
    r"\operatorname{{relu}} {a:3}",
    lambda g, y, a: relu_grad(g, a),
    bind="relu",
    masks=True,
)
softplus = elementwise(
    _softplus, r"\operatorname{{softplus}} {a:3}", lambda g, y, a, beta: softplus_grad(g, beta * a)
)
log_sigmoid = elementwise(
    _log_sigmoid, r"\log \sigma({a})", lambda g, y, a: g * sigmoid(-a), rank=3
)
silu = elementwise(_silu, r"{a:2} \, \sigma({a})", lambda g, y, a: silu_grad(g, a))
gelu = elementwise(
    _gelu,
    r"\operatorname{{gelu}} {a:3}",
    lambda g, y, a, approximate: _gelu_grad(g, a, approximate),
)
elu = elementwise(
    _elu,
    r"\operatorname{{elu}} {a:3}",
    lambda g, y, a, alpha: where_positive(a, g, g * alpha * np.exp(nonpositive(a))),
)
celu = elementwise(
    _celu,
    r"\operatorname{{celu}} {a:3}",
    lambda g, y, a, alpha: where_positive(a, g, g * np.exp(nonpositive(a) / alpha)),
)
selu = elementwise(
    _selu,
    r"\operatorname{{selu}} {a:3}",
    lambda g, y, a: SELU_SCALE * where_positive(a, g, g * SELU_ALPHA * np.exp(nonpositive(a))),
)
leaky_relu = elementwise(
    _leaky_relu,
    r"\operatorname{{leaky\_relu}} {a:3}",
    lambda g, y, a, negative_slope: where_positive(a, g, negative_slope * g),
)
prelu = elementwise(
    _prelu,
    r"\operatorname{{prelu}} {a:3}",
    lambda g, y, a, weight: where_positive(a, g, weight * g),
    lambda g, y, a, weight: np.where(a > 0, 0, g * a),
)
hardtanh = elementwise(
    _hardtanh,
    r"\operatorname{{hardtanh}} {a:3}",
    lambda g, y, a, min_val, max_val: np.where((a <= min_val) | (a >= max_val), 0, g),
    masks=True,
)
relu6 = elementwise(
    _relu6, r"\operatorname{{relu6}} {a:3}", lambda g, y, a: relu6_grad(g, a), masks=True
)
hardsigmoid = elementwise(
    _hardsigmoid,
    r"\operatorname{{hardsigmoid}} {a:3}",
    lambda g, y, a: np.where((a <= -3) | (a >= 3), 0, g / 6),
    masks=True,
)
hardswish = elementwise(
    _hardswish,
    r"\operatorname{{hardswish}} {a:3}",
    lambda g, y, a: np.where(a <= -3, 0, np.where(a < 3, g * (2 * a + 3) / 6, g)),
)
softsign = elementwise(
    _softsign,
    r"\frac{{{a}}}{{1 + \left|{a}\right|}}",
    lambda g, y, a: g / (1 + np.abs(a)) / (1 + np.abs(a)),
)
tanhshrink = elementwise(
    _tanhshrink, r"{a:1} - \tanh {a:3}", lambda g, y, a: g * np.square(np.tanh(a))
)
softshrink = elementwise(
    _softshrink,
    r"\operatorname{{softshrink}} {a:3}",
    lambda g, y, a, lambd: np.where(np.abs(a) <= lambd, 0, g),
    masks=True,
)
hardshrink = elementwise(
    _hardshrink,
    r"\operatorname{{hardshrink}} {a:3}",
    lambda g, y, a, lambd: np.where(np.abs(a) <= lambd, 0, g),
    masks=True,
)
mish = elementwise(
    _mish,
    r"\operatorname{{mish}} {a:3}",
    lambda g, y, a: _mish_grad(g, a),
)

# What tests sample
domains("sigmoid softplus log_sigmoid silu gelu tanhshrink mish", real)
domains("relu elu celu selu leaky_relu softsign", nonzero)
domains("prelu", nonzero, real)
domains("hardtanh", away(-1, 1))
domains("relu6", away(0, 6, low=-3, high=8))
domains("hardsigmoid hardswish", away(-3, 3, low=-5, high=5))
domains("softshrink hardshrink", away(-0.5, 0.5))
cases("gelu", case(A(3), approximate="tanh"))
cases("celu", case(A(3, domain=nonzero), alpha=0.7))
