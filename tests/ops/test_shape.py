from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, gradcheck


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("function", [np.atleast_1d, np.atleast_2d, np.atleast_3d, np.ravel])
def test_axes_are_added_and_removed_as_by_numpy(function, shape, rng):
    a = rng.normal(size=shape)
    np.testing.assert_array_equal(function(Value(a)).data, function(a))
    assert gradcheck(function, a)


@pytest.mark.parametrize("others", [{}, {"indexing": "ij"}, {"sparse": True}], ids=str)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_meshgrid_is_numpys(n, others, rng):
    xs = [rng.normal(size=k + 2) for k in range(n)]
    grid = np.meshgrid(*map(Value, xs), **others)
    for y, want in zip(grid, np.meshgrid(*xs, **others), strict=True):
        np.testing.assert_array_equal(y.data, want)
    assert gradcheck(lambda *xs: np.meshgrid(*xs, **others), *xs)


def test_broadcast_arrays_gives_all_arrays_one_shape(rng):
    assert gradcheck(np.broadcast_arrays, rng.normal(size=(2, 1)), rng.normal(size=3))


def test_shapes_go_to_methods_as_a_tuple_or_one_by_one():
    x = Value(np.arange(24.0).reshape(2, 3, 4))
    assert x.reshape(4, -1).shape == x.reshape((4, -1)).shape == (4, 6)
    assert x.transpose(2, 0, 1).shape == x.transpose((2, 0, 1)).shape == (4, 2, 3)
    assert x.transpose().shape == x.T.shape == (4, 3, 2)
    assert x.flatten().shape == x.ravel().shape == (24,)


def test_a_cast_gives_the_gradient_the_dtype_of_its_value():
    x = Value([1.0, 2.0])
    y = x.astype(np.float32)
    assert y.dtype == np.float32
    assert grad(np.sum(y**2), x).dtype == np.float64


def test_values_of_two_dtypes_have_second_derivatives():
    a, b = Value(np.float32([1.0, 2.0])), Value([3.0, 4.0])
    ga, gb = grad(np.sum((a * b) ** 2), [a, b], create_graph=True)
    assert (ga.dtype, gb.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(grad(np.sum(ga), a), 2 * b.data**2)


def test_a_cast_to_integers_ends_the_graph():
    assert not Value([1.5]).astype(int).requires_grad


def test_a_shape_that_does_not_fit_is_an_error_with_both_shapes():
    with pytest.raises(ValueError, match=r"reshape: .*size 3 into shape \(2,2\).*\(3,\)"):
        Value(np.ones(3)).reshape(2, 2)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(4, -1), (2, 3, 2), -1, 12])
def test_elements_are_read_in_either_order(order, shape):
    a = np.arange(12.0).reshape(3, 4)
    v, right = Value(a), np.reshape(a, shape, order=order)
    assert np.array_equal(np.reshape(v, shape, order=order).data, right)
    assert np.array_equal(v.reshape(shape, order=order).data, right)
    for flat in (np.ravel(v, order), np.ravel(v, order=order), v.ravel(order), v.flatten(order)):
        assert np.array_equal(flat.data, a.ravel(order))
    weights = np.arange(12.0).reshape(right.shape)
    np.sum(np.reshape(v, shape, order=order) * weights).backward()
    assert np.array_equal(v.grad, np.reshape(weights, (3, 4), order=order))


def test_an_order_of_memory_is_refused_by_name():
    for order in ("A", "K"):
        with pytest.raises(ValueError, match=r"reshape: order must be 'C' or 'F'"):
            np.ravel(Value(np.ones(4)), order=order)


def test_nested_transposes_write_valid_latex():
    from autograd.symbol import Symbol

    assert (
        np.transpose(np.transpose(Symbol("a", np.ones((2, 3))))).tex == r"\left(a^\top\right)^\top"
    )
