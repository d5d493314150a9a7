"""Every elementwise row at the edges of its numbers: zeros, ties, extremes, infinities, NaN.

Half and single precision are held to double precision, double precision to mpmath, arrays that a
kernel computes to small ones, and forward mode to reverse mode. The rows come from the op table.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from autograd import Value, grad, jvp
from autograd.op import ROWS

mpmath = pytest.importorskip("mpmath")
mp, mpf = mpmath.mp, mpmath.mpf

ELEMENTWISE = [row for row in ROWS if row.elementwise]
UNARY = [row for row in ELEMENTWISE if row.arity == 1]
KERNEL = 270_000  # elements: from here on every kernel is in use

SATURATED = {
    "tanh": "its slope is 1 - y², by its own value",
    "sigmoid": "its slope is y (1 - y), by its own value",
    "share": "a sigmoid",
    "silu": "its slope crosses 0",
    "gelu": "its slope crosses 0",
    "mish": "its slope crosses 0",
    "sinc": "(cos - sinc) / a cancels at its zeros",
    "log_sigmoid": "sums two terms",
    "digamma": "crosses 0",
    "polygamma": "crosses 0",
    "lgamma": "crosses 0",
    "logaddexp": "crosses 0",
    "logaddexp2": "crosses 0",
    "hardswish": "its slope crosses 0",
    "log_power": "crosses 0",
    "power_slope": "its slope in b crosses 0",
    "erfc": "its argument is squared in the exponent",
    "erf": "its argument is squared in the exponent",
    "arccos": "crosses 0",
    "log": "crosses 0",
}
"""Rows whose values or slopes are exact to the last place of their terms, not of themselves."""

COARSE = {
    "exp2": 64, "exp": 64, "expm1": 64, "sinh": 64, "cosh": 64, "power": 512, "log_power": 512,
    "power_slope": 512,
    "erf": 4096, "erfc": 4096, "gelu": 4096, "lgamma": 64, "digamma": 64, "polygamma": 64,
    "logaddexp": 64, "logaddexp2": 64, "tan": 64, "remainder": 64, "fmod": 64, "share": 64,
    "tanhshrink": 512,
}  # fmt: skip
"""Allowed error in eps where a relative error of the argument grows."""


OUTSIDE = {  # row: where it is not used, or NumPy itself has no number; and why
    "directed": (lambda g, a, b: _far(g) | (np.abs(a) > np.abs(b)), "b is a norm, a a part of it"),
    "turned": (lambda g, a, b: _far(g), "g is an incoming gradient"),
    "swept": (lambda g, a, b: _far(g) | _subnormal(a, b), "g is an incoming gradient"),
    "power": (lambda a, b: _far(b, 1e-3, 100), "the exponent b - 1 is rounded"),
    "log_power": (lambda a, b: _far(b, 1e-3, 100) | (b == 0), "the exponent b - 1 is rounded"),
    "power_slope": (lambda a, b: _far(b, 1e-3, 100) | (b == 0), "the exponent b - 1 is rounded"),
    "sinc": (lambda a: np.isfinite(a) & (np.abs(a) > np.finfo(a.dtype).max / 8), "π a is inf"),
    "arctanh": (lambda a: np.abs(a) > 1, "it has no value"),
    "binary_cross_entropy": (lambda x, t: ~((t >= 0) & (t <= 1) & (x > 0) & (x < 1)), "a loss"),
    "binary_cross_entropy_with_logits": (
        lambda x, b, c: ~(np.isfinite(x) & (b >= 0) & (b <= 1) & (c >= 0) & (c <= 1)),
        "a loss",
    ),
}


def _far(x, least=0.4, most=4):
    return (x != 0) & ((np.abs(x) < least) | (np.abs(x) > most))


def _subnormal(a, b):
    return np.maximum(np.abs(a), np.abs(b)) <= np.finfo(a.dtype).tiny


def edges(dtype):
    """Numbers of both signs from zero to infinity, and NaN."""
    info = np.finfo(dtype)
    tiny, most, eps = float(info.tiny), float(info.max), float(info.eps)
    sizes = [
        0.0, float(info.smallest_subnormal), tiny / 8, tiny, tiny**0.5, eps, 0.25, 0.5,
        1 - eps / 2, 1.0, 1 + eps, 1.75, 3.0, 6.0, 12.0, 40.0, 1 / eps, most**0.5, most / 4, most,
        np.inf,
    ]  # fmt: skip
    return np.array([s * x for x in sizes for s in (1, -1)] + [np.nan]).astype(dtype)


def few_edges(dtype):
    """Those that pairs are made of."""
    info = np.finfo(dtype)
    tiny, most = float(info.tiny), float(info.max)
    sizes = [0.0, float(info.smallest_subnormal), tiny, 0.5, 1.0, 3.0, most**0.5, most, np.inf]
    return np.array([s * x for x in sizes for s in (1, -1)] + [np.nan]).astype(dtype)


def points(row, dtype):
    """All edges, all pairs of the few, or triples with the same numbers in turn."""
    if row.arity == 1:
        x = edges(dtype)
        return (x[~OUTSIDE[row.name][0](x)] if row.name in OUTSIDE else x,)
    few = few_edges(dtype)
    pairs = np.array(list(itertools.product(few, few)), dtype).T
    columns = list(pairs) + [np.roll(pairs[0], 7 * k) for k in range(1, row.arity - 1)]
    if row.vjps[0] is None:  # a condition
        columns[0] = columns[0] > 0
    outside = (
        OUTSIDE[row.name][0](*columns) if row.name in OUTSIDE else np.zeros(pairs[0].size, bool)
    )
    return tuple(np.ascontiguousarray(c[~outside]) for c in columns)


def value_and_slopes(row, args):
    """The value at each point, and its derivative in each input that has one."""
    leaves = [Value(a) if vjp is not None else a for a, vjp in zip(args, row.vjps, strict=True)]
    tracked = [v for v in leaves if isinstance(v, Value)]
    with np.errstate(all="ignore"):
        y = row(*leaves)
        if not y.requires_grad:
            return y.data, []
        return y.data, grad(y, tracked, np.ones(y.shape, y.dtype))


def near(found, exact, row, eps, least):
    """Whether the numbers are the same to rounding; infinities and NaN have to be."""
    with np.errstate(all="ignore"):
        error = np.abs(found.astype(np.longdouble) - exact.astype(np.longdouble))
        coarse = COARSE.get(row.name, 16) * eps
        allowed = coarse * np.abs(exact.astype(np.longdouble)) + 4 * least
        if row.name in SATURATED:
            allowed = allowed + coarse
        return (found == exact) | (error <= allowed) | (np.isnan(found) & np.isnan(exact))


def named(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


@named(ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_give_the_numbers_of_double_precision(row, dtype):
    args = points(row, dtype)
    info = np.finfo(dtype)
    wide = [a.astype(np.float64) if a.dtype == dtype else a for a in args]
    y, slopes = value_and_slopes(row, args)
    exact, exact_slopes = value_and_slopes(row, wide)
    for what, found, right in zip(
        ["the value", *map("the slope in input {}".format, range(9))],
        [y, *slopes],
        [exact, *exact_slopes],
        strict=False,
    ):
        assert found.dtype == dtype or found.dtype.kind == "b"
        with np.errstate(all="ignore"):
            right = right.astype(dtype)
        good = near(found, right, row, float(info.eps), float(info.smallest_subnormal))
        report(good, what, args, found, right)


def report(good, what, args, found, right):
    if not good.all():
        bad = np.flatnonzero(~good)
        lines = [
            f"{what} at {[float(a[i]) for a in args]}: {found[i]}, not {right[i]}" for i in bad
        ]
        pytest.fail(f"{len(lines)} of {good.size}:\n" + "\n".join(lines[:12]), pytrace=False)


@named(ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_arrays_give_the_numbers_of_small_ones(row, dtype):
    args = points(row, dtype)
    size = args[0].size
    times = KERNEL // size + 1
    info = np.finfo(dtype)
    small = value_and_slopes(row, args)
    large = value_and_slopes(row, [np.tile(a, times) for a in args])
    for found, right in zip([large[0], *large[1]], [small[0], *small[1]], strict=True):
        for part in (found[:size], found[-size:]):
            good = near(part, right, row, float(info.eps), float(info.smallest_subnormal))
            report(good, "among many", args, part, right)


@named(UNARY)
def test_forward_mode_gives_the_slopes_of_reverse_mode(row):
    (x,) = points(row, np.float64)
    _, slopes = value_and_slopes(row, (x,))
    if not slopes:
        return
    sure = np.abs(slopes[0]) < 1e307
    with np.errstate(all="ignore"):
        tangent = jvp(row)(x[sure])[1](np.ones(sure.sum()))
    np.testing.assert_allclose(tangent, slopes[0][sure], rtol=1e-12, atol=1e-307)


def plus(f):
    return lambda a: a if a > 0 else f(a)


def half(a):
    return erfc(-a / mpmath.sqrt(2)) / 2


def erfc(a):
    return mpmath.erfc(a) if abs(a) < 1e4 else mpf(2 * (a < 0))


def clipped(low, high):
    return lambda a: min(max(a, mpf(low)), mpf(high))


def logistic(a):
    return 1 / (1 + mpmath.exp(-a))


def log_of_sum(a):
    return max(a, mpf(0)) + mpmath.log1p(mpmath.exp(-abs(a)))


SCALE, ALPHA = mpf("1.0507009873554804934"), mpf("1.6732632423543772848")
TRUTH = {
    "negative": lambda a: -a,
    "positive": lambda a: +a,
    "absolute": abs,
    "square": lambda a: a * a,
    "sqrt": mpmath.sqrt,
    "cbrt": lambda a: mpmath.sign(a) * mpmath.cbrt(abs(a)),
    "reciprocal": lambda a: 1 / a,
    "exp": mpmath.exp,
    "exp2": lambda a: mpf(2) ** a,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log2": lambda a: mpmath.log(a) / mpmath.log(2),
    "log10": lambda a: mpmath.log(a) / mpmath.log(10),
    "log1p": mpmath.log1p,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "sinc": lambda a: mpmath.sincpi(a),
    "deg2rad": mpmath.radians,
    "rad2deg": mpmath.degrees,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "sigmoid": logistic,
    "relu": plus(lambda a: 0 * a),
    "softplus": log_of_sum,
    "log_sigmoid": lambda a: -log_of_sum(-a),
    "silu": lambda a: a * logistic(a),
    "gelu": lambda a: a * half(a),
    "elu": plus(mpmath.expm1),
    "celu": plus(mpmath.expm1),
    "selu": lambda a: SCALE * (a if a > 0 else ALPHA * mpmath.expm1(a)),
    "leaky_relu": plus(lambda a: mpf(0.01) * a),
    "hardtanh": clipped(-1, 1),
    "relu6": clipped(0, 6),
    "hardsigmoid": lambda a: clipped(0, 6)(a + 3) / 6,
    "hardswish": lambda a: a * clipped(0, 6)(a + 3) / 6,
    "softsign": lambda a: a / (1 + abs(a)),
    "tanhshrink": lambda a: a - mpmath.tanh(a),
    "softshrink": lambda a: a - clipped(-0.5, 0.5)(a),
    "mish": lambda a: a * mpmath.tanh(log_of_sum(a)),
    "erf": mpmath.erf,
    "erfc": erfc,
    "divide": lambda a, b: a / b,
    "multiply": lambda a, b: a * b,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "power": lambda a, b: a**b,
    "hypot": mpmath.hypot,
    "arctan2": lambda a, b: mpmath.atan2(a, b) if a or b > 0 else None,
    "logaddexp": lambda a, b: b + log_of_sum(a - b),
    "logaddexp2": lambda a, b: b + log_of_sum((a - b) * mpmath.log(2)) / mpmath.log(2),
    "maximum": max,
    "minimum": min,
    "xlogy": lambda a, b: a * mpmath.log(b) if a and b else None,
    "copysign": lambda a, b: abs(a) * mpmath.sign(b) if b else None,
}
"""Rows in mpmath's functions."""

SLOW = {"logaddexp", "logaddexp2", "power"}
"""Rows whose extremes take mpmath seconds; float32's extremes are held to float64."""

MOST = np.finfo(np.float64).max


def rounded(x):
    """A number of mpmath as float64; infinite beyond its range."""
    return float(x) if abs(x) <= MOST else float(mpmath.sign(x)) * np.inf


def true_slope(f, xs, i):
    """The difference quotients from below and above, in so many digits that they are exact."""
    x = xs[i]
    reach = max([abs(mpmath.log10(abs(v))) for v in xs if v] or [mpf(0)])
    with mpmath.workdps(int(80 + 3 * reach) if x else int(760 + reach)):
        h = abs(x) * mpf(10) ** -30 / max(1, abs(x)) if x else mpf(10) ** -700
        y = f(*xs)
        sides = []
        for s in (-1, 1):
            try:
                z = f(*xs[:i], x + s * h, *xs[i + 1 :])
            except (ValueError, ZeroDivisionError, TypeError):
                continue
            if isinstance(z, mpf) and isinstance(y, mpf):
                sides.append((z - y) / (s * h))
        return sides


@named([row for row in ELEMENTWISE if row.name in TRUTH])
def test_double_precision_gives_the_numbers_of_mpmath(row):
    args = points(row, np.float64)
    y, slopes = value_and_slopes(row, args)
    f, eps, least = TRUTH[row.name], np.finfo(np.float64).eps, 5e-324
    for k in range(y.size):
        xs = [float(a[k]) for a in args]
        if not np.isfinite(xs).all():
            continue
        exact = [mpf(x) for x in xs]
        reach = max([abs(int(mpmath.log10(abs(v)))) for v in exact if v] or [0])
        if row.name in SLOW and reach > 20:
            continue
        with mpmath.workdps(80 + 3 * reach):
            try:
                value = f(*exact)
            except (ValueError, ZeroDivisionError, TypeError):
                continue
        if not isinstance(value, mpf):
            continue
        one = np.array([rounded(value)])
        report(
            near(y[k : k + 1], one, row, eps, least), "the value", [[x] for x in xs], y[[k]], one
        )
        for i, slope in enumerate(slopes):
            sides = true_slope(f, exact, i)
            if not sides:
                continue
            low, high = (np.array([rounded(g(sides))]) for g in (min, max))
            found = slope[k : k + 1]
            good = near(found, low, row, eps, least) | near(found, high, row, eps, least)
            good |= (low < found) & (found < high)  # a kink
            good |= (np.isposinf(found) & (low > 1e14)) | (np.isneginf(found) & (high < -1e14))
            report(good, f"the slope in input {i}", [[x] for x in xs], found, high)


FLAT = {"sign", "nan_to_num"}
"""Rows that are constant wherever they have a slope, or give a number for NaN."""
OF_TWO = {"arctan2", "hypot", "maximum", "minimum", "power"}


@named(
    [row for row in ELEMENTWISE if row.name in OF_TWO or (row.arity == 1 and row.name not in FLAT)]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_where_nan_comes_out_no_slope_is_zero(row, dtype):
    args = points(row, dtype)
    y, slopes = value_and_slopes(row, args)
    for i, slope in enumerate(slopes):
        given = np.isnan(args).any(axis=0)
        good = ~(given & np.isnan(y) & (slope == 0))
        report(good, f"the slope in input {i}", args, slope, y)


@named([row for row in UNARY if row.name in TRUTH])
def test_a_second_derivative_is_right_or_nan(row):
    x = points(row, np.float64)[0]
    x = x[np.isfinite(x) & ((np.abs(x) > 1e-100) | (x == 0)) & (np.abs(x) < 1e100)]
    v = Value(x)
    with np.errstate(all="ignore"):
        slope = grad(row(v), v, np.ones(x.shape), create_graph=True)
        second = np.zeros(x.shape)
        if isinstance(slope, Value) and slope.requires_grad:
            second = grad(slope, v, np.ones(x.shape))
    for k, place in enumerate(x):
        exact = mpf(float(place))
        with mpmath.workdps(900):
            h = abs(exact) * mpf(10) ** -30 / max(1, abs(exact)) if exact else mpf(10) ** -200
            try:
                ys = [TRUTH[row.name](exact + s * h) for s in (-2, -1, 0, 1, 2)]
            except (ValueError, ZeroDivisionError, TypeError):
                continue
            if not all(isinstance(y, mpf) for y in ys):
                continue
            curves = [
                rounded((a - 2 * b + c) / h**2) for a, b, c in zip(ys, ys[1:], ys[2:], strict=False)
            ]
        if max(map(abs, curves)) > 1e25:  # a kink or a pole
            continue
        found, low, high = (np.array([z]) for z in (second[k], min(curves), max(curves)))
        slack = 1e-9 * abs(high) + (
            1e-14 if row.name in {*SATURATED, "softplus", "tanhshrink"} else 1e-290
        )
        good = ((low - slack <= found) & (found <= high + slack)) | ~np.isfinite(found)
        report(good, "the second derivative", [[place]], found, high)
