from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, gradcheck, gradgradcheck


@pytest.mark.parametrize("zeros", [[], [0], [2], [1, 3], [0, 1, 2, 3]])
def test_a_cumulative_product_with_zeros_has_an_exact_gradient(zeros, rng):
    a = rng.uniform(0.5, 2, 4)
    a[zeros] = 0
    assert gradcheck(np.cumprod, a)
    assert gradgradcheck(np.cumprod, a, rtol=1e-4, atol=1e-5)


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
