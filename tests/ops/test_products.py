import numpy as np
import pytest

from autograd import Value, grad, gradcheck, gradgradcheck

rng = np.random.default_rng(0)


def sample(*shape):
    return np.asarray(rng.normal(size=shape))


SHAPES = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 3), (2, 3)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 2)),
]


@pytest.mark.parametrize("product", [np.dot, np.inner, np.vdot, np.outer, np.kron, np.matmul])
@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_a_product_accepts_and_refuses_what_numpys_does(product, left, right):
    a, b = sample(*left), sample(*right)
    try:
        expected = product(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="Inputs"):
            product(Value(a), b)
        return
    y = product(Value(a), b)
    np.testing.assert_allclose(y.data, expected)
    assert y.shape == np.shape(expected)


@pytest.mark.parametrize("product", [np.dot, np.inner, np.vdot, np.outer, np.kron])
def test_composed_products_are_differentiable_twice(product):
    a, b = sample(2, 3), sample(3, 2) if product is np.dot else sample(2, 3)
    assert gradcheck(product, a, b)
    assert gradgradcheck(product, a, b)


@pytest.mark.parametrize(
    ("product", "left", "right"),
    [
        (np.matvec, (4, 2, 3), (3,)),
        (np.vecmat, (4, 3), (3, 2)),
        (np.vecdot, (4, 1, 3), (2, 3)),
        (np.linalg.matmul, (2, 3), (3, 2)),
        (np.linalg.outer, (2,), (3,)),
        (np.linalg.cross, (2, 3), (3,)),
        (np.linalg.vecdot, (2, 3), (3,)),
        (np.linalg.tensordot, (2, 3), (2, 3)),
    ],
)
def test_aliases_equal_numpys(product, left, right):
    a, b = sample(*left), sample(*right)
    np.testing.assert_allclose(product(Value(a), b).data, product(a, b))
    assert gradcheck(product, a, b)


def test_dot_and_trace_are_methods():
    a, b = sample(2, 3), sample(3, 2)
    np.testing.assert_allclose(Value(a).dot(b).trace().data, np.trace(a @ b))


def test_a_batch_with_no_elements_has_a_gradient_of_zeros():
    a, w = Value(np.zeros((0, 2, 3))), Value(sample(3, 4))
    ga, gw = grad(np.sum(a @ w), [a, w])
    assert ga.shape == (0, 2, 3)
    np.testing.assert_array_equal(gw, np.zeros((3, 4)))


def test_a_product_over_an_empty_axis_has_an_empty_gradient():
    a, w = Value(np.zeros((2, 2, 0))), Value(np.zeros((0, 4)))
    ga, gw = grad(np.sum(a @ w), [a, w])
    assert ga.shape == (2, 2, 0)
    assert gw.shape == (0, 4)


def test_the_trace_of_the_last_axes_is_linalgs():
    a = sample(2, 3, 3)
    np.testing.assert_allclose(
        np.linalg.trace(Value(a), offset=1).data, np.linalg.trace(a, offset=1)
    )


def test_cross_takes_vectors_of_three_components():
    with pytest.raises(ValueError, match="3 components"):
        np.cross(Value(sample(2)), sample(2))


def test_cross_broadcasts_vectors_that_lie_along_another_axis():
    a, b = sample(3, 5), sample(2, 5, 3)
    f = lambda a, b: np.cross(a, b, axisa=0)  # noqa: E731
    np.testing.assert_allclose(f(Value(a), b).data, f(a, b))
    assert gradcheck(f, a, b)


def test_an_argument_that_is_not_supported_is_named():
    with pytest.raises(TypeError, match="dtype"):
        np.trace(Value(sample(2, 2)), dtype=np.float32)


def test_formulas_read_as_in_a_book():
    from autograd.ops.algebra.products import matmul, trace

    assert [matmul.formula(0), matmul.formula(1)] == [r"\bar y b^\top", r"a^\top \bar y"]
    assert trace.formula(0) == r"\bar y \, I"
