"""Where mathematics is treacherous: origins, tails, infinities and branches not taken."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value, grad, ops
from autograd.dispatch import OPS


def slope(f, x, order=1):
    """The derivative of sum(f) at x: of an elementwise f, its derivative everywhere."""
    v = Value(x)
    with np.errstate(all="ignore"):
        y = f(v)
        for _ in range(order):
            if not y.requires_grad:
                return np.zeros(v.shape, v.dtype)
            y = grad(np.sum(y), v, create_graph=True)
    return y.data


def needs(function):
    """Skip where the table has no row for a NumPy function."""
    name = getattr(function, "__name__", str(function))
    return pytest.mark.skipif(function not in OPS, reason=f"no row for {name}")


def test_the_derivative_of_sqrt_at_zero_is_infinite():
    assert slope(np.sqrt, 0.0) == np.inf
    assert np.isnan(slope(lambda x: 0 * np.sqrt(x), 0.0))  # 0 · inf, as PyTorch has it


def test_hypot_at_the_origin_has_a_zero_gradient():
    a, b = Value(0.0), Value(0.0)
    assert grad(np.hypot(a, b), [a, b]) == [0.0, 0.0]


def test_hypot_does_not_overflow():
    a, b = Value(3e200), Value(4e200)
    np.testing.assert_allclose(grad(np.hypot(a, b), [a, b]), [0.6, 0.8])


@needs(np.linalg.norm)
@pytest.mark.parametrize("ord", [None, 2, 1])
def test_norm_at_the_origin_has_a_zero_gradient(ord):
    x = Value(np.zeros(3))
    np.testing.assert_array_equal(grad(np.linalg.norm(x, ord), x), np.zeros(3))


@needs(np.linalg.norm)
def test_norm_along_an_axis_is_finite_where_only_some_rows_are_zero():
    x = Value(np.array([[3.0, 4.0], [0.0, 0.0]]))
    g = grad(np.sum(np.linalg.norm(x, axis=1)), x)
    np.testing.assert_allclose(g, [[0.6, 0.8], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("power", "first", "second"),
    [(0, 0.0, 0.0), (1, 1.0, 0.0), (2, 0.0, 2.0), (3, 0.0, 0.0), (2.5, 0.0, 0.0), (1.0, 1.0, 0.0)],
)
@pytest.mark.parametrize("base", [0.0, -0.0])
def test_powers_of_zero_have_their_derivatives(power, first, second, base):
    assert slope(lambda x: x**power, base) == first
    assert slope(lambda x: x**power, base, order=2) == second


def test_a_root_of_zero_has_an_infinite_derivative():
    assert slope(lambda x: x**0.5, 0.0) == np.inf


@pytest.mark.parametrize("power", [2.0, 3.0, 2])
def test_integer_powers_of_negative_numbers_are_differentiable(power):
    np.testing.assert_allclose(slope(lambda x: x**power, -1.5), power * (-1.5) ** (power - 1))


def test_the_exponent_of_a_zero_base_gets_a_zero_gradient():
    b = Value([0.5, 2.0])
    np.testing.assert_array_equal(grad(np.sum(np.zeros(2) ** b), b), [0, 0])


def test_the_gradient_of_a_base_survives_an_exponent_that_is_tracked():
    a, b = Value(-2.0), Value(3.0)
    assert grad(a**b, a) == 12.0


ROWS_OF_LOGITS = {
    "+1000": [1000.0, 1000.0, 999.0],
    "-1000": [-1000.0, -1000.0, -1001.0],
    "far": [-1000.0, 1000.0, 0.0],
    "-inf": [-np.inf, 0.0, 1.0],
}


def shifted(x):
    e = np.exp(np.array(x) - np.max(x))
    return e / e.sum()


@pytest.mark.parametrize("x", ROWS_OF_LOGITS.values(), ids=ROWS_OF_LOGITS)
def test_softmax_of_large_logits_is_right_with_both_derivatives(x):
    p = shifted(x)
    np.testing.assert_allclose(ops.softmax(Value(x)).data, p, rtol=1e-12)
    w = np.array([1.0, 2.0, 4.0])
    exact = p * (w - p @ w)
    np.testing.assert_allclose(slope(lambda v: ops.softmax(v) * w, x), exact, atol=1e-15)
    assert np.isfinite(slope(lambda v: ops.softmax(v) * w, x, order=2)).all()


@pytest.mark.parametrize("x", ROWS_OF_LOGITS.values(), ids=ROWS_OF_LOGITS)
def test_log_softmax_of_large_logits_is_right_with_both_derivatives(x):
    p = shifted(x)
    y = ops.log_softmax(Value(x)).data
    np.testing.assert_allclose(y[p > 0], np.log(p[p > 0]), rtol=1e-12, atol=1e-13)
    pick = np.array([0.0, 1.0, 0.0])
    np.testing.assert_allclose(
        slope(lambda v: ops.log_softmax(v)[1], x), pick - p, rtol=1e-12, atol=1e-13
    )
    curve = slope(lambda v: ops.log_softmax(v)[1], x, order=2)
    np.testing.assert_allclose(curve, 0, atol=1e-13)  # the gradient sums to zero


@pytest.mark.skipif(not hasattr(autograd, "logsumexp"), reason="no logsumexp yet")
@pytest.mark.parametrize("x", ROWS_OF_LOGITS.values(), ids=ROWS_OF_LOGITS)
def test_logsumexp_of_large_numbers_is_right_with_both_derivatives(x):
    top = np.max(x)
    with np.errstate(all="ignore"):
        exact = top + np.log(np.sum(np.exp(np.array(x) - top)))
    np.testing.assert_allclose(autograd.logsumexp(Value(x)).data, exact)
    np.testing.assert_allclose(slope(autograd.logsumexp, x), shifted(x), atol=1e-15)
    np.testing.assert_allclose(slope(autograd.logsumexp, x, order=2), 0, atol=1e-13)


@pytest.mark.skipif(not hasattr(autograd, "logsumexp"), reason="no logsumexp yet")
def test_logsumexp_of_nothing_but_minus_infinity_is_minus_infinity():
    x = np.full(3, -np.inf)
    assert autograd.logsumexp(Value(x)).item() == -np.inf
    np.testing.assert_array_equal(slope(autograd.logsumexp, x), np.zeros(3))


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        (1000.0, 1000.0, 0.5),
        (1000.0, -1000.0, 1.0),
        (-1000.0, -1000.0, 0.5),
        (-np.inf, 1.0, 0.0),
        (1.0, -np.inf, 1.0),
    ],
)
def test_logaddexp_has_the_right_shares_at_the_extremes(f, a, b, share):
    x, z = Value(a), Value(b)
    np.testing.assert_allclose(grad(f(x, z), [x, z]), [share, 1 - share], atol=1e-15)


def test_logaddexp_of_two_minus_infinities_has_no_nan():
    x, z = Value(-np.inf), Value(-np.inf)
    assert np.isfinite(grad(np.logaddexp(x, z), [x, z])).all()


GRID = np.concatenate([-np.geomspace(1000, 1e-3, 200), [0.0], np.geomspace(1e-3, 1000, 200)])
TAILS = {  # function: (limit at -1000, at +1000, of the slope at -1000, at +1000, monotone)
    "sigmoid": (0.0, 1.0, 0.0, 0.0, True),
    "softplus": (0.0, 1000.0, 0.0, 1.0, True),
    "log_sigmoid": (-1000.0, 0.0, 1.0, 0.0, True),
    "gelu": (0.0, 1000.0, 0.0, 1.0, False),
    "silu": (0.0, 1000.0, 0.0, 1.0, False),
    "mish": (0.0, 1000.0, 0.0, 1.0, False),
    "elu": (-1.0, 1000.0, 0.0, 1.0, True),
    "selu": (-1.7580993408473766, 1050.7009873554805, 0.0, 1.0507009873554805, True),
    "celu": (-1.0, 1000.0, 0.0, 1.0, True),
    "softsign": (-1000 / 1001, 1000 / 1001, 1 / 1001**2, 1 / 1001**2, True),
    "tanhshrink": (-999.0, 999.0, 1.0, 1.0, True),
    "erf": (-1.0, 1.0, 0.0, 0.0, True),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TAILS)
def test_activations_have_finite_monotone_tails_and_right_limits(name, dtype):
    f = getattr(autograd.ops, name)
    left, right, slope_left, slope_right, monotone = TAILS[name]
    x = GRID.astype(dtype)
    y, g = f(Value(x)).data, slope(f, x)
    assert y.dtype == g.dtype == dtype
    assert np.isfinite(y).all()
    assert np.isfinite(g).all()
    tol = {"rtol": 8 * np.finfo(dtype).eps, "atol": 8 * np.finfo(dtype).eps}
    np.testing.assert_allclose(y[[0, -1]], [left, right], **tol)
    np.testing.assert_allclose(g[[0, -1]], [slope_left, slope_right], **tol)
    if monotone:
        assert (np.diff(y) >= -4 * np.finfo(dtype).eps * np.abs(y[1:])).all()
        assert (g >= 0).all()


@pytest.mark.parametrize("name", TAILS)
def test_activations_have_finite_second_derivatives_in_their_tails(name):
    curve = slope(getattr(autograd.ops, name), GRID, order=2)
    assert np.isfinite(curve).all()
    np.testing.assert_allclose(curve[[0, -1]], 0, atol=1e-8)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_zero_far_left_and_the_identity_far_right(approximate, dtype):
    x = np.array([-1e10, -1000, -50, 50, 1000, 1e10], dtype)
    y = ops.gelu(Value(x), approximate=approximate).data
    g = slope(lambda v: ops.gelu(v, approximate=approximate), x)
    np.testing.assert_array_equal(y, [0, 0, 0, *x[3:]])
    np.testing.assert_array_equal(g, [0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "silu"])
def test_left_tails_keep_their_relative_precision(name):
    x = np.array([-30.0, -100.0, -700.0])
    exact = np.exp(x) * (x if name == "silu" else 1)
    np.testing.assert_allclose(getattr(autograd.ops, name)(Value(x)).data, exact, rtol=1e-12)
    steep = np.exp(x) * (1 + x if name == "silu" else 1)
    np.testing.assert_allclose(slope(getattr(autograd.ops, name), x), steep, rtol=1e-12)


@pytest.mark.parametrize("x", [np.inf, -np.inf])
@pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_sigmoid"])
def test_activations_at_infinity_have_no_nan(name, x):
    f = getattr(autograd.ops, name)
    assert not np.isnan(f(Value(x)).data)
    assert np.isfinite(slope(f, x))


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "relu", "gelu", "silu", "softmax"])
def test_nan_goes_in_and_nan_comes_out(name):
    with np.errstate(invalid="ignore"):  # logaddexp of NumPy warns
        assert np.isnan(getattr(autograd.ops, name)(Value([np.nan])).data).all()


def test_xlogy_is_zero_at_zero_and_so_are_its_gradients():
    x, y = Value([0.0, 0.0, 2.0]), Value([0.0, 3.0, 3.0])
    z = autograd.xlogy(x, y)
    np.testing.assert_allclose(z.data, [0, 0, 2 * np.log(3)])
    gx, gy = grad(np.sum(z), [x, y])
    np.testing.assert_allclose(gx, [0, np.log(3), np.log(3)])
    np.testing.assert_allclose(gy, [0, 0, 2 / 3])


BRANCHES = {  # f safe where used, its derivative, its second derivative, where it is used
    "log": (np.log, lambda x: 1 / x, lambda x: -1 / x**2),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), lambda x: -0.25 * x**-1.5),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3),
    "x log x": (lambda x: x * np.log(x), lambda x: 1 + np.log(x), lambda x: 1 / x),
    "power": (lambda x: x**0.5, lambda x: 0.5 / np.sqrt(x), lambda x: -0.25 * x**-1.5),
    "negative power": (lambda x: x**-2, lambda x: -2 * x**-3.0, lambda x: 6 * x**-4.0),
    "log1p": (lambda x: np.log1p(x - 1), lambda x: 1 / x, lambda x: -1 / x**2),
    "sqrt of log": (
        lambda x: np.sqrt(np.log(x + 1)),
        lambda x: 0.5 / np.sqrt(np.log(x + 1)) / (x + 1),
        None,
    ),
}
POINTS = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 2.0])


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", BRANCHES)
def test_the_unused_branch_of_where_sends_back_no_nan(name, order):
    f, *derivatives = BRANCHES[name]
    exact = derivatives[order - 1]
    if exact is None:
        pytest.skip("first order only")
    expected = np.array([exact(x) if x > 0 else 0.0 for x in POINTS.tolist()])
    found = slope(lambda x: np.where(x > 0, f(x), 0), POINTS, order)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ["log", "sqrt", "reciprocal", "x log x"])
def test_the_used_branch_may_be_of_x_itself(name, order):
    f, *derivatives = BRANCHES[name]
    found = slope(lambda x: np.where(x > 0, f(x), x * x), POINTS, order)
    other = [lambda x: 2 * x, lambda x: 2.0][order - 1]
    expected = [derivatives[order - 1](x) if x > 0 else other(x) for x in POINTS.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_an_overflowing_branch_that_is_not_used_sends_back_no_nan(order):
    x = np.array([-1.0, 1.0, 1000.0])
    found = slope(lambda x: np.where(x < 10, np.exp(x), x), x, order)
    np.testing.assert_allclose(found, [np.exp(-1), np.exp(1), 2.0 - order])


@pytest.mark.parametrize("order", [1, 2])
def test_a_product_with_an_overflow_in_the_unused_branch_is_clean(order):
    x = np.array([1.0, 1000.0])
    found = slope(lambda x: np.where(x < 10, x * np.exp(x), 0), x, order)
    np.testing.assert_allclose(found, [(1 + order) * np.e, 0.0])


def test_a_hand_written_softplus_by_where_is_right_in_both_tails():
    x = np.array([-1000.0, -1.0, 0.0, 1.0, 1000.0])
    found = slope(lambda x: np.where(x > 20, x, np.log(1 + np.exp(x))), x)
    np.testing.assert_allclose(found, [0.0, *(1 / (1 + np.exp(-x[1:4]))), 1.0])


@pytest.mark.parametrize("choose", [np.maximum, np.fmax], ids=["maximum", "fmax"])
def test_the_input_that_a_maximum_rejects_sends_back_no_nan(choose):
    np.testing.assert_array_equal(
        slope(lambda x: choose(x**0.5, 1.0), np.array([0.0, 4.0])), [0.0, 0.25]
    )


def test_indexing_away_a_singular_place_sends_back_no_nan():
    np.testing.assert_array_equal(slope(lambda x: np.log(x)[x > 0], [0.0, 2.0]), [0.0, 0.5])


def test_a_relu_above_a_singular_place_sends_back_no_nan():
    np.testing.assert_array_equal(slope(lambda x: ops.relu(np.log(x)), [0.0, 2.0]), [0, 0.5])


def test_a_reduction_between_where_and_the_singular_op_does_not_matter():
    x = np.array([[-1.0, 4.0], [1.0, 0.0]])
    found = slope(lambda x: np.sum(np.where(x > 0, np.sqrt(x) * 2, 0), axis=0) * 3, x)
    np.testing.assert_allclose(found, [[0, 1.5], [3, 0]])


def test_a_nan_that_is_used_is_not_hidden():
    assert slope(np.log, 0.0) == np.inf
    assert np.isnan(slope(lambda x: np.sqrt(x) * 1.0, -1.0))


def test_a_nan_gradient_is_not_turned_to_zero():
    x = Value([1.0, 2.0])
    g = grad(np.where([True, False], x, 0.0), x, np.array([np.nan, 1.0]))
    np.testing.assert_array_equal(g, [np.nan, 0.0])


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_logaddexp_has_its_limit_where_one_of_two_is_infinite(f):
    a, b = Value(1.0), Value(np.inf)
    assert [float(g) for g in grad(f(a, b), [a, b])] == [0.0, 1.0]


def test_logaddexp_in_float32_does_not_lean_on_its_rounded_value():
    a, b = Value(np.float32(1e5)), Value(np.float32(1e5))
    np.testing.assert_allclose(grad(np.logaddexp(a, b), [a, b]), [0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("size", [1, 3_000, 300_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [1e30, np.inf])
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_at_its_limits_at_any_size(approximate, far, dtype, size):
    for x, limit, rise in ((far, far, 1), (-far, 0, 0)):
        v = Value(np.full(size, x, dtype))
        y = ops.gelu(v, approximate=approximate)
        np.testing.assert_array_equal(y.data, np.full(size, limit, dtype))
        np.testing.assert_array_equal(grad(np.sum(y), v), np.full(size, rise, dtype))


@pytest.mark.parametrize("size", [1, 40_000])
@pytest.mark.parametrize("name", ["silu", "mish", "hardswish", "softsign", "elu", "selu", "celu"])
def test_activations_have_their_limits_at_infinity(name, size):
    low, _, _, rise, _ = {**TAILS, "hardswish": (0, 0, 0, 1, True)}[name]
    f = getattr(ops, name)
    at = {"softsign": (-1, 1, 0, 0)}.get(name, (low, np.inf, 0, rise))
    for x, y, g in ((-np.inf, at[0], at[2]), (np.inf, at[1], at[3])):
        v = np.full(size, x)
        np.testing.assert_array_equal(f(Value(v)).data, np.full(size, y))
        np.testing.assert_array_equal(slope(f, v), np.full(size, g))


@pytest.mark.parametrize(
    ("dtype", "x", "expected"),
    [
        (np.float32, 1e-25, 5e24),
        (np.float64, 1e-200, 5e199),
        (np.float64, 1e200, 5e-201),
        (np.float32, 1e20, 5e-21),
        (np.float16, 300, 1 / 600),
        (np.float16, 1e-4, 5e3),
    ],
)
def test_the_slope_of_arctan2_does_not_leave_the_range_before_it_must(dtype, x, expected):
    a, b = Value(dtype(x)), Value(dtype(x))
    g = grad(np.arctan2(a, b), [a, b])
    np.testing.assert_allclose(
        g, [expected, -expected], rtol=4 * np.finfo(dtype).eps + 1e-3 * (dtype == np.float16)
    )


def test_arctan2_of_nan_has_no_number_for_a_slope():
    a, b = Value(np.nan), Value(0.0)
    assert np.isnan(grad(np.arctan2(a, b), [a, b])).all()


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.1), (-1.0, 0.1), (7.5, 2.0), (1.0, -0.1)])
def test_the_divisor_of_a_remainder_gets_the_whole_quotient(a, b):
    for f, whole in ((np.remainder, np.floor_divide(a, b)), (np.fmod, (a - np.fmod(a, b)) / b)):
        v = Value(b)
        np.testing.assert_allclose(grad(f(a, v), v), -whole)


@pytest.mark.parametrize("y", [0.0, 1.0, 2.5])
def test_a_power_of_zero_is_flat_in_its_exponent(y):
    v = Value(y)
    assert grad(0.0**v, v) == 0


def test_the_mixed_second_derivative_of_a_power_at_exponent_zero():
    curve = autograd.hessian(lambda x: x[0] ** x[1])(np.array([2.0, 0.0]))
    np.testing.assert_allclose(curve, [[0, 0.5], [0.5, np.log(2) ** 2]])


def test_the_mixed_second_derivative_of_a_power_of_zero():
    curve = autograd.hessian(lambda x: x[0] ** x[1])(np.array([0.0, 1.0]))
    assert curve[0, 1] == curve[1, 0] == -np.inf
    curve = autograd.hessian(lambda x: x[0] ** x[1])(np.array([0.0, 2.0]))
    np.testing.assert_array_equal(curve, [[2, 0], [0, 0]])


@pytest.mark.parametrize("name", ["elu", "selu", "celu"])
def test_exponential_units_keep_their_relative_slope_far_left(name):
    scale = {"selu": 1.0507009873554805 * 1.6732632423543772}.get(name, 1.0)
    for dtype, x in ((np.float32, -20.0), (np.float64, -100.0)):
        found = slope(getattr(ops, name), dtype(x))
        np.testing.assert_allclose(found, scale * np.exp(x), rtol=4 * np.finfo(dtype).eps)


def test_tanhshrink_has_slope_one_far_out():
    assert slope(ops.tanhshrink, np.float32(3e7)) == slope(ops.tanhshrink, 1e17) == 1


CURVED = {  # functions with a curvature at a kink or pole of what they are made of
    "abs squared": (lambda x: np.sum(np.abs(x) ** 2), np.zeros(2)),
    "hypot squared": (lambda x: np.hypot(x[0], x[1]) ** 2, np.zeros(2)),
}


@pytest.mark.parametrize(("f", "x"), CURVED.values(), ids=CURVED)
def test_a_curvature_that_no_row_knows_is_nan_and_not_zero(f, x):
    assert np.isnan(np.diag(autograd.hessian(f)(x))).all()


def test_a_kink_that_is_not_squared_has_no_curvature():
    for f in (lambda x: np.sum(np.abs(x)), lambda x: np.sum(np.hypot(x, 0 * x)), np.linalg.norm):
        np.testing.assert_array_equal(autograd.hessian(f)(np.zeros(2)), np.zeros((2, 2)))


def test_a_penalty_on_weights_that_are_zero_has_the_curvature_of_the_rest():
    w = np.array([0.0, 1.0, -2.0])
    found = autograd.hessian(lambda w: np.sum((w - 1) ** 2) + 0.1 * np.sum(np.abs(w)))(w)
    np.testing.assert_array_equal(found, 2 * np.eye(3))


BESIDE = {  # a kink that is not used, or is weighed by a constant 0: the curvature of the rest
    "where": (lambda x: np.sum(np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)), [1.0, 0.0]),
    "max": (lambda x: np.max(np.abs(x)), [0.0, 0.0]),
    "index": (lambda x: np.sum(np.abs(x)[1:] ** 2), [0.0, 2.0]),
    "relu": (lambda x: np.sum(ops.relu(np.abs(x) - 1) ** 2), [0.0, 2.0]),
    "weights": (lambda x: np.sum(np.abs(x) * np.array([0.0, 2.0])), [0.0, 0.0]),
}


@pytest.mark.parametrize(("f", "curve"), BESIDE.values(), ids=BESIDE)
def test_a_kink_that_no_branch_took_has_no_part_in_the_curvature(f, curve):
    found = autograd.hessian(f)(np.array([0.0, 3.0]))
    np.testing.assert_array_equal(found, np.diag(curve))
