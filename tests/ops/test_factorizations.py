import numpy as np
import pytest

import autograd
from autograd import Value, grad, gradcheck, gradgradcheck
from autograd.ops.algebra.factorizations import cholesky_row, eigh

rng = np.random.default_rng(0)
A = rng.normal(size=(2, 3, 3)) + 4 * np.diag([1.0, 2.0, 3.0])
S = A + np.swapaxes(A, -1, -2)


def symmetric(f):
    return lambda a: f(a + np.swapaxes(a, -1, -2))


def parts(y):
    return [p.data for p in y]


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_reads_the_triangle_that_it_returns(upper):
    half = np.triu(S) if upper else np.tril(S)
    y = np.linalg.cholesky(Value(half), upper=upper)
    np.testing.assert_allclose(y.data, np.linalg.cholesky(half, upper=upper))
    assert gradcheck(lambda a: np.linalg.cholesky(a, upper=upper), half)


@pytest.mark.parametrize("f", [np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh])
def test_gradients_pass_through_a_symmetrised_input(f):
    assert gradcheck(symmetric(f), A)
    assert gradgradcheck(symmetric(f), A, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_eigh_reads_one_triangle(UPLO):
    v = Value(A)
    g = grad(np.sum(np.linalg.eigh(v, UPLO)[1]), v)
    other = np.triu if UPLO == "L" else np.tril
    np.testing.assert_array_equal(other(g, 1 if UPLO == "L" else -1), 0)


def test_eigh_returns_numpys_named_tuple():
    y = np.linalg.eigh(Value(S))
    for found, expected in zip(y, np.linalg.eigh(S), strict=True):
        np.testing.assert_allclose(found.data, expected)
    assert y.eigenvalues.shape == (2, 3)


def test_equal_eigenvalues_have_a_gradient():
    v = Value(np.eye(3))
    g = grad(np.sum(np.exp(np.linalg.eigvalsh(v))), v)
    np.testing.assert_allclose(g, np.e * np.eye(3))


def test_an_eigenvector_beside_equal_eigenvalues_has_a_gradient():
    def projection(a):
        v = np.linalg.eigh(a + a.T)[1][:, 2:]
        return v @ v.T

    assert gradcheck(projection, np.diag([1.0, 1.0, 2.0]))


def test_eigenvectors_of_equal_eigenvalues_give_no_number_for_a_gradient():
    def squared(a):
        w, v = np.linalg.eigh(a)
        return np.sum((v * w**2) @ v.T)

    v = Value(np.diag([1.0, 1.0, 2.0]))
    assert np.isnan(grad(squared(v), v)).any()


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_svd_equals_numpys_and_is_differentiable_twice(shape):
    a = rng.normal(size=shape)
    f = lambda a: np.linalg.svd(a, full_matrices=False)  # noqa: E731
    for found, expected in zip(f(Value(a)), f(a), strict=True):
        np.testing.assert_allclose(found.data, expected)
    assert gradcheck(f, a)
    assert gradgradcheck(f, a, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("i", [0, 1, 2])
@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_each_part_of_an_svd_is_differentiable_alone(i, shape):
    a = rng.normal(size=shape)
    assert gradcheck(lambda a: np.linalg.svd(a, full_matrices=False)[i], a)


def test_singular_values_alone_are_differentiable_where_they_repeat():
    v = Value(np.diag([2.0, 2.0, 0.0]))
    g = grad(np.sum(np.linalg.svd(v, compute_uv=False)[:2]), v)
    np.testing.assert_allclose(g, np.diag([1.0, 1.0, 0.0]))


def test_singular_vectors_of_equal_singular_values_give_no_number_for_a_gradient():
    v = Value(2 * np.eye(3))
    u, _, vh = np.linalg.svd(v)
    weights = np.arange(9.0).reshape(3, 3)
    assert np.isnan(grad(np.sum(u * weights) + np.sum(vh), v)).any()


def test_full_svd_of_a_matrix_that_is_not_square_names_the_way_out():
    with pytest.raises(ValueError, match="full_matrices=False"):
        np.linalg.svd(Value(np.ones((3, 2))))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 2, 3)])
@pytest.mark.parametrize("mode", ["reduced", "r"])
def test_qr_equals_numpys_and_is_differentiable_twice(shape, mode):
    a = rng.normal(size=shape)
    found, expected = np.linalg.qr(Value(a), mode), np.linalg.qr(a, mode)
    for y, e in [(found, expected)] if mode == "r" else zip(found, expected, strict=True):
        np.testing.assert_allclose(y.data, e, atol=1e-12)
    assert gradcheck(lambda a: np.linalg.qr(a, mode), a, atol=1e-5)
    assert gradgradcheck(lambda a: np.linalg.qr(a, mode), a, rtol=1e-4, atol=1e-4)


def test_complete_qr_of_a_tall_matrix_is_refused():
    with pytest.raises(ValueError, match="reduced"):
        np.linalg.qr(Value(np.ones((3, 2))), mode="complete")


@pytest.mark.parametrize("f", [np.linalg.cholesky, np.linalg.qr, np.linalg.eigh, np.linalg.svd])
@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 0)])
def test_matrices_that_are_not_there_have_factors_and_gradients(f, shape):
    v = Value(np.zeros(shape))
    y = f(v)
    total = sum(np.sum(p) for p in (y if isinstance(y, tuple) else [y]))
    assert grad(total, v).shape == shape


def test_a_matrix_that_is_not_positive_definite_is_an_error_that_says_so():
    with pytest.raises(np.linalg.LinAlgError, match=r"cholesky.*positive definite.*\(3, 3\)"):
        np.linalg.cholesky(Value(-np.eye(3)))


def test_formulas_name_the_half_lower_triangle_and_the_gaps():
    assert cholesky_row.formula(0).startswith(r"\Phi\left(")
    assert r"{y_{0}}_j - {y_{0}}_i" in eigh.formula(0)


def of_eigenvalues(f):
    """V f(w) Vᵀ of the symmetric part."""

    def function(a):
        w, v = np.linalg.eigh((a + a.T) / 2)
        return (v * f(w)) @ v.T

    return function


@pytest.mark.parametrize("f", [np.log, np.exp, np.sqrt])
def test_a_function_of_equal_eigenvalues_has_no_number_rather_than_a_wrong_one(f):
    rows = autograd.jacobian(of_eigenvalues(f))(np.eye(2))
    assert np.isnan(rows).all()
    tangent = autograd.jvp(of_eigenvalues(f))(np.eye(2))[1](np.array([[1.0, 2.0], [2.0, 3.0]]))
    assert np.isnan(tangent).all()


def test_selected_eigenpairs_beside_equal_ones_have_a_gradient():
    def top(a):
        w, v = np.linalg.eigh((a + a.T) / 2)
        return (v[:, 2:] * np.sqrt(w[2:])) @ v[:, 2:].T

    assert gradcheck(top, np.diag([0.0, 0.0, 2.0]))


def test_selected_singular_vectors_of_a_matrix_of_low_rank_have_a_gradient():
    def best(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return (u[:, :1] * s[:1]) @ vh[:1]

    assert gradcheck(best, np.outer([1.0, 2.0, 3.0, 4.0], [1.0, 0.5, 2.0]))


def test_the_polar_factor_of_equal_singular_values_has_no_number_for_a_gradient():
    def polar(a):
        u, _, vh = np.linalg.svd(a)
        return u @ vh

    assert np.isnan(autograd.jacobian(polar)(np.eye(2))).all()
    assert gradcheck(polar, np.array([[2.0, 1.0], [0.0, 1.0]]))


def test_qr_of_dependent_columns_refuses_its_gradient_by_name():
    a = Value(np.zeros((3, 2)))
    with pytest.raises(np.linalg.LinAlgError, match=r"qr: the columns of a"):
        np.sum(np.linalg.qr(a)[0]).backward()
