"""The gamma family, against mpmath."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value, grad
from autograd.ops.elementwise.special import polygamma

mpmath = pytest.importorskip("mpmath")

X = np.array([-30.3, -3.7, -2.5, -0.5, -1e-3, 1e-3, 0.4, 1.0, 7.5, 19.9, 20.1, 1e5])


@pytest.mark.parametrize("n", range(6))
def test_polygamma_is_right_on_both_sides_of_zero(n):
    exact = np.array([float(mpmath.psi(n, float(x))) for x in X])
    np.testing.assert_allclose(polygamma(X, n), exact, rtol=1e-11)


@pytest.mark.parametrize("f", [autograd.lgamma, autograd.digamma])
def test_derivatives_to_order_two_are_right_below_zero(f):
    n = 0 if f is autograd.lgamma else 1
    v = Value(X)
    g = grad(np.sum(f(v)), v, create_graph=True)
    np.testing.assert_allclose(g.data, [float(mpmath.psi(n, x)) for x in X.tolist()], rtol=1e-11)
    second = [float(mpmath.psi(n + 1, x)) for x in X.tolist()]
    np.testing.assert_allclose(grad(np.sum(g), v), second, rtol=1e-11)


def test_poles_are_infinite_where_both_sides_agree():
    poles = np.array([0.0, -0.0, -1.0, -2.0])
    np.testing.assert_array_equal(polygamma(poles, 0), [-np.inf, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(polygamma(poles, 1), np.full(4, np.inf))


def test_the_least_number_below_zero_is_beside_a_pole():
    least = np.array([-5e-324, 5e-324])
    np.testing.assert_array_equal(polygamma(least, 0), [np.inf, -np.inf])
    np.testing.assert_array_equal(polygamma(least, 1), [np.inf, np.inf])


@pytest.mark.parametrize("f", [autograd.erf, autograd.lgamma, autograd.digamma])
def test_float16_stays_float16(f):
    v = Value(np.array([0.5, 1.5], np.float16))
    y = f(v)
    assert y.dtype == grad(np.sum(y), v).dtype == np.float16
