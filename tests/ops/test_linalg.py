import numpy as np
import pytest

from autograd import Value, grad, gradcheck, gradgradcheck
from autograd.ops.algebra.linalg import det, inv, solve

rng = np.random.default_rng(0)
A = rng.normal(size=(2, 3, 3)) + 4 * np.eye(3)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5])
def test_a_matrix_power_equals_numpys(n):
    y = np.linalg.matrix_power(Value(A), n)
    np.testing.assert_allclose(y.data if n else y, np.linalg.matrix_power(A, n))
    assert gradcheck(lambda a: np.linalg.matrix_power(a, n), A)


def test_a_power_that_is_no_integer_is_refused():
    with pytest.raises(TypeError, match="integer"):
        np.linalg.matrix_power(Value(A), 1.5)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (3, 4), (4, 2)],
        [(3,), (3, 4), (4, 2), (2,)],
        [(3,), (3,)],
        [(10, 2), (2, 9), (9, 3), (3, 4)],
    ],
)
def test_multi_dot_equals_numpys(shapes):
    xs = [rng.normal(size=s) for s in shapes]
    y = np.linalg.multi_dot([Value(x) for x in xs])
    np.testing.assert_allclose(y.data, np.linalg.multi_dot(xs))
    assert gradcheck(lambda *vs: np.linalg.multi_dot(vs), *xs)


def test_multi_dot_multiplies_in_the_cheapest_order():
    column, row = Value(np.ones((100, 1))), Value(np.ones((1, 100)))
    y = np.linalg.multi_dot([column, row, column])
    assert y.inputs[0] is column


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 3, 2)])
@pytest.mark.parametrize("a", [A, A[0]], ids=["stack", "matrix"])
def test_solve_equals_numpys_and_is_differentiable_twice(a, shape):
    b = rng.normal(size=shape)
    np.testing.assert_allclose(np.linalg.solve(Value(a), b).data, np.linalg.solve(a, b))
    assert gradcheck(np.linalg.solve, a, b)
    assert gradgradcheck(np.linalg.solve, a, b)


def test_only_a_vector_is_a_vector_to_solve():
    with pytest.raises(ValueError, match="solve"):
        np.linalg.solve(Value(A), np.ones((2, 3)))


def test_slogdet_equals_numpys_and_its_sign_has_no_slope():
    sign, logarithm = np.linalg.slogdet(Value(-A))
    expected = np.linalg.slogdet(-A)
    np.testing.assert_allclose(sign.data, expected.sign)
    np.testing.assert_allclose(logarithm.data, expected.logabsdet)
    v = Value(-A)
    np.testing.assert_array_equal(grad(np.sum(np.linalg.slogdet(v).sign), v), 0)


def test_slogdet_does_not_underflow():
    v = Value(1e-5 * np.eye(100))
    sign, logarithm = np.linalg.slogdet(v)
    assert sign.item() == 1
    np.testing.assert_allclose(grad(logarithm, v), 1e5 * np.eye(100))


@pytest.mark.parametrize("a", [np.ones((3, 3)), np.diag([1.0, 2.0, 0.0]), np.zeros((1, 1))])
def test_the_determinant_of_a_singular_matrix_is_differentiable_twice(a):
    assert gradcheck(np.linalg.det, a)
    assert gradgradcheck(np.linalg.det, a)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 2)])
def test_the_pseudoinverse_is_differentiable_twice(shape):
    a = rng.normal(size=shape)
    assert gradcheck(np.linalg.pinv, a, atol=1e-5)
    assert gradgradcheck(np.linalg.pinv, a, rtol=1e-4, atol=1e-4)


def test_pinv_cuts_off_where_it_is_told_to():
    a = np.diag([1.0, 1e-3])
    np.testing.assert_allclose(
        np.linalg.pinv(Value(a), rtol=1e-2).data, np.linalg.pinv(a, rtol=1e-2)
    )


@pytest.mark.parametrize("shape", [(4,), (4, 2)])
def test_least_squares_equal_numpys(shape):
    a, b = rng.normal(size=(4, 2)), rng.normal(size=shape)
    found, expected = np.linalg.lstsq(Value(a), b), np.linalg.lstsq(a, b)
    for y, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(y.data if isinstance(y, Value) else y, e)
    assert gradcheck(lambda a, b: np.linalg.lstsq(a, b)[:2], a, b)


def test_a_regression_takes_its_design_as_a_plain_array():
    a, b = rng.normal(size=(4, 2)), Value(rng.normal(size=4))
    x, _, rank, _ = np.linalg.lstsq(a, b)
    np.testing.assert_allclose(grad(np.sum(x), b), np.linalg.pinv(a).sum(0))
    assert rank == 2


def test_tensors_are_solved_and_inverted_as_by_numpy():
    a, b = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 3))
    np.testing.assert_allclose(np.linalg.tensorsolve(Value(a), b).data, np.linalg.tensorsolve(a, b))
    np.testing.assert_allclose(np.linalg.tensorinv(Value(a)).data, np.linalg.tensorinv(a))
    assert gradcheck(np.linalg.tensorsolve, a, b, rtol=1e-4)


def test_the_rank_is_a_plain_number():
    assert np.linalg.matrix_rank(Value(np.ones((3, 3)))) == 1


def test_a_singular_matrix_is_an_error_that_names_op_and_shape():
    with pytest.raises(np.linalg.LinAlgError, match=r"inv: Singular matrix.*\(2, 2\)"):
        np.linalg.inv(Value(np.ones((2, 2))))


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.det, np.linalg.pinv])
def test_an_empty_stack_has_an_empty_gradient(f):
    v = Value(np.zeros((0, 3, 3)))
    assert grad(np.sum(f(v)), v).shape == (0, 3, 3)


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.det, np.linalg.pinv])
def test_single_precision_stays(f):
    v = Value(A.astype(np.float32))
    y = f(v)
    assert y.dtype == np.float32
    assert grad(np.sum(y), v).dtype == np.float32


def test_formulas_read_as_in_a_book():
    assert inv.formula(0) == r"-y^\top \bar y y^\top"
    assert det.formula(0) == r"\bar y \, y \, \left(a^{-1}\right)^\top"
    assert r"\bar y" in solve.formula(1)


def test_the_gradient_of_slogdet_of_a_singular_matrix_is_refused_by_name():
    a = Value(np.ones((2, 2)))
    y = np.linalg.slogdet(a)[1]
    assert y.data == -np.inf
    with pytest.raises(np.linalg.LinAlgError, match=r"slogdet: a \(2, 2\) is singular"):
        y.backward()
