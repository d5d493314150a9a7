from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, gradcheck

METHODS = (
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf"),
    *("hazen", "weibull", "linear", "median_unbiased", "normal_unbiased"),
    *("lower", "higher", "midpoint", "nearest"),
)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_quantile_has_its_gradient(method, rng):
    a = rng.permutation(np.arange(12.0)).reshape(3, 4)

    def quantiles(a):
        return np.quantile(a, [0.2, 0.7], axis=1, method=method)

    np.testing.assert_array_equal(quantiles(Value(a)).data, quantiles(a))
    assert gradcheck(quantiles, a)


def test_percentile_is_quantile_of_a_hundredth(rng):
    a = rng.normal(size=(3, 4))
    np.testing.assert_allclose(
        np.percentile(Value(a), 30, axis=0).data, np.percentile(a, 30, axis=0)
    )


def test_a_list_of_quantiles_does_not_widen_float32():
    x = Value(np.float32([1, 2, 3]))
    assert np.quantile(x, [0.1, 0.5]).dtype == np.float32


def test_the_median_of_an_even_number_goes_to_the_middle_two():
    x = Value([9.0, 1.0, 4.0, 3.0])
    np.testing.assert_array_equal(grad(np.median(x), x), [0.0, 0.0, 0.5, 0.5])


@pytest.mark.parametrize("kth", [0, 2, -1, (0, 2)])
@pytest.mark.parametrize("axis", [0, -1, None])
def test_a_partition_puts_the_kth_in_place(kth, axis, rng):
    a = rng.normal(size=(4, 4))
    y = np.partition(Value(a), kth, axis=axis)
    chosen = np.take(np.sort(a, axis=axis), kth, axis=axis)
    np.testing.assert_array_equal(np.take(y.data, kth, axis=axis), chosen)
    assert gradcheck(lambda x: np.partition(x, kth, axis=axis), a)


def test_equal_elements_are_sorted_with_one_gradient_each():
    x = Value([2.0, 1.0, 2.0])
    np.testing.assert_array_equal(grad(np.sum(np.sort(x) * [1.0, 2.0, 3.0]), x), [2.0, 1.0, 3.0])


def test_indices_of_take_along_axis_may_be_a_value():
    x = Value([[3.0, 1.0, 2.0]])
    places = Value(np.array([[1, 1]]))
    np.testing.assert_array_equal(np.take_along_axis(x, places, axis=1).data, [[1.0, 1.0]])


def test_a_quantile_out_of_range_is_an_error():
    with pytest.raises(ValueError, match=r"quantile: .*range \[0, 1\]"):
        np.quantile(Value([1.0, 2.0]), 1.5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_median_of_nothing_has_a_gradient_of_nothing():
    v = Value(np.zeros(0))
    y = np.median(v)
    assert np.isnan(y.data)
    assert grad(y, v).shape == (0,)


def test_a_position_taken_many_times_gets_a_gradient_of_all_its_digits():
    v = Value(np.zeros((1, 2), np.float32))
    y = np.take_along_axis(v, np.zeros((1, 1_000_000), int), 1)
    np.testing.assert_allclose(grad(np.sum(y * np.float32(0.1)), v), [[1e5, 0]], rtol=1e-6)


def test_a_quantile_that_is_nan_has_no_number_for_a_gradient():
    v = Value([[np.nan, 1.0, 2.0], [3.0, 1.0, 2.0]])
    g = grad(np.sum(np.median(v, axis=1)), v)
    np.testing.assert_array_equal(g, [[np.nan] * 3, [0, 0, 1]])
