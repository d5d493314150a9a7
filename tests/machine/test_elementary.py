"""Elementary functions: their errors in units in the last place, and what IEEE 754 asks."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd
from autograd.machine import pool
from autograd.machine.jit import PLAIN
from autograd.machine.tile import has_fma
from autograd.ops.elementwise import kernel_elementwise as kernels
from autograd.ops.elementwise.by_size import elementwise

LONG = np.longdouble
SINGLE, DOUBLE = np.float32, np.float64
LIMITS = {  # of the error, in ulp of float32 and of float64
    "exp": (1.2, 1.1), "log": (1.1, 1.1), "tanh": (2.5, 2), "sigmoid": (2.5, 3 if PLAIN else 1),
    "silu": (3, 4) if PLAIN else (2.5, 1), "softplus": (1.8, 1.8), "erf": (1.2, 1.2),
    # in its tail the rounding of x² counts, where there is nothing that makes it good
    "gelu": (2.6, 2) if has_fma() and not PLAIN else (70, 500),
}  # fmt: skip
# x, erf(x), x Φ(x), by mpmath in 150 bits
TABLE = np.array([
    (-37.5, -1.0, -1.7270073785932332e-306), (-20.0, -1.0, -5.507248237212468e-88),
    (-8.25, -1.0, -6.533774209580044e-16), (-5.0, -0.9999999999984626, -1.4332578593959695e-06),
    (-3.3, -0.9999969422902035, -0.0015952996698664658),
    (-2.1997, -0.9981344752882148, -0.030606831260669303),
    (-1.32, -0.9380651550787114, -0.12331111187138277),
    (-0.99, -0.8385080695553698, -0.1594761889157226),
    (-0.8, -0.7421009647076605, -0.16948431886671736),
    (-0.75, -0.7111556336535151, -0.16997051428265114),
    (-0.33, -0.359278654974359, -0.12233099374958434),
    (-0.03125, -0.035250373867322826, -0.015235471330175715),
    (-1e-09, -1.1283791670955127e-09, -4.999999996010577e-10),
    (1e-300, 1.1283791670955126e-300, 5e-301), (0.03, 0.03384122234173543, 0.01535899420242338),
    (0.3195, 0.3486166372296681, 0.1997917542258026),
    (0.6645, 0.6526515782376002, 0.49625845156611936),
    (0.75, 0.7111556336535151, 0.5800294857173488),
    (0.93525, 0.8140459506115321, 0.7717404873850553),
    (1.5, 0.9661051464753108, 1.399789198096713), (2.5, 0.999593047982555, 2.4844758366855597),
    (-36.7998046875, -1.0, -3.421620638815913e-295),
    (-30.5, -1.0, -3.973960635193133e-203),
    (-13.0986328125, -1.0, -2.195606722256765e-38),
    (-7.322265625, -1.0, -8.92653446854912e-13),
    (-1.83349609375, -0.9904844791506662, -0.06117352360700215),
    (-1.0009765625, -0.843105775616735, -0.15857377589923666),
    (-0.75146484375, -0.712096392611497, -0.16997118445077727),
    (-0.63427734375, -0.6302830156093111, -0.1667831766691352),
    (0.98974609375, 0.8384005257024784, 0.8302493821668073),
    (4.0, 0.9999999845827421, 3.9998733150326675), (5.9, 0.9999999999999999, 5.899999989276704),
])  # fmt: skip


def elements(function):
    return lambda x: np.array([function(float(v)) for v in x.astype(float)])


def sigmoid(x):
    e = np.exp(-abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


EXACT = {
    "exp": np.exp, "log": np.log, "tanh": np.tanh, "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))),
    "erf": elements(math.erf), "gelu": elements(lambda v: 0.5 * v * math.erfc(-v / math.sqrt(2))),
}  # fmt: skip


def call(name, *arrays):
    return kernels.apply(getattr(kernels, name), *arrays)


def ulps(y, exact):
    """The error in units in the last place of the exact result."""
    numbers = np.finfo(y.dtype)
    exact = exact.astype(LONG)
    exponent = np.floor(np.log2(np.maximum(abs(exact), LONG(numbers.smallest_normal))))
    error = abs(y.astype(LONG) - exact) / np.exp2(exponent - numbers.nmant)
    return np.where(abs(exact) <= numbers.max, error, 0)


def samples(name, dtype):
    rng = np.random.default_rng(0)
    parts = [
        rng.standard_normal(20_000) * 4, rng.uniform(-37, 37, 10_000),
        rng.uniform(-110, 90, 10_000),
        rng.standard_normal(5_000) * 10 ** rng.uniform(-44, 0, 5_000),
    ]  # fmt: skip
    x = np.concatenate(parts).astype(dtype)
    if name == "log":
        x = np.concatenate([abs(x), np.exp(x.clip(-103, 88)), 1 + x / 1000]).astype(dtype)
        x = x[x > 0]
    return x


@pytest.mark.parametrize("name", LIMITS)
def test_the_error_in_float32_is_within_the_limit(name):
    x = samples(name, SINGLE)
    assert ulps(call(name, x), EXACT[name](x.astype(DOUBLE))).max() <= LIMITS[name][0]


@pytest.mark.skipif(np.finfo(LONG).nmant < 60, reason="long double is no wider than double here")
@pytest.mark.parametrize("name", sorted({*LIMITS} - {"erf", "gelu"}))
def test_the_error_in_float64_is_within_the_limit(name):
    x = samples(name, DOUBLE)
    if name == "exp":
        x = np.concatenate([x, np.random.default_rng(0).uniform(-745, 709, 10_000)])
    with np.errstate(over="ignore", under="ignore"):
        exact = EXACT[name](x.astype(LONG))
    assert ulps(call(name, x), exact).max() <= LIMITS[name][1]


def test_erf_and_gelu_in_float64_agree_with_the_table():
    x, erf, gelu = np.repeat(TABLE, 9, axis=0).T.copy()  # long enough for vectors
    assert ulps(call("erf", x), erf).max() <= LIMITS["erf"][1]
    assert ulps(call("gelu", x), gelu).max() <= LIMITS["gelu"][1]


def test_erf_in_float64_is_near_the_c_librarys():
    x = samples("erf", DOUBLE)
    assert ulps(call("erf", x), EXACT["erf"](x)).max() <= LIMITS["erf"][1] + 1


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize(
    ("name", "expected"),  # at -inf, -huge, -0.0, 0.0, huge, inf, nan
    [
        ("exp", (0.0, 0.0, 1.0, 1.0, np.inf, np.inf, np.nan)),
        ("log", (np.nan, np.nan, -np.inf, -np.inf, "log", np.inf, np.nan)),
        ("tanh", (-1.0, -1.0, -0.0, 0.0, 1.0, 1.0, np.nan)),
        ("sigmoid", (0.0, 0.0, 0.5, 0.5, 1.0, 1.0, np.nan)),
        ("silu", (-0.0, -0.0, -0.0, 0.0, "x", np.inf, np.nan)),
        ("softplus", (0.0, 0.0, math.log(2), math.log(2), "x", np.inf, np.nan)),
        ("erf", (-1.0, -1.0, -0.0, 0.0, 1.0, 1.0, np.nan)),
        ("gelu", (-0.0, -0.0, -0.0, 0.0, "x", np.inf, np.nan)),
    ],
)
def test_the_ends_of_the_range_and_nan(name, expected, dtype):
    huge = np.finfo(dtype).max
    x = np.array([-np.inf, -huge, -0.0, 0.0, huge, np.inf, np.nan], dtype)
    named = {"x": huge, "log": np.log(huge)}
    want = np.array([named.get(v, v) if isinstance(v, str) else v for v in expected], float)
    y = call(name, np.tile(x, 11))[-7:].astype(float)
    want = want.astype(dtype).astype(float)
    np.testing.assert_array_equal(y, want)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_subnormals_come_and_go(dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = np.arange(1, 50).astype(dtype) * least
    for name in ("tanh", "erf"):
        y = call(name, x)
        assert (
            ulps(y, EXACT[name](x.astype(DOUBLE) if name == "erf" else x.astype(LONG))) <= 1
        ).all()
    deep = np.linspace(np.log(float(least)) + 1, np.log(float(np.finfo(dtype).tiny)), 50).astype(
        dtype
    )
    np.testing.assert_allclose(call("exp", deep), np.exp(deep), atol=float(least), rtol=0)


SLOPES = {
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "sigmoid": lambda x: sigmoid(x) * sigmoid(-x),
    "silu": lambda x: sigmoid(x) * (1 + x * sigmoid(-x)),
    "softplus": sigmoid,
    "gelu": lambda x: (
        0.5 * elements(math.erfc)(-x / math.sqrt(2))
        + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    ),
    "gelu_tanh": None,
}


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("name", SLOPES)
def test_a_gradient_is_g_times_the_slope(name, dtype, rng):
    x, g = (rng.standard_normal((40, 50)).astype(dtype) * 3 for _ in range(2))
    slope = SLOPES[name]
    if slope is None:
        h = 1e-5
        above, below = (call(name, x.astype(DOUBLE) + s) for s in (h, -h))
        want, tolerance = (above - below) / (2 * h), max(1e-9, 20 * np.finfo(dtype).eps)
    else:
        want, tolerance = slope(x.astype(DOUBLE).ravel()).reshape(x.shape), 20 * np.finfo(dtype).eps
    given = call(name, x) if name in ("tanh", "sigmoid") else x
    result = call(f"{name}_grad", g, given)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, g * want, atol=5 * tolerance, rtol=0)


def test_the_tanh_form_of_gelu(rng):
    x = rng.standard_normal(1000) * 3
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    np.testing.assert_allclose(call("gelu_tanh", x), 0.5 * x * (1 + np.tanh(inner)), atol=1e-15)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_relu_and_its_gradient_are_numpys_nan_and_infinity_included(dtype, rng):
    x = np.concatenate([rng.standard_normal(500), [np.nan, np.inf, -np.inf, 0.0, -0.0]])
    g = np.concatenate([[np.nan, np.inf, -np.inf], rng.standard_normal(502)])
    x, g = x.astype(dtype), rng.permutation(g).astype(dtype)
    assert np.array_equal(call("relu", x), np.maximum(x, 0), equal_nan=True)
    assert np.array_equal(call("relu_grad", g, x), np.where(x <= 0, 0, g), equal_nan=True)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_choices_by_sign_and_by_range_are_numpys_nan_and_infinity_included(dtype, rng):
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 6.0]
    x = np.concatenate([rng.normal(3, 4, 500), odd]).astype(dtype)
    a, b = (rng.permutation(x) for _ in range(2))
    assert np.array_equal(call("where_positive", x, a, b), np.where(x > 0, a, b), equal_nan=True)
    inside = np.where((x <= 0) | (x >= 6), 0, a)
    assert np.array_equal(call("relu6_grad", a, x), inside, equal_nan=True)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
def test_choices_between_two_and_by_a_mask_are_numpys_nan_and_infinity_included(dtype, rng):
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 6.0]
    g = np.concatenate([rng.normal(0, 4, 500).round(), odd]).astype(dtype)
    a, b = (rng.permutation(g) for _ in range(2))
    c = a > 1
    with np.errstate(all="ignore"):
        wanted = [
            ("picked", (a, b, c), np.where(c, a, b)),
            ("kept", (g, c), np.where(c, g, 0)),
            ("dropped", (g, c), np.where(c, 0, g)),
            ("signed", (g, a), g * np.sign(a)),
            ("larger_grad", (g, a, b), np.where(a < b, 0, np.where(a == b, g / 2, g))),
            ("smaller_grad", (g, a, b), np.where(a > b, 0, np.where(a == b, g / 2, g))),
        ]
    for name, arrays, want in wanted:
        assert np.array_equal(call(name, *arrays), want, equal_nan=True), name


CHOICES = {
    "where": lambda x, y: np.where(x.detach() > 0, x, y),
    "where with a number": lambda x, y: np.where(x.detach() > 0, x * y, 1),
    "where with a number first": lambda x, y: np.where(x.detach() > 0, -2, x * y),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "maximum of itself": lambda x, y: np.maximum(x, x + 0 * y),
    "clip": lambda x, y: np.clip(x * y, -1, 0.5),
    "clip above": lambda x, y: np.clip(x * y, None, 0.5),
    "clip by arrays": lambda x, y: np.clip(x * y, -np.ones(x.shape, x.dtype), 0.5),
    "abs": lambda x, y: np.abs(x) * y,
}


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("name", CHOICES)
def test_large_choices_are_those_of_small_arrays(name, dtype, rng):
    x, y = rng.normal(0, 1, (2, 36_000)).round(1).astype(dtype)

    def found(x, y):
        x, y = autograd.Value(x), autograd.Value(y)
        z = CHOICES[name](x, y)
        z.backward(z.data)
        return [z.data, x.grad] if y.grad is None else [z.data, x.grad, y.grad]

    small = [found(*pair) for pair in zip(np.split(x, 72), np.split(y, 72), strict=True)]
    large = found(x, y)
    turned = found(x.reshape(180, 200).T, y.reshape(180, 200).T)
    for got, view, *parts in zip(large, turned, *small, strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, np.concatenate(parts))
        np.testing.assert_array_equal(view, got.reshape(180, 200).T)


@pytest.mark.parametrize("name", ["leaky_relu", "prelu", "elu", "celu", "selu", "relu6"])
def test_large_arrays_get_from_kernels_what_small_ones_get_from_numpy(name, rng):
    x = rng.normal(0, 4, 36_000).astype(SINGLE)
    more = [np.full(1, 0.25, SINGLE)] if name == "prelu" else []

    def both_ways(x):
        v, rest = autograd.Value(x), [autograd.Value(w) for w in more]
        y = getattr(autograd.ops, name)(v, *rest)
        np.sum(y).backward()
        return y.data, v.grad

    large = both_ways(x)
    small = [np.concatenate(parts) for parts in zip(*map(both_ways, np.split(x, 12)), strict=True)]
    np.testing.assert_array_equal(large, small)


def test_the_bits_depend_on_neither_threads_nor_place(rng):
    x = rng.standard_normal(300_001).astype(SINGLE)
    before = pool.get_num_threads()
    try:
        for name in ("gelu", "tanh", "log"):
            results = []
            for threads in (1, 2, 3):
                pool.set_num_threads(threads)
                results.append(call(name, x).tobytes())
            assert len(set(results)) == 1
            assert call(name, x[-5:]).tobytes() == results[0][-20:]
    finally:
        pool.set_num_threads(before)


def test_layouts_are_kept_or_made_contiguous(rng):
    x = rng.standard_normal((30, 40))
    for view in (x.T, x[::2], x[:, ::-1], x[:0], x[0, 0]):
        view = np.asarray(view)
        np.testing.assert_allclose(call("tanh", view), np.tanh(view), rtol=1e-15)
    np.testing.assert_allclose(call("tanh_grad", x.T, x.T.copy()), x.T * (1 - x.T**2), rtol=1e-13)
    assert call("tanh", x.T).flags.f_contiguous


def test_a_read_only_array_needs_no_kernel_of_its_own():
    call("tanh", np.ones(4))
    before = len(kernels.tanh.signatures)
    call("tanh", np.broadcast_to(1.0, 4))
    assert len(kernels.tanh.signatures) == before


def test_other_dtypes_and_mixed_shapes_are_refused():
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        call("tanh", np.arange(3))
    with pytest.raises(TypeError, match="one dtype"):
        call("tanh_grad", np.ones(3), np.ones(3, SINGLE))
    with pytest.raises(ValueError, match=r"one shape is needed, got \(3,\) and \(4,\)"):
        call("tanh_grad", np.ones(3), np.ones(4))


def test_only_large_arrays_of_one_kind_take_the_kernel():
    large, small = np.full(20_000, 0.5), np.full(20, 0.5)
    for g, y in (
        (small, small), (large, small), (large, large.astype(SINGLE)), (0.5, large), (large, 0.5),
        (large.astype(int), large.astype(int)), (large.reshape(2, -1), large),
    ):  # fmt: skip
        assert elementwise("tanh_grad", g, y) is None
    assert (elementwise("tanh_grad", large, large) == 0.375).all()
