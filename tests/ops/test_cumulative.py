from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, gradcheck, gradgradcheck
from autograd.ops.arrays.cumulative import recurrence


@pytest.mark.parametrize("zeros", [[], [0], [2], [1, 3], [0, 1, 2, 3]])
def test_a_cumulative_product_with_zeros_has_an_exact_gradient(zeros, rng):
    a = rng.uniform(0.5, 2, 4)
    a[zeros] = 0
    assert gradcheck(np.cumprod, a)
    assert gradgradcheck(np.cumprod, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 300), (300, 2), (3, 1, 257)])
def test_a_long_recurrence_has_the_bits_of_one_step_after_the_other(shape, dtype, rng):
    a, b = rng.uniform(-1.2, 1.2, (2, *shape)).astype(dtype)
    a[..., ::7] = 0
    y = b.copy()
    for t in range(1, shape[-1]):
        y[..., t] += a[..., t] * y[..., t - 1]
    np.testing.assert_array_equal(recurrence(a, b), y)
    np.testing.assert_array_equal(
        recurrence(a[..., ::-1], b[..., ::-1]), recurrence(a[..., ::-1].copy(), b[..., ::-1].copy())
    )


def test_a_long_cumulative_product_with_zeros_has_exact_derivatives(rng):
    a, direction = rng.uniform(0.5, 1.5, 400), np.zeros(400)
    a[[3, 300]] = 0
    direction[[0, 3, 200, 300, 399]] = [1.0, -2.0, 0.5, 3.0, 1.0]

    def slope(a):  # of the sum of cubes, along the direction
        x = Value(a)
        return grad(np.sum(np.cumprod(x) ** 3), x) @ direction

    x = Value(a)
    g = grad(np.sum(np.cumprod(x) ** 3), x, create_graph=True)
    second = grad(np.sum(g * direction), x) @ direction
    step = 1e-5
    rise = np.sum(np.cumprod(a + step * direction) ** 3 - np.cumprod(a - step * direction) ** 3)
    np.testing.assert_allclose(g.data @ direction, rise / (2 * step), rtol=1e-6)
    change = slope(a + step * direction) - slope(a - step * direction)
    np.testing.assert_allclose(second, change / (2 * step), rtol=1e-6)


def test_products_that_overflow_later_spare_the_gradient_of_the_first():
    x = Value(np.full(1500, 2.0))
    with np.errstate(over="ignore"):
        y = np.cumprod(x)[2]
    np.testing.assert_array_equal(grad(y, x)[:3], 4.0)


def test_the_gradient_of_a_long_product_does_not_overflow():
    x = Value(np.full(2000, 2.0) ** np.tile([1, -1], 1000))
    np.testing.assert_allclose(grad(np.prod(x), x), 1 / x.data)


@pytest.mark.parametrize(
    "others",
    [{}, {"n": 2}, {"axis": 0}, {"prepend": 0.0}, {"append": np.ones((3, 1))}, {"n": 9}],
    ids=str,
)
def test_diff_is_numpys(others, rng):
    a = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(np.diff(Value(a), **others).data, np.diff(a, **others))
    assert gradcheck(lambda x: np.diff(x, **others), a)


def test_diff_differentiates_what_is_prepended(rng):
    assert gradcheck(lambda x, p: np.diff(x, prepend=p), rng.normal(size=4), rng.normal(size=2))


@pytest.mark.parametrize("axis", [0, -1])
def test_trapezoid_is_numpys_and_differentiates_the_grid(axis, rng):
    y, x = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    np.testing.assert_allclose(
        np.trapezoid(Value(y), x, axis=axis).data, np.trapezoid(y, x, axis=axis)
    )
    np.testing.assert_allclose(np.trapezoid(Value(y), dx=0.5).data, np.trapezoid(y, dx=0.5))
    assert gradcheck(lambda y, x: np.trapezoid(y, x, axis=axis), y, x)


def test_no_factors_have_no_gradient():
    x = Value(np.ones((3, 0)))
    assert grad(np.sum(np.prod(x, axis=1)), x).shape == (3, 0)
    assert grad(np.sum(np.cumprod(x, axis=1)), x).shape == (3, 0)


def test_a_long_cumulative_sum_loses_no_digit_either_way():
    x = Value(np.full(1_000_000, 0.1, np.float32))
    y = np.cumsum(x)
    np.testing.assert_allclose(y.data[-1], 1e5, rtol=1e-6)
    np.testing.assert_allclose(grad(np.sum(y * np.float32(0.1)), x)[0], 1e5, rtol=1e-6)


@pytest.mark.parametrize("f", [np.cumsum, np.cumprod])
def test_the_only_axis_of_a_number_is_0(f):
    x = Value(2.0)
    y = f(x, 0)
    np.testing.assert_array_equal(grad(np.sum(y), x), 1.0)


def test_differences_of_order_0_take_no_ends():
    x = Value(np.ones((3, 4)))
    y = np.diff(x, n=0, axis=0, prepend=0.0)
    np.testing.assert_array_equal(y.data, np.diff(x.data, n=0, axis=0, prepend=0.0))
    np.testing.assert_array_equal(grad(np.sum(y), x), np.ones((3, 4)))
