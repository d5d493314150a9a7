import numpy as np
import pytest

import autograd
from autograd import Value, grad, gradcheck, gradgradcheck

rng = np.random.default_rng(0)
X = rng.normal(size=(2, 3, 2))


def slope(f, x):
    v = Value(x)
    return grad(np.sum(f(v)), v, create_graph=True), v


@pytest.mark.parametrize("ord", [None, 0, 1, 2, 3, 1.5, -1, -2, np.inf, -np.inf])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_vector_norm_equals_numpys(ord, keepdims):
    y = np.linalg.norm(Value(X), ord, 1, keepdims)
    y = y.data if isinstance(y, Value) else y
    np.testing.assert_allclose(y, np.linalg.norm(X, ord, 1, keepdims))


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [(0, 1), (-1, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_matrix_norm_equals_numpys_and_is_differentiable_twice(ord, axis, keepdims):
    y = np.linalg.norm(Value(X), ord, axis, keepdims)
    np.testing.assert_allclose(y.data, np.linalg.norm(X, ord, axis, keepdims))
    f = lambda x: np.linalg.norm(x, ord, axis, keepdims)  # noqa: E731
    assert gradcheck(f, X)
    assert gradgradcheck(f, X, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norm_equals_numpys(ord):
    y = np.linalg.matrix_norm(Value(X), ord=ord, keepdims=True)
    np.testing.assert_allclose(y.data, np.linalg.matrix_norm(X, ord=ord, keepdims=True))


@pytest.mark.parametrize("axis", [None, 0, (0, 2)])
def test_vector_norm_takes_any_number_of_axes(axis):
    y = np.linalg.vector_norm(Value(X), axis=axis, ord=3)
    np.testing.assert_allclose(y.data, np.linalg.vector_norm(X, axis=axis, ord=3))


@pytest.mark.parametrize("ord", [1, 2, 3, 1.5, 0.5, np.inf, -np.inf])
def test_at_the_zero_vector_a_norm_has_gradients_of_zero_to_order_two(ord):
    g, v = slope(lambda x: np.linalg.norm(x, ord), np.zeros(3))
    np.testing.assert_array_equal(g.data, 0)
    if g.requires_grad:
        np.testing.assert_array_equal(grad(np.sum(g), v, allow_unused=True), np.zeros(3))


@pytest.mark.parametrize("ord", [2, 3, 1.5, 0.5])
def test_a_zero_beside_other_numbers_keeps_derivatives_finite(ord):
    g, v = slope(lambda x: np.linalg.norm(x, ord), np.array([0.0, 3.0, 4.0]))
    assert np.isfinite(g.data).all()
    assert np.isfinite(grad(np.sum(g), v)).all()


def test_elements_that_tie_for_the_largest_share_the_gradient():
    g, _ = slope(lambda x: np.linalg.norm(x, np.inf), np.array([2.0, -2.0, 1.0]))
    np.testing.assert_array_equal(g.data, [0.5, -0.5, 0])


def test_a_single_number_has_a_norm():
    x = Value(-3.0)
    np.linalg.norm(x).backward()
    assert x.grad == -1


@pytest.mark.parametrize(
    ("shape", "ord", "axis"),
    [((3,), "fro", None), ((2, 3), 3, None), ((2, 3, 2), 2, None), ((), None, (0, 1))],
)
def test_what_is_no_norm_is_refused(shape, ord, axis):
    with pytest.raises(ValueError, match="norm"):
        np.linalg.norm(Value(np.ones(shape)), ord, axis)


@pytest.mark.parametrize("p", [None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc"])
def test_the_condition_number_equals_numpys(p):
    a = X[:, :2] + 3 * np.eye(2)
    np.testing.assert_allclose(np.linalg.cond(Value(a), p).data, np.linalg.cond(a, p))
    assert gradcheck(lambda a: np.linalg.cond(a, p), a)


@pytest.mark.parametrize(
    ("x", "value", "expected"),
    [
        ([1e20, 1, 1], 1e20, [1, 1e-20, 1e-20]),
        ([1e-30, 1e-30], 2**0.5 * 1e-30, [0.5**0.5, 0.5**0.5]),
    ],
)
def test_a_norm_of_what_has_no_squares_in_float32(x, value, expected):
    v = Value(np.array(x, np.float32))
    y = np.linalg.norm(v)
    np.testing.assert_allclose(y.data, value, rtol=1e-6)
    np.testing.assert_allclose(grad(y, v), expected, rtol=1e-6)


@pytest.mark.parametrize("ord", [1, 2, 3, 1.5, -1, -2])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
def test_a_norm_of_float16_does_not_leave_its_range_on_the_way(ord, scale):
    a = (np.array([1.0, 2.0, 4.0]) * scale).astype(np.float16)
    v, exact = Value(a), Value(a.astype(np.float64))
    y, right = np.linalg.norm(v, ord), np.linalg.norm(exact, ord)
    np.testing.assert_allclose(y.data, np.linalg.norm(a.astype(np.float64), ord), rtol=1e-3)
    np.testing.assert_allclose(grad(y, v), grad(right, exact), rtol=1e-2)


@pytest.mark.parametrize("ord", [2, 3])
def test_a_squared_norm_at_the_origin_has_no_wrong_curvature(ord):
    curve = autograd.hessian(lambda x: np.linalg.norm(x, ord) ** 2)(np.zeros(2))
    assert np.isnan(np.diag(curve)).all()


def test_a_gradient_penalty_away_from_the_origin_is_right():
    def penalty(x):
        return np.sum((np.linalg.norm(x, axis=1) - 1) ** 2)

    assert gradgradcheck(penalty, rng.normal(size=(3, 2)), rtol=1e-4, atol=1e-5)


def test_a_largest_element_that_is_nan_has_no_number_for_a_gradient():
    v = Value([np.nan, 1.0])
    np.testing.assert_array_equal(grad(np.linalg.norm(v, np.inf), v), [np.nan, 0])
