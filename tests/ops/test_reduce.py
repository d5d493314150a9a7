from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value, grad


@pytest.mark.parametrize("extreme", [np.max, np.min, np.nanmax, np.nanmin])
def test_equal_extremes_share_the_gradient(extreme):
    x = Value(np.full((2, 4), 3.0))
    np.testing.assert_array_equal(grad(np.sum(extreme(x, axis=1)), x), np.full((2, 4), 0.25))


def test_the_gradient_of_a_maximum_goes_to_it_alone():
    x = Value([1.0, 5.0, 2.0])
    np.testing.assert_array_equal(grad(x.max(), x), [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("factors", "gradient"),
    [
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
        ([2.0, 0.0, 4.0], [0.0, 8.0, 0.0]),
        ([0.0, 0.0, 4.0], [0.0, 0.0, 0.0]),
    ],
)
def test_a_product_with_zeros_has_an_exact_gradient(factors, gradient):
    x = Value(factors)
    np.testing.assert_array_equal(grad(np.prod(x), x), gradient)


def test_two_zeros_in_a_product_have_a_mixed_second_derivative():
    hessian = autograd.hessian(np.prod)(np.array([0.0, 0.0, 4.0]))
    np.testing.assert_array_equal(hessian, [[0, 4, 0], [4, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8])
def test_the_std_of_equal_elements_has_gradient_zero(constant):
    x = Value(np.full((2, 3), constant))
    np.testing.assert_array_equal(grad(np.sum(x.std(axis=1)), x), np.zeros((2, 3)))


def test_logsumexp_neither_overflows_nor_underflows():
    x = Value([1000.0, 1000.0, -1000.0])
    y = autograd.logsumexp(x)
    assert y.item() == pytest.approx(1000 + np.log(2))
    np.testing.assert_allclose(grad(y, x), [0.5, 0.5, 0.0])
    assert autograd.logsumexp(np.array([-1000.0, -1000.0])) == pytest.approx(np.log(2) - 1000)


def test_logsumexp_of_nothing_or_minus_infinity_is_minus_infinity():
    x = Value([-np.inf, -np.inf])
    y = autograd.logsumexp(x)
    assert y.item() == -np.inf
    np.testing.assert_array_equal(grad(y, x), [0.0, 0.0])
    assert autograd.logsumexp(np.empty((0, 3)), axis=0).tolist() == [-np.inf] * 3


def test_nan_is_skipped_and_gets_no_gradient():
    x = Value([1.0, np.nan, 3.0])
    assert np.nanmean(x).item() == 2
    np.testing.assert_array_equal(grad(np.nanmean(x), x), [0.5, 0.0, 0.5])
    np.testing.assert_array_equal(grad(np.nansum(x), x), [1.0, 0.0, 1.0])
    np.testing.assert_array_equal(grad(np.nanmax(x), x), [0.0, 0.0, 1.0])


def test_average_differentiates_its_weights(rng):
    a, w = rng.normal(size=(3, 4)), rng.uniform(1, 2, 4)
    np.testing.assert_allclose(np.average(Value(a), 1, Value(w)).data, np.average(a, 1, w))
    assert autograd.gradcheck(lambda a, w: np.average(a, axis=1, weights=w), a, w)


def test_average_keeps_float32(rng):
    a = Value(rng.normal(size=(3, 4)).astype(np.float32))
    assert np.average(a, axis=0, weights=np.ones(3, np.float32)).dtype == np.float32


def test_average_names_the_shapes_of_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r"average: weights have shape \(2,\), a has \(3,\)"):
        np.average(Value(np.ones(3)), weights=np.ones(2))


def test_ptp_is_numpys(rng):
    a = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(np.ptp(Value(a), axis=1).data, np.ptp(a, axis=1))


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1,), ()])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("function", [np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std])
def test_axes_mean_what_they_mean_to_numpy(function, axis, keepdims, rng):
    a = rng.normal(size=(2, 3, 4))
    y = function(Value(a), axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.data, function(a, axis=axis, keepdims=keepdims))


def test_unsupported_arguments_are_refused_by_name():
    x = Value(np.ones(3))
    for name, value in {"dtype": float, "where": [True] * 3, "initial": 0}.items():
        with pytest.raises(TypeError, match=f"sum: the argument '{name}' is not supported"):
            np.sum(x, **{name: value})


def test_an_axis_that_is_not_there_is_an_error_with_the_shape():
    with pytest.raises(ValueError, match=r"mean: axis 3 is out of bounds.*\(2, 3\)"):
        Value(np.ones((2, 3))).mean(3)


@pytest.mark.parametrize(
    "f", [np.mean, np.nanmean, np.max, np.nanmax, lambda x: np.linalg.norm(x, np.inf)]
)
def test_float16_counts_beyond_its_range(f):
    x = Value(np.ones(70_000, np.float16))
    y = f(x)
    assert y.item() == 1
    g = grad(y, x)
    assert g.dtype == np.float16
    np.testing.assert_array_equal(g, np.float16(1 / 70_000))


@pytest.mark.parametrize("f", [np.var, np.std])
def test_the_spread_of_many_float16_has_a_gradient(f):
    a = (np.arange(70_000) % 7).astype(np.float16)
    x, exact = Value(a), Value(a.astype(np.float64))
    np.testing.assert_allclose(f(x).data, f(exact).data, rtol=1e-3)
    np.testing.assert_allclose(grad(f(x), x), grad(f(exact), exact), rtol=5e-3, atol=6e-8)


@pytest.mark.parametrize(
    "f", [np.sum, np.mean, np.var, np.std, np.nansum, np.nanmean, autograd.logsumexp]
)
def test_a_reduction_along_the_first_axis_loses_no_digit(f):
    a = np.tile(np.array([[0.1], [0.3]], np.float32), (500_000, 2))
    exact = f(Value(a.astype(np.float64)), axis=0).data
    np.testing.assert_allclose(f(Value(a), axis=0).data, exact, rtol=1e-6)


@pytest.mark.parametrize("f", [np.max, np.min, np.nanmax])
def test_an_extremum_that_is_nan_sends_its_gradient_to_the_nan(f):
    x = Value([[np.nan, 1.0, np.nan], [2.0, 2.0, 1.0]])
    y = f(x, axis=1)
    expected = [[0.0, 1.0, 0.0]] if f is np.nanmax else [[0.5, 0.0, 0.5]]
    np.testing.assert_array_equal(grad(np.sum(y), x)[:1], expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_std_of_one_element_without_freedom_has_no_number_for_a_gradient():
    x = Value([[1.0, 2.0]])
    y = np.std(x, axis=0, ddof=1)
    assert np.isnan(y.data).all()
    assert np.isnan(grad(np.sum(y), x)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_the_std_of_what_has_no_squares_in_float32(scale):
    a = np.array([1.0, 2.0, 4.0]) * scale
    x = Value(a.astype(np.float32))
    y = np.std(x)
    np.testing.assert_allclose(y.data, np.std(a), rtol=1e-6)
    np.testing.assert_allclose(grad(y, x), (a - a.mean()) / (3 * np.std(a)), rtol=1e-5)


def test_a_squared_std_of_equal_elements_has_no_wrong_curvature():
    curve = autograd.hessian(lambda x: np.std(x) ** 2)(np.ones(2))
    assert np.isnan(curve).any()
    np.testing.assert_allclose(autograd.hessian(np.var)(np.ones(2)), [[0.5, -0.5], [-0.5, 0.5]])


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([np.inf, 1.0], [1.0, 0.0]),
        ([np.inf], [1.0]),
        ([np.inf, np.inf], [np.nan, np.nan]),
        ([1e5, 1e5 + np.log(3)], [0.25, 0.75]),
    ],
)
def test_the_gradient_of_logsumexp_is_its_limit_at_infinity(x, expected):
    v = Value(x)
    np.testing.assert_allclose(grad(autograd.logsumexp(v), v), expected, rtol=1e-10)


def test_the_weights_of_a_float32_logsumexp_do_not_lean_on_its_rounded_value():
    v = Value(np.full(3, 1e5, np.float32))
    np.testing.assert_allclose(grad(autograd.logsumexp(v), v), np.full(3, 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("axis", [(0, -2), (0, 0)])
def test_an_axis_given_twice_is_refused(axis):
    with pytest.raises(ValueError, match=r"sum: duplicate value in 'axis'"):
        np.sum(Value(np.ones((100, 3))), axis=axis)


def test_float16_sums_inside_a_quotient_or_a_logarithm_may_leave_its_range():
    x = Value(np.ones(100_000, np.float16))
    for f, expected in (
        (lambda x: np.average(x, weights=x), 1),
        (autograd.logsumexp, 1 + np.log(1e5)),
    ):
        y = f(x)
        assert y.dtype == np.float16
        np.testing.assert_allclose(y.data, expected, rtol=1e-3)
        assert np.isfinite(grad(y, x)).all()


@pytest.mark.parametrize("f", [np.prod, lambda x: np.cumprod(x)[-1]])
def test_a_product_may_leave_the_range_of_float32_on_its_way(f):
    x = Value(np.float32([1e30, 1e30, 1e-30, 1e-30]))
    with np.errstate(over="ignore"):  # of the cumulative product in the middle
        y = f(x)
    np.testing.assert_allclose(y.data, 1, rtol=1e-6)
    np.testing.assert_allclose(grad(y, x), 1 / x.data, rtol=1e-6)


@pytest.mark.parametrize("f", [np.prod, lambda x: np.cumprod(x)[-1]])
def test_a_product_of_many_float32_loses_no_digit(f, rng):
    x = Value(rng.uniform(0.999, 1.001, 200_000).astype(np.float32))
    y, exact = f(x), np.prod(x.data, dtype=np.float64)
    np.testing.assert_allclose(y.data, exact, rtol=1e-6)
    np.testing.assert_allclose(grad(y, x), exact / x.data, rtol=1e-6)
